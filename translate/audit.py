"""Judges any parallel data set by the translation checks: `kielo audit`, for data that somebody else translated."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from kielo.errors import SourceError, UsageError, at
from kielo.languages.pack import option_language, read_shots, shots_of
from kielo.progress import progress
from kielo.records import JSON, read_jsonl
from translate.checks import Checker, Direction, Finding, Item, make_checker

CALIBRATION_ROWS = 20_000
"""Rows of a long file by which the checks are calibrated, drawn at random with a fixed seed."""
COLUMNS = ("id", "source", "translation")


@dataclass(frozen=True)
class Row:
    """A row of the file: its id, and its texts or what is wrong with them."""

    id: str
    item: Item | None
    trouble: Finding | None = None


def audit_file(
    path: Path,
    source: str,
    target: str,
    profile: str = "default",
    identifier: str = "py3langid",
    identifier_file: Path | None = None,
) -> dict[str, JSON]:
    """Check the rows `{"id", "source", "translation"}` of a .jsonl or .jsonl.gz file, calibrated on the file itself.

    Gives what `--json` writes: the settings, the calibration, `totals`, and by id under `rows` whether it is accepted,
    the `reasons` why not, `notes` (checks that saw something too small to reject) and the `details` of both. A row whose
    texts are missing or blank is rejected with that reason.

    Raises:
        UsageError: a language or the profile does not exist.
        SourceError: the file cannot be read, a row lacks a column, or an id comes twice.
        MissingExtraError: the identifier's package is not installed.
    """
    if (identifier == "glotlid") != (identifier_file is not None):
        raise UsageError("--identifier glotlid and --identifier-file belong together; give both or neither.")
    if source == target:
        raise UsageError(f"--source and --language are both '{source}'; name the language of the translations.")
    direction = Direction(option_language("--source", source), option_language("--language", target), _shots(target))
    checker = make_checker(direction, profile, identifier, identifier_file)
    sample, count = _sample(path)
    checker = checker.calibrated(sample)
    rows: dict[str, JSON] = {}
    counts: Counter[str] = Counter()
    notes: Counter[str] = Counter()
    with progress(count, f"audit {path.name}", "rows") as bar:
        for row in _rows(path):
            found = _judge(row, checker)
            rows[row.id] = found
            counts.update(dict.fromkeys(found["reasons"], 1))
            notes.update(dict.fromkeys(found["notes"], 1))
            bar.update()
    accepted = sum(row["accepted"] for row in rows.values())
    return {
        "file": path.name,
        "source": source,
        "language": target,
        "profile": profile,
        "calibration": dict(checker.calibration),
        "totals": {
            "rows": len(rows),
            "accepted": accepted,
            "rejected": len(rows) - accepted,
            "accepted_share": round(accepted / len(rows), 4),
            "reasons": dict(sorted(counts.items())),
            "notes": dict(sorted(notes.items())),
        },
        "rows": rows,
    }


def totals_text(found: Mapping[str, JSON]) -> str:
    """Write the totals of an audit for people to read."""
    totals, calibration = found["totals"], found["calibration"]
    lines = [
        f"{found['file']}: {totals['accepted']} of {totals['rows']} rows accepted ({totals['accepted_share']:.1%}), "
        f"profile {found['profile']}, languages told apart by {calibration['identifier']}",
        *(f"  {count:6}  {reason}" for reason, count in _by_count(totals["reasons"])),
    ]
    if totals["notes"]:
        lines.append("notes on accepted rows")
        lines += [f"  {count:6}  {reason}" for reason, count in _by_count(totals["notes"])]
    return "\n".join(lines)


def _by_count(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


def _judge(row: Row, checker: Checker) -> dict[str, Any]:
    findings = (row.trouble,) if row.trouble else checker.findings(row.item) if row.item else ()
    reasons = list(dict.fromkeys(finding.check for finding in findings if finding.fatal))
    details = {finding.check: _writable(finding.detail) for finding in reversed(findings)}
    notes = [] if reasons else list(dict.fromkeys(finding.check for finding in findings))
    return {"accepted": not reasons, "reasons": reasons, "notes": notes, "details": details}


def _sample(path: Path) -> tuple[list[Item], int]:
    """Draw the items to calibrate by (Vitter's reservoir) and count the rows."""
    rng = random.Random(0)
    sample: list[Item] = []
    count = 0
    for row in _rows(path):
        count += 1
        if row.item is None:
            continue
        if len(sample) < CALIBRATION_ROWS:
            sample.append(row.item)
        elif (place := rng.randrange(count)) < CALIBRATION_ROWS:
            sample[place] = row.item
    if not count:
        raise SourceError(f"{path}: holds no rows; an audit needs rows {{id, source, translation}}.")
    return sample, count


def _rows(path: Path) -> Iterator[Row]:
    seen: dict[str, int] = {}
    for number, values in read_jsonl(path):
        place = at(path, number)
        missing = [column for column in COLUMNS if column not in values]
        if missing:
            there = ", ".join(map(repr, list(values)[:8])) or "none"
            raise SourceError(
                f"{place}: no '{missing[0]}'; a row needs id, source and translation, this one has {there}."
            )
        if isinstance(values["id"], bool) or not isinstance(values["id"], str | int):
            raise SourceError(f"{place}: the id must be a text or a whole number, not {type(values['id']).__name__}.")
        name = _writable(str(values["id"]))
        if name in seen:
            raise SourceError(f"{place}: the id '{name:.80}' is on line {seen[name]} already; give every row its own.")
        seen[name] = number
        yield _row(name, values)


def _row(name: str, values: Mapping[str, JSON]) -> Row:
    source, translation = values["source"], values["translation"]
    for column, text in (("source", source), ("translation", translation)):
        if text is not None and not isinstance(text, str):
            return Row(name, None, Finding("not-text", f"the {column} is a {type(text).__name__}, not a text", True))
    if not (source or "").strip():
        return Row(name, None, Finding("blank-source", "there is nothing to translate", True))
    finish, logprob = values.get("finish_reason"), values.get("logprob")
    return Row(
        name,
        Item(
            source,
            translation or "",
            finish if isinstance(finish, str) else None,
            float(logprob) if _is_logprob(logprob) else None,
        ),
    )


def _is_logprob(value: JSON) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e6 < value < 1e6


def _shots(target: str) -> tuple[Any, ...]:
    """Read the pack's own shots, if it has any: a published translation may hold them when it was made with Kielo."""
    path = shots_of(target)
    return tuple(read_shots(path)) if path.is_file() else ()


def _writable(text: str) -> str:
    """Replace lone surrogates, which JSON can read but UTF-8 cannot write."""
    return text.encode("utf-8", "replace").decode("utf-8")
