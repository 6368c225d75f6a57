"""What a tuned model took over of the style of the model that wrote its data: a ratio for every mark, over the prompts that both answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eval.statistics.bootstrap import FEWEST_CHANGING, sorted_rows
from eval.statistics.exact import Array, Interval
from eval.style.counts import MARKS
from eval.style.profiles import DRAWS, Profile, counted


@dataclass(frozen=True)
class Ratio:
    """Means of one model's answers over those of another (PF in WildChat-50M's table 3, 2025): 1 is the same."""

    value: float
    interval: Interval | None
    """95% over prompts; None where fewer than FEWEST_CHANGING prompts of the source have the mark: resampling would be too coarse."""
    prompts: int


def inheritance(of: Profile, source: Profile) -> Mapping[str, Ratio | None]:
    """Divide the means of one profile by those of its source, mark by mark; None where the source has none of a mark.

    Only prompts that both have with as many answers are counted, so that both means are of the same questions.

    Raises:
        ValueError: there is no such prompt.
    """
    shared = [key for key, styles in of.styles.items() if len(source.styles.get(key, ())) == len(styles)]
    if not shared:
        raise ValueError("the two profiles have no prompt in common")
    return {
        mark: _ratio(
            sorted_rows((counted(of.styles[key], mark), counted(source.styles[key], mark)) for key in shared), of.seed
        )
        for mark in MARKS
    }


def _ratio(rows: Array, seed: int) -> Ratio | None:
    ours, theirs = rows.sum(axis=0)
    if not theirs:
        return None
    believed = np.count_nonzero(rows[:, 1]) >= FEWEST_CHANGING
    return Ratio(float(ours / theirs), _interval(rows, seed) if believed else None, len(rows))


def _interval(rows: Array, seed: int) -> Interval | None:
    """Resample prompts; None in the rare case that a resample has none of the mark in the source, so that it has no ratio."""
    drawn = np.random.default_rng(seed).multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=DRAWS)
    ours, theirs = (drawn @ rows).T
    if not theirs.all():
        return None
    low, high = np.quantile(ours / theirs, (0.025, 0.975))
    return Interval(float(low), float(high))
