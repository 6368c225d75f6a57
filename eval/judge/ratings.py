"""What a set of ratings from 1 to 10 says of a model, and how often one model's question is rated above another's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import mean
from typing import Any

from eval.judge.cases import Key, Rating
from eval.judge.statistics import interval, reasons
from eval.preference_rates.rates import Rate, rates
from eval.statistics import FEWEST, mean_interval

RatingsByQuestion = Mapping[Key, float]


def single_statistics(ratings: Sequence[Rating]) -> dict[str, Any]:
    """Make the document of a model's ratings; `n` is the sum of rated, errors, missing and excluded.

    `of_fewer_judges` counts those of the rated that not every judge's answer could be read for.
    The mean is that of the questions' means, so that its interval resamples questions with all their turns.
    """
    counted = Counter(each.outcome for each in ratings)
    by_question = ratings_by_question(ratings)
    return {
        "n": len(ratings), "rated": counted["rated"], "errors": counted["error"], "missing": counted["missing"],
        "excluded": counted["excluded"], "of_fewer_judges": sum(each.unread > 0 for each in ratings), "reasons": reasons(ratings), "questions": len(by_question),
        "too_few": len(by_question) < FEWEST,
        "mean": _mean(list(by_question.values())), "interval": interval(mean_interval(by_question)) if by_question else None,
        "by_turn": _parts(ratings, lambda each: str(each.case.turn)),
        "by_category": _parts(ratings, lambda each: each.case.category),
    }  # fmt: skip


def ratings_by_question(ratings: Sequence[Rating]) -> dict[Key, float]:
    """Average the turns of every question that has a rating."""
    return mean_by_question((each.case.key, each.value) for each in ratings)


def mean_by_question(rated: Iterable[tuple[Key, float | None]]) -> dict[Key, float]:
    """Average what each question's turns were given; a question without any is left out."""
    found: dict[Key, list[float]] = {}
    for key, value in rated:
        if value is not None:
            found.setdefault(key, []).append(value)
    return {key: mean(values) for key, values in found.items()}


def preferences(models: Mapping[str, RatingsByQuestion]) -> dict[str, dict[str, Any]]:
    """Count, for every two models, the questions on which the one is rated above the other.

    The preference rate of WildChat-50M's table 4 (2025): `share` is of all questions that both have, equal ratings
    counting for neither.
    """
    found = rates(models)
    return {one: {other: _preference(found.rates[one, other]) for other in models if other != one} for one in models}


def _preference(rate: Rate) -> dict[str, Any]:
    return {
        "higher": rate.higher, "lower": rate.lower, "equal": rate.ties, "questions": rate.prompts, "share": rate.share,
    }  # fmt: skip


def _parts(ratings: Sequence[Rating], part: Callable[[Rating], str]) -> dict[str, Any]:
    names = dict.fromkeys(part(each) for each in ratings)
    values = {name: [each.value for each in ratings if part(each) == name and each.value is not None] for name in names}
    return {name: {"mean": _mean(found), "rated": len(found)} for name, found in values.items()}


def _mean(values: Sequence[float]) -> float | None:
    return round(mean(values), 6) if values else None
