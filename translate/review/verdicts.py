r"""A reviewer's verdicts: the TSV that the review page exports, read so that the next translation honours it.

One line per text, columns `id where source verdict translation comment`. A cell is one line of text: backslash, tab,
line feed and carriage return are written `\\ \t \n \r`, other control characters and lone surrogates `\u0000`, and a
first character that spreadsheets would take for a formula or a quote (one of `= + - @ " '`) has a backslash before it.
A cell in quotation marks is what a spreadsheet made of it, and is read as such.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from kielo.errors import SourceError, at

Decision = Literal["accept", "reject", "edit"]
Key = tuple[str, str, str]
"""Which text: the record's id, where in the record, and the source text."""
COLUMNS = ("id", "where", "source", "verdict", "translation", "comment")

_CELL = re.compile(r'(?:"(?P<quoted>[^"]*(?:""[^"]*)*)"|(?P<plain>[^\t\n]*?))(?P<end>\t|\r?\n|\Z)')
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.|\Z)", re.DOTALL)
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", **{sign: sign for sign in "\\=+-@\"'"}}


@dataclass(frozen=True)
class Verdict:
    """What a reviewer decided about one text; `translation` is the text accepted, rejected, or put in its place."""

    id: str
    where: str
    source: str
    verdict: Decision
    translation: str = ""
    comment: str = ""

    @property
    def key(self) -> Key:
        """Name the text it is about."""
        return self.id, self.where, self.source

    @property
    def vouched(self) -> str | None:
        """The translation that the reviewer vouches for, to be used as it stands; None for a rejected one."""
        return None if self.verdict == "reject" else self.translation

    def refuses(self, translation: str) -> bool:
        """Tell whether it rejects this translation: one rejected without its text rejects whatever is offered."""
        return self.verdict == "reject" and self.translation in ("", translation)


@dataclass(frozen=True)
class Verdicts:
    """The verdicts of one file, by the text they are about."""

    by_key: Mapping[Key, Verdict]

    def of(self, identifier: str, where: str, source: str) -> Verdict | None:
        """Find the verdict on a text; None where there is none, or where the source text has changed since."""
        return self.by_key.get((identifier, where, source))

    def within(self, dataset: str) -> Verdicts:
        """Keep the verdicts on the records of one data set."""
        return Verdicts({key: verdict for key, verdict in self.by_key.items() if key[0].startswith(f"{dataset}/")})

    def usage(self, texts: Iterable[Key]) -> dict[str, int]:
        """Count verdicts against all texts of a run: applied, stale (the source has changed), unused (no such text)."""
        sources: dict[tuple[str, str], set[str]] = {}
        for identifier, where, source in texts:
            sources.setdefault((identifier, where), set()).add(source)
        fates = Counter(_fate(key, sources.get(key[:2])) for key in self.by_key)
        return {fate: fates[fate] for fate in ("applied", "stale", "unused")}


NO_VERDICTS = Verdicts({})


def read_verdicts(path: Path) -> Verdicts:
    """Read a file of verdicts.

    Raises:
        SourceError: the file is missing or not UTF-8, a line is malformed, or two are about one text.
    """
    known: dict[Key, Verdict] = {}
    lines: dict[Key, int] = {}
    rows = _rows(_text(path), path)
    _check_header(next(rows, (1, [])), path)
    for line, cells in rows:
        verdict = _verdict(cells, at(path, line))
        if verdict.key in known:
            raise SourceError(
                f"{at(path, line)}: '{verdict.id}' {verdict.where} has a verdict in line {lines[verdict.key]} already; keep one of them."
            )
        known[verdict.key], lines[verdict.key] = verdict, line
    return Verdicts(known)


def _fate(key: Key, sources: set[str] | None) -> str:
    if sources is None:
        return "unused"
    return "applied" if key[2] in sources else "stale"


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be read ({error.strerror}); check the path under `translate.verdicts`."
        ) from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8 again.") from error


def _rows(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, cells); blank lines are passed over."""
    position, line, begun, cells = 0, 1, 1, list[str]()
    while position < len(text):
        match = cast(re.Match[str], _CELL.match(text, position))  # an empty cell and the text's end match anywhere
        cells.append(_unquoted(match, at(path, line)))
        position, line = match.end(), line + match.group().count("\n")
        if match["end"] != "\t" or position == len(text):
            if match["end"] == "\t":
                cells.append("")
            if cells != [""]:
                yield begun, cells
            begun, cells = line, []


def _unquoted(match: re.Match[str], place: str) -> str:
    if match["quoted"] is not None:
        return match["quoted"].replace('""', '"')
    if match["plain"].startswith('"'):
        raise SourceError(
            f'{place}: a cell begins with a quotation mark and does not end with one; write \\" for a text that begins so.'
        )
    return match["plain"]


def _check_header(header: tuple[int, list[str]], path: Path) -> None:
    line, cells = header
    if tuple(cells) != COLUMNS:
        raise SourceError(
            f"{at(path, line)}: the first line must name the columns {' '.join(COLUMNS)}, with tabs between; export the verdicts from the review page again."
        )


def _verdict(cells: list[str], place: str) -> Verdict:
    if len(cells) != len(COLUMNS):
        raise SourceError(
            f"{place}: {len(cells)} cells, but {len(COLUMNS)} are needed; a tab inside a text is written \\t."
        )
    identifier, where, source, decision, translation, comment = (_unescaped(cell, place) for cell in cells)
    if decision not in get_args(Decision):
        raise SourceError(f"{place}: '{decision:.40}' is no verdict; write one of {', '.join(get_args(Decision))}.")
    if decision != "reject" and not translation.strip():
        raise SourceError(
            f"{place}: '{decision}' needs the translation that is to be used; write it, or reject the text."
        )
    return Verdict(identifier, where, source, cast(Decision, decision), translation, comment)


def _unescaped(cell: str, place: str) -> str:
    def meant(match: re.Match[str]) -> str:
        sign = match[1]
        if len(sign) == 5:
            return chr(int(sign[1:], 16))
        if sign not in _ESCAPED:
            raise SourceError(f"{place}: unknown escape '\\{sign}'; write \\\\ for a backslash.")
        return _ESCAPED[sign]

    return _ESCAPE.sub(meant, cell)
