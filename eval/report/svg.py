"""The few SVG elements that the report's figures are drawn with; colours and fonts come from figure.css."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from eval.report.document import Figure

STYLE = Path(__file__).with_name("figure.css")


@dataclass(frozen=True)
class Frame:
    """A plotting area in user units; percentages 0..100 run along one side, `low`..`high` along the other."""

    left: float
    right: float
    top: float
    bottom: float
    low: float = 0.0
    high: float = 100.0

    def x(self, value: float) -> float:
        """Place a value between `low` and `high` from left to right."""
        return self.left + (value - self.low) / (self.high - self.low) * (self.right - self.left)

    def y(self, percent: float) -> float:
        """Place a percentage from bottom to top."""
        return self.bottom - percent / 100 * (self.bottom - self.top)


def write_svg(figure: Figure, alone: bool) -> str:
    """Write a figure as an SVG element; one that stands alone in a file brings its own style and background."""
    size = f'width="{figure.width}" height="{figure.height}" viewBox="0 0 {figure.width} {figure.height}"'
    style = (
        f'<style>{STYLE.read_text("utf-8")}</style><rect class="paper" width="100%" height="100%"/>' if alone else ""
    )
    label = escape(figure.caption, quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="kielo-figure" role="img" aria-label="{label}" {size}>'
        f"{style}\n{figure.body}\n</svg>\n"
    )


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """Write words at a place; anchor is start, middle or end."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def stroke(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    """Draw a straight line."""
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def mark(role: str, x: float, y: float, words: str) -> str:
    """Draw a marker with a tooltip; the shape differs by role, so that nothing hangs on colour alone."""
    name, place = {
        "source": ("circle", f'cx="{x:.1f}" cy="{y:.1f}" r="5.5"'),
        "target": ("rect", f'x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10"'),
        "spoken": ("path", f'd="M{x:.1f} {y - 6.5:.1f}l6.5 6.5l-6.5 6.5l-6.5 -6.5z"'),
    }[role]
    return f'<{name} class="mark {role}" {place}><title>{escape(words)}</title></{name}>'


def bar(role: str, x: float, y: float, width: float, height: float, words: str) -> str:
    """Draw a horizontal bar with a tooltip; one of nothing keeps a hair's breadth, to be seen."""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.75):.1f}" height="{height:.1f}"'
    return f'<rect class="bar {role}" {place} rx="1.5"><title>{escape(words)}</title></rect>'
