"""One number of a probe, with its interval where it is a sample, and how those intervals are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LEVEL = 0.95
DRAWS = 1000
SEED = 0


@dataclass(frozen=True)
class Measure:
    """One number by the name that it has in thresholds.yaml; `low` and `high` bound it where it is a sample.

    `value` None: it could not be measured, and `detail` says why.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    detail: str = ""

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The interval, without width where the number is no sample; None where there is no number."""
        if self.value is None:
            return None
        return (self.value if self.low is None else self.low, self.value if self.high is None else self.high)


def share(name: str, count: int, out_of: int, detail: str = "") -> Measure:
    """Give a share of independent cases with Wilson's interval; of no cases, nothing."""
    from scipy.stats import binomtest

    if not out_of:
        return Measure(name, None, detail=detail or "there was nothing to count")
    interval = binomtest(count, out_of).proportion_ci(LEVEL, method="wilson")
    counted = f"{count} of {out_of}"
    return Measure(
        name, count / out_of, float(interval.low), float(interval.high), f"{counted}; {detail}" if detail else counted
    )


def ratio(name: str, parts: Sequence[float], wholes: Sequence[float], detail: str = "") -> Measure:
    """Give the ratio of two sums over texts, with percentiles over resampled texts (Efron and Tibshirani 1993, chapter 13)."""
    import numpy as np

    part, whole = np.asarray(parts, float), np.asarray(wholes, float)
    if not whole.sum():
        return Measure(name, None, detail=detail or "there was nothing to count")
    drawn = np.random.default_rng(SEED).multinomial(len(part), np.full(len(part), 1 / len(part)), size=DRAWS)
    below = drawn @ whole
    low, high = np.quantile((drawn @ part)[below > 0] / below[below > 0], ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Measure(name, float(part.sum() / whole.sum()), float(low), float(high), detail)
