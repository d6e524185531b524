"""Whatever is called on a bundled target and however it is laid out, the states are serial's."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.running.serial import Serial
from job.shard.recipe import Recipe
from job.shard.shard import Place, Shard
from job.workload.calls import parse_call, parse_target
from job.workload.importing import load_target

HERE = Place("node", "10.0.0.1", "host", os.getpid())
TARGETS = {
    "job.targets.bank:Account(balance=instance)": ("statement", ["deposit", "withdraw"]),
    "job.targets.bank:Account(balance=7)": (None, ["deposit", "withdraw"]),
    "job.targets.counter:Counter(delay=0)": ("read", ["increment"]),
    "job.targets.journal:Journal(title=instance)": ("read", ["write"]),
    "job.targets.journal:Journal": ("seal", ["write"]),
}
AMOUNTS = ["instance", "0", "3", "7", "20"]


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Draw a bundled target with random calls."""
    target = draw(st.sampled_from(sorted(TARGETS)))
    read, methods = TARGETS[target]
    calls = []
    for _ in range(draw(st.integers(0, 5))):
        method = draw(st.sampled_from(methods))
        argument = "" if method == "increment" else draw(st.sampled_from(AMOUNTS))
        calls.append(parse_call(f"{method}({argument}) * {draw(st.integers(1, 9))}"))
    named = parse_target(target)
    return Recipe(load_target(named), named, tuple(calls), read, state_limit=10**7)


def serial(recipe: Recipe, instances: int) -> list[str]:
    strategy = Serial(recipe, instances, timeout_s=60.0)
    strategy.prepare(None)
    strategy.start()
    strategy.work(lambda _: None)
    states = strategy.read()
    strategy.stop()
    return states


def dealt(instances: int, shards: int) -> list[list[int]]:
    """Deal the instances' numbers out in turn, another way than the product does."""
    return [list(range(first, instances, shards)) for first in range(min(shards, instances))]


def sharded(recipe: Recipe, instances: int, shards: int, **knobs: Any) -> list[str]:  # noqa: ANN401 - the Shard's own
    """Run shards side by side, a batch of each in turn, and return all states by number."""
    hands = dealt(instances, shards)
    running = [Shard(recipe, hand, where=lambda: HERE, **knobs) for hand in hands]
    for shard in running:
        assert shard.ready() == HERE
    made, going = 0, running
    while going:
        counts = [shard.advance() for shard in going]
        going = [shard for shard, count in zip(going, counts, strict=True) if count]
        made += sum(counts)
    assert made == instances * recipe.calls_per_instance
    states: dict[int, str] = {}
    for shard, hand in zip(running, hands, strict=True):
        states.update(zip(hand, shard.read(0), strict=True))
    return [states[number] for number in range(instances)]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    recipe=recipes(),
    instances=st.integers(1, 12),
    shards=st.integers(1, 14),
    calls_per_batch=st.one_of(st.none(), st.integers(1, 60)),
    threads=st.sampled_from([1, 1, 2, 5, 20]),
)
def test_all_knob_settings_end_in_the_states_of_the_serial_loop(
    recipe: Recipe, instances: int, shards: int, calls_per_batch: int | None, threads: int
) -> None:
    knobs = {"calls_per_batch": calls_per_batch, "threads": threads}
    assert sharded(recipe, instances, shards, **knobs) == serial(recipe, instances)


@pytest.mark.parametrize(
    ("target", "calls"),
    [
        ("job.targets.bank:Account", ("deposit(9)", "withdraw(9)")),
        ("job.targets.journal:Journal", ("write(9)", "write(2)")),
    ],
)
def test_calls_in_another_order_would_end_in_other_states(
    target: str, calls: tuple[str, str]
) -> None:
    # Else the states above would agree whatever happened.
    named = parse_target(target)
    found = [
        serial(Recipe(load_target(named), named, tuple(map(parse_call, order)), None, 10**7), 1)
        for order in (calls, calls[::-1])
    ]
    assert found[0] != found[1]
