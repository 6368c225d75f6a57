"""The arithmetic of the report: percentages, intervals over prompts, paired differences, durations."""

from __future__ import annotations

import random
from statistics import pstdev

import pytest

from eval.report.numbers import Difference, Ratio, difference, duration, margin, signed, simple_margin, thousands, total


def followed(*counts: tuple[int, int]) -> dict[int, tuple[int, int]]:
    return dict(enumerate(counts))


@pytest.mark.parametrize(
    ("k", "n", "percent"), [(285, 783, "36.4"), (0, 5, "0.0"), (5, 5, "100.0"), (1, 3, "33.3"), (0, 0, "–")]
)
def test_percent(k, n, percent):
    assert Ratio(k, n).percent == percent


def test_a_ratio_names_its_denominator():
    assert Ratio(242, 510).words == "47.5% (242 of 510)" and Ratio(242, 510).counts == "242/510"


@pytest.mark.parametrize(("points", "text"), [(1.84, "+1.8"), (-2.06, "−2.1"), (0.04, "0.0"), (-0.04, "0.0")])
def test_signed(points, text):
    assert signed(points) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(4.25, "4.2 s"), (42, "42 s"), (185, "3 min 05 s"), (7800, "2 h 10 min"), (59.7, "60 s")]
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_thousands():
    assert thousands(2400000) == "2\u202f400\u202f000" and thousands(37) == "37"


def test_one_instruction_per_prompt_gives_the_binomial_interval():
    counts = followed(*[(1, 1)] * 40, *[(0, 1)] * 60)
    assert margin(counts) == pytest.approx(simple_margin(Ratio(40, 100)), rel=0.01)


def test_the_interval_is_the_spread_that_resampling_prompts_gives():
    draw = random.Random(5)
    prompts = [
        (sum(draw.random() < ease for _ in range(n)), n)
        for n in draw.choices([1, 2, 3], k=400)
        for ease in [draw.choice([0.1, 0.9])]
    ]
    shares = [100 * total(followed(*draw.choices(prompts, k=400))).share for _ in range(1500)]
    assert margin(followed(*prompts)) == pytest.approx(1.96 * pstdev(shares), rel=0.06)


def test_a_paired_difference_knows_that_equal_prompts_are_equal():
    ours = followed((1, 1), (1, 2), *[(1, 1), (0, 1)] * 30)
    theirs = {**ours, 0: (0, 1)}
    found = difference(ours, theirs)
    assert found is not None and found.points == pytest.approx(100 / 63) and found.margin < margin(ours) / 3
    assert difference(ours, ours) == Difference(0.0, 0.0, 62)


def test_only_shared_prompts_are_compared():
    assert difference({1: (1, 1), 2: (0, 1)}, {2: (1, 1), 3: (0, 1)}).prompts == 1
    assert difference({1: (1, 1)}, {2: (1, 1)}) is None
    assert difference({1: (1, 1)}, {1: (1, 2)}) is None, "other instructions are another prompt"


def test_few_prompts_are_never_beyond_chance():
    assert not Difference(50.0, 1.0, 19).beyond_chance
    assert Difference(50.0, 1.0, 20).beyond_chance and not Difference(1.0, 1.0, 500).beyond_chance
