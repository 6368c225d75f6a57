"""AlpacaEval's annotations.json: one order a pair, a preference between 1 (output_1) and 2 (output_2); one of `judgement_files.py`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.judge.cases import Case, Comparison, Game, Result
from eval.judge.stored import Stored, side
from kielo.errors import SourceError
from kielo.questions import NO_CATEGORY
from kielo.records import refuse_half_characters

Row = Mapping[str, Any]
_DRAW = 1.5
_NO_PREFERENCE = "no preference on file"


def read_annotations(rows: Sequence[Any], path: Path, ours: str | None) -> list[Stored]:
    """Read annotations; without `ours` they are seen from generator_2, which is the evaluated model.

    Raises:
        SourceError: a row is none of such a file.
        UsageError: `ours` is neither generator of a pair.
    """
    groups: dict[tuple[str, str, str], list[tuple[int, Row]]] = {}
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or "preference" not in row:
            raise SourceError(
                f"{path}, entry {number}: not an annotation of AlpacaEval (instruction, output_1, output_2, preference)."
            )
        named = {name: row.get(name) for name in ("generator_1", "generator_2", "annotator")}
        refuse_half_characters(named, f"{path}, entry {number}")
        first, second = (_name(row, place) for place in (1, 2))
        us, them = side(first, second, second, ours, path)
        annotator = row.get("annotator")
        groups.setdefault((us, them, annotator if isinstance(annotator, str) else "judge"), []).append((number, row))
    return [_stored(names, held) for names, held in groups.items()]


def _name(row: Row, place: int) -> str:
    name = row.get(f"generator_{place}")
    return name if isinstance(name, str) and name else f"output_{place}"


def _stored(names: tuple[str, str, str], held: Sequence[tuple[int, Row]]) -> Stored:
    us, them, judge = names
    compared = tuple(_comparison(number, row, us) for number, row in held)
    known = [value for _, row in held if (value := _preference(row, us)) is not None]
    notes = ["One order a pair: AlpacaEval draws it, so nothing is known of consistency."]
    if any(value not in (0.0, 0.5, 1.0) for value in known):
        share = math.fsum(known) / len(known)
        notes.append(f"Preferences are probabilities: their mean, AlpacaEval's own win rate, is {share:.1%}.")
    return Stored("AlpacaEval", us, them, judge, compared, tuple(notes))


def _preference(row: Row, us: str) -> float | None:
    """Give the probability that our output is preferred; AlpacaEval writes a draw as 1.5, or as 0 in older files."""
    value = row["preference"]
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    value = _DRAW if value == 0 else value
    if not 1 <= value <= 2:  # NaN is not, either
        return None
    return float(value) - 1 if us == _name(row, 2) else 2 - float(value)


def _comparison(number: int, row: Row, us: str) -> Comparison:
    first, second = (_text(row, f"output_{place}") for place in (1, 2))
    ours, theirs = (second, first) if us == _name(row, 2) else (first, second)
    dataset = row.get("dataset")
    case = Case(
        number, dataset if isinstance(dataset, str) and dataset else NO_CATEGORY, (_text(row, "instruction") or "",)
    )
    value = _preference(row, us)
    if value is None:
        return Comparison(case, "error", "judge", _NO_PREFERENCE, (), ours, theirs)
    result: Result = "tie" if value == 0.5 else "win" if value > 0.5 else "loss"
    return Comparison(
        case, result, "judge", "", (Game(None, result, "", _text(row, "raw_completion") or ""),), ours, theirs
    )


def _text(row: Row, name: str) -> str | None:
    return row[name] if isinstance(row.get(name), str) else None
