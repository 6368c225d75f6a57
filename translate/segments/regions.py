"""Stretches that stay as they are wherever lines and blocks end: display formulas, scripts that hold blank lines."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from translate.segments.blocks import Block
from translate.segments.html import raw_ends, runs_over

Region = tuple[int, int]

LONGEST_FORMULA = 5000
"""Characters between the marks of a display formula; a mark without its other mark is no formula."""
_OF_TEXT = "(?:document|abstract|enumerate|itemize|description|quot\\w+|verse|center|flush\\w+|figure|table|minipage)"
_FORMULA = re.compile(
    r"(?m)^(?:[ \t>]|[-*+][ \t]|\d{1,9}[.)][ \t])*(?P<dollars>\$\$)|\\(?P<bracket>\[)"
    rf"|\\begin\{{(?!{_OF_TEXT}\}})[^{{}}\n]{{1,40}}\}}"
)
_BLANK_LINE = re.compile(r"(?:\r\n?|\n)[ \t]*(?:\r|\n)")
_VERBATIM = frozenset({"fence", "html_block"})


def kept_regions(text: str, blocks: Sequence[Block]) -> list[Region]:
    """List the regions of a text that no block of the parser shows, in order and apart from each other."""
    verbatim = [(block.lines[0].start, block.lines[-1].stop) for block in blocks if block.rule in _VERBATIM]
    regions = list(_formulas(text, verbatim)) if "$$" in text or "\\" in text else []
    html = [block for block in blocks if block.rule == "html_block"]
    if html:
        ends = raw_ends(text)
        for block in html:
            end = runs_over(text, block.lines[0].begin, block.lines[-1].stop, ends)
            if end is not None:
                regions.append((block.lines[-1].stop, end))
    return _apart(regions)


def outside(begin: int, stop: int, regions: Sequence[Region]) -> Iterator[Region]:
    """Give what of text[begin:stop] lies in no region."""
    number = max(0, bisect_right(regions, (begin, begin)) - 1) if regions else 0
    while number < len(regions) and regions[number][0] < stop:
        start, end = regions[number]
        if begin < start:
            yield begin, start
        begin = max(begin, end)
        number += 1
    if begin < stop:
        yield begin, stop


def _formulas(text: str, verbatim: Sequence[Region]) -> Iterator[Region]:
    """Find display formulas over several lines; within one line they are protected with their sentence."""
    end = 0
    for opening in _FORMULA.finditer(text):
        start = opening.start("dollars") if opening["dollars"] else opening.start()
        if start < end or _lies_in(start, verbatim):
            continue
        closing = "$$" if opening["dollars"] else r"\]" if opening["bracket"] else r"\end{"
        found = text.find(closing, opening.end(), opening.end() + LONGEST_FORMULA)
        if found < 0 or not ("\n" in text[start:found] or "\r" in text[start:found]):
            continue
        if closing == r"\end{":
            end = (text.find("}", found, found + 50) + 1) or found + len(closing)
        elif _BLANK_LINE.search(text, start, found):
            continue
        else:
            end = found + len(closing)
        yield start, end


def _lies_in(place: int, regions: Sequence[Region]) -> bool:
    number = bisect_right(regions, (place, place)) - 1
    return any(start <= place < end for start, end in regions[max(0, number) : number + 2])


def _apart(regions: Iterable[Region]) -> list[Region]:
    apart: list[Region] = []
    for start, end in sorted(regions):
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart
