"""Chaos: what is written is what is killed, at moments that a seed repeats."""

from __future__ import annotations

import pytest

from job.workload.chaos import Chaos, parse_chaos


@pytest.mark.parametrize(
    ("text", "chaos"),
    [
        ("kill=2", Chaos(kill=2)),
        ("kill=2,seed=7", Chaos(kill=2, seed=7)),
        (" node=1 , interval=0.25", Chaos(node=1, interval_s=0.25)),
        ("kill=1,node=1,seed=3,interval=2", Chaos(1, 1, 3, 2.0)),
    ],
)
def test_it_is_read_as_it_is_written(text: str, chaos: Chaos) -> None:
    assert parse_chaos(text) == chaos == parse_chaos(str(chaos))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is not allowed: it says what is killed"),
        ("2", "'2' is not allowed"),
        ("kil=2", "'kil=2' is not allowed"),
        ("kill=2,kill=3", "'kill=3' is not allowed"),
        ("kill=two", "'kill=two' is not allowed: it says"),
        ("kill=-1", "'kill=-1' is not allowed"),
        ("kill=1,interval=0", "'interval=0' is not allowed"),
        ("seed=7", "'seed=7' kills nothing"),
        ("kill=0", "'kill=0' kills nothing"),
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"is not allowed|kills nothing") as raised:
        parse_chaos(text)
    assert str(raised.value).startswith(said)


def test_a_seed_repeats_a_trials_kills_and_no_other_trials() -> None:
    chaos = Chaos(kill=20, node=5, seed=7)
    assert chaos.kills("actors 1") == chaos.kills("actors 1")
    assert chaos.kills("actors 1") != chaos.kills("actors 2")
    assert chaos.kills("actors 1") != Chaos(kill=20, node=5, seed=8).kills("actors 1")


def test_one_kill_falls_into_each_interval() -> None:
    kills = Chaos(kill=20, node=5, interval_s=0.1).kills("actors 1")
    assert sum(kill.node for kill in kills) == 5
    assert [int(kill.due_s / 0.1) for kill in kills] == list(range(25))
    assert all(0 <= kill.choice < 1 for kill in kills)
