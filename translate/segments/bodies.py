"""What a line says, without what must stay as it is: markers of lists and headings, emphasis of the whole, signs at its ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

_EMOJI = "\u2190-\u2bff\U0001f000-\U0001faff\ufe0e\ufe0f\u200d\u20e3"
_MARKERS = re.compile(
    rf"""(?:
      [ \t]
    | >
    | [-*+•·▪◦‣●○–—](?=[ \t])
    | -(?=[A-Z][a-z])                                        # `-Ruby`, as hasty lists have it
    | \d{{1,9}}[.)](?=[ \t])
    | \d{{1,3}}[.)](?=[A-Z])                                 # `1.Confidence`
    | \((?:\d{{1,3}}|[A-Za-z]|[ivx]{{2,5}}|[IVX]{{2,5}})\)(?=[ \t])
    | (?:[A-Za-z]|[ivx]{{2,5}}|[IVX]{{2,5}})\)(?=[ \t])
    | (?:[A-HJ-Z]|[IVX]{{1,5}})\.(?=[ \t]+[A-Z"“*])          # `B. Then`; no word is lost: an initial stays as it is, too
    | [a-z]\.(?=[ \t]+[A-Z])
    | \#{{1,6}}(?=[ \t])
    | \[[ xX]\](?=[ \t])
    | \[\^[^\]\s]{{1,40}}\]:
    | [{_EMOJI}]
    )+""",
    re.VERBOSE,
)
_EMPHASIS = re.compile(r"(\*{1,3}|_{1,3}|~~)(?=[^\s*_~])")
_CLOSING_HASHES = re.compile(r"[ \t]#{1,1000}[ \t]*\Z")
_BREAK_TAG = re.compile(r"<(?:br|BR)\s?/?>\Z")
_SIGN = re.compile(f"[{_EMOJI}]")
_LISTED = re.compile(r"[-+•·▪◦‣●○–—.)\]]")
_LETTER = re.compile(r"[^\W\d_]")
LINE_ENDS = re.compile("[\v\f\x1c-\x1e\x85\u2028\u2029]")
"""Characters that end a line for `str.splitlines` and for some models, but not for Markdown."""


def bodies(text: str, begin: int, stop: int, heading: bool = False) -> Iterator[tuple[int, int]]:
    """Find what text[begin:stop], one line or cell, says: start and end of one stretch, or more where it holds odd line ends."""
    if LINE_ENDS.search(text, begin, stop) is None:
        ends = [stop]
    else:
        ends = [*(match.start() for match in LINE_ENDS.finditer(text, begin, stop)), stop]
    for end in ends:
        if _LETTER.search(text, begin, end):
            left, right = _body(text, begin, end, heading)
            if any(map(str.isalpha, text[left:right])):
                yield left, right
        begin = end


def is_listed(text: str, begin: int, left: int) -> bool:
    """Tell whether what stands before a body marks it as the item of a list that the parser does not know."""
    return left > begin and _LISTED.search(text, begin, left) is not None


def _body(text: str, left: int, right: int, heading: bool) -> tuple[int, int]:
    if heading and (hashes := _CLOSING_HASHES.search(text, max(left, right - 1000), right)):
        right = hashes.start()
    left, right = _inside(text, left, right)
    emphasis = _EMPHASIS.match(text, left, right)
    if emphasis and _emphasises_all(text[left:right], emphasis.group()):
        width = len(emphasis.group())
        left, right = _inside(text, left + width, right - width)
    return left, right


def _emphasises_all(written: str, mark: str) -> bool:
    inner = written[len(mark) : -len(mark)]
    return written.endswith(mark) and bool(inner.strip()) and mark[0] not in inner


def _inside(text: str, left: int, right: int) -> tuple[int, int]:
    """Leave out markers at the left, hard breaks and signs at the right, and blanks at both."""
    if markers := _MARKERS.match(text, left, right):
        left = markers.end()
    while left < right and text[left].isspace():
        left += 1
    while left < right:
        last = text[right - 1]
        if last.isspace() or (last > "\u2000" and _SIGN.match(last)):
            right -= 1
        elif last == "\\" and text[right - 2] != "\\":
            right -= 1
        elif last == ">" and (tag := _BREAK_TAG.search(text, max(left, right - 6), right)):
            right = tag.start()
        else:
            break
    return left, right
