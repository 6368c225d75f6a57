"""A figure of one row per model and one panel per measure, each a dot with its interval on the panel's own scale."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor, log10

from eval.report.document import Figure
from eval.report.svg import Frame, mark, stroke, text

WIDTH, ROW, TOP, GAP, RIGHT, BELOW = 852.0, 28.0, 40.0, 26.0, 18.0, 34.0
LONGEST, LETTER = 30, 8.4
"""Letters of a name at the left of its row."""


@dataclass(frozen=True)
class Dot:
    """A value and its interval; `words` is what its tooltip says."""

    value: float
    low: float
    high: float
    words: str


def cut(name: str) -> str:
    """Shorten a name to what fits beside a row."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def labels_width(names: Iterable[str]) -> float:
    """Give the room that names at the left of their rows take."""
    return LETTER * max(len(cut(name)) for name in names)


def draw_dots(name: str, caption: str, rows: Sequence[str], panels: Mapping[str, Mapping[str, Dot]]) -> Figure:
    """Draw the panels side by side, from 0 each."""
    bottom = TOP + ROW * len(rows)
    labels = labels_width(rows) + 24
    width = (WIDTH - labels - RIGHT - GAP * (len(panels) - 1)) / len(panels)
    body = [text(labels - 20, _middle(at) + 4.5, cut(row), "", "end") for at, row in enumerate(rows)]
    for number, (title, dots) in enumerate(panels.items()):
        left = labels + number * (width + GAP)
        top_value = rounded_up(max(dot.high for dot in dots.values()))
        body += _panel(Frame(left, left + width, TOP, bottom, 0.0, top_value), title, rows, dots)
    return Figure(name, caption, "\n".join(body), round(WIDTH), round(bottom + BELOW))


def _middle(row: int) -> float:
    return TOP + ROW * (row + 0.5)


def _panel(frame: Frame, title: str, rows: Sequence[str], dots: Mapping[str, Dot]) -> Iterator[str]:
    yield text(frame.left, frame.top - 16, title, "head")
    for value in (0.0, frame.high / 2, frame.high):
        x = frame.x(value)
        yield stroke("grid", x, frame.top - 4, x, frame.bottom + 4)
        if value != frame.high / 2:
            yield text(x, frame.bottom + 22, f"{value:g}", "muted", "end" if value else "start")
    for at, row in enumerate(rows):
        if row in dots:
            dot, y = dots[row], _middle(at)
            yield stroke("whisker first", frame.x(dot.low), y, frame.x(dot.high), y)
            yield mark("first", frame.x(dot.value), y, dot.words)


def rounded_up(value: float) -> float:
    """Give the next of 1, 2, 3, 4, 5, 6, 8 and 10 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return round(next(power * step for step in (1, 2, 3, 4, 5, 6, 8, 10) if power * step >= value * (1 - 1e-9)), 10)
