"""Counts: Wilson's interval, the sign test and McNemar's against scipy, Holm's correction against its definition."""

from __future__ import annotations

from itertools import permutations

import pytest
from scipy import stats

from eval.statistics import Interval, holm, mcnemar, sign_test, wilson


@pytest.mark.parametrize(
    ("k", "n", "level"), [(0, 10, 0.95), (10, 10, 0.95), (3, 17, 0.9), (108, 161, 0.95), (1, 1, 0.5)]
)
def test_wilson_is_scipy_s(k: int, n: int, level: float) -> None:
    expected = stats.binomtest(k, n).proportion_ci(level, method="wilson")
    found = wilson(k, n, level)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_of_no_cases_nothing_is_known() -> None:
    assert wilson(0, 0) == Interval(0.0, 1.0)


@pytest.mark.parametrize(("k", "n"), [(-1, 3), (4, 3)])
def test_what_is_no_share_is_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="not a share"):
        wilson(k, n)


def test_the_judged_comparison_of_161_prompts() -> None:
    found = wilson(108, 161)
    assert f"{100 * 108 / 161:.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}]" == "67.1 [59.5, 73.9]"
    assert f"{sign_test(53, 108):.1e}" == "1.7e-05"


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (0, 5), (5, 0), (7, 7), (53, 108), (2900, 3000)])
def test_the_sign_test_is_scipy_s(wins: int, losses: int) -> None:
    expected = stats.binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    assert sign_test(wins, losses) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(wins, losses) == sign_test(losses, wins)


def test_counts_below_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="not counts"):
        sign_test(-1, 4)


def test_holm_by_hand() -> None:
    # 0.01 x 4 = 0.04; 0.02 x 3 = 0.06; 0.03 x 2 = 0.06; 0.5 x 1
    for order in permutations([(0.01, 0.04), (0.02, 0.06), (0.03, 0.06), (0.5, 0.5)]):
        assert holm([p for p, _ in order]) == pytest.approx([adjusted for _, adjusted in order])


def test_holm_stays_a_probability_and_in_order() -> None:
    assert holm([]) == [] and holm([0.04]) == [0.04]
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([0.02, 0.02]) == [0.04, 0.04]
