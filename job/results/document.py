"""Results: everything measured in one comparison, as a document that outlives it.

The only bridge between running and reporting. Later versions only add optional keys, so that files
of every version keep loading. Its history, version 1 throughout:

    2026-11-22  workload, plan, environment, cluster, trials, advisories, status, problem; then
                omitted, workload.agree, environment.{busy_share, core_s, blas_threads},
                trials.{driver_cpu_s, switches, placement.core_s}
    2026-11-26  calibration, cluster.{open, nodes.head}, trials.{deaths, timeline}; then
                trials.deaths.unheard_s, gates, tried, environment.travel
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from job.errors import FileError
from job.words import shorten

MOST_STATES = 1_000  # kept one by one; of all, the digest is kept
MOST_CHARACTERS = 1_000  # of one kept state

Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]
Kind = Literal["embedded", "connected", "job"]
BY_VALUE: Literal["by value"] = "by value"
Travel = Literal["by reference", "as py_modules", "by value"]
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

    def __str__(self) -> str:
        """Say it in one line, as `Workload` does."""
        calls = ", ".join(self.calls) or "no calls"
        read = f", then {self.read}" if self.read else ""
        return f"{self.instances:,} x {self.target}: {calls}{read}"


class Node(Record):
    """One node of the cluster; memory in bytes."""

    node_id: str
    address: str
    host: str
    cpus: float
    memory_bytes: float = 0
    cpus_free: float = 0
    resources: dict[str, float] = {}
    head: bool = False

    @property
    def name(self) -> str:
        """How a sentence names it."""
        return self.host if self.host == self.address else f"{self.host} ({self.address})"


class Cluster(Record):
    """The cluster as it was when the comparison began; `open` if it lets in whoever comes."""

    kind: Kind
    address: str
    ray_version: str
    nodes: tuple[Node, ...]
    open: bool | None = None

    @property
    def cpus(self) -> float:
        """All CPUs of all nodes."""
        return sum(node.cpus for node in self.nodes)

    @property
    def cpus_held(self) -> float:
        """Those of them that others held; 0 for what is only Ray's own rounding."""
        held = self.cpus - sum(node.cpus_free for node in self.nodes)
        return held if held >= 0.01 else 0.0  # noqa: PLR2004


class Environment(Record):
    """What the driver ran on.

    Attributes:
        busy_share: Of its CPUs, before anything began.
        core_s: What a fixed piece of Python took there, at its least disturbed.
        blas_threads: How many threads numpy may use there; None where the target has not to do
            with it.
        travel: How the target came to the workers.
    """

    python_version: str
    platform: str
    driver_address: str
    started_at: str
    busy_share: float | None = None
    core_s: float | None = None
    blas_threads: int | None = None
    travel: Travel = "by reference"


class NodeShare(Record):
    """What of a trial ran on one node; `core_s` is what a fixed piece of Python took there."""

    node_id: str
    address: str
    host: str
    actors: Count
    processes: tuple[int, ...] = ()
    calls: Count = 0
    busy_s: Seconds = 0.0
    core_s: float | None = None


class Stretch(Record):
    """Calls of one actor that were answered together, as the driver saw them.

    Attributes:
        actor: Which actor, counted from 0 in the order of the instances.
        node_id: Where it was.
        since_s: When the first of the calls was sent or the one before answered, in seconds after
            the work phase began.
        until_s: When the last was answered.
        calls: How many they were.
    """

    actor: Count
    node_id: str
    since_s: Seconds
    until_s: Seconds
    calls: Count


class Loss(Record):
    """An actor's death, as the driver saw it; times in seconds after the work phase began.

    Attributes:
        actor: Which actor, counted from 0 in the order of the instances.
        incarnation: Its how many-th it was, counted from 1.
        address: The node it was on; empty where it died before that was known.
        cause: How it ended, in Ray's words or ours.
        since_s: When the driver knew of it, or had it killed; 0 for an actor that died before.
        resumed_s: After how long the next incarnation had answered its first call; None if never.
        replayed_calls: How many answered calls had to be applied again.
        unheard_s: How long it had said nothing when the driver knew, so the most by which it may
            have died earlier; None where the driver had it killed.
    """

    actor: Count
    incarnation: Annotated[int, Field(ge=1)]
    address: str
    cause: str
    since_s: Seconds
    resumed_s: Seconds | None = None
    replayed_calls: Count = 0
    unheard_s: Seconds | None = None


class Facts(Record):
    """What a strategy knows of a trial just done, besides its phases.

    Attributes:
        cpu_s: CPU time of the calls.
        calls: How many calls were made.
        instances: How many instances were carried to their end.
        actors: How many actors there were; 0 for the serial loop.
        at_once: How many calls could run at once.
        cpus: On how many CPUs.
        switches: How often a call waited, as `metering.voluntary_switches` counts.
        slowest_s: The slowest instance's wall time, where it was measured.
        driver_cpu_s: CPU time that the driver spent on sending the calls.
        settings: What the knobs were.
        placement: Where the actors were.
        deaths: The losses.
        timeline: When actors answered calls.
    """

    cpu_s: Seconds
    calls: Count
    instances: Annotated[int, Field(ge=1)]
    actors: Count
    at_once: Annotated[int, Field(ge=1)]
    cpus: Annotated[float, Field(ge=0)]
    switches: Count | None = None
    slowest_s: Seconds | None = None
    driver_cpu_s: Seconds | None = None
    settings: dict[str, int | float | str] = {}
    placement: tuple[NodeShare, ...] = ()
    deaths: tuple[Loss, ...] = ()
    timeline: tuple[Stretch, ...] = ()


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
    losses: Count = 0
    replayed_calls: Count = 0
    estimated: bool = False

    @property
    def threads(self) -> int:
        """How many instances of one actor could be called at once."""
        return int(self.settings.get("threads_per_shard", 1))


class Calibration(Record):
    """What calls cost that do nothing; times in seconds, each per call.

    Attributes:
        loop_s: In the serial loop.
        inside_s: In a shard, where many calls share a remote call.
        send_s: As remote calls of their own, sent to `actors` actors as fast as the driver can.
        calls: How many were sent.
        elapsed_s: What all of this took.
    """

    loop_s: Seconds
    inside_s: Seconds
    send_s: Seconds
    actors: Count
    calls: Count
    elapsed_s: Seconds


class Judged(Record):
    """Whether a gate was met, and by what."""

    met: bool
    text: str

    def __str__(self) -> str:
        """Return it in one line."""
        return f"{'✓' if self.met else '✗'} {self.text}"


class TimedCalls(NamedTuple):
    """What some calls of one kind took in the try-out; times in seconds."""

    calls: int
    wall_s: float
    cpu_s: float
    switches: int


class Tried(Record):
    """What the try-out found, before anything was measured.

    Attributes:
        calls: What each kind of call took, in the order of the workload's.
        returned_bytes: How many bytes what each returned takes when it is sent.
        unchanged: Whether the calls left an instance's state as it was.
        shared: The class attributes and module globals that calls changed.
        blas_threads: How many threads numpy may use; None where the target has not to do with it.
    """

    calls: tuple[TimedCalls, ...] = ()
    returned_bytes: tuple[int, ...] = ()
    unchanged: bool = False
    shared: tuple[str, ...] = ()
    blas_threads: int | None = None


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
    gates: tuple[Judged, ...] = ()

    def counted(self) -> dict[str, list[Trial]]:
        """Return the trials that are no warm-ups, by strategy, in the order they were run."""
        trials: dict[str, list[Trial]] = {}
        for trial in self.trials:
            if not trial.warmup:
                trials.setdefault(trial.strategy, []).append(trial)
        return trials

    def analysed(self) -> dict[str, list[Trial]]:
        """Return those of them that figures rest on, where there are such.

        They are without losses, and on no fewer CPUs than the first: a node that was lost is
        missing from then on.
        """
        clean = {
            name: [t for t in trials if not t.losses and t.cpus >= trials[0].cpus]
            for name, trials in self.counted().items()
        }
        return {name: clean[name] or trials for name, trials in self.counted().items()}

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
    """Return the document of a text.

    Raises:
        FileError: It is cut short, or something else.
    """
    try:
        return Results.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        reason = f"{where}: {first['msg']}" if where else first["msg"]
        message = f"{place}: not a complete results document ({reason})"
        raise FileError(
            message, "Name a file that `--output` wrote; it may be cut short."
        ) from None
