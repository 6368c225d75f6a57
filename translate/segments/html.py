"""HTML blocks: the text between their tags is translated; tags, comments, scripts, styles and preformatted text stay."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence

_INLINE = "a|abbr|b|bdi|bdo|big|cite|code|del|dfn|em|font|i|img|ins|kbd|mark|q|s|samp|small|span|strike|strong|sub|sup|tt|u|var"
_RAW = "script|style|pre|textarea|svg|math"
# What cuts the text: comments, instructions, raw elements with what they hold, and every tag that is not part of a phrase.
_CUT = re.compile(
    rf"""
      <!--(?P<comment>.*?)(?:-->|\Z) | <\?.*?(?:\?>|\Z) | <!\[CDATA\[.*?(?:\]\]>|\Z)
    | <(?P<raw>{_RAW})\b[^<>]*>.*?(?:</(?P=raw)\s*>|(?P<unclosed>\Z))
    | <code\b[^<>]*>[^<\n]*\n.*?(?:</code\s*>|\Z)
    | </?(?!(?:{_INLINE})[\s/>])[A-Za-z!][^<>]*>
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_RAW_END = re.compile(rf"</({_RAW})\s*>", re.IGNORECASE)
_TAGS = re.compile(r"(?:<[^<>]*>\s*)+")
_NO_TEXT = re.compile(r"<[^<>]*>|&\#?\w{1,31};")

Span = tuple[int, int]


def cuts(text: str, start: int, stop: int) -> list[Span]:
    """List what separates the texts of an HTML block, in order."""
    return [match.span() for match in _CUT.finditer(text, start, stop)]


def comments(text: str, start: int, stop: int) -> list[Span]:
    """List what the comments of an HTML text say."""
    return [match.span("comment") for match in _CUT.finditer(text, start, stop) if match["comment"]]


def phrase(text: str, left: int, right: int) -> Span | None:
    """Leave out the tags around a phrase, if it has none within; None if there is no letter outside of tags."""
    if not any(map(str.isalpha, _NO_TEXT.sub("", text[left:right]))):
        return None
    opening = _TAGS.match(text, left, right)
    begin = opening.end() if opening else left
    end = text.find("<", begin, right)
    if end < 0:
        return (begin, right) if opening else (left, right)
    closing = _TAGS.fullmatch(text, end, right)
    if closing and opening:
        return begin, begin + len(text[begin:end].rstrip())
    return left, right


def raw_ends(text: str) -> Mapping[str, Sequence[int]]:
    """Index where the scripts and other raw elements of a text end."""
    ends: dict[str, list[int]] = {}
    for match in _RAW_END.finditer(text):
        ends.setdefault(match.group(1).lower(), []).append(match.end())
    return ends


def runs_over(text: str, start: int, stop: int, ends: Mapping[str, Sequence[int]]) -> int | None:
    """Find the end of a raw element that an HTML block leaves open at a blank line; None if it leaves none open."""
    last = None
    for last in _CUT.finditer(text, start, stop):  # noqa: B007
        pass
    if last is None or last["unclosed"] is None:
        return None
    closings = ends.get(last["raw"].lower(), ())
    number = bisect_right(closings, stop)
    return closings[number] if number < len(closings) else None
