"""How many shards are the quickest, startup included, where that is left to us; pure.

One for each free CPU is dear where calls wait, since threads overlap those; where there is little
to do; and where nodes declare more CPUs than they have cores: each shard is a process to start.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from job.planning.estimate import expected_cost
from job.planning.placement import cores, fit
from job.results.document import Chosen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.planning.estimate import Profile
    from job.planning.layout import Arrangement, Layout
    from job.planning.placement import Capacity, Growth
    from job.results.document import Because
    from job.workload.model import Workload

AS_GOOD = 1.05  # times what the quickest takes: nobody can foretell it any nearer


def fewer_shards(
    made: Arrangement, workload: Workload, profile: Profile,
    nodes: Sequence[Capacity], growth: Growth,
) -> Arrangement:  # fmt: skip
    """Return an arrangement whose shards are as many as are quickest.

    Args:
        made: With as many as there is room for.
        workload: What they compute.
        profile: What its calls take.
        nodes: That are there.
        growth: What may be added to them.
    """
    layout = made.layouts["sharded"]
    chosen = choose_shards(layout, workload, profile, cores([*nodes, *growth.nodes]))
    layout = replace(layout, shards=chosen.shards)
    return replace(
        made,
        layouts=made.layouts | {"sharded": layout},
        fits=made.fits | {"sharded": fit(layout.shards, layout.demand, nodes, growth)},
        chosen=chosen,
    )


def choose_shards(layout: Layout, workload: Workload, profile: Profile, cores: float) -> Chosen:
    """Return how many of a layout's shards are quickest by the cost model, and what they take.

    Of numbers that are as good the largest, which uses the most CPUs and memory of the cluster; but
    more than there are cores only where nothing else is as quick.
    """
    calls, most = workload.instances * workload.calls_per_instance, layout.shards
    costs = {
        shards: expected_cost(replace(layout, shards=shards), profile, workload.instances, cores)
        for shards in {-(-most // each) for each in range(1, most + 1)}
    }
    took = {shards: cost.elapsed_s(calls, profile.call_s) for shards, cost in costs.items()}
    quickest = min(took, key=lambda shards: took[shards])
    as_good = [shards for shards in took if took[shards] <= AS_GOOD * took[quickest]]
    best = max(each for each in as_good if each <= max(quickest, cores))
    because: Because = ""
    if best < most:
        because = "the CPUs are fewer cores" if cores < most else "there is little to do"
        because = because if profile.computes else "the calls wait"
    return Chosen(
        shards=best, elapsed_s=took[best], most=most, most_elapsed_s=took[most],
        most_startup_s=costs[most].fixed_s, because=because,
    )  # fmt: skip
