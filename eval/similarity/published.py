"""The averages of WildChat-50M's table 5 (2025) as its notebook makes them: running ones that remember a handful of prompts."""

from __future__ import annotations

import random
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from eval.similarity.compare import DEFAULT_METRICS, Answers, NoSharedPrompt, Scores, scores_of
from eval.similarity.metrics import open_metrics
from kielo.languages.pack import Language

ALPHA = 0.3
"""What the newest prompt weighs in the running average."""
MOST_OTHERS = 5
EFFECTIVE_PROMPTS = (2 - ALPHA) / ALPHA
"""Independent prompts that tell as much as a running average of very many: 1 over the sum of its squared weights."""
WARNING = (
    f"As published: running averages (alpha {ALPHA}) over the prompts in their order, against at most {MOST_OTHERS} random "
    f"other models.\nWhat is wrong with that: it tells as much as {EFFECTIVE_PROMPTS:.1f} prompts, however many there are, "
    "as the last ten weigh 97%; it\nchanges with their order; the spread is that between the other models, no standard error. "
    "Words are those of any\nscript here; the published tokeniser knows a-z and 0-9 alone, so that Greek texts score 0 "
    "against themselves."
)


@dataclass(frozen=True)
class Average:
    """A running average over prompts, 0..1, and that of the spread between the other models."""

    mean: float
    spread: float
    others: tuple[str, ...]
    prompts: int


def published(
    answers: Answers,
    metrics: Sequence[str] = DEFAULT_METRICS,
    seed: int = 0,
    language: Language | None = None,
    wordnet: bool = False,
) -> dict[str, dict[str, Average]]:
    """Average as published: model -> metric -> its average; only prompts that all models answered, in the first model's order.

    Raises:
        NoSharedPrompt: there are fewer than two models, or no prompt that all answered.
        UsageError: there is no such metric, or WordNet is not at hand.
        MissingExtraError: a metric's package is not installed.
    """
    shared = [key for key in next(iter(answers.values()), {}) if all(key in texts for texts in answers.values())]
    if len(answers) < 2 or not shared:
        raise NoSharedPrompt("there is no prompt that all models answered")
    draw = random.Random(seed)
    others = {model: _drawn([name for name in answers if name != model], draw) for model in answers}
    kept = {model: {key: texts[key] for key in shared} for model, texts in answers.items()}
    scores = {name: scores_of(kept, metric) for name, metric in open_metrics(metrics, language, wordnet).items()}
    return {
        model: {name: _average(model, drawn, found, shared) for name, found in scores.items()}
        for model, drawn in others.items()
    }


def _drawn(others: Sequence[str], draw: random.Random) -> tuple[str, ...]:
    return tuple(draw.sample(others, min(MOST_OTHERS, len(others))))


def _average(model: str, others: tuple[str, ...], scores: Scores, prompts: Sequence[Hashable]) -> Average:
    by_other: list[Mapping[Hashable, float]] = [
        scores[model, other] if (model, other) in scores else scores[other, model] for other in others
    ]
    each = [[found[key] for found in by_other] for key in prompts]
    return Average(running([fmean(row) for row in each]), running([pstdev(row) for row in each]), others, len(prompts))


def running(values: Sequence[float]) -> float:
    """Average values as a running average does: the first one counts whole, every later one ALPHA."""
    average = values[0]
    for value in values[1:]:
        average = ALPHA * value + (1 - ALPHA) * average
    return average
