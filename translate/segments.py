"""Split any Markdown text into translatable segments and the template around them, without losing a byte."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain

from markdown_it import MarkdownIt

Span = tuple[int, int]

# The line ends that CommonMark knows and markdown-it counts lines by; other Unicode line ends stay inside a line.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_MARKERS = re.compile(r"(?:[ \t]*(?:>|[-*+•](?=[ \t])|\d{1,9}[.)](?=[ \t])|\#{1,6}(?=[ \t])|\[[ xX]\](?=[ \t])))*")
_LINK_DEFINITION = re.compile(r"[ \t>]*\[[^\]\n]+\]:\s*\S")
_CELL = re.compile(r"(?:\\.|[^|\\])+|\\")
_MATH_ENDS = {r"\[": r"\]", "$$": "$$", r"\begin{": r"\end{"}


@dataclass(frozen=True)
class Document:
    """A text taken apart: `template[0] segments[0] template[1] ... template[n]`."""

    template: tuple[str, ...]
    segments: tuple[str, ...]


def split(text: str) -> Document:
    """Take a text apart into segments of at most one line and everything that stays as it is.

    Code blocks, HTML blocks, display math, markers, indents, table borders and lines without a letter stay.
    """
    template, segments, end = [], [], 0
    for start, stop in _spans(text):
        template.append(text[end:start])
        segments.append(text[start:stop])
        end = stop
    return Document((*template, text[end:]), tuple(segments))


def render(document: Document, translations: Sequence[str]) -> str:
    """Put translations where the segments were; the segments themselves give the text back, byte for byte."""
    between = zip(translations, document.template[1:], strict=True)
    return "".join(chain(document.template[:1], *between))


def _spans(text: str) -> Iterator[Span]:
    lines = [(match.start(), match.end()) for match in _LINE.finditer(text)]
    kept, tables = _block_lines(text, lines)
    for number, (start, stop) in enumerate(lines):
        if number in kept:
            continue
        line = text[start:stop]
        for left, right in _cells(line) if number in tables else [_body(line)]:
            if any(letter.isalpha() for letter in line[left:right]):
                yield start + left, start + right


def _body(line: str) -> Span:
    """Find what a line says: without its markers and the blanks around."""
    marked = _MARKERS.match(line)
    rest = line[marked.end() :] if marked else line
    left = len(line) - len(rest.lstrip())
    return left, max(left, len(line.rstrip()))


def _cells(line: str) -> Iterator[Span]:
    for match in _CELL.finditer(line):
        cell = match.group()
        left = match.start() + len(cell) - len(cell.lstrip())
        yield left, max(left, match.start() + len(cell.rstrip()))


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


def _block_lines(text: str, lines: Sequence[Span]) -> tuple[set[int], set[int]]:
    """Number the lines that stay whole (code, HTML, math, link definitions) and the lines of tables."""
    kept: set[int] = set()
    tables: set[int] = set()
    for token in _parser().parse(text):
        if token.map and token.type in ("fence", "code_block", "html_block"):
            kept.update(range(*token.map))
        elif token.map and token.type == "table_open":
            tables.update(range(*token.map))
    written = [text[start:stop] for start, stop in lines]
    kept |= {number for number, line in enumerate(written) if _LINK_DEFINITION.match(line)}
    return kept | set(_math_lines(written, kept)), tables


def _math_lines(lines: Sequence[str], code: set[int]) -> Iterator[int]:
    """Number the lines of display math that spans lines; an opening without its end is no math."""
    ends = {mark: [number for number, line in enumerate(lines) if mark in line] for mark in _MATH_ENDS.values()}
    number = 0
    while number < len(lines):
        end = None if number in code else _math_end(lines[number].strip(), number, ends)
        if end is not None:
            yield from range(number, end + 1)
        number = (number if end is None else end) + 1


def _math_end(line: str, number: int, ends: Mapping[str, Sequence[int]]) -> int | None:
    """Find the line where the display math ends that a line opens, if it does."""
    for opening, closing in _MATH_ENDS.items():
        if line.startswith(opening) and closing not in line[len(opening) :]:
            place = bisect_right(ends[closing], number)
            return ends[closing][place] if place < len(ends[closing]) else None
    return None
