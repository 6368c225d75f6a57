"""The 95% intervals, over prompts, of the shares that a scores file counts: they stand beside its totals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from eval.ifeval.score import Verdict
from eval.statistics import Outcomes, clustered_interval

Of = Callable[[Verdict], tuple[float, float]]
_SHARES: Mapping[str, Of] = {
    "prompt_strict": lambda verdict: (float(all(verdict.strict)), 1.0),
    "inst_strict": lambda verdict: (float(sum(verdict.strict)), float(len(verdict.strict))),
    "prompt_loose": lambda verdict: (float(all(verdict.loose)), 1.0),
    "inst_loose": lambda verdict: (float(sum(verdict.loose)), float(len(verdict.loose))),
}
"""Name of a count in `Totals` -> what one prompt adds to it, and to what it is out of."""


def share_intervals(verdicts: Sequence[Verdict]) -> dict[str, list[float]]:
    """Give the ends of the interval of every share of Totals, 0 to 1; of no prompts, everything."""
    return {name: ends({verdict.key: of(verdict) for verdict in verdicts}) for name, of in _SHARES.items()}


def ends(outcomes: Outcomes) -> list[float]:
    """Give both ends of the interval of a share, 0 to 1."""
    interval = clustered_interval(outcomes)
    return [round(float(interval.low), 6), round(float(interval.high), 6)]
