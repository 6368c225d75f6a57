"""How the report writes numbers: counts with their percentages, intervals, differences, p values, durations."""

from __future__ import annotations

from dataclasses import dataclass

from eval.ifeval.paper import cell
from eval.statistics import Interval


@dataclass(frozen=True)
class Ratio:
    """k of n."""

    k: int
    n: int

    @property
    def share(self) -> float:
        """Give k/n, 0..1; 0 of 0 is 0."""
        return self.k / self.n if self.n else 0.0

    @property
    def percent(self) -> str:
        """Write the percentage with one decimal; of nothing there is none."""
        return f"{100 * self.k / self.n:.1f}" if self.n else "–"

    @property
    def cell(self) -> str:
        """Write the percentage as the paper's tables do: two decimals, cut off and not rounded."""
        return cell(self.k, self.n) if self.n else "–"

    @property
    def counts(self) -> str:
        """Write the counts: `285/783`."""
        return f"{self.k}/{self.n}"

    @property
    def words(self) -> str:
        """Write it for a sentence: `36.4% (285 of 783)`."""
        return f"{self.percent}% ({self.k} of {self.n})"


def signed(points: float) -> str:
    """Write points with a sign (a real minus) and one decimal."""
    rounded = f"{abs(points):.1f}"
    return rounded if rounded == "0.0" else f"{'+' if points > 0 else '−'}{rounded}"


def span(interval: Interval) -> str:
    """Write an interval of shares in percent, unbreakable: `33.0–39.8`."""
    return f"{100 * interval.low:.1f}–{100 * interval.high:.1f}"


def gap_span(interval: Interval) -> str:
    """Write an interval of a difference in points: `[−0.1, +6.4]`, unbreakable."""
    return f"[{signed(100 * interval.low)},\u00a0{signed(100 * interval.high)}]"


def p_words(p: float) -> str:
    """Write a p value: `p = 0.039`, `p < 0.001`."""
    return "p\u00a0<\u00a00.001" if p < 0.001 else f"p\u00a0=\u00a0{p:.3f}"


def duration(seconds: float) -> str:
    """Write seconds for people: `42 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def thousands(number: int) -> str:
    """Write a count with narrow no-break spaces between thousands."""
    return f"{number:,}".replace(",", "\u202f")
