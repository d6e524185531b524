"""Chaos: what is killed while a strategy works, and when; pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import NamedTuple

from job.workload.keys import KEYS

_RANGES = {"kill": (0, 10**4), "node": (0, 10**4), "seed": (0, 10**18), "interval": (1e-3, 10**6)}


class Kill(NamedTuple):
    """One loss that is brought about."""

    due_s: float  # after the work phase began
    node: bool  # whether a whole node is to die
    choice: float  # which of those that can be chosen, as a share of their number, 0 to 1


@dataclass(frozen=True)
class Chaos:
    """What is killed in each trial that has actors."""

    kill: int = 0  # how many actors' processes
    node: int = 0  # how many nodes, never the driver's nor the head
    seed: int = 0  # what the moments and victims are drawn with
    interval_s: float = 0.5  # the mean time between two kills

    def __str__(self) -> str:
        return f"kill={self.kill},node={self.node},seed={self.seed},interval={self.interval_s:g}"

    def kills(self, trial: str) -> list[Kill]:
        """Return what is to die in a trial of this name, the first first.

        The i-th comes at a random moment of the i-th interval.
        """
        drawn = random.Random(f"{self.seed} {trial}")  # noqa: S311 - repeatable, not secret
        kinds = [False] * self.kill + [True] * self.node
        drawn.shuffle(kinds)
        return [
            Kill((number + drawn.random()) * self.interval_s, node, drawn.random())
            for number, node in enumerate(kinds)
        ]


def parse_chaos(text: str) -> Chaos:
    """Read what is to be killed, such as `kill=2,seed=7`.

    Raises:
        ValueError: It says something else, or nothing is to be killed.
    """
    given: dict[str, str] = {}
    for part in text.split(","):
        key, _, value = part.strip().partition("=")
        if key in given or not _is_allowed(key, value):
            raise ValueError(f"{part.strip()!r} is not allowed: it says {KEYS['chaos']}")
        given[key] = value
    interval_s = float(given.pop("interval", 0.5))
    chaos = Chaos(**{key: int(value) for key, value in given.items()}, interval_s=interval_s)
    if not chaos.kill + chaos.node:
        raise ValueError(f"{text!r} kills nothing: it says {KEYS['chaos']}")
    return chaos


def _is_allowed(key: str, value: str) -> bool:
    low, high = _RANGES.get(key, (1, 0))
    try:
        return low <= (float(value) if key == "interval" else int(value)) <= high
    except ValueError:
        return False
