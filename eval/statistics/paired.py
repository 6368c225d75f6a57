"""Two models on the same prompts: the difference, its interval, a permutation test, and the word that a table prints beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from eval.statistics.bootstrap import Outcomes, percentiles, sorted_rows
from eval.statistics.exact import LEVEL, Array, Interval, fair_coin, wilson

FEWEST = 20
"""Prompts below which no test is believed."""
Verdict = Literal["higher", "lower", "no difference shown", "too few to tell"]
IntArray = np.ndarray[Any, np.dtype[np.int64]]
_LARGEST_EXACT = 5000  # a sum of half points beyond this is sampled: all sign patterns would take seconds
_CHUNK = 1000  # permutations at a time, so that memory stays small


@dataclass(frozen=True)
class Paired:
    """How far one model leads another on the prompts that both have; `difference` and `interval` are shares, -1..1."""

    difference: float
    interval: Interval
    p: float
    """Two-sided, of this test alone; a table adjusts it together with its others (`holm`)."""
    prompts: int

    def verdict(self, adjusted_p: float) -> Verdict:
        """Say whether the first model is better, given the p value adjusted for all tests of the table."""
        if self.prompts < FEWEST:
            return "too few to tell"
        if adjusted_p >= LEVEL or self.difference == 0:
            return "no difference shown"
        return "higher" if self.difference > 0 else "lower"


def paired(ours: Outcomes, theirs: Outcomes, permutations: int = 10_000, seed: int = 0) -> Paired | None:
    """Compare two models on the prompts that both have with the same number of instructions; None where there is none.

    The test swaps the models' outcomes prompt by prompt (Fisher's randomisation; Noreen 1989), which keeps the
    instructions of a prompt together. The interval is that of the ratio over resampled prompts.
    """
    shared = [key for key, (_, out_of) in ours.items() if key in theirs and theirs[key][1] == out_of > 0]
    if not shared:
        return None
    rows = sorted_rows((ours[key][0] - theirs[key][0], ours[key][1]) for key in shared)
    gaps, out_of = rows.T
    p = permutation_p(gaps, permutations, seed)
    return Paired(float(gaps.sum() / out_of.sum()), _interval(rows, seed), p, len(rows))


def _interval(rows: Array, seed: int) -> Interval:
    if np.any(rows[:, 0]):
        return percentiles(rows, level=0.95, draws=2000, seed=seed)
    beyond = wilson(0, len(rows)).high  # no prompt differs: as many may as can hide from a sample of this size
    return Interval(-beyond, beyond)


def permutation_p(gaps: Array, permutations: int = 10_000, seed: int = 0) -> float:
    """Give how often random signs move the sum of the gaps at least as far from zero as it is.

    Exact where the gaps are whole or half numbers (instructions followed, wins, ratings), by adding up all sign patterns;
    otherwise from `permutations` random patterns and the one observed, so that it is never 0 (Phipson and Smyth 2010).
    """
    changed = np.sort(gaps[gaps != 0])
    observed, sizes = abs(float(changed.sum())), np.abs(changed)
    halves = np.rint(2 * sizes).astype(np.int64)
    if np.array_equal(halves, 2 * sizes) and halves.sum() <= _LARGEST_EXACT:
        return _exact_p(halves, 2 * observed)
    return _sampled_p(sizes, observed, permutations, seed)


def _exact_p(sizes: IntArray, observed: float) -> float:
    """Build the distribution of the sum of the sizes with a plus sign, one binomial for all that are equal."""
    chances = np.ones(1)
    for size, count in zip(*np.unique(sizes, return_counts=True), strict=True):
        spread = np.zeros(size * count + 1)
        spread[::size] = fair_coin(int(count))
        chances = np.convolve(chances, spread)
    sums = 2 * np.arange(len(chances)) - int(sizes.sum())
    return min(1.0, float(chances[np.abs(sums) >= observed].sum()))


def _sampled_p(sizes: Array, observed: float, permutations: int, seed: int) -> float:
    draw = np.random.default_rng(seed)
    reached, rounding = 1, 1e-9 * sizes.sum()
    for start in range(0, permutations, _CHUNK):
        signs = draw.integers(0, 2, size=(min(_CHUNK, permutations - start), len(sizes)), dtype=np.int8) * 2 - 1
        reached += int(np.count_nonzero(np.abs(signs @ sizes) >= observed - rounding))
    return reached / (permutations + 1)
