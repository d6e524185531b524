"""What every strategy is to the runner: four phases, of which three are timed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from job.planning.estimate import Profile
    from job.results.document import Loss, NodeShare, Stretch

    Progress: TypeAlias = Callable[[int], None]


@dataclass(frozen=True)
class Facts:
    """What a strategy knows of the trial just done, besides its times.

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
        deaths: Those of actors.
        timeline: When actors answered calls.
    """

    cpu_s: float
    calls: int
    instances: int
    actors: int
    at_once: int
    cpus: float
    switches: int = 0
    slowest_s: float | None = None
    driver_cpu_s: float | None = None
    settings: dict[str, int | float | str] = field(default_factory=dict)
    placement: tuple[NodeShare, ...] = ()
    deaths: tuple[Loss, ...] = ()
    timeline: tuple[Stretch, ...] = ()


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

    def facts(self) -> Facts:
        """Return what is known of the trial; not timed."""

    def stop(self) -> None:
        """Leave nothing behind; quick, and to be called in any state, also twice."""

    def settle(self) -> None:
        """Wait until what `stop` ended is gone and burdens no other trial."""
