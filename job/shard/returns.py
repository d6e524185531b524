"""What calls return, where it is to be brought: written where they run, digested on the driver.

It counts as one more state of an instance: the list of what its calls returned, in their order. So
that values of any number and size can be compared, the driver keeps no more of them than a digest
of each instance's, or what a tolerance needs; those that came are held until the clock is stopped
to digest them. By value it travels to workers that cannot import `job`.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from job.errors import StateError
from job.shard.loops import Rounds
from job.shard.states import canonical
from job.words import first_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from job.shard.recipe import Recipe

    # Of instances that had so many calls before: what the next ones returned, instance by instance.
    Piece: TypeAlias = tuple[Sequence[int], int, list[Any]]

HELD_BYTES = 128 * 2**20  # that the driver holds, and that may be under way besides
ANSWER_BYTES = 16 * 2**20  # after which an automatic batch ends
SLICE_BYTES = 2**20  # of a serial round: the loop's next large value finds the last one's memory
EACH_BYTES = 64  # of any value, for what holds it
LARGE = 64 * 2**10  # bytes, from which on a copy is worth avoiding
LONG_S = 0.001  # of digesting, beside which reading the CPU time is little
DEEPEST, GROWTH = 3, 4
SCALARS = (type(None), bool, int, float, complex, str)  # which no later call can change
CONTAINERS = (list, tuple, set, frozenset, dict)
SURROGATES = "surrogatepass"  # a text may have them, and UTF-8 has none
REMEDY = "Leave out --returns bring, or have the calls return plain data."


class Values:
    """What a lane's calls return until it is sent: as it was then, whatever later calls change.

    Attributes:
        keep: Takes what one call returned.
    """

    def __init__(self, dump: Callable[[object], bytes] | None, most_bytes: int = 0) -> None:
        """Write values, by `dump` where pickle cannot, `most_bytes` of them in an automatic batch.

        With 0 they are kept as they are: each is sent before the next call is made.
        """
        self._dump, self._most_bytes = dump, most_bytes
        self._fresh: list[Any] = []
        self._pieces: list[Piece] = []
        self._bytes = self._count = 0
        self.keep: Callable[[Any], None] = self._write if most_bytes else self._fresh.append

    @property
    def is_full(self) -> bool:
        """Whether an automatic batch is to end."""
        return self._bytes >= self._most_bytes

    @property
    def pace(self) -> int:
        """How many calls may be made before it is looked again."""
        return max(1, self._most_bytes * self._count // max(1, self._bytes))

    def close(self, numbers: Sequence[int], position: int) -> None:
        """Say that what was kept since is of those instances, which had so many calls before."""
        self._pieces.append((numbers, position, self._fresh[:]))
        self._fresh.clear()

    def take(self) -> tuple[int, list[Piece]]:
        """Hand out all pieces, and say about how many bytes they have."""
        taken = self._bytes, self._pieces
        self._pieces, self._bytes, self._count = [], 0, 0
        return taken

    def _write(self, value: Any) -> None:  # noqa: ANN401 - any value at all
        if type(value) not in SCALARS:
            value = written(value, self._dump)
        self._count += 1
        self._bytes += EACH_BYTES + (len(value) if isinstance(value, bytes | str) else 0)
        large = isinstance(value, bytes) and len(value) > LARGE
        self._fresh.append(pickle.PickleBuffer(value) if large else value)


def written(value: object, dump: Callable[[object], bytes] | None) -> bytes:
    """Return a value in bytes, by `dump` where pickle cannot.

    Raises:
        StateError: Neither can.
    """
    try:
        return pickle.dumps(value, protocol=5)
    except Exception as error:
        reason = first_words(error)
    try:
        if dump:
            return bytes(dump(value))
    except Exception as error:
        reason = first_words(error)
    raise StateError(f"what it returns cannot be brought to the driver: {reason}", REMEDY)


class Aside(NamedTuple):
    """What digesting took while the clock stood still; times in seconds."""

    wall_s: float = 0.0
    cpu_s: float = 0.0


@dataclass(slots=True)
class Digested:
    """What the calls of one instance returned: how many, the digest of all, their texts' size."""

    calls: int = 0
    chain: bytes = b""
    size: int = 0
    texts: bytearray = field(default_factory=bytearray)  # where they are to be compared whole


class Returns:
    """What the calls of one trial returned, as the driver has it."""

    def __init__(self, recipe: Recipe, usual_bytes: int = 0) -> None:
        """Begin with nothing; objects that do not tell their size are taken for `usual_bytes`."""
        self._whole = 0 if recipe.exact else recipe.state_limit
        self._usual_bytes = usual_bytes
        self._held: list[tuple[Piece, bool]] = []
        self._bytes, self._slice = 0, 1
        self._aside_s = self._cpu_s = self._last_s = 0.0
        self._digested: defaultdict[int, Digested] = defaultdict(Digested)  # by instance

    @property
    def aside(self) -> Aside:
        """What digesting took so far."""
        return Aside(self._aside_s, self._cpu_s)

    @property
    def is_full(self) -> bool:
        """Whether so much is held that it is to be digested."""
        return self._bytes >= HELD_BYTES

    def hold_value(self, number: int, position: int, value: object) -> int:
        """Hold what a remote call returned that was one call; return 1."""
        self._bytes += rough_bytes(value, self._usual_bytes)
        self._held.append((((number,), position, [value]), False))
        return 1

    def hold_batch(self, answer: tuple[int, int, list[Piece]]) -> int:
        """Hold what a remote call returned that was a batch; return how many calls that held."""
        calls, size, pieces = answer
        self._held += ((piece, True) for piece in pieces)
        self._bytes += size
        return calls

    def digest(self) -> None:
        """Digest what is held, and drop it; calls that are made again count once."""
        since, cpu = time.perf_counter(), time.thread_time()
        held, self._held, self._bytes = self._held[::-1], [], 0
        while held:  # each is dropped once it is digested
            (numbers, position, values), is_written = held.pop()
            self._take(numbers, position, values, is_written=is_written)
        self._add_up(since, cpu)

    def rounds(self, before: int) -> Rounds:
        """Return what takes the values of serial rounds of calls, `before` of others were made."""
        return Rounds(self._slices, partial(self._take_round, before))

    def texts(self, numbers: Sequence[int]) -> list[str]:
        """Return what stands for all that the calls of each of these instances returned."""
        return [self._text(number) for number in numbers]

    def _text(self, number: int) -> str:
        of = self._digested[number]
        if self._whole and of.size <= self._whole:
            return f"[{of.texts[2:].decode(errors=SURROGATES)}]"
        return f"<blake2b {of.chain.hex() or 0}, {of.size} bytes>"

    def _slices(
        self, instances: Sequence[object], numbers: Sequence[int]
    ) -> Iterator[tuple[Sequence[object], Sequence[int]]]:
        """Deal instances out, so many that what their calls return is not too much to hold."""
        start = 0
        while start < len(instances):
            end = start + self._slice
            whole = start == 0 and end >= len(instances)
            yield (instances, numbers) if whole else (instances[start:end], numbers[start:end])
            start = end

    def _take_round(
        self, before: int, numbers: Sequence[int], repetition: int, values: list[Any]
    ) -> None:
        since = time.perf_counter()
        cpu = time.thread_time() if self._last_s > LONG_S else None
        self._take(numbers, before + repetition, values, is_written=False)
        each = rough_bytes(values[0], self._usual_bytes)
        self._slice = max(1, min(GROWTH * len(values), SLICE_BYTES // each))
        self._add_up(since, cpu)

    def _add_up(self, since: float, cpu: float | None) -> None:
        """Add up what digesting took; it computes all the time, unless something else ran."""
        wall_s = time.perf_counter() - since
        if cpu is not None:
            self._cpu_s += time.thread_time() - cpu
        else:
            self._cpu_s += wall_s if wall_s <= LONG_S else self._last_s
        self._aside_s += wall_s
        self._last_s = wall_s

    def _take(
        self, numbers: Sequence[int], position: int, values: list[Any], *, is_written: bool
    ) -> None:
        times = len(values) // len(numbers)
        for index, number in enumerate(numbers):
            of = self._digested[number]
            for turn in range(max(0, of.calls - position), times):  # others came before a loss
                value = values[index * times + turn]
                try:
                    if is_written and type(value) not in SCALARS:
                        value = pickle.loads(value)  # noqa: S301 - an actor of ours wrote it
                    self._add(of, value)
                except Exception as error:
                    raise _told(number, position + turn, error) from None
            of.calls = max(of.calls, position + times)

    def _add(self, of: Digested, value: Any) -> None:  # noqa: ANN401 - any value at all
        if type(value) is bytes and not self._whole:  # whose text takes ten times as long
            kind, data = b"\0bytes", value
        else:
            kind, data = b"", canonical(value, whole=self._whole).encode(errors=SURROGATES)
        blake = hashlib.blake2b(of.chain + kind, digest_size=16)
        blake.update(data)
        of.chain = blake.digest()
        of.size += len(data)
        if 0 < of.size <= self._whole:
            of.texts += b", " + data
        else:
            of.texts.clear()


def rough_bytes(value: Any, usual_bytes: int, deep: int = DEEPEST) -> int:  # noqa: ANN401 - any
    """Return about what a value takes; a container's parts are taken to be like one of them."""
    if isinstance(value, pickle.PickleBuffer | memoryview):
        return EACH_BYTES + memoryview(value).nbytes
    try:
        size = sys.getsizeof(value)
        if isinstance(value, CONTAINERS):
            parts = value.values() if isinstance(value, dict) else value
            one = next(iter(parts), None) if deep else None
            return size + len(value) * (rough_bytes(one, usual_bytes, deep - 1) if value else 0)
        if isinstance(value, SCALARS) or type(value) is bytes:
            return EACH_BYTES + size
        held = getattr(value, "nbytes", None)
        return EACH_BYTES + size + (held if isinstance(held, int) else usual_bytes)
    except Exception:  # of a class's own
        return EACH_BYTES + usual_bytes


def check_value(value: object, dump: Callable[[object], bytes] | None) -> None:
    """Raise a StateError where what a call returned cannot be brought, or not be compared."""
    data = written(value, dump)
    try:
        sent = pickle.loads(data)  # noqa: S301 - just written
    except Exception as error:
        message = f"what it returns cannot be read on the driver: {first_words(error)}"
        raise StateError(message, REMEDY) from None
    try:
        alike = canonical(value) == canonical(sent)
    except StateError as error:
        raise StateError(f"what it returns: {error.message}", REMEDY) from None
    if not alike:  # as bytes are that a memoryview comes as
        kinds = f"a {type(value).__name__} comes as a {type(sent).__name__}"
        raise StateError(f"what it returns is another value once it was sent: {kinds}", REMEDY)


def _told(number: int, position: int, error: Exception) -> StateError:
    where = f"instance {number:,}, call {position + 1:,}, what it returned"
    message = (
        error.message if isinstance(error, StateError) else f"cannot be read: {first_words(error)}"
    )
    return StateError(f"{where}: {message}", REMEDY)
