"""scores.json of a trial: every model against the baseline and by its ratings, the judges' agreement, and each question's outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.judge.agreement import agreement
from eval.judge.cases import Comparison, answered
from eval.judge.ratings import preferences, ratings_by_question, single_statistics
from eval.judge.statistics import pairwise_statistics
from eval.judge.trial import Trial, Verdicts, put_together


def trial_document(trial: Trial, by_judge: Mapping[str, Verdicts]) -> dict[str, Any]:
    """Make the document of a trial from what each judge made of it."""
    every = list(by_judge.values())
    together = put_together(trial, every)
    document: dict[str, Any] = {
        "benchmark": trial.benchmark, "language": trial.gate.target.code, "baseline": trial.baseline,
        "gate": trial.gate.policy, "judges": list(by_judge), "modes": list(trial.modes),
        "models": {name: _model(trial, name, together, by_judge) for name in trial.answers},
        "agreement": agreement([[one.outcome for one in _judged(each)] for each in every]) if trial.matches else None,
    }  # fmt: skip
    if trial.rated:
        document["preferences"] = preferences(
            {name: ratings_by_question(made) for name, made in together.single.items()}
        )
    document["questions"] = [_question(trial, place, together, by_judge) for place in range(len(trial.cases))]
    return document


def _judged(verdicts: Verdicts) -> list[Comparison]:
    return [each for found in verdicts.pairwise.values() for each in found if each.by == "judge"]


def _model(trial: Trial, name: str, together: Verdicts, by_judge: Mapping[str, Verdicts]) -> dict[str, Any]:
    """Make a model's part: by the majority, and by each judge where there are several."""
    found = _parts(trial, name, together, list(by_judge.values()))
    if len(by_judge) > 1:
        found["judges"] = {judge: _parts(trial, name, each, [each]) for judge, each in by_judge.items()}
    return found


def _parts(trial: Trial, name: str, verdicts: Verdicts, by_judge: Sequence[Verdicts]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    ours, theirs = _last_answers(trial, name), _last_answers(trial, trial.baseline)
    if name in verdicts.pairwise:
        held = verdicts.pairwise[name]
        found["pairwise"] = {
            **pairwise_statistics(held, [each.pairwise[name] for each in by_judge]),
            "gate": trial.gate.document(held, ours, theirs),
        }
    if name in verdicts.single:
        held_ratings = verdicts.single[name]
        gated = sum(each.by == "gate" for each in held_ratings)
        found["single"] = {
            **single_statistics(held_ratings),
            "gate": {"policy": trial.gate.policy, "answers": trial.gate.counts(ours), "gated": gated},
        }
    return found


def _last_answers(trial: Trial, name: str) -> list[str]:
    found = (answered(trial.answers[name], case) for case in trial.cases)
    return [made[-1] for made in found if made is not None]


def _question(trial: Trial, place: int, together: Verdicts, by_judge: Mapping[str, Verdicts]) -> dict[str, Any]:
    """Say what became of one case, for every model: the page's browser shows it beside the answers."""
    case = trial.cases[place]
    models: dict[str, dict[str, Any]] = {name: {} for name in trial.answers}
    for name, held in together.pairwise.items():
        one = held[place]
        judges = {judge: each.pairwise[name][place].outcome for judge, each in by_judge.items()}
        models[name]["pairwise"] = {"outcome": one.outcome, "by": one.by, "why": one.why, "judges": judges}
    for name, rated in together.single.items():
        mark = rated[place]
        models[name]["single"] = {"rating": mark.value, "outcome": mark.outcome, "by": mark.by, "why": mark.why}
    return {"key": case.key, "turn": case.turn, "category": case.category, "models": models}
