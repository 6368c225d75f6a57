"""Finds links, addresses, inline code, formulas and placeholders that were lost, changed or added, compared as multisets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from translate.checks.findings import Evidence
from translate.checks.views import Pair

_ADDRESS = re.compile(r"https?://|ftp://|www\.|[\w.+-]{1,64}@[\w-]{1,64}\.")
# Words in brackets or backticks that a reader may want translated: `[FIRST NAME]`, `<Begin Log>`, `Listen to your heart!`
_WORDY = re.compile(
    r"\[[A-Z0-9_ ]{2,80}\]|<[^\W\d_]{1,40}(?: [^\W\d_]{1,40}){1,9}>|`[^`(){}=;_<>/$\\|&#-]{1,80} [^`(){}=;_<>/$\\|&#-]{1,80}`"
)
# Tags of HTML and placeholders; a tag of one lower-case word (`<koira>`) may be the translation of one.
_MADE_UP = re.compile(
    r"</?(?:script|style|img|iframe|a|p|br|div|span|b|i|u|ul|ol|li|table|h[1-6]|body|html)\b[^<>]*>|\{\{?\w+\}?\}|%\w"
)
_ANY_LETTER = re.compile(r"[^\W_]")


def spans(pair: Pair) -> Iterator[Evidence]:
    """Find a protected span of the source that the translation does not hold as often, or an address, tag or placeholder made up."""
    before = Counter(_plain(span) for span in pair.source.spans if _ANY_LETTER.search(span) and not _drawing(span))
    if before:
        text = _plain(pair.translation.raw)
        lost = [span for span, count in before.items() if text.count(span) < count]
        if lost:
            yield Evidence("spans", f"lost: {lost[0]:.80}", 0.5 if all(map(_WORDY.fullmatch, lost)) else 1)
    source = pair.source.raw
    for span in pair.translation.spans:
        if span not in source and (_ADDRESS.match(span) or _MADE_UP.fullmatch(span)):
            yield Evidence("spans", f"added: {span:.80}", 1)
            return


def _plain(text: str) -> str:
    return " ".join(text.split())


def _drawing(span: str) -> bool:
    """Tell whether two backticks of a drawing were taken for code."""
    return span.startswith("`") and "\n" in span
