"""Make a translation fit to stand where its segment stood: in code, tables and HTML not every character may."""

from __future__ import annotations

import re
from collections import Counter

from translate.answers import Kind
from translate.protect import protect, spans_survive

_LINE_ENDS = re.compile("[ \t]*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+\\s*")
_NOT_IN_CODE = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")
_BARE_BAR = re.compile(r"(?<!\\)\|")
_COMMENT_ENDS = ("*/", "-->", "?>", '"""', "'''", "*)", "#}", "]]")
_TYPOGRAPHIC = {'"': "”", "'": "’"}
_BARE_QUOTE = {quote: re.compile(rf"(?<!\\){quote}") for quote in _TYPOGRAPHIC}
_ATOM = re.compile(r"\\.?|\$\w+|[{}$%`]|[\x00-\x1f]", re.DOTALL)


def fitted(kind: Kind, segment: str, translation: str) -> str | None:
    """Make a translation safe where its segment stood; None if it would break the code or the HTML around it.

    Cells and HTML are escaped. Comments must not end early. Strings keep the escapes and format signs of their segment,
    and get typographic quotes for straight ones that it has not, so that any quoting around them holds.
    """
    if kind not in ("cell", "html", "comment", "string"):
        return translation
    text = _LINE_ENDS.sub(" ", translation)
    if kind == "cell":
        return _BARE_BAR.sub(r"\\|", text)
    if kind == "html":
        return text if text.count("<") <= segment.count("<") else None
    if _NOT_IN_CODE.search(text):
        return None
    if kind == "comment":
        ends_early = any(text.count(mark) > segment.count(mark) for mark in _COMMENT_ENDS)
        return None if ends_early or text.endswith("\\") else text
    return _fitted_string(segment, text)


def _fitted_string(segment: str, text: str) -> str | None:
    for quote, pattern in _BARE_QUOTE.items():
        if "\\" + quote in segment:
            text = pattern.sub("\\\\" + quote, text)
        elif len(pattern.findall(text)) > len(pattern.findall(segment)):
            text = pattern.sub(_TYPOGRAPHIC[quote], text)
    before, after = Counter(_ATOM.findall(segment)), Counter(_ATOM.findall(text))
    for quote in _TYPOGRAPHIC:
        if "\\" + quote in before:
            after["\\" + quote] = before["\\" + quote]
    whole = before == after and not spans_survive(protect(segment).spans, text)
    return text if whole else None
