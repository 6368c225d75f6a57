"""The paired test of the answers' language: counts by prompt, McNemar's exact p, and what the report makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from eval.ifeval.scores_file import ScoresFile
from eval.report.language_tests import language_test
from eval.report.scored import Evaluation


def answers(codes: Sequence[str], first_key: int = 0, known: bool = True) -> Evaluation:
    by_prompt = {str(first_key + at): {"langdetect": code, "lines": "target"} for at, code in enumerate(codes)}
    spoken = {"langdetect": {"asked": "fi"} if known else None, "by_prompt": by_prompt}
    return Evaluation("m", "ifeval", "fi", Path(), Path(), {"response_language": spoken}, ScoresFile.model_construct())


def test_prompts_are_compared_one_by_one() -> None:
    theirs, ours = answers(["en"] * 8 + ["fi"] * 22), answers(["fi"] * 8 + ["en"] + ["fi"] * 21)
    test = language_test(ours, theirs)
    assert test is not None
    assert (test.gained, test.lost, test.gap.prompts) == (8, 1, 30)
    assert test.gap.difference == pytest.approx(7 / 30) and test.gap.p == pytest.approx(20 / 512)
    assert test.words.replace("\u00a0", " ") == "8 gained, 1 lost, p = 0.039"


def test_a_difference_of_equals_is_none() -> None:
    same = answers(["fi", "en", "none"] * 10)
    test = language_test(same, same)
    assert test is not None and (test.gap.difference, test.gap.p) == (0, 1.0)
    assert test.gap.verdict(test.gap.p) == "no difference shown"


def test_what_was_not_measured_by_prompt_is_not_compared() -> None:
    unknown = answers(["fi"], known=False)
    nothing = Evaluation("m", "ifeval", "is", Path(), Path(), {"response_language": None}, ScoresFile.model_construct())
    assert language_test(answers(["fi"]), unknown) is None and nothing.in_language("lines") == {}
    assert language_test(answers(["fi"]), answers(["fi"], first_key=9)) is None
    assert language_test(None, unknown) is None
