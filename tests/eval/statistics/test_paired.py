"""Two models on the same prompts: the permutation test's level and power, scipy's test beside ours, and what a table may say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from eval.statistics import FEWEST, Interval, Paired, compare, paired, wilson
from eval.statistics.paired import permutation_p

SIZES = np.repeat([1, 2, 3], [288, 171, 51])


def two_models(draw: np.random.Generator, share: float, gain: float = 0.0) -> list[dict[int, tuple[int, int]]]:
    """Draw two models' outcomes on the same prompts, easy ones for both; `gain` is what the first is better by."""
    ease = draw.beta(share, 1 - share, size=len(SIZES))
    return [
        dict(enumerate(zip(draw.binomial(SIZES, np.clip(ease + more, 0, 1)).tolist(), SIZES.tolist(), strict=True)))
        for more in (gain, 0.0)
    ]


def test_models_that_are_alike_are_told_apart_5_times_in_100() -> None:
    draw, found, covered, repetitions = np.random.default_rng(11), 0, 0, 1000
    for _ in range(repetitions):
        test = paired(*two_models(draw, 0.4))
        found += test.p < 0.05
        covered += test.interval.low <= 0 <= test.interval.high
    assert 0.03 <= found / repetitions <= 0.065
    assert 0.93 <= covered / repetitions <= 0.97


def test_a_real_gain_is_found() -> None:
    draw = np.random.default_rng(12)
    tests = [paired(*two_models(draw, 0.4, 0.08)) for _ in range(100)]
    assert sum(test.verdict(test.p) == "higher" for test in tests) > 80
    assert not any(test.verdict(test.p) == "lower" for test in tests)


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.3])
def test_scipy_s_permutation_test_gives_the_same_p(scale: float) -> None:
    gaps = scale * np.array([1, 1, 2, -1, 3, 1, -2, 1, 0, 1, 2, -1])
    theirs = stats.permutation_test(
        (gaps,), np.sum, permutation_type="samples", n_resamples=np.inf, vectorized=False
    ).pvalue  # all 4096 patterns
    sampled = scale == 0.3
    assert permutation_p(gaps, 20_000) == pytest.approx(theirs, abs=0.015 if sampled else 1e-12)


def test_a_sampled_p_is_never_zero() -> None:
    assert permutation_p(np.full(50, 0.3), permutations=999) == 1 / 1000
    assert permutation_p(np.full(50, 1.0)) == pytest.approx(2 / 2**50, rel=1e-9)


def test_one_instruction_each_is_mcnemar_s_test() -> None:
    ours = {key: (int(key < 60), 1) for key in range(100)}
    theirs = {key: (int(40 <= key < 70), 1) for key in range(100)}
    assert paired(ours, theirs).p == pytest.approx(stats.binomtest(40, 50).pvalue, rel=1e-9)


def test_the_difference_is_that_of_the_shares() -> None:
    test = paired({1: (3, 3), 2: (0, 1)}, {1: (1, 3), 2: (1, 1)})
    assert (test.difference, test.prompts) == ((3 - 2) / 4, 2)


def test_only_prompts_that_both_have_alike_are_compared() -> None:
    ours = {1: (1, 1), 2: (0, 2), 3: (1, 1), 5: (0, 0)}
    theirs = {1: (0, 1), 2: (1, 3), 4: (1, 1), 5: (0, 0)}
    assert paired(ours, theirs).prompts == 1
    assert paired(ours, {4: (1, 1)}) is None and paired({}, {}) is None


def test_the_same_answers_are_no_difference_of_a_limited_size() -> None:
    outcomes = {key: (1, 1) for key in range(100)}
    test = paired(outcomes, outcomes)
    assert (test.difference, test.p) == (0, 1)
    assert test.interval == Interval(-wilson(0, 100).high, wilson(0, 100).high)
    assert test.verdict(test.p) == "no difference shown"


def test_the_order_and_the_names_of_prompts_do_not_matter() -> None:
    ours, theirs = two_models(np.random.default_rng(13), 0.4)
    renamed = [{f"{key}": value for key, value in reversed(each.items())} for each in (ours, theirs)]
    assert paired(ours, theirs) == paired(*renamed)


def test_turned_round_it_is_the_same_test() -> None:
    ours, theirs = two_models(np.random.default_rng(14), 0.4, 0.05)
    there, back = paired(ours, theirs), paired(theirs, ours)
    assert (there.difference, there.p) == (-back.difference, back.p)
    assert (there.interval.low, there.interval.high) == pytest.approx(
        (-back.interval.high, -back.interval.low), abs=0.01
    )


@pytest.mark.parametrize(
    ("difference", "p", "prompts", "said"),
    [
        (0.03, 0.01, 510, "higher"), (-0.03, 0.01, 510, "lower"), (0.03, 0.05, 510, "no difference shown"),
        (0.3, 0.0001, FEWEST - 1, "too few to tell"), (0.3, 0.0001, FEWEST, "higher"), (0.0, 0.01, 510, "no difference shown"),
    ],
)  # fmt: skip
def test_the_word_beside_a_difference(difference: float, p: float, prompts: int, said: str) -> None:
    assert Paired(difference, Interval(0, 0), 0.5, prompts).verdict(p) == said


def test_a_table_is_adjusted_as_a_whole() -> None:
    draw = np.random.default_rng(15)
    best, good = two_models(draw, 0.4, 0.2)
    models = {"best": best, "good": good, "copy": good}
    table = compare(models)
    assert [(row.first, row.second) for row in table] == [("best", "good"), ("best", "copy"), ("good", "copy")]
    assert [row.verdict for row in table] == ["higher", "higher", "no difference shown"]
    assert table[0].adjusted_p == pytest.approx(3 * table[0].test.p)
    (alone,) = compare(models, [("copy", "best")])
    assert alone.verdict == "lower" and alone.adjusted_p == alone.test.p
    with pytest.raises(ValueError, match="no prompt in common"):
        compare({"a": {1: (1, 1)}, "b": {2: (1, 1)}})
