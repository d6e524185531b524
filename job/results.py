"""Results: everything measured in one comparison, as a document that outlives it.

The only bridge between running and reporting. Later versions only add optional keys, so that
files of every version keep loading.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from job.errors import FileError

MOST_STATES = 1_000  # kept one by one; of all, the digest is kept
MOST_CHARACTERS = 1_000  # of one kept state

Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]
Status = Literal["running", "complete", "interrupted", "failed", "disagree"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Computed(_Record):
    """What was computed, as `Workload` wrote it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    target: str
    instances: Annotated[int, Field(ge=1)]
    calls: tuple[str, ...]
    read: str | None = None
    agree: str | dict[str, Any] = "exact"


class Node(_Record):
    """One node of the cluster; memory in bytes."""

    node_id: str
    address: str
    host: str
    cpus: float
    memory_bytes: float = 0
    cpus_free: float = 0
    resources: dict[str, float] = {}


class Cluster(_Record):
    """The cluster as it was when the comparison began."""

    kind: Literal["embedded", "connected", "job"]
    address: str
    ray_version: str
    nodes: tuple[Node, ...]

    @property
    def cpus(self) -> float:
        """All CPUs of all nodes."""
        return sum(node.cpus for node in self.nodes)


class Environment(_Record):
    """What the driver ran on.

    Attributes:
        busy_share: Of its CPUs, before anything began.
        core_s: What a fixed piece of Python took there.
        blas_threads: How many threads numpy may use there; None where it is not loaded.
    """

    python_version: str
    platform: str
    driver_address: str
    started_at: str
    busy_share: float | None = None
    core_s: float | None = None
    blas_threads: int | None = None


class NodeShare(_Record):
    """What of a trial ran on one node; `core_s` is what a fixed piece of Python took there."""

    node_id: str
    address: str
    host: str
    actors: Count
    processes: tuple[int, ...] = ()
    calls: Count = 0
    busy_s: Seconds = 0.0
    core_s: float | None = None


class Trial(_Record):
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
    cpu_s: Seconds
    calls: Count
    instances: Annotated[int, Field(ge=1)]
    actors: Count
    at_once: Annotated[int, Field(ge=1)]
    cpus: Annotated[float, Field(ge=0)]
    switches: Count | None = None
    slowest_s: Seconds | None = None
    driver_cpu_s: Seconds | None = None
    states: tuple[str, ...]
    digest: str
    settings: dict[str, int | float | str] = {}
    placement: tuple[NodeShare, ...] = ()
    losses: Count = 0
    replayed_calls: Count = 0
    estimated: bool = False


class Results(_Record):
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

    def analysed(self) -> dict[str, list[Trial]]:
        """Return the trials that count, by strategy, in the order they were run."""
        trials: dict[str, list[Trial]] = {}
        for trial in self.trials:
            if not trial.warmup:
                trials.setdefault(trial.strategy, []).append(trial)
        return trials

    def with_(self, **changes: Any) -> Results:  # noqa: ANN401 - any of the keys above
        """Return the document with some keys changed."""
        return self.model_copy(update=changes)


def shortened(states: list[str]) -> tuple[str, ...]:
    """Return the states that are kept one by one, each cut to what a reader can use."""
    cut = MOST_CHARACTERS
    return tuple(s if len(s) <= cut else f"{s[:cut]}…" for s in states[:MOST_STATES])


def check_writable(path: Path) -> None:
    """Find out now, not after an hour, whether results can be written.

    Raises:
        FileError: They cannot.
    """
    try:
        if path.exists() and not path.is_file():
            message = f"--output {path}: cannot be written (it is there, and no regular file)"
            raise FileError(message, "Name another file.")
        descriptor, name = tempfile.mkstemp(prefix=".writable-", dir=path.parent)
        os.close(descriptor)
        Path(name).unlink()
    except OSError as error:
        message = f"--output {path}: cannot be written ({error.strerror or error})"
        raise FileError(message, "Name a file in a folder that exists and is yours.") from None


def save(results: Results, path: Path) -> None:
    """Write the document beside its place and move it there, so that it is never half written.

    Raises:
        FileError: It cannot be written.
    """
    path = path.resolve()  # a link stays one
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        text = json.dumps(results.model_dump(mode="json"), indent=1, ensure_ascii=False)
        temporary.write_text(f"{text}\n", "utf-8", errors="replace")  # half a surrogate pair
        temporary.replace(path)
    except OSError as error:
        message = f"{path}: results cannot be written ({error.strerror or error})"
        raise FileError(message) from None
    finally:
        with contextlib.suppress(OSError):  # nothing is left of it where all went well
            temporary.unlink()


def load(path: Path) -> Results:
    """Read a document.

    Raises:
        FileError: It cannot be read, is cut short, or is something else.
    """
    try:
        return Results.model_validate_json(path.read_bytes())
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror or error})"
        raise FileError(message, "Name a file that `--output` wrote.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        reason = f"{where}: {first['msg']}" if where else first["msg"]
        message = f"{path}: not a complete results document ({reason})"
        raise FileError(
            message, "Name a file that `--output` wrote; it may be cut short."
        ) from None
