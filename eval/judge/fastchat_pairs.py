"""FastChat's files of pairwise judgements (`<judge>_pair.jsonl`), as MT-Bench and its translations have them; one of `judgement_files.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from eval.judge.cases import Case, Comparison, Game, Result
from eval.judge.games import merged
from eval.judge.gate import WRONG_LANGUAGE
from eval.judge.stored import Stored
from eval.judge.verdicts import Unread, read_verdict
from kielo.errors import SourceError, UsageError, at
from kielo.questions import NO_CATEGORY
from kielo.records import read_jsonl, refuse_half_characters

_WINNERS = ("model_1", "model_2", "tie", "error")
_GATED = "Language error"
"""How the multilingual FastChat begins a judgement that its language gate made in the judge's place."""
_NO_VERDICT = "the file says error"
_SIDE = "[The Start of Assistant {0}'s Answer]\n", "\n[The End of Assistant {0}'s Answer]"
_TALK = (
    "<|The Start of Assistant {0}'s Conversation with User|>",
    "<|The End of Assistant {0}'s Conversation with User|>",
)
_QUESTION = "[User Question]\n", "\n\n[The Start of"
_MOST_TURNS = 1000

Row = Mapping[str, Any]


def read_pairs(path: Path, ours: str | None) -> list[Stored]:
    """Read a pair file; without `ours` each pair is seen from its model_1.

    Raises:
        SourceError: a row is none of such a file.
        UsageError: `ours` is in none of its pairs.
    """
    groups: dict[tuple[str, str, str], dict[tuple[Any, int], Row]] = {}
    again: dict[tuple[str, str, str], int] = {}
    models: dict[str, None] = {}
    for line, row in read_jsonl(path):
        _check(row, at(path, line))
        refuse_half_characters({name: row.get(name) for name in ("model_1", "model_2", "judge")}, at(path, line))
        models |= dict.fromkeys((row["model_1"], row["model_2"]))
        if ours not in (None, row["model_1"], row["model_2"]):
            continue
        us = ours or row["model_1"]
        pair = us, row["model_2"] if us == row["model_1"] else row["model_1"], _judge(row)
        held = groups.setdefault(pair, {})
        if (row["question_id"], row.get("turn", 1)) in held:
            again[pair] = again.get(pair, 0) + 1
        else:
            held[row["question_id"], row.get("turn", 1)] = row
    if ours is not None and not groups:
        raise UsageError(f"--ours {ours}: {path} compares {', '.join(models)}; name one of them.")
    return [_stored(pair, rows.values(), again.get(pair, 0)) for pair, rows in groups.items()]


def _check(row: Row, place: str) -> None:
    texts = all(isinstance(row.get(name), str) for name in ("model_1", "model_2", "g1_winner"))
    turn = row.get("turn", 1)
    keyed = isinstance(row.get("question_id"), int | str) and isinstance(turn, int) and 1 <= turn <= _MOST_TURNS
    if not texts or not keyed or row["g1_winner"] not in _WINNERS or row.get("g2_winner", "tie") not in _WINNERS:
        raise SourceError(
            f"{place}: not a row of FastChat's pair files (model_1, model_2, question_id, turn, g1_winner)."
        )


def _judge(row: Row) -> str:
    judge = row.get("judge")
    name = judge[0] if isinstance(judge, list) and judge else judge
    return name if isinstance(name, str) else "judge"


def _stored(pair: tuple[str, str, str], rows: Iterable[Row], again: int) -> Stored:
    us, them, judge = pair
    held = list(rows)
    notes = [f"{again} rows judge a pair again; the first of each counts."] if again else []
    differing = sum(_differs(row, game) for row in held for game in ("g1", "g2") if _written(row, game))
    read = sum(bool(_written(row, game)) for row in held for game in ("g1", "g2"))
    if read:
        notes.append(f"Read strictly, {differing} of the {read} judgements say something else than the winner on file.")
    return Stored("FastChat", us, them, judge, tuple(_comparison(row, us) for row in held), tuple(notes))


def _comparison(row: Row, us: str) -> Comparison:
    games = tuple(_game(row, name, us) for name in ("g1", "g2") if f"{name}_winner" in row)
    outcome, why = merged(games)
    gated = all(game.judgement.startswith(_GATED) for game in games)
    first, second, question = _texts(row)
    ours, theirs = (first, second) if us == row["model_1"] else (second, first)
    case = Case(row["question_id"], NO_CATEGORY, ("",) * (row.get("turn", 1) - 1) + (question or "",))
    return Comparison(
        case, outcome, "gate" if gated else "judge", WRONG_LANGUAGE if gated else why, games, ours, theirs
    )


def _game(row: Row, name: str, us: str) -> Game:
    """See a game from our side: model_1 stands first in game 1, model_2 in game 2."""
    winner, we_are = row[f"{name}_winner"], "model_1" if us == row["model_1"] else "model_2"
    result: Result = winner if winner in ("tie", "error") else "win" if winner == we_are else "loss"
    first = (name == "g1") == (we_are == "model_1")
    return Game(first, result, _NO_VERDICT if result == "error" else "", _written(row, name))


def _written(row: Row, name: str) -> str:
    text = row.get(f"{name}_judgment")
    return text if isinstance(text, str) else ""


def _differs(row: Row, name: str) -> bool:
    """Say whether our strict reading of a judgement differs from the winner on file (FastChat takes the first match)."""
    read = read_verdict(_written(row, name))
    second = name == "g2"
    winners = {"A": "model_2" if second else "model_1", "B": "model_1" if second else "model_2", "C": "tie"}
    said = "error" if isinstance(read, Unread) else winners[read]
    return said != str(row[f"{name}_winner"])


def _texts(row: Row) -> tuple[str | None, str | None, str | None]:
    """Find model_1's and model_2's judged answers and the question in the prompt of game 1, where it holds them."""
    prompt = row.get("g1_user_prompt")
    if not isinstance(prompt, str):
        return None, None, None
    asked = _between(prompt, *_QUESTION)
    return _answer(prompt, "A"), _answer(prompt, "B"), _last_turn(prompt) if asked is None else asked


def _answer(prompt: str, name: str) -> str | None:
    single = _between(prompt, *(mark.format(name) for mark in _SIDE))
    if single is not None:
        return single
    talk = _between(prompt, *(mark.format(name) for mark in _TALK))
    return None if talk is None else talk.rpartition(f"### Assistant {name}:\n")[2].strip("\n")


def _last_turn(prompt: str) -> str | None:
    talk = _between(prompt, *(mark.format("A") for mark in _TALK))
    return None if talk is None else talk.rpartition("### User:\n")[2].partition("\n\n### Assistant A:")[0]


def _between(text: str, start: str, end: str) -> str | None:
    """Find what stands between two marks; a regular expression takes for ever where the first stands often, the other never."""
    _, found, rest = text.partition(start)
    inside, ended, _ = rest.partition(end)
    return inside if found and ended else None
