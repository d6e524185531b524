"""The errors a person can act on: what went wrong and how to go on, each with its exit code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

UNBEARABLE = "Should it not bear to be called outside of a main thread, or by several:"
ALONE = "--threads-per-shard 1"


class JobError(Exception):
    """An expected failure, told in sentences: what went wrong and where, and how to go on."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        """Keep both parts in `args`, so that the error survives pickling."""
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(JobError):
    """An option, a workload or a target that cannot be used as written."""

    exit_code = 2


class ClusterError(JobError):
    """No usable cluster: not reachable, not admitted, too small, or too slow to come."""

    exit_code = 3


class TrialError(JobError):
    """A trial that could not be completed."""

    exit_code = 4


class StateError(TrialError):
    """A state that cannot be brought into a form that can be compared."""


class DisagreementError(JobError):
    """Two strategies left an instance in different states."""

    exit_code = 5


class FileError(JobError):
    """Results or a report that cannot be read or written."""

    exit_code = 6


class GateError(JobError):
    """A bound that the user demanded was not kept."""

    exit_code = 7


@dataclass(eq=False)
class TargetRaisedError(Exception):
    """What the target itself raised, in plain strings, so that it travels whatever it was."""

    number: int  # the instance's
    doing: str  # the constructor, call or read that raised, as Python writes it
    position: int  # which of the instance's calls it was, from 1; 0 outside of calls
    error: str  # the exception's type and text
    line: str  # where in the target's source it was raised
    hint: str = ""  # how to go on, where that is known
    exits: bool = False  # whether a call asked for its process's end, which is no error of its own

    def __str__(self) -> str:
        which = f"call {self.position:,}, " if self.position else ""
        return f"instance {self.number:,}, {which}{self.doing}: {self.error}"

    def told(
        self, strategy: str, where: str, threads: int | None = 1, way_out: str = ALONE
    ) -> TrialError:
        """Return it as the failure of a trial; where there were threads, it may be by those."""
        raised = f"The target raised it in {self.line}." if self.line else ""
        threaded = f"{UNBEARABLE} {way_out}." if (threads or 1) > 1 else ""
        hints = filter(None, (raised, self.hint, threaded))
        return TrialError(f"{strategy}: {self} ({where})", " ".join(hints))
