"""arguments.tsv: the argument table as a file that a native speaker corrects in an editor and the next run takes over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from kielo.errors import SourceError, at
from kielo.records import Prompt
from translate.ifeval.arguments import LETTER, TEXTUAL, Entry, Status, Term, fault, terms

COLUMNS = ("source", "target", "arguments", "prompts", "status", "note")
_ESCAPES = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}
_CHARACTERS = {escape: character for character, escape in _ESCAPES.items()}
_ESCAPED = re.compile(r"\\[\\tnr]")


@dataclass(frozen=True)
class Line:
    """An entry as a file has it, and where."""

    entry: Entry
    place: str


def to_tsv(entries: Iterable[Entry]) -> str:
    """Lay entries out, a line each in the order of the data set; an empty target asks the engine again."""
    rows = [COLUMNS, *map(_cells, entries)]
    return "".join("\t".join(map(_escaped, row)) + "\n" for row in rows)


def _cells(entry: Entry) -> tuple[str, ...]:
    names, keys = ", ".join(entry.names), ", ".join(map(str, entry.keys))
    return entry.source, entry.target, names, keys, entry.status, entry.note


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in text)


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda match: _CHARACTERS[match.group()], text)


def read_tsv(path: Path) -> list[Line]:
    """Read a table of arguments.

    Raises:
        SourceError: the file is missing or not UTF-8, or a line is not one of such a table; the sentence names it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise SourceError(f"{path}: no such file; check the path in the recipe.") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8.") from error
    return list(_lines(path, text))


def _lines(path: Path, text: str) -> Iterator[Line]:
    header, *rest = [line.removesuffix("\r").split("\t") for line in text.split("\n")]
    if tuple(name.strip() for name in header) != COLUMNS:
        raise SourceError(
            f"{at(path, 1)}: the first line must name the columns {', '.join(COLUMNS)}, separated by tabs."
        )
    seen: dict[Term, str] = {}
    for number, cells in enumerate(rest, 2):
        if not any(cell.strip() for cell in cells):
            continue
        line = Line(_entry([_plain(cell) for cell in cells], at(path, number)), at(path, number))
        term = (line.entry.source, line.entry.is_letter)
        if term in seen:
            raise SourceError(f"{line.place}: '{line.entry.source:.60}' is there twice, first at {seen[term]}.")
        seen[term] = line.place
        yield line


def _entry(cells: list[str], place: str) -> Entry:
    if len(cells) != len(COLUMNS):
        raise SourceError(
            f"{place}: {len(cells)} columns, {len(COLUMNS)} expected; keep the tabs, or save as tab-separated text."
        )
    source, target, names, keys, status, note = cells
    if not source.strip():
        raise SourceError(f"{place}: the source is empty; delete the line or write the argument it is for.")
    known = get_args(Status)
    if status.strip() not in known:
        raise SourceError(f"{place}: status '{status}' is none of {', '.join(known)}.")
    entry = Entry(source, target.strip(), _names(names, place), _keys(keys, place), _status(status), note)
    reason = fault(source, entry.target, entry.names) if entry.target else None
    if reason is not None:
        raise SourceError(f"{place}: '{entry.target:.60}' cannot stand for '{source:.60}': {reason}.")
    return entry


def _status(text: str) -> Status:
    return "reviewed" if text.strip() == "reviewed" else "machine"


def _names(text: str, place: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in TEXTUAL:
            raise SourceError(f"{place}: '{name}' is no argument of an instruction; they are {', '.join(TEXTUAL)}.")
    return names


def _keys(text: str, place: str) -> tuple[int, ...]:
    keys = [key.strip() for key in text.split(",") if key.strip()]
    for key in keys:
        if not key.isdecimal():
            raise SourceError(f"{place}: '{key}' is no key of a prompt; the column holds whole numbers and commas.")
    return tuple(map(int, keys))


def given_entries(lines: Iterable[Line], prompts: Iterable[Prompt]) -> Mapping[Term, Entry]:
    """Take over the lines of a file that belong to these prompts; those of other prompts wait for a run that has them.

    Raises:
        SourceError: a line's prompts are here, or it names none, but its source is no argument of any.
    """
    keys, known = set(), set()
    for prompt in prompts:
        keys.add(prompt.key)
        known.update(terms(prompt))
    given = {}
    for line in lines:
        term = (line.entry.source, LETTER in line.entry.names)
        if term in known:
            given[term] = line.entry
        elif not line.entry.keys or keys.intersection(line.entry.keys):
            raise SourceError(
                f"{line.place}: '{line.entry.source:.60}' is no argument of these prompts; correct the source column or delete the line."
            )
    return given
