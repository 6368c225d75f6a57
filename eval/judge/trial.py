"""A trial: what judges are asked about, and what one judge, or the majority of several, made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

from eval.judge.agreement import majority
from eval.judge.cases import Answers, Case, Comparison, Rating
from eval.judge.games import Judged, Match, comparisons, match_prompts, rating_prompts, ratings
from eval.judge.gate import Gate


@dataclass(frozen=True)
class Trial:
    """What is judged: the cases of a benchmark, the models' answers, and the model that the others are compared with."""

    benchmark: str
    cases: Sequence[Case]
    answers: Mapping[str, Answers]
    baseline: str
    gate: Gate
    modes: Sequence[str]
    max_tokens: int

    @property
    def matches(self) -> dict[str, Match]:
        """Pair every other model with the baseline."""
        if "pairwise" not in self.modes:
            return {}
        return {
            name: Match(self.cases, answers, self.answers[self.baseline], self.gate)
            for name, answers in self.answers.items()
            if name != self.baseline
        }

    @property
    def prompts(self) -> list[str]:
        """List what every judge is asked, each prompt once."""
        pairs = (prompt for match in self.matches.values() for prompt in match_prompts(match))
        single = (prompt for made in self.rated.values() for prompt in rating_prompts(self.cases, made, self.gate))
        return list(dict.fromkeys([*pairs, *single]))

    @property
    def rated(self) -> Mapping[str, Answers]:
        """List the models whose answers are rated one by one."""
        return self.answers if "single" in self.modes else {}


@dataclass(frozen=True)
class Verdicts:
    """What one judge, or the majority of them, made of every model's answers."""

    pairwise: Mapping[str, list[Comparison]]
    single: Mapping[str, list[Rating]]


def read_verdicts(trial: Trial, judged: Judged) -> Verdicts:
    """Read all that a judge wrote."""
    return Verdicts(
        {name: comparisons(match, judged) for name, match in trial.matches.items()},
        {name: ratings(trial.cases, made, trial.gate, judged) for name, made in trial.rated.items()},
    )


def put_together(trial: Trial, by_judge: Sequence[Verdicts]) -> Verdicts:
    """Take the majority of the judges on every pair, and the mean of their ratings."""
    return Verdicts(
        {name: [_majority(each) for each in zip(*(v.pairwise[name] for v in by_judge), strict=True)] for name in trial.matches},
        {name: [_average(each) for each in zip(*(v.single[name] for v in by_judge), strict=True)] for name in trial.rated},
    )  # fmt: skip


def _majority(each: Sequence[Comparison]) -> Comparison:
    if len(each) == 1 or each[0].by != "judge":
        return each[0]
    outcome = majority([one.outcome for one in each])
    return replace(each[0], outcome=outcome, why=each[0].why if outcome == "error" else "", games=())


def _average(each: Sequence[Rating]) -> Rating:
    values = [one.value for one in each if one.value is not None]
    if not values:
        return each[0]
    why = each[0].why if each[0].by == "gate" else ""
    return replace(each[0], value=mean(values), outcome="rated", why=why, unread=len(each) - len(values))
