"""A figure of every pair of models as a square whose colour is the stronger the more alike they are, with its number in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from eval.analyse.dot_chart import cut, labels_width
from eval.report.document import Figure
from eval.report.svg import square, text

WIDTH, NUMBERS, TOP, LARGEST, RIGHT, PALEST, STRONGEST = 852.0, 42.0, 34.0, 46.0, 18.0, 0.04, 0.55
Values = Mapping[tuple[str, str], tuple[float, int]]
"""Pair -> its value and the number of prompts."""


def draw_heat_map(name: str, caption: str, models: Sequence[str], values: Values) -> Figure:
    """Draw rows and columns in the order of `models`; the columns have the numbers of the rows."""
    left = labels_width(models) + NUMBERS
    side = min(LARGEST, (WIDTH - left - RIGHT) / len(models))
    low, high = (end(value for value, _ in values.values()) for end in (min, max))
    body = [*_names(models, left, side)]
    for row, one in enumerate(models):
        for column, other in enumerate(models):
            found = values.get((one, other)) or values.get((other, one))
            if found is not None:
                body += _square((left + side * column, TOP + side * row), side, (one, other), found, (low, high))
    full = left + side * len(models) + RIGHT
    return Figure(name, caption, "\n".join(body), round(full), round(TOP + side * len(models) + 12))


def _names(models: Sequence[str], left: float, side: float) -> Iterator[str]:
    for number, model in enumerate(models):
        middle = side * (number + 0.5)
        yield text(left - 34, TOP + middle + 4.5, cut(model), "", "end")
        yield text(left - 10, TOP + middle + 4.5, str(number + 1), "muted", "end")
        yield text(left + middle, TOP - 10, str(number + 1), "muted", "middle")


def _square(
    corner: tuple[float, float], side: float, pair: tuple[str, str], found: tuple[float, int], ends: tuple[float, float]
) -> Iterator[str]:
    value, prompts = found
    share = (value - ends[0]) / (ends[1] - ends[0]) if ends[1] > ends[0] else 1.0
    x, y = corner
    words = f"{pair[0]} and {pair[1]}: {value:.1f} on {prompts} prompts"
    yield square("heat", x + 1, y + 1, side - 2, PALEST + share * (STRONGEST - PALEST), words)
    if side >= 24:
        yield text(x + side / 2, y + side / 2 + 4.5, f"{value:.0f}", "inside", "middle")
