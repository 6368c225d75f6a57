"""Lines that a writer's editor broke: where a sentence clearly goes on in the next line, both are one segment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from translate.segments.prose import looks_like_code

NARROWEST, WIDEST = 50, 120
"""Characters of a line that can be taken for full: mail and papers are wrapped at 55 to 100; verse is shorter, a paragraph longer."""
_SOFT_BREAK = re.compile(r" ?(?:\r\n?|\n)[ \t]*\Z")
_ENDED = re.compile(r"[.!?:;…。！？][\"'”’»)\]*_]*\Z")

Span = tuple[int, int]


def joined(text: str, bodies: Sequence[Span]) -> Iterator[Span]:
    """Join the bodies of a paragraph's lines over soft breaks inside of sentences and of code; blanks stand between, no marker."""
    if len(bodies) < 2:
        yield from bodies
        return
    widest = max(right - left for left, right in bodies)
    start, end = bodies[0]
    for left, right in bodies[1:]:
        if not _goes_on(text, (start, end), (left, right), widest):
            yield start, end
            start = left
        end = right
    yield start, end


def _goes_on(text: str, before: Span, after: Span, widest: int) -> bool:
    if not _SOFT_BREAK.match(text, before[1], after[0]):
        return False
    last_line = text[max(text.rfind("\n", before[0], before[1]) + 1, before[0]) : before[1]].lstrip()
    next_line = text[after[0] : after[1]]
    return _is_wrapped(last_line, next_line, widest) or _is_open(text[before[0] : before[1]], next_line)


def _is_wrapped(line: str, following: str, widest: int) -> bool:
    """Tell whether the next word did not fit: a line is full if it would have been the widest with that word."""
    return (
        NARROWEST <= len(line) <= widest <= WIDEST
        and following[0].islower()
        and len(line) + 1 + len(following.split(None, 1)[0]) > widest
        and not _ENDED.search(line[-9:])
        and not looks_like_code(line)
        and not looks_like_code(following)
    )


def _is_open(before: str, following: str) -> bool:
    """Tell whether inline code or a formula begins in one line and ends in the next."""
    if "`" in before:
        return before.count("`") % 2 == 1 and following.count("`") % 2 == 1 and "``" not in before + following
    return before.count(r"\(") > before.count(r"\)") and r"\)" in following
