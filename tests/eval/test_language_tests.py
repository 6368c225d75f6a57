"""The paired test of the answers' language: counts by prompt, McNemar's exact p, and what the report makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from eval.report.collect import Evaluation
from eval.report.language_tests import LanguageTest, language_test, spoken
from eval.report.numbers import Difference


def answers(codes: Sequence[str], first_key: int = 0) -> Evaluation:
    by_prompt = {str(first_key + at): code for at, code in enumerate(codes)}
    return Evaluation("m", "fi", Path(), {"response_language": {"asked": "fi", "by_prompt": by_prompt}}, {}, {}, None)


def test_prompts_are_compared_one_by_one() -> None:
    theirs, ours = answers(["en"] * 8 + ["fi"] * 22), answers(["fi"] * 8 + ["en"] + ["fi"] * 21)
    test = language_test(ours, theirs)
    assert test is not None
    assert (test.gained, test.lost, test.gap.prompts) == (8, 1, 30)
    assert test.gap.points == pytest.approx(100 * 7 / 30)
    assert test.words == "8 gained, 1 lost, p = 0.039" and test.beyond_chance


@pytest.mark.parametrize(
    ("gained", "lost", "p"), [(0, 0, 1.0), (5, 5, 1.0), (1, 0, 1.0), (0, 6, 2 / 64), (8, 1, 20 / 512), (1, 8, 20 / 512)]
)
def test_p_is_that_of_a_fair_coin(gained: int, lost: int, p: float) -> None:
    assert LanguageTest(Difference(0, 0, 30), gained, lost).p == pytest.approx(p)


def test_a_difference_of_equals_is_none() -> None:
    same = answers(["fi", "en", "none"])
    test = language_test(same, same)
    assert test is not None and (test.gap.points, test.p, test.beyond_chance) == (0, 1.0, False)


def test_what_was_not_measured_by_prompt_is_not_compared() -> None:
    unmeasured = Evaluation("m", "fi", Path(), {"response_language": None}, {}, {}, None)
    assert language_test(answers(["fi"]), unmeasured) is None and spoken(unmeasured) == {}
    assert (
        language_test(answers(["fi"]), answers(["fi"], first_key=9)) is None and language_test(None, unmeasured) is None
    )
