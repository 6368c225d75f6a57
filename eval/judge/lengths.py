"""How far verdicts follow the length of answers: the report of lengths, and the win rate between answers of one length."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, median
from typing import Any

import numpy as np

from eval.judge.cases import POINTS, Comparison
from eval.statistics import FEWEST

Array = np.ndarray[Any, np.dtype[np.float64]]
_STEPS, _LONGEST_STEP = 60, 3.0
_PRIOR = np.array([1 / 4**2, 1 / 1.5**2])
"""1 over the variance that intercept and slope are expected to have: without it, length that decides every pair has no curve."""


def length_report(judged: Sequence[Comparison]) -> dict[str, Any]:
    """Give both sides' characters, and how often the longer answer won among decided pairs of unequal length."""
    pairs = [
        (len(each.ours), len(each.theirs), each.outcome)
        for each in judged
        if each.ours is not None and each.theirs is not None
    ]
    decided = [
        (ours - theirs, outcome) for ours, theirs, outcome in pairs if outcome in ("win", "loss") and ours != theirs
    ]
    longer = sum((gap > 0) == (outcome == "win") for gap, outcome in decided)
    return {
        "unit": "characters", "pairs": len(pairs),
        "ours": _middle([ours for ours, _, _ in pairs]), "theirs": _middle([theirs for _, theirs, _ in pairs]),
        "longer_won": longer, "longer_of": len(decided), "longer_share": longer / len(decided) if decided else None,
    }  # fmt: skip


def _middle(lengths: Sequence[int]) -> dict[str, float] | None:
    return {"mean": round(mean(lengths), 1), "median": float(median(lengths))} if lengths else None


def length_controlled(judged: Sequence[Comparison], draws: int = 500, seed: int = 0) -> dict[str, Any] | None:
    """Estimate the win rate between answers of one length: a logistic curve over tanh(gap/sd), read at gap 0.

    After AlpacaEval 2's length control (Dubois et al. 2024), fitted on these pairs alone, a tie counting half. Pairs in
    which ours is the longer weigh as much together as those in which theirs is, lest a judge that goes by length alone
    seem to prefer whoever is longer more often. A normal prior keeps the curve finite where length decides every pair. The
    interval resamples questions. None with fewer than FEWEST pairs, or where no pair differs in length.
    """
    kept = [each for each in judged if each.outcome in POINTS and each.ours is not None and each.theirs is not None]
    gaps = np.array([len(each.ours or "") - len(each.theirs or "") for each in kept], dtype=float)
    if len(kept) < FEWEST or not gaps.any() or gaps.std() == 0:
        return None
    lean, won = np.tanh(gaps / gaps.std()), np.array([POINTS[each.outcome] for each in kept])
    intercept, slope = _fit(lean, won, _balanced(np.ones((1, len(kept))), gaps))[0]
    rates = _expit(_fit(lean, won, _balanced(_question_weights(kept, draws, seed), gaps))[:, 0])
    low, high = np.quantile(rates, (0.025, 0.975))
    return {
        "win_rate": round(float(_expit(intercept)), 6), "interval": [round(float(low), 6), round(float(high), 6)],
        "slope": round(float(slope), 6), "pairs": len(kept),
    }  # fmt: skip


def _question_weights(kept: Sequence[Comparison], draws: int, seed: int) -> Array:
    """Resample questions, turns together: how often each pair is in each draw; shape (draws, pairs)."""
    keys = {key: place for place, key in enumerate(dict.fromkeys(each.case.key for each in kept))}
    drawn = np.random.default_rng(seed).multinomial(len(keys), np.full(len(keys), 1 / len(keys)), size=draws)
    return drawn[:, [keys[each.case.key] for each in kept]].astype(float)


def _balanced(weights: Array, gaps: Array) -> Array:
    """Scale every row of weights so that longer and shorter answers of ours weigh the same; a row without one of them stays."""
    longer, shorter = weights @ (gaps > 0), weights @ (gaps < 0)
    half, both = (longer + shorter) / 2, (longer > 0) & (shorter > 0)
    factors = [np.where(both, half / np.where(both, side, 1), 1.0)[:, None] for side in (longer, shorter)]
    return weights * np.where(gaps > 0, factors[0], np.where(gaps < 0, factors[1], 1.0))


def _fit(lean: Array, won: Array, weights: Array) -> Array:
    """Fit intercept and slope for every row of weights by Newton's steps; shape (rows, 2)."""
    found = np.zeros((len(weights), 2))
    for _ in range(_STEPS):
        chance = _expit(found[:, :1] + found[:, 1:] * lean)
        rest, weight = weights * (won - chance), weights * chance * (1 - chance)
        score = np.stack([rest.sum(1), rest @ lean], axis=1) - found * _PRIOR
        a, b, c = weight.sum(1) + _PRIOR[0], weight @ lean, weight @ lean**2 + _PRIOR[1]
        step = np.stack([c * score[:, 0] - b * score[:, 1], a * score[:, 1] - b * score[:, 0]], axis=1)
        step /= (a * c - b * b)[:, None]
        found += np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
        if np.abs(step).max() < 1e-9:
            break
    return found


def _expit(value: Any) -> Any:
    return 1 / (1 + np.exp(-np.clip(value, -35, 35)))
