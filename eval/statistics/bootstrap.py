"""Intervals by resampling prompts: what one prompt asks passes or fails together, so prompts are the sample, not instructions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from eval.statistics.exact import Array, Interval, wilson

Outcomes = Mapping[Any, tuple[float, float]]
"""Prompt -> (followed, out of)."""
FEWEST_CHANGING = 10
"""Where fewer prompts than this lose (or gain) anything, resampled shares are too coarse: Wilson's interval stands in."""
_DIGITS = 12  # what is beyond differs between machines that add in another order


def clustered_interval(outcomes: Outcomes, level: float = 0.95, draws: int = 2000, seed: int = 0) -> Interval:
    """Give the interval of the share followed: percentiles over resampled prompts (Efron and Tibshirani 1993, chapter 13).

    Near 0 and 1 (see FEWEST_CHANGING) it is Wilson's, with as many cases as carry the information of these prompts;
    of no prompts it is everything.
    """
    rows = sorted_rows(outcomes.values())
    rows = rows[rows[:, 1] > 0]
    if not len(rows):
        return Interval(0.0, 1.0)
    followed, out_of = rows.T
    if min(np.count_nonzero(followed), np.count_nonzero(followed < out_of)) < FEWEST_CHANGING:
        cases = effective_cases(followed, out_of)
        return wilson(cases * float(followed.sum() / out_of.sum()), cases, level)
    return percentiles(rows, level, draws, seed)


def mean_interval(
    values_by_prompt: Mapping[Any, float], level: float = 0.95, draws: int = 2000, seed: int = 0
) -> Interval:
    """Give the interval of a mean over prompts (ratings, lengths): percentiles over resampled prompts.

    Values that are all the same give an interval without width; for shares, `clustered_interval` does better.

    Raises:
        ValueError: there are no values.
    """
    if not values_by_prompt:
        raise ValueError("the mean of no values has no interval")
    return percentiles(sorted_rows((value, 1.0) for value in values_by_prompt.values()), level, draws, seed)


def percentiles(rows: Array, level: float, draws: int, seed: int) -> Interval:
    """Resample rows (part, whole), add both columns up, and cut off what is beyond `level` of the ratios on both sides.

    Equal rows are drawn as one, by their multinomial count: the same distribution, at a fraction of the work.
    """
    kinds, counts = np.unique(rows, axis=0, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(rows), counts / len(rows), size=draws)
    parts, wholes = (drawn @ kinds).T
    low, high = np.quantile(parts / wholes, ((1 - level) / 2, (1 + level) / 2))
    return Interval(round(float(low), _DIGITS), round(float(high), _DIGITS))


def effective_cases(followed: Array, out_of: Array) -> float:
    """Give how many independent cases tell as much about the share as these prompts do (Kish 1965, design effect).

    Between the number of prompts and the number of instructions; where nothing varies, prompts.
    """
    prompts, total = len(followed), float(out_of.sum())
    share = float(followed.sum()) / total
    variance = float(((followed - share * out_of) ** 2).sum()) / total**2
    if variance == 0 or share * (1 - share) == 0:
        return float(prompts)
    return min(total, max(float(prompts), share * (1 - share) / variance))


def sorted_rows(pairs: Iterable[tuple[float, float]]) -> Array:
    """Lay pairs out as rows in one order, so that no sum depends on the order that the prompts came in."""
    rows = np.array(list(pairs), dtype=float).reshape(-1, 2)
    return rows[np.lexsort(rows.T)]
