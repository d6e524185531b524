"""Results: everything measured in one comparison, as a document that outlives it.

The only bridge between running and reporting. Later versions only add optional keys, so that files
of every version keep loading. Its history, version 1 throughout:

    2026-11-22  workload, plan, environment, cluster, trials, advisories, status, problem; then
                omitted, workload.agree, environment.{busy_share, core_s, blas_threads},
                trials.{driver_cpu_s, switches, placement.core_s}
    2026-11-26  calibration, cluster.{open, nodes.head}, trials.{deaths, timeline}; then
                trials.deaths.unheard_s, gates, tried, environment.travel
    2026-11-27  trials.{sample, made, elsewhere_share, preemptions}, environment.runtime_env,
                workload.returns, trials.{aside_s, returned}; then cluster.nodes.{cores, labels,
                resources_free}, tried.load_s, chosen, trials.process_s
    2026-11-28  gates.name, workload.close, environment.package_version
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from job.errors import FileError
from job.words import computation, count, shorten, spelled

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_STATES = 1_000  # kept one by one; of all, the digest is kept
MOST_CHARACTERS = 1_000  # of one kept state

Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]
Kind = Literal["embedded", "connected", "job"]
BY_VALUE: Literal["by value"] = "by value"
Travel = Literal["by reference", "as py_modules", "by value"]
Because = Literal["", "the calls wait", "the CPUs are fewer cores", "there is little to do"]
Status = Literal["running", "complete", "interrupted", "failed", "disagree"]


class Record(BaseModel):
    """A part of a document, in which later versions may have further keys."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Computed(Record):
    """What was computed, as `Workload` wrote it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    target: str
    instances: Annotated[int, Field(ge=1)]
    calls: tuple[str, ...]
    read: str | None = None
    agree: str | dict[str, Any] = "exact"
    returns: str = "drop"
    close: str | None = None

    def __str__(self) -> str:
        """Say it in one line, as `Workload` does."""
        return computation(
            self.instances, self.target, self.calls, self.read, self.returns, self.close
        )


class Node(Record):
    """One node of the cluster; memory in bytes."""

    node_id: str
    address: str
    host: str
    cpus: float
    memory_bytes: float = 0
    cpus_free: float = 0
    cores: float | None = None  # of its machine, its share where there are more nodes; if known
    resources: dict[str, float] = {}
    resources_free: dict[str, float] = {}
    labels: dict[str, str] = {}
    head: bool = False

    @property
    def name(self) -> str:
        """How a sentence names it."""
        return self.host if self.host == self.address else f"{self.host} ({self.address})"

    @property
    def real_cpus(self) -> float:
        """How many of its CPUs can compute at once, where it declares more than it has cores."""
        return min(self.cpus, self.cores or self.cpus)


class Cluster(Record):
    """The cluster as it was when the comparison began."""

    kind: Kind
    address: str
    ray_version: str
    nodes: tuple[Node, ...]
    open: bool | None = None  # lets in whoever comes

    @property
    def cpus(self) -> float:
        """All CPUs of all nodes."""
        return sum(node.cpus for node in self.nodes)

    @property
    def cores(self) -> float:
        """How many of them can compute at once."""
        return sum(node.real_cpus for node in self.nodes)

    @property
    def cpus_held(self) -> float:
        """Those of them that others held; 0 for what is only Ray's own rounding."""
        held = self.cpus - sum(node.cpus_free for node in self.nodes)
        return held if held >= 0.01 else 0.0  # noqa: PLR2004


class Environment(Record):
    """What the driver ran on."""

    python_version: str
    platform: str
    driver_address: str
    started_at: str
    busy_share: float | None = None  # of its CPUs, before anything began
    core_s: float | None = None  # what a fixed piece of Python took, at its least disturbed
    blas_threads: int | None = None  # that numpy may use; None where it has nothing to do with it
    memory_bytes: float | None = None  # of the driver's machine
    travel: Travel = "by reference"  # how the target came to the workers
    runtime_env: tuple[str, ...] | None = None  # of what kinds it is; None where nobody knows
    package_version: str | None = None  # of this package


class NodeShare(Record):
    """What of a trial ran on one node."""

    node_id: str
    address: str
    host: str
    actors: Count
    processes: tuple[int, ...] = ()
    calls: Count = 0
    busy_s: Seconds = 0.0
    core_s: float | None = None  # what a fixed piece of Python took there


class Stretch(Record):
    """Calls of one actor that were answered together, in seconds after the work phase began."""

    actor: Count  # counted from 0 in the order of the instances
    node_id: str
    since_s: Seconds  # when the first was sent, or the one before was answered
    until_s: Seconds  # when the driver had the last answer
    calls: Count


class Loss(Record):
    """An actor's death, as the driver saw it; times in seconds after the work phase began."""

    actor: Count  # counted from 0 in the order of the instances
    incarnation: Annotated[int, Field(ge=1)]
    address: str  # the node it was on; empty where it died before that was known
    cause: str  # how it ended, in Ray's words or ours
    since_s: Seconds  # when the driver knew of it, or had it killed; 0 if it died before
    resumed_s: Seconds | None = None  # until the next incarnation answered a call; None if never
    replayed_calls: Count = 0  # answered, and applied again
    unheard_s: Seconds | None = None  # by how much it may have died earlier; None if it was killed


class Sample(Record):
    """What the calls of single instances took by the clock, in seconds."""

    numbers: tuple[Count, ...]  # of the instances, ascending
    each_s: tuple[Seconds, ...]
    together_s: Seconds = 0.0  # what all instances had taken before, as the loop ran them by turns


class Facts(Record):
    """What a strategy knows of a trial just done, besides its phases."""

    cpu_s: Seconds  # of the calls
    calls: Count
    instances: Annotated[int, Field(ge=1)]  # that were carried to their end
    actors: Count  # 0 where there are none
    at_once: Annotated[int, Field(ge=1)]  # how many calls could run at once
    cpus: Annotated[float, Field(ge=0)]  # on how many CPUs
    switches: Count | None = None  # how often a call waited (`metering.voluntary_switches`)
    preemptions: Count | None = None  # how often the serial loop was made to give up its CPU
    # Of `cpu_s`, in threads and child processes of the target's own; None: they were not counted.
    elsewhere_share: Annotated[float, Field(ge=0, le=1)] | None = None
    slowest_s: Seconds | None = None  # the slowest instance's wall time, where it was measured
    driver_cpu_s: Seconds | None = None  # what the driver spent on sending the calls
    aside_s: Seconds = 0.0  # for which the work stood still, to digest what calls returned
    settings: dict[str, int | float | str] = {}  # the knobs
    placement: tuple[NodeShare, ...] = ()
    deaths: tuple[Loss, ...] = ()
    timeline: tuple[Stretch, ...] = ()
    sample: Sample | None = None  # of a serial loop that ran no others; of actors, the same ones
    made: Count | None = None  # instances, where more were made than carried to their end
    memory_bytes: float | None = None  # that all its processes held, each at its peak
    processes: Count = 0  # on the driver's machine, that hosted a shard each
    process_s: Seconds = 0.0  # of the startup, what the serial loop's own actor took to be there

    @property
    def shards(self) -> int:
        """How many processes made calls beside each other."""
        return self.actors or self.processes or 1


class Trial(Facts):
    """One complete execution of the workload under one strategy; times in seconds.

    Where `instances` is less than the workload's, the times are those of all instances, estimated
    from so many.
    """

    strategy: str
    index: Count
    warmup: bool
    startup_s: Seconds
    work_s: Seconds
    read_s: Seconds
    elapsed_s: Seconds
    states: tuple[str, ...]
    digest: str
    returned: str = ""  # the digest of what calls returned, where that was brought
    losses: Count = 0
    replayed_calls: Count = 0
    estimated: bool = False

    @property
    def numbers(self) -> Sequence[int]:
        """The numbers of the instances that were carried to their end."""
        return self.sample.numbers if self.estimated and self.sample else range(self.instances)

    @property
    def workers(self) -> int:
        """How many actors, processes or, of `threads`, threads made calls; 0 for the loop alone."""
        return self.actors or int(self.settings.get("workers", 0))

    @property
    def threads(self) -> int:
        """How many instances of one shard could be called at once."""
        return int(self.settings.get("threads_per_shard", 1))


class Calibration(Record):
    """What a call costs that does nothing, in seconds."""

    loop_s: Seconds  # in the serial loop
    inside_s: Seconds  # in a shard, where many calls share a remote call
    send_s: Seconds  # as a remote call of its own, of those sent as fast as the driver can
    actors: Count  # to how many they were sent
    calls: Count  # how many were sent
    elapsed_s: Seconds  # what all of this took


class Judged(Record):
    """Whether a gate was met, and by what."""

    met: bool
    text: str
    name: str = ""  # the same whatever is measured

    def __str__(self) -> str:
        """Return it in one line."""
        return f"{'✓' if self.met else '✗'} {self.text}"


class TimedCalls(NamedTuple):
    """What some calls of one kind took in the try-out; times in seconds."""

    calls: int
    wall_s: float
    cpu_s: float
    switches: int


class Chosen(Record):
    """How many shards `auto` came to, and what the cost model says of that; times in seconds."""

    shards: Count
    elapsed_s: Seconds
    most: Count  # one for each free CPU, or unit of what is scarcer, or instance
    most_elapsed_s: Seconds
    most_startup_s: Seconds
    because: Because = ""

    def __str__(self) -> str:
        """Say it in a sentence."""
        if not self.because:
            return f"{count(self.shards, 'actor')}, the most that --shards auto takes."
        return (
            f"{count(self.shards, 'actor')} of at most {self.most:,}, as {self.because}: by the "
            f"cost model they take {spelled(self.elapsed_s)}, and {self.most:,} would take "
            f"{spelled(self.most_elapsed_s)}, {spelled(self.most_startup_s)} of it to start."
        )


class Tried(Record):
    """What the try-out found, before anything was measured."""

    calls: tuple[TimedCalls, ...] = ()  # of each kind, in the order of the workload's
    returned_bytes: tuple[int, ...] = ()  # what each returned, as it is sent
    unchanged: bool = False  # the calls left an instance's state as it was
    load_s: Seconds = 0.0  # of CPU, to import the target and make the first instance
    held_bytes: float = 0.0  # of memory, what the target, an instance and its calls took
    instance_bytes: float = 0.0  # what a further one took
    shared: tuple[str, ...] = ()  # the class attributes and module globals that calls changed
    blas_threads: int | None = None  # as in the environment

    @property
    def calls_s(self) -> tuple[float, ...]:
        """What a call of each kind took by the clock; empty where one was not timed."""
        if not all(each.calls for each in self.calls):
            return ()
        return tuple(each.wall_s / each.calls for each in self.calls)


class Results(Record):
    """The document."""

    schema_version: Literal[1] = 1
    workload: Computed
    plan: dict[str, Any]
    environment: Environment
    cluster: Cluster
    trials: tuple[Trial, ...] = ()
    omitted: dict[str, str] = {}
    advisories: tuple[str, ...] = ()
    status: Status = "running"
    problem: str = ""
    calibration: Calibration | None = None
    tried: Tried | None = None
    chosen: Chosen | None = None  # where the number of shards was left to us
    gates: tuple[Judged, ...] = ()

    @property
    def compares_returns(self) -> bool:
        """Whether what calls return is brought and compared, and there is something to compare."""
        compared = self.workload.returns == "bring" and "none" not in self.workload.agree
        return compared and (self.tried is None or any(self.tried.returned_bytes))

    def counted(self) -> dict[str, list[Trial]]:
        """Return the trials that are no warm-ups, by strategy, in the order they were run."""
        trials: dict[str, list[Trial]] = {}
        for trial in self.trials:
            if not trial.warmup:
                trials.setdefault(trial.strategy, []).append(trial)
        return trials

    def analysed(self) -> dict[str, list[Trial]]:
        """Return those of them without losses and on as many CPUs as the first, else all.

        A node that was lost is missing from then on.
        """
        return {
            name: [t for t in trials if not t.losses and t.cpus >= trials[0].cpus] or trials
            for name, trials in self.counted().items()
        }

    def as_line(self) -> str:
        """Return the document as JSON in one line of ASCII characters."""
        return json.dumps(self.model_dump(mode="json"), separators=(",", ":"))

    def with_(self, **changes: Any) -> Results:  # noqa: ANN401 - any of the keys above
        """Return the document with some keys changed."""
        return self.model_copy(update=changes)


def keepable(states: list[str]) -> tuple[str, ...]:
    """Return the states that are kept one by one, each cut to what a reader can use."""
    return tuple(shorten(state, MOST_CHARACTERS) for state in states[:MOST_STATES])


def parse(text: str | bytes, place: str) -> Results:
    """Return the document of a text; FileError where it is cut short, or something else."""
    try:
        return Results.model_validate_json(text)
    except ValidationError as error:
        first, *_ = errors = error.errors()
        versions = [each["input"] for each in errors if each["loc"] == ("schema_version",)]
        if versions and isinstance(versions[0], int) and versions[0] > 1:
            said = f"its schema_version is {versions[0]}, and this version of the program reads 1"
            message = f"{place}: it was written by a later version of this program ({said})"
            raise FileError(message, "Read it with that version, or update this one.") from None
        where = ".".join(map(str, first["loc"]))
        reason = f"{where}: {first['msg']}" if where else first["msg"]
        message = f"{place}: not a complete results document ({reason})"
        hint = "Name a file that `--output` wrote; it may be cut short."
        raise FileError(message, hint) from None
