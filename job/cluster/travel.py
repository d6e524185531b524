"""How what is compared travels to the workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from job.shard.recipe import Recipe
    from job.workload.model import Plan, Workload


@dataclass(frozen=True)
class Subject:
    """What is compared, ready to be sent: made before anything of the target was called.

    Attributes:
        workload: What is computed.
        plan: How it is run.
        recipe: The workload as the workers need it.
        packed: The recipe as it is sent to the actors.
        busy_share: Of the driver's CPUs, before anything began.
    """

    workload: Workload
    plan: Plan
    recipe: Recipe
    packed: bytes
    busy_share: float = 0.0

    @property
    def instances(self) -> int:
        """How many instances there are."""
        return self.workload.instances
