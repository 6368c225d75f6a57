"""Scores of single answers from files: our judge's scores.json, FastChat's *_single.jsonl, rows {model, id, score}, WildChat-50M's CSV."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from kielo.errors import SourceError, at
from kielo.questions import KEYS
from kielo.records import read_json, read_jsonl

FORMATS = "scores: a judge step's scores.json, FastChat's *_single.jsonl, .jsonl rows {model, id, score}, or .csv with columns question_id and score_NAME"
"""What `--help` says of such a file."""
_UNREAD = -1
"""FastChat's score of a judgement that it could not read."""
_MT_BENCH = range(81, 161)
_LONGEST_CELL = 1 << 24
"""Characters of a CSV cell: judgements stand in some."""


@dataclass(frozen=True)
class ScoreFile:
    """What a file holds: model -> question -> score (the mean of its turns), and sentences of what was left out."""

    scores: Mapping[str, Mapping[str, float]]
    notes: tuple[str, ...] = ()
    prompts: int | None = None
    """How many questions there are in all, where the file leaves out those without a preference."""


@dataclass(frozen=True)
class _Row:
    model: str
    question: str
    score: float | None
    language: str | None = None


def read_scores(path: Path, language: str | None = None) -> ScoreFile:
    """Read a file of scores; rows that say another language than `language` are left out, where it is given.

    Raises:
        SourceError: the file is missing, malformed or in none of the formats, or no score in it counts.
    """
    rows = list(_READERS.get(path.suffix, _listed)(path))
    spoken = [row for row in rows if language is None or row.language in (None, language)]
    kept = [row for row in spoken if row.score is not None]
    if not kept:
        raise SourceError(
            f"{path}: none of its {len(rows)} rows holds a score that counts; was it made by a judge of single answers?"
        )
    unsaid = sum(row.language is None for row in spoken) if language else 0
    counts = {
        f"rows of another language than {language} left out": len(rows) - len(spoken),
        f"rows do not say their language and are taken for {language}": unsaid,
        "answers without a score left out": len(spoken) - len(kept),
    }
    found = ScoreFile(_averaged(kept), tuple(f"{path}: {count} {what}." for what, count in counts.items() if count))
    return _with_ties(found, path) if path.suffix == ".csv" else found


def _averaged(rows: Iterable[_Row]) -> dict[str, dict[str, float]]:
    """Average what a question has of a model: its turns, and several judges."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        if row.score is not None:
            found.setdefault(row.model, {}).setdefault(row.question, []).append(row.score)
    return {model: {key: fmean(each) for key, each in scores.items()} for model, scores in found.items()}


def _judged(path: Path) -> Iterator[_Row]:
    """Read scores.json of the step judge: its ratings stand question by question, a turn at a time."""
    document = read_json(path)
    if document is None:
        raise SourceError(f"{path}: no such file; check the path.")
    if "single" not in document.get("modes", ()):
        raise SourceError(
            f"{path}: no scores.json of single ratings; let the judge rate single answers, too, or name another file."
        )
    try:
        for each in document["questions"]:
            for model, found in each["models"].items():
                if "single" in found:
                    rating = _number(found["single"]["rating"], str(path))
                    yield _Row(model, str(each["key"]), rating, document.get("language"))
    except (KeyError, TypeError) as error:
        raise SourceError(f"{path}: not as the step judge writes it ({error}); make the step again.") from error


def _listed(path: Path) -> Iterator[_Row]:
    for line, row in read_jsonl(path):
        place = at(path, line)
        model = row.get("model", row.get("model_id"))
        key = next((row[name] for name in KEYS if row.get(name) is not None), None)
        if not isinstance(model, str) or not isinstance(key, int | str) or "score" not in row:
            raise SourceError(
                f"{place}: a row of scores needs a `model`, an `id` (or `question_id`) and a `score`; mend the row."
            )
        fastchat = "judge" in row or "judgment" in row
        score = None if fastchat and row["score"] == _UNREAD else row["score"]
        spoken = row.get("language")
        yield _Row(model, str(key), _number(score, place), spoken if isinstance(spoken, str) else None)


def _number(value: Any, place: str) -> float | None:
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value)
    ):
        raise SourceError(f"{place}: a score must be a finite number or null; this is {value!r:.60}.")
    return value


def _with_ties(found: ScoreFile, path: Path) -> ScoreFile:
    """Count MT-Bench's questions that a list of decided ones leaves out as ties, and say so: the published file is such a list."""
    keys = set[str]().union(*found.scores.values())
    undecided = any(len({scores.get(key) for scores in found.scores.values()}) == 1 for key in keys)
    theirs = all(key.isdecimal() and int(key) in _MT_BENCH for key in keys)
    if undecided or not theirs or len(keys) == len(_MT_BENCH) or len(found.scores) != 2:
        return found
    note = f"{path}: no question of its {len(keys)} is tied, all are MT-Bench's; the other {len(_MT_BENCH) - len(keys)} count as ties (--prompts {len(keys)}: none do)."
    return replace(found, notes=(*found.notes, note), prompts=len(_MT_BENCH))


def _wide(path: Path) -> Iterator[_Row]:
    """Read a CSV with a column of scores for every model."""
    if not path.is_file():
        raise SourceError(f"{path}: no such file; check the path.")
    csv.field_size_limit(_LONGEST_CELL)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from _cells(csv.DictReader(stream, strict=True), path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path}: not a whole CSV file of UTF-8 text ({error}).") from error


def _cells(reader: csv.DictReader[str], path: Path) -> Iterator[_Row]:
    columns = reader.fieldnames or ()
    key = next((name for name in KEYS if name in columns), None)
    models = [name for name in columns if name.startswith("score_")]
    if key is None or not models:
        there = f"{', '.join(columns) or 'nothing':.200}"
        raise SourceError(f"{path}: needs columns question_id and score_NAME, one for every model; it has {there}.")
    for row in reader:
        place = at(path, reader.line_num)
        if not row[key]:
            raise SourceError(f"{place}: no {key} in this row; mend it.")
        for name in models:
            yield _Row(name.removeprefix("score_"), row[key], _cell(row[name], place))


def _cell(text: str | None, place: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise SourceError(f"{place}: a score must be a number; this is {text!r:.60}.") from error
    return _number(value, place)


_READERS: Mapping[str, Callable[[Path], Iterator[_Row]]] = {".csv": _wide, ".json": _judged}
"""By the ending of a file; any other is rows of JSON."""
