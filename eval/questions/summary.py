"""Adds up measures of answers: means over questions with intervals, in total and by category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.questions.turns import FLUENCY, LENGTHS, REPETITION
from eval.response_language import VERDICTS
from eval.statistics import Interval, clustered_interval, mean_interval

Question = Mapping[str, Any]
"""An item of `questions` in the scores file: key, category, turns."""


def summary(questions: Sequence[Question]) -> dict[str, Any]:
    """Give counts, the verdicts on the language, and the mean of each measure with its 95% interval."""
    turns = [turn for question in questions for turn in question["turns"]]
    verdicts = [turn["language"] for turn in turns]
    return {
        "prompts": len(questions),
        "answers": len(turns),
        "verdicts": {verdict: verdicts.count(verdict) for verdict in VERDICTS if verdict in verdicts},
        "in_language": _share({q["key"]: [turn["language"] == "target" for turn in q["turns"]] for q in questions})
        if None not in verdicts
        else None,
        "repetition": {name: _measure(name, questions) for name in REPETITION},
        "fluency": {name: _measure(name, questions) for name in FLUENCY},
        "lengths": {name: _measure(name, questions) for name in LENGTHS},
    }


def by_category(questions: Sequence[Question]) -> dict[str, Any]:
    """Give the same for each category, in the order they come in."""
    names = dict.fromkeys(question["category"] for question in questions)
    return {name: summary([each for each in questions if each["category"] == name]) for name in names}


def _measure(name: str, questions: Sequence[Question]) -> dict[str, Any] | None:
    """Give the mean of a measure, or the share of what is true or false; None where no answer could be measured."""
    values = {
        question["key"]: [turn[name] for turn in question["turns"] if turn[name] is not None] for question in questions
    }
    values = {key: found for key, found in values.items() if found}
    flat = [value for found in values.values() for value in found]
    if not flat:
        return None
    if all(isinstance(value, bool) for value in flat):
        return _share(values)
    means = {key: sum(found) / len(found) for key, found in values.items()}
    mean = sum(means.values()) / len(means)
    return {"mean": round(mean, 6), "interval": _ends(mean_interval(means)), "answers": len(flat)}


def _share(values: Mapping[Any, Sequence[bool]]) -> dict[str, Any]:
    """Give how many answers are so, the share, and its interval over questions."""
    outcomes = {key: (float(sum(found)), float(len(found))) for key, found in values.items()}
    count, total = sum(map(sum, values.values())), sum(map(len, values.values()))
    return {
        "count": count, "answers": total, "share": round(count / total, 6), "interval": _ends(clustered_interval(outcomes)),
    }  # fmt: skip


def _ends(interval: Interval) -> list[float]:
    return [round(float(interval.low), 6), round(float(interval.high), 6)]
