"""The figure of accuracy by instruction category, the languages side by side, one panel for each of a few models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eval.report.collect import Run, name_of, short
from eval.report.document import Figure
from eval.report.numbers import Ratio
from eval.report.svg import Frame, bar, stroke, text

ROW, BAR, TOP, LABELS, GAP, RIGHT, PANEL_MOST, WIDTH = 38.0, 12.0, 72.0, 224.0, 46.0, 36.0, 300.0, 852.0
HEAD_CHARACTERS = 20


def draw_categories(run: Run, models: Sequence[str]) -> Figure:
    """Draw one row per category and one panel per model; in a row, one bar per language."""
    categories = sorted({name for one in run.evaluations if one.model in models for name in one.by_category()})
    bottom = TOP + ROW * len(categories)
    width = min(PANEL_MOST, (WIDTH - LABELS - RIGHT - GAP * (len(models) - 1)) / len(models))
    body = [*_legend(run), *_labels(run, models, categories)]
    for number, model in enumerate(models):
        left = LABELS + number * (width + GAP)
        body += _panel(run, model, categories, Frame(left, left + width, TOP, bottom))
    names = " and ".join(name_of(code) for code in run.languages)
    caption = f"Instruction-level strict accuracy in compat mode by instruction category in {names}. In parentheses: instructions per category. Differences between bars are not tested."
    full = LABELS + len(models) * width + (len(models) - 1) * GAP + RIGHT
    return Figure("categories", caption, "\n".join(body), round(full), round(bottom + 34))


def _legend(run: Run) -> Iterator[str]:
    x = LABELS
    for code in run.languages:
        name = name_of(code)
        yield bar(run.role(code), x, 10, 14, BAR, name)
        yield text(x + 22, 20.5, name)
        x += 48 + 7.5 * len(name)


def _labels(run: Run, models: Sequence[str], categories: Sequence[str]) -> Iterator[str]:
    for row, category in enumerate(categories):
        counts = [
            counts[category].n
            for one in run.evaluations
            if one.model in models and category in (counts := one.by_category())
        ]
        sizes = "–".join(str(count) for count in sorted({min(counts), max(counts)}))
        yield text(LABELS - 16, _middle(row) + 4.5, f"{category.replace('_', ' ')} ({sizes})", "", "end")


def _middle(row: int) -> float:
    return TOP + ROW * (row + 0.5)


def _panel(run: Run, model: str, categories: Sequence[str], frame: Frame) -> Iterator[str]:
    name = short(model)
    yield text(
        frame.left, frame.top - 18, name if len(name) <= HEAD_CHARACTERS else f"{name[: HEAD_CHARACTERS - 1]}…", "head"
    )
    for percent in range(0, 101, 25):
        x = frame.x(percent)
        yield stroke("grid", x, frame.top - 4, x, frame.bottom + 4)
        if percent % 50 == 0:
            yield text(x, frame.bottom + 22, f"{percent}%", "muted", "middle")
    for row, category in enumerate(categories):
        values = [
            (code, counts[category])
            for code in run.languages
            if (one := run.evaluation(model, code)) and category in (counts := one.by_category())
        ]
        yield from _bars(run, frame, _middle(row), category, values)


def _bars(run: Run, frame: Frame, y: float, category: str, values: Sequence[tuple[str, Ratio]]) -> Iterator[str]:
    top = y - BAR * len(values) / 2
    for number, (code, ratio) in enumerate(values):
        words = f"{category}, {name_of(code)}: {ratio.words}"
        end = frame.x(100 * ratio.share)
        yield bar(run.role(code), frame.left, top + BAR * number, end - frame.left, BAR - 1, words)
        yield text(end + 5, top + BAR * (number + 1) - 2.5, f"{100 * ratio.share:.0f}", "value")
