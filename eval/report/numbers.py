"""Counts, their percentages, and how far chance alone moves them: the arithmetic under every sentence of the report."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import sqrt

from eval.ifeval.paper import cell

Z95 = 1.96
FEWEST = 20  # prompts that the normal approximation behind every interval here needs
Followed = Mapping[int, tuple[int, int]]  # prompt key -> (instructions followed, instructions in the prompt)


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


@dataclass(frozen=True)
class Difference:
    """A difference in percentage points between two models on the same prompts, with its 95% interval."""

    points: float
    margin: float
    prompts: int

    @property
    def beyond_chance(self) -> bool:
        """Whether the 95% interval leaves out zero, on prompts enough to tell."""
        return self.prompts >= FEWEST and abs(self.points) > self.margin

    @property
    def text(self) -> str:
        """Write it with its sign and margin, unbreakable: `+1.8 ± 2.1`."""
        return f"{signed(self.points)}\u00a0±\u00a0{self.margin:.1f}"


def signed(points: float) -> str:
    """Write points with a sign (a real minus) and one decimal."""
    rounded = f"{abs(points):.1f}"
    return rounded if rounded == "0.0" else f"{'+' if points > 0 else '−'}{rounded}"


def total(followed: Followed, keys: Collection[int] | None = None) -> Ratio:
    """Add up the instructions of all prompts, or of some."""
    chosen = [counts for key, counts in followed.items() if keys is None or key in keys]
    return Ratio(sum(k for k, _ in chosen), sum(n for _, n in chosen))


def margin(followed: Followed) -> float:
    """Half the 95% interval of an accuracy, in points; prompts are the sample, not instructions.

    The instructions of one prompt pass or fail together, so the variance is that of a ratio over prompts
    (linearised, Cochran 1977, section 6.3).
    """
    ratio = total(followed)
    return 100 * Z95 * _spread([k - ratio.share * n for k, n in followed.values()], ratio.n)


def simple_margin(ratio: Ratio) -> float:
    """Half the 95% interval of a share of independent cases, in points."""
    return 100 * Z95 * sqrt(ratio.share * (1 - ratio.share) / ratio.n) if ratio.n else 0.0


def difference(ours: Followed, theirs: Followed) -> Difference | None:
    """Compare two models on the prompts both have been asked, prompt by prompt; None where they share none."""
    shared = [key for key in ours if key in theirs and ours[key][1] == theirs[key][1]]
    if not shared:
        return None
    first, second = total(ours, set(shared)), total(theirs, set(shared))
    gap = first.share - second.share
    residuals = [ours[key][0] - theirs[key][0] - gap * ours[key][1] for key in shared]
    return Difference(100 * gap, 100 * Z95 * _spread(residuals, first.n), len(shared))


def _spread(residuals: list[float], instructions: int) -> float:
    """Give the standard error of a ratio from its residuals, one per prompt."""
    count = len(residuals)
    if count < 2 or not instructions:
        return 0.0
    return sqrt(count / (count - 1) * sum(residual**2 for residual in residuals)) / instructions


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
