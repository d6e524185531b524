"""What every strategy is to the runner: four phases, of which three are timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from job.planning.estimate import Profile
    from job.results.document import Facts
    from job.running.listener import Progress


class Strategy(Protocol):
    """One way to run a workload. The runner calls the methods in this order, `stop` always."""

    @property
    def name(self) -> str:
        """The strategy's name in reports."""

    @property
    def calls(self) -> int:
        """How many calls a trial makes."""

    def prepare(self, profile: Profile | None) -> None:
        """Decide what is left to decide; not timed. `profile` is what calls take, if known."""

    def start(self) -> None:
        """Have all instances made and ready."""

    def work(self, progress: Progress) -> None:
        """Make all calls; `progress` is told how many were made since it was told last."""

    def read(self) -> list[str]:
        """Return the canonical states, in the instances' order."""

    def returned(self) -> list[str]:
        """Return what stands for what each instance's calls returned, in the order of `read`.

        Nothing, where that is dropped.
        """

    def facts(self) -> Facts:
        """Return what is known of the trial; not timed."""

    def close(self) -> None:
        """Close all instances, where the workload says how; not timed."""

    def stop(self) -> None:
        """Leave nothing behind; quick, and to be called in any state, also twice."""

    def settle(self) -> None:
        """Wait until what `stop` ended is gone and burdens no other trial."""
