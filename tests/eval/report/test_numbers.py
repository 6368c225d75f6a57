"""How the report writes numbers: percentages, intervals, differences, p values, durations."""

from __future__ import annotations

import pytest

from eval.report.numbers import Ratio, duration, gap_span, p_words, signed, span, thousands
from eval.statistics import Interval


@pytest.mark.parametrize(
    ("k", "n", "percent"), [(285, 783, "36.4"), (0, 5, "0.0"), (5, 5, "100.0"), (1, 3, "33.3"), (0, 0, "–")]
)
def test_percent(k: int, n: int, percent: str) -> None:
    assert Ratio(k, n).percent == percent


def test_a_ratio_names_its_denominator() -> None:
    assert Ratio(242, 510).words == "47.5% (242 of 510)" and Ratio(242, 510).counts == "242/510"


def test_table_cells_are_cut_off_as_in_the_paper() -> None:
    assert Ratio(488, 510).cell == "95.68" and Ratio(287, 783).cell == "36.65" and Ratio(0, 0).cell == "–"


@pytest.mark.parametrize(("points", "text"), [(1.84, "+1.8"), (-2.06, "−2.1"), (0.04, "0.0"), (-0.04, "0.0")])
def test_signed(points: float, text: str) -> None:
    assert signed(points) == text


def test_intervals_are_in_percent() -> None:
    assert span(Interval(0.33, 0.3984)) == "33.0–39.8"
    assert gap_span(Interval(-0.001, 0.0641)) == "[−0.1,\u00a0+6.4]"


@pytest.mark.parametrize(("p", "text"), [(0.0004, "p < 0.001"), (0.0391, "p = 0.039"), (1.0, "p = 1.000")])
def test_p_values(p: float, text: str) -> None:
    assert p_words(p).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(4.25, "4.2 s"), (42, "42 s"), (185, "3 min 05 s"), (7800, "2 h 10 min"), (59.7, "60 s")]
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_thousands() -> None:
    assert thousands(2400000) == "2\u202f400\u202f000" and thousands(37) == "37"
