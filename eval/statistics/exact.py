"""Intervals and tests of counts without any drawing: Wilson's interval, the sign test, McNemar's test, Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]

LEVEL = 0.05
"""A difference is shown where its p value, adjusted for all tests of its table, is below this."""


@dataclass(frozen=True)
class Interval:
    """Where the true value may lie, with the confidence that its maker was asked for; shares are 0..1."""

    low: float
    high: float


def wilson(k: float, n: float, level: float = 0.95) -> Interval:
    """Give the interval of a share from k of n independent cases (Wilson 1927, JASA 22); of no cases, everything.

    k and n may be effective counts, so they need not be whole.
    """
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is not a share")
    if n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle = (k + z * z / 2) / (n + z * z)
    half = z * sqrt(k * (n - k) / n + z * z / 4) / (n + z * z)
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def sign_test(wins: int, losses: int) -> float:
    """Give the two-sided p value: how often a fair coin would split the decided cases so or more unevenly."""
    if min(wins, losses) < 0:
        raise ValueError(f"{wins} wins and {losses} losses are not counts")
    return min(1.0, 2 * float(fair_coin(wins + losses)[: min(wins, losses) + 1].sum()))


def mcnemar(gained: int, lost: int) -> float:
    """Give the two-sided p value of paired yes/no cases from those that changed (McNemar 1947, exact)."""
    return sign_test(gained, lost)


def fair_coin(tosses: int) -> Array:
    """Give the chance of every number of heads, 0 to `tosses`."""
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, tosses + 1)))])  # of the factorials
    return np.asarray(np.exp(logs[-1] - logs - logs[::-1] - tosses * log(2)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p values for being tested together, in the order given (Holm 1979, Scand. J. Stat. 6).

    Fewer than one table in twenty then shows any difference that is none, however many tests it holds.
    """
    adjusted, floor = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        floor = max(floor, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = floor
    return adjusted
