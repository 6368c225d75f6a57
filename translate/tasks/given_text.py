"""Finds the text that a request is about (quoted, after a colon, in paragraphs of its own), so that a translation leaves it alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

Span = tuple[int, int]

# Every alternative stops at its own closing mark or at a bound, so that unpaired marks cost no more than paired ones.
_QUOTED = re.compile(
    r"“([^“”]{1,5000})”|\"([^\"]{1,5000})\"|«([^«»]{1,5000})»|„([^„“”\"]{1,5000})[“”\"]|‘([^‘’\n]{1,200})’"
    r"|(?<![`])`([^`\n]{1,2000})`|(?<!\w)'((?:[^'\n]|(?<=\w)'(?=\w)){1,2000})'(?!\w)"
)
_COLON = re.compile(r":(?=\s)")
_MARKERS = re.compile(r"(?:[ \t]*(?:>|[-*+•](?=[ \t])|\d{1,9}[.)](?=[ \t])|#{1,6}(?=[ \t])))*[ \t]*")
_LABEL = re.compile(r"\w{1,20}:\s{1,4}(?=\S)")  # `Input: `, `Text: `
_SENTENCE_END = re.compile(r"(?<=[.!?:])\s{1,4}")
_PAIRS = (('"', '"'), ("'", "'"), ("“", "”"), ("‘", "’"), ("«", "»"), ("„", "“"))
_SHORT = 4  # characters
_WORD = re.compile(r"\w+(?:['’]\w+)?")
ALIKE = 0.5
"""Share of an answer's words that the given text must hold for the answer to be that text again, mended."""


def given_text(text: str, hit: Span) -> tuple[str, ...]:
    """Find what a request, found at `hit`, is about; exact substrings of the text, none where it names nothing.

    In this order: what follows a colon, unless a quotation comes first; what is quoted in its line; the paragraphs below;
    the paragraphs above.
    """
    start = text.rfind("\n", 0, hit[0]) + 1
    end = text.find("\n", hit[1])
    end = len(text) if end < 0 else end
    colon = _COLON.search(text, hit[0], min(end + 1, len(text)))
    quoted = [match for match in _quotes(text, start, end)]
    after = next((match.start() for match in quoted if match.end() > hit[0]), None)
    if colon and (after is None or colon.start() < after) and text[colon.end() :].strip():
        return _unquoted(text[colon.end() :].strip())
    if quoted:
        return tuple(dict.fromkeys(_inside(match) for match in quoted))
    below, above = text[end:].strip(), text[:start].strip()
    return _unquoted(below or above) if below or above else ()


def _quotes(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """Yield the quotations that begin in a part of a line; they may end below it."""
    for match in _QUOTED.finditer(text, start):
        if match.start() >= end:
            return
        if _inside(match).strip():
            yield match


def _inside(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group is not None)


def _unquoted(given: str) -> tuple[str, ...]:
    label = _LABEL.match(given)
    given = given[label.end() :] if label else given
    whole = _QUOTED.fullmatch(given)
    return (_inside(whole) if whole else given,)


def echoes(answer: str, given: Sequence[str]) -> tuple[str, ...]:
    """List what in an answer is the given text again, whole or mended: quotations and sentences of the same words."""
    known = Counter(word.lower() for text in given for word in _WORD.findall(text))
    quoted = [match for match in _QUOTED.finditer(answer) if _alike(_inside(match), known)]
    unquoted = _without(answer, [match.span() for match in quoted])
    sentences = (part.strip("*_ ") for line in unquoted.splitlines() for part in _SENTENCE_END.split(_body(line)))
    found = [_inside(match).strip() for match in quoted] + [part for part in sentences if _alike(part, known)]
    return tuple(dict.fromkeys(found))


def _without(text: str, spans: Sequence[Span]) -> str:
    ends = [0, *(end for _, end in spans)]
    starts = [*(start for start, _ in spans), len(text)]
    return "\n".join(text[end:start] for end, start in zip(ends, starts, strict=True))


def _alike(part: str, known: Counter[str]) -> bool:
    words = Counter(word.lower() for word in _WORD.findall(part))
    return bool(words) and (words & known).total() >= max(ALIKE * words.total(), min(2, known.total()))


def literals(given: Sequence[str]) -> tuple[str, ...]:
    """List the lines of given texts as they stand in the segments of a document, to be put through a translation untouched.

    Markdown markers are cut off. A word of up to three letters stands in too many sentences to be kept wherever it is
    found: it is listed between quotation marks.
    """
    lines = dict.fromkeys(_body(line) for text in given for line in text.splitlines())
    return tuple(form for line in lines for form in ([line] if len(line) >= _SHORT else _quoted_forms(line)))


def _quoted_forms(word: str) -> list[str]:
    return [f"{opening}{word}{closing}" for opening, closing in _PAIRS] if word else []


def _body(line: str) -> str:
    """Cut the Markdown markers (quote, list, heading) off a line."""
    marked = _MARKERS.match(line)
    return line[marked.end() if marked else 0 :].strip()
