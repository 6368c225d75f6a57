"""Prompts and answers made to take for ever: they end with a sentence, or in a moment."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from eval.ifeval import time_limit
from eval.ifeval.registry import composed
from eval.ifeval.rows import Answer
from eval.ifeval.rules import LanguageRules
from eval.ifeval.score import score
from kielo.errors import SourceError
from kielo.languages.pack import language
from kielo.records import Prompt

RULES = LanguageRules.from_pack("fi", language("fi").ifeval)


def scored(name: str, kwargs: dict[str, Any], text: str, mode: str) -> tuple[bool, ...]:
    prompt = Prompt("ifeval/00007", "fi", 7, "Vastaa.", (name,), (kwargs,))
    (verdict,) = score(
        [prompt], [Answer("Vastaa.", text, 7)], RULES, mode, "sentencex" if mode == "compat" else None
    ).verdicts
    return verdict.strict


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b"])
def test_a_pattern_that_would_run_for_ever_is_named(monkeypatch, pattern):
    monkeypatch.setattr(time_limit, "SECONDS", 0.2)
    handler = signal.getsignal(signal.SIGALRM)
    with pytest.raises(SourceError, match="key 7, keywords:existence: its regular expression was not done"):
        scored("keywords:existence", {"keywords": [pattern]}, "a" * 60 + "!", "compat")
    assert signal.getsignal(signal.SIGALRM) == handler and signal.getitimer(signal.ITIMER_REAL)[0] == 0.0


def test_a_sound_pattern_with_a_repetition_is_scored():
    assert scored("keywords:existence", {"keywords": ["ko+tiin"]}, "Mennään kotiin.", "compat") == (True,)


def test_marks_piled_on_a_letter_are_thinned_before_they_are_composed():
    pile = "a" + "\u0323\u0301" * 100_000
    assert len(composed(f"{pile} loppu")) < 40, "composing them all takes their number squared"
    assert scored("punctuation:no_comma", {}, f"{pile} loppu", "fair") == (True,)
    assert scored("punctuation:no_comma", {}, f"{pile}, loppu", "fair") == (False,)
    assert composed("a\u0308" * 30_000) == "ä" * 30_000
