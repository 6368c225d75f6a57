"""Every two models on the prompts that both answered, and every model against all others: plain means with intervals over prompts."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

from eval.similarity.metrics import Metric, open_metrics
from eval.statistics.bootstrap import mean_interval
from eval.statistics.exact import Interval
from kielo.languages.pack import Language

Answers = Mapping[str, Mapping[Any, str]]
"""Model -> prompt -> its answer."""
Pair = tuple[str, str]
Scores = dict[Pair, dict[Hashable, float]]
"""Two models -> prompt -> how alike their answers are."""
DEFAULT_METRICS = ("rouge1", "rougeL", "chrf")


class NoSharedPrompt(ValueError):
    """Models that are to be compared answer no prompt in common."""


@dataclass(frozen=True)
class Estimate:
    """A mean over prompts, 0..1, with its interval (95%)."""

    mean: float
    interval: Interval
    prompts: int


@dataclass(frozen=True)
class Similarity:
    """How alike models answer, by metric; a pair that shares no prompt, and a model in no pair, is left out."""

    metrics: Mapping[str, str]
    """Name -> what it measures."""
    pairs: Mapping[Pair, Mapping[str, Estimate]]
    models: Mapping[str, Mapping[str, Estimate]]
    """Model -> metric -> its mean similarity to the others: of a prompt, to all others that answered it."""


def compare(
    answers: Answers,
    metrics: Sequence[str] = DEFAULT_METRICS,
    seed: int = 0,
    language: Language | None = None,
    wordnet: bool = False,
) -> Similarity:
    """Measure how alike the answers of models are; answers without text should be left out before.

    Raises:
        NoSharedPrompt: no two models answer one prompt.
        UsageError: there is no such metric, or WordNet is not at hand.
        MissingExtraError: a metric's package is not installed.
    """
    opened = open_metrics(metrics, language, wordnet)
    scores = {name: scores_of(answers, metric) for name, metric in opened.items()}
    pairs = [pair for pair in combinations(answers, 2) if not answers[pair[0]].keys().isdisjoint(answers[pair[1]])]
    if not pairs:
        raise NoSharedPrompt("no two models answer one prompt")
    together = [name for name in answers if any(name in pair for pair in pairs)]
    return Similarity(
        {name: metric.says for name, metric in opened.items()},
        {pair: {name: _estimate(found[pair], seed) for name, found in scores.items()} for pair in pairs},
        {
            model: {name: _estimate(_to_others(model, found), seed) for name, found in scores.items()}
            for model in together
        },
    )


def scores_of(answers: Answers, metric: Metric) -> Scores:
    """Score every two models on the prompts that both answered."""
    prepared = {model: {key: metric.prepare(text) for key, text in texts.items()} for model, texts in answers.items()}
    return {
        (one, other): {
            key: metric.score(text, prepared[other][key])
            for key, text in prepared[one].items()
            if key in prepared[other]
        }
        for one, other in combinations(answers, 2)
    }


def _to_others(model: str, scores: Scores) -> dict[Hashable, float]:
    """Average a model's scores prompt by prompt."""
    found: dict[Hashable, list[float]] = {}
    for pair, by_prompt in scores.items():
        for key, score in by_prompt.items() if model in pair else ():
            found.setdefault(key, []).append(score)
    return {key: fmean(each) for key, each in found.items()}


def _estimate(by_prompt: Mapping[Hashable, float], seed: int) -> Estimate:
    return Estimate(fmean(by_prompt.values()), mean_interval(by_prompt, seed=seed), len(by_prompt))
