"""Timeline: no call is lost in it, however many pieces are joined."""

from __future__ import annotations

from itertools import pairwise

from job.actors.timeline import MOST_ACTORS, MOST_STRETCHES, Timeline


def test_a_few_answers_stay_apart() -> None:
    timeline = Timeline()
    timeline.add(0, "a", 0.0, 1.0, 5)
    timeline.add(1, "b", 0.0, 1.5, 5)
    timeline.add(0, "a", 1.0, 2.0, 3)
    told = [(s.actor, s.node_id, s.since_s, s.until_s, s.calls) for s in timeline.stretches]
    assert told == [(0, "a", 0, 1, 5), (1, "b", 0, 1.5, 5), (0, "a", 1, 2, 3)]


def test_many_answers_are_joined_and_none_is_lost() -> None:
    timeline = Timeline()
    answers, actors = 5 * MOST_STRETCHES, 3
    for number in range(answers):
        timeline.add(number % actors, "a", number / 1000, (number + 1) / 1000, 2)
    stretches = timeline.stretches
    assert len(stretches) <= MOST_STRETCHES
    assert sum(stretch.calls for stretch in stretches) == 2 * answers
    assert max(stretch.until_s for stretch in stretches) == answers / 1000
    for actor in range(actors):
        own = [s for s in stretches if s.actor == actor]
        assert all(a.until_s <= b.since_s for a, b in pairwise(own))


def test_an_actor_that_moved_to_another_node_starts_a_piece_of_its_own() -> None:
    timeline = Timeline()
    for number in range(2 * MOST_STRETCHES):
        timeline.add(0, "a", number, number + 1, 1)
    timeline.add(0, "b", 1e-9, 2e-9, 1)
    assert timeline.stretches[-1].node_id == "b"


def test_more_actors_than_a_page_can_show_are_left_out() -> None:
    timeline = Timeline()
    timeline.add(MOST_ACTORS, "a", 0, 1, 1)
    assert timeline.stretches == []
