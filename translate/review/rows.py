"""The rows of the review page: every text of the translated data sets with what the checks said of it, worst first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

from kielo.errors import SourceError, at
from kielo.records import read_jsonl

Findings = tuple[tuple[str, str, bool], ...]
"""(check, detail, fatal) of each finding."""

# The way of a translation, from what needs no repair to what nobody could translate; an unknown rung counts as the last.
RUNGS = (
    "copy",
    "kept",
    "argument",
    "reviewer",
    "memory",
    "first",
    "answers",
    "shots",
    "samples",
    "answers-samples",
    "split",
    "engine",
    "source",
)
ARGUMENT = "argument"
_NOT_TEXTS = frozenset({"id", "language", "role", "key"})
_DEPTH = 8


@dataclass(frozen=True)
class Row:
    """One text, its translation, and what became of both; `cause` is what rejected its record: (reason, where, detail)."""

    dataset: str
    id: str
    where: str
    source: str
    translation: str
    engines: tuple[str, ...]
    rungs: tuple[str, ...]
    logprob: float | None
    findings: Findings
    passed: bool
    cause: tuple[str, str, str] | None = None
    judgeable: bool = True

    @property
    def accepted(self) -> bool:
        """Whether the text stands in an accepted record."""
        return self.passed and self.cause is None


def read_rows(dataset: str, folder: Path) -> list[Row]:
    """Read all texts of a data set from its translate step, in their order; records rejected as a whole come last.

    Raises:
        SourceError: a file is missing or damaged, or was written by an older version.
    """
    rejections = {
        str(row["id"]): (str(row["reason"]), str(row["where"]), str(row["detail"]), row.get("record"))
        for _, row in _checked(folder / "rejected.jsonl", {"id": str, "reason": str, "where": str, "detail": str})
    }
    texts = _checked(folder / "translations.jsonl", _FIELDS)
    rows = [_with_cause(_row(dataset, row, place), rejections) for place, row in texts]
    known = {(row.id, row.where) for row in rows}
    whole = (
        _whole_record(dataset, identifier, rejection)
        for identifier, rejection in rejections.items()
        if (identifier, rejection[1]) not in known
    )
    return [*rows, *whole]


def worst_first(rows: Sequence[Row]) -> list[int]:
    """Order rows, by their places, for a reader with little time; equal ones stay as in the data.

    Texts that failed, records rejected as a whole, other texts of rejected records, accepted texts; within these by the
    number of fatal findings, of notes, by how far down the repair ladder it got, and by the lowest log-probability.
    """
    return sorted(range(len(rows)), key=lambda place: _goodness(rows[place]))


def _goodness(row: Row) -> tuple[bool, bool, bool, int, int, int, float]:
    fatal = sum(finding[2] for finding in row.findings)
    names = (rung.partition(" ")[0] for rung in row.rungs)  # `engine deepl` is a rung `engine`
    depth = max((RUNGS.index(name) if name in RUNGS else len(RUNGS) for name in names), default=0)
    notes = len(row.findings) - fatal
    return row.accepted, row.passed, not row.judgeable, -fatal, -notes, -depth, row.logprob or 0.0


_FIELDS: Mapping[str, Any] = {
    "id": str, "where": str, "source": str, "translation": str | None, "engine": str | None, "rung": str | None,
    "logprob": int | float | None, "findings": list, "accepted": bool, "reason": str | None,
}  # fmt: skip


def _checked(path: Path, fields: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (place, row) of rows that have these fields, each of its type."""
    missing = object()
    for line, row in read_jsonl(path):
        for name, kind in fields.items():
            if not isinstance(row.get(name, missing), kind):
                raise _foreign(at(path, line), name)
        yield at(path, line), row


def _foreign(place: str, field: str) -> SourceError:
    return SourceError(
        f"{place}: field '{field}' is missing or not what this version writes; run `kielo translate` again."
    )


def _row(dataset: str, row: Mapping[str, Any], place: str) -> Row:
    findings = tuple(_finding(finding, place) for finding in row["findings"])
    logprob = row["logprob"]
    return Row(
        dataset, row["id"], row["where"], row["source"], row["translation"] or "", _names(row["engine"]), _names(row["rung"]),
        logprob if logprob is not None and isfinite(logprob) else None, _with_reason(findings, row["reason"]),
        row["accepted"], judgeable=row["where"] != ARGUMENT,
    )  # fmt: skip


def _names(listed: str | None) -> tuple[str, ...]:
    """Take apart the names of engines or rungs of a text whose segments were made by several."""
    return tuple(listed.split(", ")) if listed else ("none",)


def _finding(value: Any, place: str) -> tuple[str, str, bool]:
    match value:
        case [str(check), str(detail), bool(fatal)]:
            return check, detail, fatal
    raise _foreign(place, "findings")


def _with_reason(findings: Findings, reason: str | None) -> Findings:
    """Name the reason of a rejection where no check of that name found anything, as when nobody answered."""
    if reason is None or any(check == reason for check, _, _ in findings):
        return findings
    return ((reason, "", True), *findings)


def _with_cause(row: Row, rejections: Mapping[str, tuple[str, str, str, Any]]) -> Row:
    if row.id not in rejections:
        return row
    reason, where, detail, _ = rejections[row.id]
    row = replace(row, cause=(reason, where, detail))
    if where != row.where:
        return row
    findings = tuple((check, told or detail * (check == reason), fatal) for check, told, fatal in row.findings)
    return replace(row, findings=_with_reason(findings, reason), passed=False)


def _whole_record(dataset: str, identifier: str, rejection: tuple[str, str, str, Any]) -> Row:
    """Show a record that no single text of it was rejected for: there is nothing to judge, but something to see."""
    reason, where, detail, record = rejection
    evidence = record if isinstance(record, dict) else {}
    source = evidence.get("source", evidence)
    translations = evidence.get("translations", {})
    return Row(
        dataset, identifier, where, _told(source), _told(translations), ("none",), ("none",), None, ((reason, detail, True),), False,
        (reason, where, detail), judgeable=False,
    )  # fmt: skip


def _told(value: Any) -> str:
    return "\n\n".join(f"{place}\n{text}" for place, text in _texts_in(value, "", _DEPTH))


def _texts_in(value: Any, place: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield (place, text) of every text in a record's JSON."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict) and depth:
        for name, part in value.items():
            if name not in _NOT_TEXTS:
                yield from _texts_in(part, f"{place}.{name}".removeprefix(".").removesuffix(".content"), depth - 1)
    elif isinstance(value, list) and depth:
        for index, part in enumerate(value):
            yield from _texts_in(part, f"{place}[{index}]", depth - 1)
