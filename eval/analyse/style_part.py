"""The part of an analysis on style: what the answers of each model are written with, as a table and as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from eval.analyse.answers import Answers
from eval.analyse.dot_chart import Dot, draw_dots
from eval.report.collect import name_of
from eval.report.document import Cell, Figure, Table
from eval.style import MARKS, Estimate, Profile, Style, count, profile_of

SHOWN: Mapping[str, str] = {
    "length_characters": "Characters", "paragraphs": "Paragraphs", "strong": "Bold", "em": "Italic", "ordered_lists": "Numbered lists",
    "unordered_lists": "Bullet lists", "h1": "h1", "h2": "h2", "h3": "h3", "h4": "h4", "h5": "h5", "h6": "h6",
}  # fmt: skip
"""Marks of style that tables show, in their order; analysis.json has all."""
DRAWN = ("length_characters", "paragraphs", "strong", "ordered_lists", "unordered_lists")


@cache
def styled(text: str) -> Style:
    """Count the marks of an answer once: mixes share most of their rows."""
    return count(text)


def profiles(texts: Mapping[str, Mapping[str, str]], seed: int = 0) -> dict[str, Profile]:
    """Make the profile of every model."""
    return {
        model: profile_of({prompt: (styled(text),) for prompt, text in found.items()}, seed)
        for model, found in texts.items()
    }


def shown_marks(found: Sequence[Profile]) -> list[str]:
    """List the marks of the table that any of the answers has."""
    return [mark for mark in SHOWN if any(each.estimates[mark].total for each in found)]


def style_table(answers: Answers, found: Mapping[str, Profile]) -> Table:
    """Lay out the marks of an average answer of every model."""
    marks = shown_marks(list(found.values()))
    rows = tuple(
        (Cell(model), Cell(str(each.answers)), *(estimate_cell(each.estimates[mark]) for mark in marks))
        for model, each in found.items()
    )
    note = (
        "Means per answer, with 95% intervals over prompts. Marks are those of the answer's Markdown tree, outside of code; "
        "what no answer has is left out. Differences between models are not tested here."
    )
    return Table(f"Style of the answers, {name_of(answers.language)}", ("Model", "Answers", *(SHOWN[mark] for mark in marks)), rows, note)  # fmt: skip


def estimate_cell(estimate: Estimate) -> Cell:
    """Write a mean with its interval in small print."""
    if not estimate.total:
        return Cell("0", numbers=(("mean", 0.0), ("total", 0)))
    low, high = estimate.interval.low, estimate.interval.high
    numbers = (("mean", estimate.mean), ("low", low), ("high", high), ("total", estimate.total))
    return Cell(_written(estimate.mean), f"{_written(low)}–{_written(high)}", numbers=numbers)


def _written(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def style_figure(answers: Answers, found: Mapping[str, Profile]) -> Figure:
    """Draw the marks that answers differ in most, one panel each."""
    marks = [mark for mark in DRAWN if any(each.estimates[mark].total for each in found.values())]
    panels = {
        SHOWN[mark]: {model: _dot(model, mark, each.estimates[mark]) for model, each in found.items()} for mark in marks
    }
    caption = (
        f"Style of the answers in {name_of(answers.language)}: means per answer, every panel on a scale of its own from 0. "
        "Bars: 95% intervals over prompts."
    )
    return draw_dots(f"style-{answers.language}", caption, list(found), panels)


def _dot(model: str, mark: str, estimate: Estimate) -> Dot:
    low, high = estimate.interval.low, estimate.interval.high
    words = f"{model}, {SHOWN[mark].lower()}: {_written(estimate.mean)} [{_written(low)}–{_written(high)}]"
    return Dot(estimate.mean, low, high, words)


def style_sentence(answers: Answers, found: Mapping[str, Profile]) -> str:
    """Name the models with the longest and the shortest answers."""
    lengths = {model: each.estimates["length_characters"].mean for model, each in found.items()}
    longest, shortest = max(lengths, key=lengths.__getitem__), min(lengths, key=lengths.__getitem__)
    return (
        f"{name_of(answers.language)} answers are longest from `{longest}` ({_written(lengths[longest])} characters on average) "
        f"and shortest from `{shortest}` ({_written(lengths[shortest])})."
    )


def style_document(found: Mapping[str, Profile]) -> dict[str, Any]:
    """Write the profiles as JSON: every mark with mean, interval and total."""
    return {
        model: {
            "answers": each.answers,
            "marks": {
                mark: {"mean": one.mean, "interval": [one.interval.low, one.interval.high], "total": one.total}
                for mark, one in each.estimates.items()
                if mark in MARKS
            },
        }
        for model, each in found.items()
    }
