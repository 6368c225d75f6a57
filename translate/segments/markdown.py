"""Split any Markdown text into translatable segments and the template around them, without losing a byte."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from translate.answers import Kind
from translate.segments import code, html
from translate.segments.blocks import Block, Line, line_spans, read_blocks
from translate.segments.bodies import bodies, is_listed
from translate.segments.document import Document, Stretch, cut_out
from translate.segments.fences import closed
from translate.segments.prose import reads_as_prose
from translate.segments.regions import Region, kept_regions, outside
from translate.segments.wrapping import joined

Code = Literal["keep", "comments"]

# What can begin a line of any block but a paragraph; a text without it needs no parser. A lone return ends lines, too.
_STRUCTURE = re.compile(r"^[ \t]*(?:[>#*+\-=`~<|:\[]|\d{1,9}[.)][ \t\n])|^(?: {4}| {0,3}\t)|\r(?!\n)", re.MULTILINE)
_DEFINITION = re.compile(r"\[[^\^](?:[^\[\]\\]|\\.)*\]:\s*(?:<|\S*(?:[/#:@]|\.\w))", re.DOTALL)
_CELL_END = re.compile(r"(?<!\\)\|")


def split(text: str, code: Code = "keep") -> Document:
    """Take a text apart into segments and everything that stays as it is.

    Code, display formulas, tags, link definitions, markers, indents, table borders and lines without a letter stay. A
    segment is a line or a cell, or several lines (then it holds line ends) where a sentence goes on in the next one.
    `code="comments"` takes the human language out of code blocks, too.
    """
    return cut_out(text, _stretches(text, code))


def _stretches(text: str, opened: Code) -> Iterator[Stretch]:
    spans = line_spans(text)
    blocks = list(read_blocks(text, spans)) if _STRUCTURE.search(text) else list(_paragraphs(text, spans))
    kept = kept_regions(text, blocks)
    for block in blocks:
        if block.rule == "fence":
            fence, after = closed(text, block)
            if opened == "comments":
                yield from code.stretches(text, fence)
            yield from _read_lines(text, after, kept)
        elif block.rule in _READERS:
            yield from _READERS[block.rule](text, block, kept)
        else:
            yield from _read_lines(text, block, kept)


def _paragraphs(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[Block]:
    """Give the blocks of a text that has none but paragraphs."""
    lines: list[Line] = []
    for start, stop in spans:
        if text[start:stop].isspace() or start == stop:
            if lines:
                yield Block("paragraph", tuple(lines))
            lines = []
        else:
            lines.append(Line(start, start, stop))
    if lines:
        yield Block("paragraph", tuple(lines))


def _read_lines(text: str, block: Block, kept: Sequence[Region]) -> Iterator[Stretch]:
    """Read paragraphs, headings and whatever else is text line by line."""
    heading = block.rule in ("heading", "lheading")
    found: list[tuple[int, int]] = []
    listed: set[int] = set()
    for line in block.lines:
        for begin, stop in outside(line.begin, line.stop, kept):
            for left, right in bodies(text, begin, stop, heading):
                found.append((left, right))
                if is_listed(text, begin, left):
                    listed.add(left)
                begin = right
    for left, right in joined(text, found):
        plain: Kind = "list-item" if block.kind == "text" and left in listed else block.kind
        yield Stretch(left, right, "heading" if heading else plain)


def _read_table(text: str, block: Block, kept: Sequence[Region]) -> Iterator[Stretch]:
    for line in block.lines:
        begin = line.begin
        ends = (match.start() for match in _CELL_END.finditer(text, line.begin, line.stop))
        for end in (*ends, line.stop):
            yield from (Stretch(left, right, "cell") for left, right in bodies(text, begin, end))
            begin = end + 1


def _read_html(text: str, block: Block, kept: Sequence[Region]) -> Iterator[Stretch]:
    cuts = html.cuts(text, block.lines[0].begin, block.lines[-1].stop)
    for line in block.lines:
        for begin, stop in outside(line.begin, line.stop, cuts):
            for left, right in bodies(text, begin, stop):
                if span := html.phrase(text, left, right):
                    yield Stretch(*span, "html")


def _read_indented(text: str, block: Block, kept: Sequence[Region]) -> Iterator[Stretch]:
    if reads_as_prose([text[line.begin : line.stop] for line in block.lines]):
        yield from _read_lines(text, block, kept)


def _read_definition(text: str, block: Block, kept: Sequence[Region]) -> Iterator[Stretch]:
    """Leave link definitions; `[Speaker]: Yes` is one to CommonMark, but to nobody else."""
    if not _DEFINITION.match(text, block.lines[0].begin, block.lines[-1].stop):
        yield from _read_lines(text, block, kept)


_READERS: Mapping[str, Callable[[str, Block, Sequence[Region]], Iterator[Stretch]]] = {
    "table": _read_table,
    "html_block": _read_html,
    "code": _read_indented,
    "reference": _read_definition,
}
