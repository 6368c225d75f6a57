"""Where the blocks of a Markdown text stand: a CommonMark parser whose rules note the lines they take and where these begin."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.parser_block import RuleFuncBlockType
from markdown_it.rules_block import (
    StateBlock,
    blockquote,
    code,
    fence,
    heading,
    html_block,
    lheading,
    list_block,
    paragraph,
    reference,
    table,
)

from translate.answers import Kind

DEEPEST = 60
"""Nested blocks, a list and its item being two; text in deeper ones is taken as plain."""
QUOTED_LINES = 20_000
"""Lines times quote signs at a line's start: a parser reads the lines of a quote once per level, so beyond it sees no quotes."""

_RULES: tuple[tuple[str, RuleFuncBlockType, tuple[str, ...]], ...] = (
    ("table", table, ("paragraph", "reference")),
    ("code", code, ()),
    ("fence", fence, ("paragraph", "reference", "blockquote", "list")),
    ("reference", reference, ()),
    ("html_block", html_block, ("paragraph", "reference", "blockquote")),
    ("heading", heading, ("paragraph", "reference", "blockquote")),
    ("lheading", lheading, ()),
    ("paragraph", paragraph, ()),
)
"""The rules that take lines with text, and what each may interrupt, as CommonMark and GitHub's tables have it."""
_CONTAINERS: tuple[tuple[str, RuleFuncBlockType, tuple[str, ...], Kind], ...] = (
    ("blockquote", blockquote, ("paragraph", "reference", "blockquote", "list"), "quote"),
    ("list", list_block, ("paragraph", "reference", "blockquote"), "list-item"),
)
_LINE_END = re.compile(r"\r\n?|\n")
_QUOTE_SIGNS = re.compile(r"^(?:[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]*)?>)+", re.MULTILINE)


class Line(NamedTuple):
    """One line of a text: its first character, its content behind the markers of the blocks around it, and its end."""

    start: int
    begin: int
    stop: int


class Block(NamedTuple):
    """Neighbouring lines that one rule of the parser took, what their text is, and the info string of a fence."""

    rule: str
    lines: tuple[Line, ...]
    kind: Kind = "text"
    info: str = ""


class _Note(NamedTuple):
    rule: str
    begins: tuple[int, ...]
    kind: Kind
    info: str


def line_spans(text: str) -> list[tuple[int, int]]:
    """Give start and end of each line, without its line end, as CommonMark counts lines."""
    spans, start = [], 0
    for end in _LINE_END.finditer(text):
        spans.append((start, end.start()))
        start = end.end()
    if start < len(text):
        spans.append((start, len(text)))
    return spans


def read_blocks(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[Block]:
    """List the blocks of a text in the order of their lines; a line that no rule took is a block of its own, rule `none`."""
    notes = _notes(text, len(spans))
    moved = _moved(spans) if "\r" in text else None
    number = 0
    while number < len(spans):
        note = notes.get(number)
        if note is None:
            start, stop = spans[number]
            yield Block("none", (Line(start, start, stop),))
            number += 1
            continue
        lines = []
        for begin in note.begins:
            start, stop = spans[number]
            lines.append(Line(start, begin + moved[number] if moved else begin, stop))
            number += 1
        yield Block(note.rule, tuple(lines), note.kind, note.info)


def _notes(text: str, lines: int) -> dict[int, _Note]:
    """Parse a text; what the rules noted, by the number of the block's first line."""
    depth = max((match.group().count(">") for match in _QUOTE_SIGNS.finditer(text)), default=0)
    parser = _parser(depth * lines <= QUOTED_LINES)
    notes: dict[int, _Note] = {}
    source = _LINE_END.sub("\n", text) if "\r" in text else text
    parser.block.parse(source, parser, {"notes": notes, "inside": ["text"]}, [])
    return notes


def _moved(spans: Sequence[tuple[int, int]]) -> list[int]:
    """Tell for each line how far it is moved by line ends of two characters, which the parser gets as one."""
    moved, begin = [], 0
    for start, stop in spans:
        moved.append(start - begin)
        begin += stop - start + 1
    return moved


@cache
def _parser(quotes: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": DEEPEST}).enable("table")
    for name, rule, interrupts in _RULES:
        parser.block.ruler.at(name, _noting(name, rule), {"alt": list(interrupts)})
    for name, rule, interrupts, kind in _CONTAINERS:
        parser.block.ruler.at(name, _containing(kind, rule), {"alt": list(interrupts)})
    return parser if quotes else parser.disable("blockquote")


def _containing(kind: Kind, rule: RuleFuncBlockType) -> RuleFuncBlockType:
    """Make a rule tell those it calls for the blocks within what they are in (`state.parentType` is not always restored)."""

    def told(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        state.env["inside"].append(kind)
        taken = rule(state, start, end, silent)
        state.env["inside"].pop()
        return taken

    return told


def _noting(name: str, rule: RuleFuncBlockType) -> RuleFuncBlockType:
    """Make a rule note the lines it takes: the parser knows where their content begins only while it reads them."""

    def noted(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        taken = rule(state, start, end, silent)
        if taken and not silent:
            begins = tuple(state.bMarks[line] + state.tShift[line] for line in range(start, state.line))
            info = state.tokens[-1].info if name == "fence" else ""
            state.env["notes"][start] = _Note(name, begins, state.env["inside"][-1], info)
        return taken

    return noted
