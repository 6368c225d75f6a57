"""What a judge is asked about and what came of it; every other file of this room speaks these records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from kielo.records import Question

Key = int | str
Answers = Mapping[Key, tuple[str, ...]]
"""Question -> a model's answers, one a turn."""
Result = Literal["win", "loss", "tie", "error"]
Outcome = Literal["win", "loss", "tie", "error", "missing", "excluded"]
"""missing: there are no two answers; excluded: left out by the language gate; error: no judge gave a verdict that can be read."""
POINTS: Mapping[str, float] = {"win": 1.0, "tie": 0.5, "loss": 0.0}
"""What an outcome with a verdict adds to a win rate."""


@dataclass(frozen=True)
class Case:
    """One turn of one question: the user's turns up to the one whose answer is judged, and right answers where there are any."""

    key: Key
    category: str
    turns: tuple[str, ...]
    references: tuple[str, ...] = ()

    @property
    def turn(self) -> int:
        """Count from 1, as MT-Bench does."""
        return len(self.turns)


@dataclass(frozen=True)
class Game:
    """One verdict of a judge on one pair, seen from our side; `ours_first` is None where the order is not known."""

    ours_first: bool | None
    result: Result
    why: str = ""
    judgement: str = ""


@dataclass(frozen=True)
class Comparison:
    """What became of one turn of one question, seen from our side; `ours` and `theirs` are the two answers judged."""

    case: Case
    outcome: Outcome
    by: Literal["judge", "gate", "nobody"] = "judge"
    why: str = ""
    games: tuple[Game, ...] = ()
    ours: str | None = None
    theirs: str | None = None


@dataclass(frozen=True)
class Rating:
    """One rating of one answer, 1 to 10; without a value it is an error, missing or excluded, as `outcome` says."""

    case: Case
    value: float | None
    outcome: Literal["rated", "error", "missing", "excluded"] = "rated"
    by: Literal["judge", "gate", "nobody"] = "judge"
    why: str = ""
    judgement: str = ""
    unread: int = 0
    """Of several judges, those whose rating could not be read, so that the value is the mean of the others."""


def cases_of(questions: Sequence[Question]) -> list[Case]:
    """Make a case of every turn: the second is judged with the first in view, as MT-Bench does."""
    return [
        Case(question.key, question.category, question.turns[: turn + 1], question.references[: turn + 1])
        for question in questions
        for turn in range(len(question.turns))
    ]


def answered(answers: Answers, case: Case) -> tuple[str, ...] | None:
    """Give a model's answers up to a case's turn; None where one of them is not there."""
    made = answers.get(case.key, ())[: case.turn]
    return made if len(made) == case.turn else None
