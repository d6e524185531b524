"""Bundled targets and workloads: what each computes, by hand and under odd knobs."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.util
import inspect
import os
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from job.shard.recipe import Recipe
from job.shard.shard import Place, Shard
from job.shard.states import canonical
from job.targets.almanac import Almanac
from job.targets.bank import Account
from job.targets.counter import Counter
from job.targets.journal import Journal
from job.targets.poller import Poller
from job.targets.spinner import Spinner
from job.workload.calls import parse_target
from job.workload.importing import load_target
from job.workload.reading import BUNDLED, build

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.workload.model import Workload

NAMES = sorted(path.stem for path in BUNDLED.glob("*.yaml"))
QUICK = {  # the same classes, made so that a test need not wait
    "almanac": "job.targets.almanac:Almanac(years=500, start=instance)",
    "counter": "job.targets.counter:Counter(delay=0.0)",
    "matrix": "job.targets.matrix:Matrix(size=5, seed=instance)",
    "poller": "job.targets.poller:Poller(start=instance, delay=0.001)",
    "spinner": "job.targets.spinner:Spinner(seed=instance, rounds=10)",
}
NUMBERS = (0, 3, 4, 9, 11)
MOST_TIMES = 40  # of each call
HERE = Place("node", "10.0.0.1", "host", os.getpid())
WITHOUT_NUMPY = importlib.util.find_spec("numpy") is None


def bundled(name: str) -> Workload:
    workload, _ = build(yaml.safe_load((BUNDLED / f"{name}.yaml").read_text("utf-8")), {})
    if name == "matrix" and WITHOUT_NUMPY:
        pytest.skip("numpy is not installed")
    return workload


def quick_recipe(name: str) -> Recipe:
    """Return what a shard must know of a bundled workload, on a smaller scale."""
    workload = bundled(name)
    target = parse_target(QUICK.get(name, str(workload.target)))
    calls = (dataclasses.replace(c, times=min(c.times, MOST_TIMES)) for c in workload.calls)
    return Recipe(load_target(target), target, tuple(calls), workload.read, 10**7)


async def by_a_plain_loop(recipe: Recipe, numbers: Sequence[int]) -> list[str]:
    states = []
    for number in numbers:
        args, kwargs = recipe.target.arguments(number)
        assert recipe.make
        instance = recipe.make(*args, **kwargs)
        for call in recipe.calls:
            for _ in range(call.times):
                args, kwargs = call.arguments(number)
                result = getattr(instance, call.method)(*args, **kwargs)
                if inspect.isawaitable(result):
                    await result
        state: Any = getattr(instance, recipe.read) if recipe.read else instance
        states.append(canonical(state() if recipe.read and callable(state) else state))
    return states


# --- each target, by hand


def test_a_counter_counts() -> None:
    counter = Counter(delay=0.0)
    counter.increment()
    counter.increment()
    assert counter.read() == 2


def test_a_spinner_goes_on_from_where_it_ended() -> None:
    spinner = Spinner(seed=3, rounds=1)
    spinner.spin()
    assert spinner.read() == (1, 3 * 69_069 + 1)
    spinner.spin()
    assert spinner.read() == (2, ((3 * 69_069 + 1) * 69_069 + 1) % 2**32)


def test_rounds_are_spins_in_one_call() -> None:
    once, often = Spinner(rounds=6), Spinner(rounds=2)
    once.spin()
    for _ in range(3):
        often.spin()
    assert once.number == often.number


@pytest.mark.skipif(WITHOUT_NUMPY, reason="numpy is not installed")
def test_a_matrix_is_multiplied_from_the_right() -> None:
    matrix = load_target(parse_target("job.targets.matrix:Matrix"))(size=2, seed=1)
    a, b, c, d = 48_271, 2 * 48_271 % 65_521, 3 * 48_271 % 65_521, 4 * 48_271 % 65_521
    assert matrix.read() == [a + b, c + d]
    matrix.transpose()
    assert matrix.read() == [a + c, b + d]
    matrix.multiply()
    rows = ((a * a + c * c, a * b + c * d), (b * a + d * c, b * b + d * d))
    assert matrix.read() == [sum(cell % 65_521 for cell in row) for row in rows]


def test_a_journal_seals_each_entry_with_all_before_it() -> None:
    journal = Journal("a")
    assert journal.seal == 0xE8B7BE43  # the well-known CRC-32 of "a"
    journal.write(10)
    assert journal.read() == ["e8b7be43e8"]
    journal.write(3)
    assert [len(entry) for entry in journal.read()] == [10, 3]
    assert journal.read()[1] != journal.read()[0][:3]


def test_equal_entries_in_another_order_are_another_journal() -> None:
    one, other = Journal(), Journal()
    for length in (5, 9):
        one.write(length)
    for length in (9, 5):
        other.write(length)
    assert sorted(one.read()) != sorted(other.read())


def test_a_poller_folds_answers_in_order() -> None:
    async def poll() -> Poller:
        poller = Poller(start=2, delay=0.0)
        await poller.poll(5)
        await poller.poll(1)
        return poller

    poller = asyncio.run(poll())
    assert poller.read() == (2, (2 * 31 + 5) * 31 + 1)
    asyncio.run(poller.reset())
    assert poller.read() == (2, 0)


def test_polls_that_overlap_lose_an_answer() -> None:
    async def poll() -> Poller:
        poller = Poller(delay=0.001)
        await asyncio.gather(poller.poll(5), poller.poll(1))
        return poller

    assert asyncio.run(poll()).heard in (5, 1)


def test_an_almanac_knows_easter() -> None:
    days = {1818: 1, 1961: 12, 1981: 29, 2000: 33, 2008: 2, 2011: 34, 2025: 30, 2038: 35}
    almanac = Almanac(years=2_100)
    assert {year: almanac.easters[year] for year in days} == days  # 1 is 22 March, 11 is 1 April


def test_an_almanac_turns_by_what_it_noted() -> None:
    almanac = Almanac(years=2_010, start=1_961)
    almanac.turn(27)  # and 12, for 2 April 1961
    assert almanac.read() == (2_000, 12)
    almanac.turn(10)  # and 12, and 33 for 23 April 2000, past the end
    assert almanac.read() == (45, 45)


def test_an_account_refuses_what_it_does_not_hold() -> None:
    account = Account(balance=10)
    account.withdraw(30)
    account.deposit(50)
    account.withdraw(30)
    account.withdraw(31)
    account.withdraw(30)
    assert account.statement() == (0, [(30, 10), (31, 30)])


def test_an_account_depends_on_the_order() -> None:
    account = Account(balance=10)
    account.deposit(50)
    account.withdraw(30)
    account.withdraw(30)
    account.withdraw(31)
    account.withdraw(30)
    assert account.statement() == (0, [(31, 0), (30, 0)])


# --- each workload


def test_every_target_has_its_workload() -> None:
    assert NAMES == ["almanac", "bank", "counter", "journal", "matrix", "poller", "spinner"]


@pytest.mark.parametrize("name", NAMES)
def test_a_workload_begins_with_what_it_shows(name: str) -> None:
    first, *rest = (BUNDLED / f"{name}.yaml").read_text("utf-8").splitlines()
    assert first.startswith("# ")
    assert first.endswith(".")
    assert all(len(line) <= 100 for line in rest)


@pytest.mark.parametrize("name", NAMES)
def test_a_workload_names_a_class_of_ours_and_what_to_call(name: str) -> None:
    workload = bundled(name)
    assert workload.target.module.startswith("job.targets.")
    made = load_target(workload.target)
    for method in [*(call.method for call in workload.calls), workload.read]:
        assert callable(getattr(made, str(method)))


@pytest.mark.parametrize(("batch", "threads"), [(1, 1), (7, 1), (7, 3), (None, 2)])
@pytest.mark.parametrize("name", NAMES)
def test_odd_knobs_end_in_the_states_of_the_plain_loop(
    name: str, batch: int | None, threads: int
) -> None:
    recipe = quick_recipe(name)
    shard = Shard(recipe, NUMBERS, batch, threads, lambda: HERE)
    shard.ready()
    made = 0
    while count := shard.advance():
        made += count
    assert made == len(NUMBERS) * recipe.calls_per_instance
    states: list[str] = []
    while len(states) < len(NUMBERS):
        states += shard.read(len(states))
    assert states == asyncio.run(by_a_plain_loop(recipe, NUMBERS))
    assert len(set(states)) == (1 if name == "counter" else len(NUMBERS))
