"""The games of a match: every pair of answers judged in both orders, every answer rated, and the judge's words read into results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.judge.cases import Answers, Case, Comparison, Game, Outcome, Rating, Result, answered
from eval.judge.gate import WRONG_LANGUAGE, Gate
from eval.judge.prompts import pairwise_prompt, single_prompt
from eval.judge.verdicts import LOWEST, Unread, Verdict, rating_of, verdict_of
from kielo.generation.protocol import Completion

Judged = Mapping[str, Completion]
"""A judge's completion of every prompt it was asked."""
NO_ANSWERS, NO_ANSWER = "no answer of both models", "no answer"


@dataclass(frozen=True)
class Match:
    """A model against the baseline on a benchmark's cases."""

    cases: Sequence[Case]
    ours: Answers
    theirs: Answers
    gate: Gate


def match_prompts(match: Match) -> list[str]:
    """List what a judge must be asked: two prompts for every pair that the gate lets through."""
    return [prompt for case in match.cases for prompt in _prompts(match, case)]


def _prompts(match: Match, case: Case) -> tuple[str, ...]:
    ours, theirs = answered(match.ours, case), answered(match.theirs, case)
    if ours is None or theirs is None or match.gate.decides(ours[-1], theirs[-1]):
        return ()
    language = match.gate.target
    return pairwise_prompt(case, ours, theirs, language), pairwise_prompt(case, theirs, ours, language)


def comparisons(match: Match, judged: Judged) -> list[Comparison]:
    """Read a judge's completions: a pair is won only if it is won in both orders."""
    return [_comparison(match, case, judged) for case in match.cases]


def _comparison(match: Match, case: Case, judged: Judged) -> Comparison:
    ours, theirs = answered(match.ours, case), answered(match.theirs, case)
    if ours is None or theirs is None:
        return Comparison(case, "missing", "nobody", NO_ANSWERS)
    decided = match.gate.decides(ours[-1], theirs[-1])
    if decided:
        return Comparison(case, decided[0], "gate", decided[1], ours=ours[-1], theirs=theirs[-1])
    games = tuple(
        _game(judged[prompt], ours_first)
        for prompt, ours_first in zip(_prompts(match, case), (True, False), strict=True)
    )
    outcome, why = merged(games)
    return Comparison(case, outcome, "judge", why, games, ours[-1], theirs[-1])


def _game(completion: Completion, ours_first: bool) -> Game:
    read = verdict_of(completion)
    if isinstance(read, Unread):
        return Game(ours_first, "error", read.reason, completion.text)
    return Game(ours_first, _result(read, ours_first), "", completion.text)


def _result(verdict: Verdict, ours_first: bool) -> Result:
    if verdict == "C":
        return "tie"
    return "win" if (verdict == "A") == ours_first else "loss"


def merged(games: Sequence[Game]) -> tuple[Outcome, str]:
    """Make one outcome of a pair's games: games that disagree are a tie, a game without a verdict is an error."""
    unread = next((game.why for game in games if game.result == "error"), None)
    if unread is not None:
        return "error", unread
    results = {game.result for game in games}
    return (results.pop() if len(results) == 1 else "tie"), ""


def rating_prompts(cases: Sequence[Case], answers: Answers, gate: Gate) -> list[str]:
    """List what a judge must be asked to rate a model's answers."""
    return [prompt for case in cases if (prompt := _rating_prompt(case, answers, gate)) is not None]


def _rating_prompt(case: Case, answers: Answers, gate: Gate) -> str | None:
    made = answered(answers, case)
    return None if made is None or gate.wrong(made[-1]) else single_prompt(case, made, gate.target)


def ratings(cases: Sequence[Case], answers: Answers, gate: Gate, judged: Judged) -> list[Rating]:
    """Read a judge's ratings; where answers in the wrong language lose, they have the lowest rating."""
    return [_rating(case, answers, gate, judged) for case in cases]


def _rating(case: Case, answers: Answers, gate: Gate, judged: Judged) -> Rating:
    if answered(answers, case) is None:
        return Rating(case, None, "missing", "nobody", NO_ANSWER)
    prompt = _rating_prompt(case, answers, gate)
    if prompt is None:
        if gate.policy == "exclude":
            return Rating(case, None, "excluded", "gate", WRONG_LANGUAGE)
        return Rating(case, LOWEST, "rated", "gate", WRONG_LANGUAGE)
    completion = judged[prompt]
    read = rating_of(completion)
    if isinstance(read, Unread):
        return Rating(case, None, "error", "judge", read.reason, completion.text)
    return Rating(case, read, judgement=completion.text)
