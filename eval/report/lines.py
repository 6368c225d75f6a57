"""Lines over a plotting area, as the figures against data share them: axes in percent, points with intervals, names at the ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eval.report.svg import Frame, mark, stroke, text

LABEL_HEIGHT, LABEL_CHARACTER, NARROWEST, WIDEST = 18.0, 8.6, 38, 27.0


@dataclass(frozen=True)
class Point:
    """A measured value, with its 95% interval, at a place on the x axis; `words` is what its tooltip says."""

    x: float
    value: float
    low: float
    high: float
    words: str


@dataclass(frozen=True)
class Line:
    """A line and its role, which sets colour, marker and dashes; `end` is written where it ends."""

    role: str
    end: str
    points: tuple[Point, ...]


def draw_lines(frame: Frame, lines: Sequence[Line], beside: float = 0.0) -> Iterator[str]:
    """Draw all lines, their intervals under their markers, and name them at their ends.

    Points of several lines at one place stand `beside` units apart (less where they are many), so that none hides another.
    """
    across = _across(frame, lines, beside)
    for at, line in enumerate(lines):
        places = " ".join(f"{across[at, point.x]:.1f},{frame.y(point.value):.1f}" for point in line.points)
        if len(line.points) > 1:
            yield f'<polyline class="line {line.role}" points="{places}"/>'
        for point in line.points:
            x, low, high = across[at, point.x], max(frame.bottom_value, point.low), min(frame.top_value, point.high)
            yield stroke(f"whisker {line.role}", x, frame.y(low), x, frame.y(high))
    for at, line in enumerate(lines):
        for point in line.points:
            yield mark(line.role, across[at, point.x], frame.y(point.value), point.words)
    yield from _names(frame, lines)


def _across(frame: Frame, lines: Sequence[Line], beside: float) -> dict[tuple[int, float], float]:
    """Place every line's points from left to right: number of the line, place on the axis -> units."""
    here: dict[float, list[int]] = {}
    for at, line in enumerate(lines):
        for place in dict.fromkeys(point.x for point in line.points):
            here.setdefault(place, []).append(at)
    step = {place: min(beside, WIDEST / max(len(there) - 1, 1)) for place, there in here.items()}
    return {
        (at, place): frame.x(place) + step[place] * (number - (len(there) - 1) / 2)
        for place, there in here.items()
        for number, at in enumerate(there)
    }


def _names(frame: Frame, lines: Sequence[Line]) -> Iterator[str]:
    """Name each line where it ends; names that would overlap are moved apart, upwards from the lowest."""
    ends = sorted(
        ((frame.y(line.points[-1].value), at, line) for at, line in enumerate(lines)), key=lambda end: (-end[0], end[1])
    )
    room = frame.bottom
    for y, _, line in ends:
        room = min(y, room)
        yield text(frame.right + 20, room + 4.5, line.end, f"own {line.role}")
        room -= LABEL_HEIGHT


def right_edge(width: float, lines: Sequence[Line]) -> float:
    """Leave room for the longest name at the right of a figure `width` wide."""
    return width - 24 - LABEL_CHARACTER * max(len(line.end) for line in lines)


def value_axis(frame: Frame, ticks: Sequence[float], unit: str) -> Iterator[str]:
    """Draw the grid of a y axis with its numbers."""
    for value in ticks:
        y = frame.y(value)
        yield stroke("axis" if value == ticks[0] else "grid", frame.left - 12, y, frame.right + 12, y)
        yield text(frame.left - 20, y + 4, f"{value:g}{unit}", "muted", "end")


def below_axis(frame: Frame, ticks: Sequence[tuple[float, str]], title: str) -> Iterator[str]:
    """Draw the x axis: ticks with their words, left out where they would overlap, and what it shows."""
    last = -100.0
    for value, words in ticks:
        x = frame.x(value)
        yield stroke("axis", x, frame.bottom, x, frame.bottom + 5)
        if x - last >= max(NARROWEST, LABEL_CHARACTER * len(words)):
            yield text(x, frame.bottom + 22, words, "muted", "middle")
            last = x
    yield text((frame.left + frame.right) / 2, frame.bottom + 48, title, "muted", "middle")
