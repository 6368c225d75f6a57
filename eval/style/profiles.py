"""The style of a model: what its answers have on average, with intervals that resample prompts, as a prompt's answers go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.statistics.bootstrap import percentiles, sorted_rows
from eval.statistics.exact import Interval
from eval.style.counts import MARKS, Style, count

Texts = Mapping[Any, str | Sequence[str]] | Sequence[str]
"""Prompt -> its answer, or its answers turn by turn; of a bare sequence every text answers a prompt of its own."""
DRAWS = 2000


@dataclass(frozen=True)
class Estimate:
    """What an answer has on average, and the interval over prompts (95%)."""

    mean: float
    interval: Interval
    total: int


@dataclass(frozen=True)
class Profile:
    """The style of some answers; `styles` are the counts that it was made from, by prompt and turn."""

    estimates: Mapping[str, Estimate]
    """By mark (MARKS)."""
    answers: int
    styles: Mapping[Any, tuple[Style, ...]]
    seed: int


def profile(texts: Texts, seed: int = 0) -> Profile:
    """Average the style of answers.

    Raises:
        ValueError: there is none.
    """
    return profile_of({key: tuple(map(count, answers)) for key, answers in _by_prompt(texts).items() if answers}, seed)


def profile_of(styles: Mapping[Any, tuple[Style, ...]], seed: int = 0) -> Profile:
    """Average the style of answers whose marks are counted already: prompt -> counts turn by turn.

    Raises:
        ValueError: there is none.
    """
    answers = sum(map(len, styles.values()))
    if not answers:
        raise ValueError("the style of no answers has no mean")
    return Profile({mark: _estimate(styles, mark, seed) for mark in MARKS}, answers, styles, seed)


def counted(styles: Sequence[Style], mark: str) -> int:
    """Add up one mark over a prompt's answers."""
    return sum(getattr(style, mark) for style in styles)


def _by_prompt(texts: Texts) -> dict[Any, Sequence[str]]:
    pairs = texts.items() if isinstance(texts, Mapping) else enumerate(texts)
    return {key: [answer] if isinstance(answer, str) else answer for key, answer in pairs}


def _estimate(styles: Mapping[Any, Sequence[Style]], mark: str, seed: int) -> Estimate:
    rows = sorted_rows((counted(found, mark), len(found)) for found in styles.values())
    total, answers = rows.sum(axis=0)
    return Estimate(float(total / answers), percentiles(rows, 0.95, DRAWS, seed), int(total))
