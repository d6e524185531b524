"""Classes that others wrote run unmodified, by command line alone, and end in the same states."""

from __future__ import annotations

import collections
import importlib
import importlib.util
import random
from typing import TYPE_CHECKING, Any

import pytest

from job.results.storage import load
from job.shard.states import bounded, canonical, state_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.ray_local.running import Command

INSTANCES = 2
STRATEGIES = ["serial", "actors", "sharded"]


def needs(module: str) -> pytest.MarkDecorator:
    missing = importlib.util.find_spec(module) is None
    return pytest.mark.skipif(missing, reason=f"{module} is not installed here")


def found_in(module: str, name: str) -> Any:  # noqa: ANN401 - a class that may not be installed
    return getattr(importlib.import_module(module), name)


def randomness(number: int) -> object:
    found = random.Random(number)  # noqa: S311 - not for secrets
    for _ in range(5):
        found.random()
    return found


def counts(_: int) -> object:
    return collections.Counter("abcabcabc")


def sorted_numbers(number: int) -> object:
    made: object = found_in("sortedcontainers", "SortedList")([number, 3, 3, -1])
    return made


def cache_size(_: int) -> object:
    return 5


def cache(number: int) -> object:
    found: dict[int, object] = found_in("cachetools", "LRUCache")(maxsize=2)
    found[1] = 2
    found[number] = "a"
    found[7] = "b"
    return found


def coefficients(_: int) -> object:
    model = found_in("sklearn.linear_model", "SGDRegressor")(random_state=0)
    for _ in range(3):
        model.partial_fit([[0.0, 1.0], [2.0, 3.0]], [1.0, 2.0])
    found: object = model.coef_
    return found


CASES = [
    pytest.param(
        ["--target", "random:Random(instance)", "--call", "random * 5"],
        randomness,
        id="random:Random",
    ),
    pytest.param(
        ["--target", "collections:Counter", "--call", 'update("abc") * 3'],
        counts,
        id="collections:Counter",
    ),
    pytest.param(
        [
            "--target", "sortedcontainers:SortedList", "--call", "add(instance)",
            "--call", "add(3) * 2", "--call", "add(-1)",
        ],
        sorted_numbers,
        id="sortedcontainers:SortedList",
        marks=needs("sortedcontainers"),
    ),
    pytest.param(
        [
            "--target", "cachetools:LRUCache(maxsize=8)", "--call", "__setitem__(1, 2)",
            "--call", "update({2: 3, 3: 4, 4: 5, 5: 6})", "--read", "currsize",
        ],
        cache_size,
        id="cachetools:LRUCache its size",
        marks=needs("cachetools"),
    ),
    pytest.param(
        [
            "--target", "cachetools:LRUCache(maxsize=2)", "--call", "__setitem__(1, 2)",
            "--call", "__setitem__(instance, 'a')", "--call", "__setitem__(7, 'b')",
        ],
        cache,
        id="cachetools:LRUCache as a whole",
        marks=needs("cachetools"),
    ),
    pytest.param(
        [
            "--target", "sklearn.linear_model:SGDRegressor(random_state=0)",
            "--call", "partial_fit([[0.0, 1.0], [2.0, 3.0]], [1.0, 2.0]) * 3", "--read", "coef_",
        ],
        coefficients,
        id="sklearn.linear_model:SGDRegressor",
        marks=needs("sklearn"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "plain"), CASES)
def test_a_class_of_others_ends_in_the_states_of_a_plain_loop_under_all_strategies(
    command: Command, tmp_path: Path, arguments: Sequence[str], plain: Callable[[int], object]
) -> None:
    output = tmp_path / "results.json"
    ended = command.run(
        *arguments, "--instances", str(INSTANCES), "--output", str(output), cwd=tmp_path
    )
    assert ended.code == 0, ended
    assert "they agree" in ended.stdout, ended
    trials = load(output).trials
    assert [trial.strategy for trial in trials] == STRATEGIES
    limit = state_limit(INSTANCES)
    expected = tuple(bounded(canonical(plain(number)), limit) for number in range(INSTANCES))
    assert [trial.states for trial in trials] == [expected] * 3
    processes = {pid for trial in trials for share in trial.placement for pid in share.processes}
    assert len(processes) == 2 * INSTANCES
