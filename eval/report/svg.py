"""The few SVG elements that the report's figures are drawn with; colours and fonts come from figure.css."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from eval.report.document import Figure

STYLE = Path(__file__).with_name("figure.css")
SQUARE = ((-5.0, -5.0), (5.0, -5.0), (5.0, 5.0), (-5.0, 5.0))
DIAMOND = ((0.0, -6.5), (6.5, 0.0), (0.0, 6.5), (-6.5, 0.0))
UP, DOWN = ((0.0, -6.0), (6.0, 5.0), (-6.0, 5.0)), ((0.0, 6.0), (6.0, -5.0), (-6.0, -5.0))
STAR = ((0.0, -7.0), (2.0, -2.0), (7.0, 0.0), (2.0, 2.0), (0.0, 7.0), (-2.0, 2.0), (-7.0, 0.0), (-2.0, -2.0))
CROSS = (
    (-5.0, -2.0),
    (-2.0, -2.0),
    (-2.0, -5.0),
    (2.0, -5.0),
    (2.0, -2.0),
    (5.0, -2.0),
    (5.0, 2.0),
    (2.0, 2.0),
    (2.0, 5.0),
    (-2.0, 5.0),
    (-2.0, 2.0),
    (-5.0, 2.0),
)
LEFT, RIGHT = ((-6.5, 0.0), (4.5, -6.0), (4.5, 6.0)), ((6.5, 0.0), (-4.5, 6.0), (-4.5, -6.0))
SEXTANT = ((-6.0, 0.0), (-3.0, -5.5), (3.0, -5.5), (6.0, 0.0), (3.0, 5.5), (-3.0, 5.5))
CORNERS: Mapping[str, tuple[tuple[float, float], ...]] = {
    "source": (), "target": SQUARE, "spoken": DIAMOND,
    "first": (), "second": SQUARE, "third": DIAMOND, "fourth": UP, "fifth": DOWN, "sixth": SEXTANT,
    "seventh": STAR, "eighth": CROSS, "ninth": LEFT, "tenth": RIGHT,
}  # fmt: skip
"""The marker of each role of a line, as corners around its place; a circle has none."""
NARROW = 620
"""Units from which on a figure is wide: the page's style shrinks it to this width, and leaves narrower ones as they are."""
SERIES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
"""Roles for lines that are no language."""


@dataclass(frozen=True)
class Frame:
    """A plotting area in user units; `low`..`high` run from left to right, `bottom_value`..`top_value` upwards."""

    left: float
    right: float
    top: float
    bottom: float
    low: float = 0.0
    high: float = 100.0
    bottom_value: float = 0.0
    top_value: float = 100.0

    def x(self, value: float) -> float:
        """Place a value between `low` and `high` from left to right."""
        return self.left + (value - self.low) / (self.high - self.low) * (self.right - self.left)

    def y(self, value: float) -> float:
        """Place a value between `bottom_value` and `top_value` from bottom to top."""
        share = (value - self.bottom_value) / (self.top_value - self.bottom_value)
        return self.bottom - share * (self.bottom - self.top)


def write_svg(figure: Figure) -> str:
    """Write a figure as an SVG element of the page, whose style it needs."""
    size = f'width="{figure.width}" height="{figure.height}" viewBox="0 0 {figure.width} {figure.height}"'
    label = escape(figure.caption, quote=True)
    narrow = " narrow" if figure.width < NARROW else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="kielo-figure{narrow}" role="img" aria-label="{label}" {size}>'
        f"\n{figure.body}\n</svg>\n"
    )


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """Write words at a place; anchor is start, middle or end."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def stroke(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    """Draw a straight line."""
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def mark(role: str, x: float, y: float, words: str) -> str:
    """Draw a marker with a tooltip; the shape differs by role, so that nothing hangs on colour alone."""
    corners = CORNERS[role]
    place = " ".join(f"{x + right:.1f},{y + down:.1f}" for right, down in corners)
    name, where = ("polygon", f'points="{place}"') if corners else ("circle", f'cx="{x:.1f}" cy="{y:.1f}" r="5.5"')
    return f'<{name} class="mark {role}" {where}><title>{escape(words)}</title></{name}>'


def bar(role: str, x: float, y: float, width: float, height: float, words: str) -> str:
    """Draw a horizontal bar with a tooltip; one of nothing keeps a hair's breadth, to be seen."""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.75):.1f}" height="{height:.1f}"'
    return f'<rect class="bar {role}" {place} rx="1.5"><title>{escape(words)}</title></rect>'


def square(kind: str, x: float, y: float, side: float, strength: float, words: str) -> str:
    """Draw a square whose colour shows as far as `strength` (0..1) says, with a tooltip."""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{side:.1f}" height="{side:.1f}"'
    return f'<rect class="{kind}" {place} fill-opacity="{strength:.2f}" rx="2"><title>{escape(words)}</title></rect>'
