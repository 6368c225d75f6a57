"""Finds lost and added Markdown: fences, headings, list items, numbering, tables, emphasis, links, quotes, paragraphs, lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from translate.checks.findings import Evidence, Level
from translate.checks.views import Pair, Text


@dataclass(frozen=True)
class Mark:
    """A kind of mark-up, how much of it may go or come, and what a larger difference weighs."""

    pattern: re.Pattern[str]
    slack: float
    """Share of the source's count that a difference must exceed to weigh in full; half as much weighs half."""
    hint: str
    """Characters without which a text cannot hold the mark: most texts are not searched at all."""


# `1)`, `1 ` and `1.X` at a line's start are numbering, too, where the other side has `1. X`.
_NUMBERING = re.compile(r"\d{1,3}(?:[.):]|(?=\s?[^\W\d_]))")
LINE_SLACK = 0.5
SURE_ALONE = frozenset(("headings", "bold", "links"))
"""Marks of which a single one is no accident."""
_TABLE_RULE = re.compile(r"^[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*){0,60}\|?[ \t]*$", re.MULTILINE)
_BREAK = re.compile(r"\n[ \t\r]*\n")
_INLINE_MARKS: Mapping[str, Mark] = {
    "bold": Mark(re.compile(r"\*\*(?=\S)[^*\n]{1,300}?\*\*|__(?=\S)[^_\n]{1,300}?__"), 0.5, "*_"),
    "links": Mark(re.compile(r"\]\("), 0.0, "]"),
}


def structure(pair: Pair) -> Iterator[Evidence]:
    """Compare the mark-up of both sides, kind by kind (after FastAPI's documentation checks, with the slack that people need)."""
    source, translation = pair.source, pair.translation
    if source.fences != translation.fences:
        yield Evidence("structure", f"{translation.fences} code fences, {source.fences} in the source", 1)
        return
    for name, before, after, slack in _counts(source, translation, pair.level):
        weight = _weight(name, before, after, slack) if before != after else 0
        if weight:
            yield Evidence("structure", f"{after} {name}, {before} in the source", weight)
            break
    if pair.level == "text":
        yield from _lines(source, translation)
        yield from _paragraphs(source, translation)
        yield from _columns(source, translation)


def _counts(source: Text, translation: Text, level: Level) -> Iterator[tuple[str, int, int, float]]:
    """Yield each kind of mark: its name, how often it is on either side, and the share that may differ."""
    if level == "text":
        before, after = _line_marks(source), _line_marks(translation)
        for name in sorted(before | after):
            yield name, before[name], after[name], LINE_SLACK
    for name, mark in _INLINE_MARKS.items():
        yield name, _count(mark, source), _count(mark, translation), mark.slack


def _count(mark: Mark, text: Text) -> int:
    return 0 if text.chars.isdisjoint(mark.hint) else len(mark.pattern.findall(text.outside))


def _line_marks(text: Text) -> Counter[str]:
    """Count headings, bullets, numbers and quotes by what the lines begin with."""
    return Counter(filter(None, map(_line_mark, text.lines)))


def _line_mark(line: str) -> str:
    first, rest = line[0], line[1:]
    if first in "-*+•" and rest[:1] in (" ", "\t"):
        return "bullets"
    if first == "#" and line.lstrip("#")[:1] in (" ", "\t"):
        return "headings"
    if first == ">":
        return "block quotes"
    return "numbering" if _NUMBERING.match(line.lstrip("*_")) else ""


def _weight(name: str, before: int, after: int, slack: float) -> float:
    """Weigh a difference: all gone or much of it in full, half as much by half; one line that begins with a dash is no list."""
    difference = abs(before - after)
    if not before:
        return 0.5 if after > 1 else 0.25
    if difference == before:
        return 1 if before > 1 or name in SURE_ALONE else 0.5
    if difference > max(1, slack * before):
        return 1
    return 0.5 if difference > max(1, slack * before / 2) else 0.25 if slack else 1


def _lines(source: Text, translation: Text) -> Iterator[Evidence]:
    """Compare the number of lines: what was joined, lost or added cannot be seen line by line."""
    before, after = len(source.lines), len(translation.lines)
    difference = abs(before - after)
    if difference:
        weight = 1 if difference >= 0.25 * max(before, after) or difference > 2 else 0.5
        yield Evidence("lines", f"{after} lines, {before} in the source", weight)


def _paragraphs(source: Text, translation: Text) -> Iterator[Evidence]:
    """Compare the number of paragraphs: one lost of many is little, a third of them is the structure."""
    if "\n" not in source.chars:
        return
    before, after = (len(_BREAK.findall(text.outside.strip())) for text in (source, translation))
    if before > after:
        weight = 1 if before - after >= before / 3 else 0.5
        yield Evidence("paragraphs", f"{after + 1} paragraphs, {before + 1} in the source", weight)


def _columns(source: Text, translation: Text) -> Iterator[Evidence]:
    """Compare the number of cells of each row, where the source has a table: drawings have bars, too, but no rule of dashes."""
    if "|" not in source.chars or not any("|" in rule for rule in _TABLE_RULE.findall(source.outside)):
        return
    before, after = ([line.count("|") for line in text.lines if line.count("|") > 1] for text in (source, translation))
    if before != after:
        differ = [number for number, (one, other) in enumerate(zip(before, after, strict=False), 1) if one != other]
        where = f"row {differ[0]} has other columns" if differ else f"{len(after)} rows, {len(before)}"
        yield Evidence("structure", f"table: {where} than in the source", 1)
