"""Intervals over prompts: coverage by simulation, scipy's bootstrap beside ours, and the ends of the scale."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from eval.statistics import Interval, clustered_interval, mean_interval, wilson

SIZES = np.repeat([1, 2, 3], [288, 171, 51])  # the paper's 510 prompts by their number of instructions: 783


def answered(draw: np.random.Generator, share: float) -> dict[int, tuple[int, int]]:
    """Draw one model's outcomes: a prompt is easy or hard as a whole, so that its instructions pass or fail together."""
    ease = draw.beta(share, 1 - share, size=len(SIZES))
    return dict(enumerate(zip(draw.binomial(SIZES, ease).tolist(), SIZES.tolist(), strict=True)))


@pytest.mark.parametrize(("share", "seed"), [(0.37, 1), (0.83, 2), (0.99, 3)])
def test_95_percent_intervals_cover_the_truth_95_times_in_100(share: float, seed: int) -> None:
    draw, covered, taken_alone = np.random.default_rng(seed), 0, 0
    repetitions = 1000  # the measured coverage is then within 1.4 points of the true one, 95 times in 100
    for _ in range(repetitions):
        outcomes = answered(draw, share)
        interval = clustered_interval(outcomes)
        covered += interval.low <= share <= interval.high
        alone = wilson(sum(k for k, _ in outcomes.values()), int(SIZES.sum()))
        taken_alone += alone.low <= share <= alone.high
    assert 0.93 <= covered / repetitions <= 0.97
    assert taken_alone / repetitions < 0.93  # instructions as if independent: an interval too narrow


def test_scipy_s_bootstrap_gives_the_same_interval() -> None:
    outcomes = answered(np.random.default_rng(5), 0.4)
    followed, out_of = np.array(list(outcomes.values()), dtype=float).T

    def ratio(k, n, axis=-1):
        return k.sum(axis=axis) / n.sum(axis=axis)

    theirs = stats.bootstrap(
        (followed, out_of), ratio, paired=True, vectorized=True, n_resamples=4000, method="percentile", rng=1
    ).confidence_interval
    ours = clustered_interval(outcomes, draws=4000)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.004)
    assert ours.high - ours.low == pytest.approx(theirs.high - theirs.low, rel=0.06)


def test_the_order_and_the_names_of_prompts_do_not_matter() -> None:
    outcomes = answered(np.random.default_rng(6), 0.4)
    renamed = {f"prompt {key}": value for key, value in reversed(outcomes.items())}
    assert clustered_interval(outcomes) == clustered_interval(renamed)
    assert mean_interval({key: k / n for key, (k, n) in outcomes.items()}) == mean_interval(
        {key: k / n for key, (k, n) in renamed.items()}
    )


def test_another_seed_moves_the_interval_a_little() -> None:
    outcomes = answered(np.random.default_rng(7), 0.4)
    first, second = clustered_interval(outcomes), clustered_interval(outcomes, seed=1)
    assert first != second
    assert (first.low, first.high) == pytest.approx((second.low, second.high), abs=0.01)


def test_a_higher_level_is_wider() -> None:
    outcomes = answered(np.random.default_rng(8), 0.4)
    wide, narrow = clustered_interval(outcomes, level=0.99), clustered_interval(outcomes, level=0.8)
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize("followed", [0, 1])
def test_at_the_ends_of_the_scale_prompts_count_not_instructions(followed: int) -> None:
    outcomes = {key: (followed * int(size), int(size)) for key, size in enumerate(SIZES)}
    assert clustered_interval(outcomes) == wilson(510 * followed, 510)


def test_near_the_ends_wilson_s_interval_has_as_many_cases_as_the_prompts_carry() -> None:
    together = {key: (3 * (key > 4), 3) for key in range(100)}  # five prompts fail whole: 100 cases, not 300
    assert clustered_interval(together) == wilson(95, 100)
    apart = {key: (1 - (key < 5), 1) for key in range(100)}
    assert clustered_interval(apart) == wilson(95, 100)


def test_of_no_prompts_nothing_is_known() -> None:
    assert clustered_interval({}) == clustered_interval({1: (0, 0)}) == Interval(0.0, 1.0)
    with pytest.raises(ValueError, match="no values"):
        mean_interval({})


def test_the_interval_of_a_mean() -> None:
    ratings = dict(enumerate(np.random.default_rng(9).integers(1, 11, size=160).tolist()))
    values = np.array(list(ratings.values()))
    error = values.std(ddof=1) / np.sqrt(len(values))
    found = mean_interval(ratings)
    assert (found.low, found.high) == pytest.approx(
        (values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=0.08
    )
    assert mean_interval({1: 7.0, 2: 7.0}) == Interval(7.0, 7.0)
