"""Probes which sentinels a model copies best, before a run: a dozen texts with sentinels among their words, in every style."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kielo.languages.pack import Shot
from translate.prompting.prompter import Prompter
from translate.prompting.shots import in_turn
from translate.prompting.trial import Complete, try_out
from translate.protect import STYLES, Protected, Style, protect, restore

PROBES = 12
ENOUGH = 0.5
"""Share of probes to come back whole; a model below it costs more repairs than splitting texts around their spans."""
_WORD = re.compile(r"\w+")


def choose_sentinels(
    complete: Complete, prompter: Prompter, styles: Mapping[str, Style] = STYLES
) -> tuple[str | None, dict[str, Any]]:
    """Name the style of sentinels that a model copies best, the first of equals, or None if it copies none well.

    The probes are shots held out of the prompts. The table for the record counts what each style brought back whole.

    Raises:
        GenerationError: the engine left a probe without an answer.
    """
    shots = probe_shots(prompter.shots)
    texts = [with_spans(shot.source, 1 + place % 3) for place, shot in enumerate(shots)]
    prompters = [replace(prompter.without(shots), style=style) for style in styles.values()]
    probes = [[protect(text, (), style) for text in texts] for style in styles.values()]
    trials = [(each, [probe.text for probe in asked]) for each, asked in zip(prompters, probes, strict=True)]
    answers = try_out(trials, complete)
    whole = {name: _whole(given, asked) for name, given, asked in zip(styles, answers, probes, strict=True)}
    best = max(whole, key=lambda name: whole[name])
    chosen = best if whole[best] >= ENOUGH * len(texts) or not texts else None
    return chosen, {"sentinels": chosen, "probes": len(texts), "whole": whole}


def probe_shots(pool: Sequence[Shot]) -> tuple[Shot, ...]:
    """Take shots of words alone, kinds in turn, and leave as many others for the prompts."""
    plain = [shot for shot in in_turn(pool) if not protect(shot.source).spans and len(_WORD.findall(shot.source)) > 3]
    return tuple(plain[: min(PROBES, len(pool) // 2)])


def with_spans(text: str, count: int) -> str:
    """Put 1 to 3 code spans where texts have them: one instead of a word, two around one as tags stand, or both.

    The words are the longest of the text, which name things in most languages.
    """
    words = sorted(_WORD.finditer(text), key=lambda word: (word.start() - word.end(), word.start()))
    written = {words[0].start(): "`a1`" if count == 1 else "`a1`{}`a2`"}
    if count == 3:
        written[words[1].start()] = "`a3`"
    return _WORD.sub(lambda word: written.get(word.start(), "{}").format(word.group()), text)


def _whole(answers: Sequence[str], probes: Sequence[Protected]) -> int:
    return sum(restore(answer, probe) is not None for answer, probe in zip(answers, probes, strict=True))
