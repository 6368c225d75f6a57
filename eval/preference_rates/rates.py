"""Preference rates of WildChat-50M's table 4 (2025): on how many prompts a model is scored above another, and where preferences flip."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from eval.statistics.exact import Interval, wilson

Scores = Mapping[str, Mapping[Any, float]]
"""Model -> prompt -> the score of its answer."""


@dataclass(frozen=True)
class Rate:
    """One model (the row) against another (the column), prompt by prompt."""

    higher: int
    lower: int
    ties: int

    @property
    def prompts(self) -> int:
        """Give how many prompts both have a score for."""
        return self.higher + self.lower + self.ties

    @property
    def share(self) -> float | None:
        """Give the share of prompts on which the row is above, 0..1; ties count for neither. None of no prompts."""
        return self.higher / self.prompts if self.prompts else None

    @property
    def interval(self) -> Interval:
        """Give Wilson's interval of the share (95%): prompts are independent, and one prompt is one case."""
        return wilson(self.higher, self.prompts)


@dataclass(frozen=True)
class Rates:
    """A matrix of preference rates: `rates[row, column]`, without the diagonal."""

    models: tuple[str, ...]
    rates: Mapping[tuple[str, str], Rate]


@dataclass(frozen=True)
class Flips:
    """The prompts on which the tuned models stand the other way round than the models that wrote their data (FlipCt)."""

    flipped: tuple[Hashable, ...]
    decided: int
    """Prompts on which neither pair is tied, so that there are two preferences to compare."""
    prompts: int
    """Prompts for which all four have a score."""


def rates(scores: Scores, prompts: int | None = None) -> Rates:
    """Count every model against every other one, over the prompts that both have a score for.

    `prompts` is how many there are in all, where scores leave out those on which all models are equal: the rest are ties.

    Raises:
        ValueError: there are more prompts than that.
    """
    pairs = [(row, column) for row in scores for column in scores if row != column]
    return Rates(tuple(scores), {pair: _rate(scores[pair[0]], scores[pair[1]], prompts) for pair in pairs})


def flips(scores: Scores, tuned: tuple[str, str], generators: tuple[str, str]) -> Flips:
    """Find where two tuned models and the models that wrote their data, named in the same order, are preferred the other way round."""
    shared = [key for key in scores[tuned[0]] if all(key in scores[name] for name in (tuned[1], *generators))]
    signs = {key: (_sign(scores, tuned, key), _sign(scores, generators, key)) for key in shared}
    return Flips(
        tuple(key for key, (ours, theirs) in signs.items() if ours * theirs < 0),
        sum(ours * theirs != 0 for ours, theirs in signs.values()), len(shared),
    )  # fmt: skip


def _rate(ours: Mapping[Hashable, float], theirs: Mapping[Hashable, float], prompts: int | None) -> Rate:
    gaps = [ours[key] - theirs[key] for key in ours if key in theirs]
    if prompts is not None and prompts < len(gaps):
        raise ValueError(f"{len(gaps)} prompts have scores, which is more than {prompts}")
    higher, lower = sum(gap > 0 for gap in gaps), sum(gap < 0 for gap in gaps)
    return Rate(higher, lower, (len(gaps) if prompts is None else prompts) - higher - lower)


def _sign(scores: Scores, pair: tuple[str, str], key: Hashable) -> int:
    ours, theirs = (scores[name][key] for name in pair)
    return (ours > theirs) - (ours < theirs)
