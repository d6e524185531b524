"""How a strategy scales with what it is given: the serial fraction, and a law fitted; pure.

The serial fraction that a measured speedup amounts to is Karp & Flatt's ("Measuring parallel
processor performance", CACM 33(5), 1990), after Amdahl (1967). It turns around: where it stays the
same as p grows, part of the work is serial; where it grows, overhead does.

The Universal Scalability Law is Gunther's (1993; "Guerrilla Capacity Planning", 2007, chapter 4):

    X(p) = rate p / (1 + sigma (p - 1) + kappa p (p - 1))

with contention sigma and the price kappa of keeping each other up to date. p / X(p) is linear in
1, p - 1 and p (p - 1), so it is fitted by least squares, not only through the first point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    Vector: TypeAlias = list[float]

LEAST_POINTS = 6
WORST_FIT = 0.2  # relative error of one point, from which on the law does not describe the data


@dataclass(frozen=True)
class Fit:
    """The law's parameters, good between the least and the most p that were measured.

    Attributes:
        rate: Throughput at p = 1.
        sigma: Contention, >= 0 and without unit.
        kappa: Coherency, likewise.
        low: The least p measured.
        high: The most.
        error: The largest relative deviation of a measured throughput from the curve.
    """

    rate: float
    sigma: float
    kappa: float
    low: float
    high: float
    error: float

    def throughput(self, parallel: float) -> float:
        """Return the throughput at `parallel`.

        Raises:
            ValueError: It lies outside of what was measured, of which the fit says nothing.
        """
        if not self.low <= parallel <= self.high:
            message = f"the fit holds from {self.low:g} to {self.high:g}, not at {parallel:g}"
            raise ValueError(message)
        return _throughput(self.rate, self.sigma, self.kappa, parallel)

    @property
    def peak(self) -> float | None:
        """Return where throughput is highest; None unless that lies within what was measured."""
        if not self.kappa or self.sigma >= 1:
            return None
        at = math.sqrt((1 - self.sigma) / self.kappa)
        return at if self.low < at < self.high else None


@dataclass(frozen=True)
class NoFit:
    """Why there is no fit."""

    reason: str


def karp_flatt(parallel: float, speedup: float) -> float | None:
    """Return (1 / speedup - 1 / p) / (1 - 1 / p); None for p = 1.

    Below 0 the speedup is more than p: a cache, or a serial loop that was disturbed.
    """
    if parallel <= 1:
        return None
    return (1 / speedup - 1 / parallel) / (1 - 1 / parallel)


def fit(points: Sequence[tuple[float, float]]) -> Fit | NoFit:
    """Fit the law to pairs of p and throughput, or say why it cannot be fitted."""
    if bad := [pair for pair in points if not all(map(_usable, pair))]:
        return NoFit(f"{bad[0]} is no point: p and throughput must be finite and positive")
    if any(parallel < 1 for parallel, _ in points):
        return NoFit("the law begins at p = 1")
    found = len({parallel for parallel, _ in points})
    if found < LEAST_POINTS:
        measured = "number of calls at once was" if found == 1 else "numbers of calls at once were"
        return NoFit(f"only {found} {measured} measured, of the {LEAST_POINTS} that a fit needs")
    best = min(_candidates(points), key=lambda line: _squares(line, points), default=None)
    if best is None:
        return NoFit("throughput grows faster than p, which the law does not know")
    rate, sigma, kappa = 1 / best[0], best[1] / best[0], best[2] / best[0]
    error = max(abs(x / _throughput(rate, sigma, kappa, p) - 1) for p, x in points)
    if error > WORST_FIT:
        return NoFit(f"the law misses a point by {error:.0%}: something else happens there")
    values = [parallel for parallel, _ in points]
    return Fit(rate, sigma, kappa, min(values), max(values), error)


def _usable(figure: float) -> bool:
    return math.isfinite(figure) and figure > 0


def _throughput(rate: float, sigma: float, kappa: float, p: float) -> float:
    return rate * p / (1 + sigma * (p - 1) + kappa * p * (p - 1))


def _terms(p: float) -> Vector:
    return [1.0, p - 1, p * (p - 1)]


def _candidates(points: Sequence[tuple[float, float]]) -> list[Vector]:
    """Return the least squares over each choice of terms, where none comes out negative.

    Of three terms the constant always counts; the best of these solves the problem with its bounds,
    for at a bound the other terms alone are free.
    """
    found = []
    for count in range(3):
        for chosen in combinations((1, 2), count):
            free = (0, *chosen)
            solved = _least_squares([[_terms(p)[i] for i in free] for p, _ in points], points)
            if solved is None or solved[0] <= 0 or min(solved) < 0:
                continue
            line = [0.0, 0.0, 0.0]
            for index, value in zip(free, solved, strict=True):
                line[index] = value
            found.append(line)
    return found


def _least_squares(rows: list[Vector], points: Sequence[tuple[float, float]]) -> Vector | None:
    """Solve rows x = p / X by the normal equations, each point weighted by its inverse square.

    Noise of a throughput is relative: without weights the largest p / X would count for all.
    """
    size = len(rows[0])
    matrix = [[0.0] * (size + 1) for _ in range(size)]
    for row, (p, throughput) in zip(rows, points, strict=True):
        target = p / throughput
        for i in range(size):
            for j in range(size):
                matrix[i][j] += row[i] * row[j] / target**2
            matrix[i][size] += row[i] / target
    return _solved(matrix)


def _solved(matrix: list[Vector]) -> Vector | None:
    """Return the solution by Gauss and Jordan with pivoting; None where there is not one."""
    size = len(matrix)
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(matrix[row][column]))
        if abs(matrix[pivot][column]) < 1e-12 * max(map(abs, matrix[pivot])):
            return None
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        for row in range(size):
            if row != column:
                factor = matrix[row][column] / matrix[column][column]
                pairs = zip(matrix[row], matrix[column], strict=True)
                matrix[row] = [a - factor * b for a, b in pairs]
    return [matrix[i][size] / matrix[i][i] for i in range(size)]


def _squares(line: Vector, points: Sequence[tuple[float, float]]) -> float:
    told = [sum(a * b for a, b in zip(line, _terms(p), strict=True)) * x / p for p, x in points]
    return sum((value - 1) ** 2 for value in told)
