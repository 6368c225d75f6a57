"""Finds translations that stop too early: by the engine's finish reason, and by how the text ends."""

from __future__ import annotations

from collections.abc import Iterator

from translate.checks.findings import Evidence
from translate.checks.views import Pair

SHORT = 20
"""Characters of a source below which a missing full stop is style."""
_TERMINAL = ".!?…。！？।؟։"
_TERMINALS = tuple(_TERMINAL)
_ALSO_ENDS = _TERMINAL + ":;)]}>\"”’'»*_`|~-–—"


def truncated(pair: Pair) -> Iterator[Evidence]:
    """Find a translation cut off: at the token limit, or without the end of a sentence that its source has."""
    if pair.finish_reason == "length":
        yield Evidence("truncated", "the engine stopped at the token limit", 1)
        return
    source, translation = pair.source.raw.rstrip(), pair.translation.raw.rstrip()
    if not source or not translation:
        return
    ended = source.rstrip("\"”’')]»*_ ")[-1:] in _TERMINALS
    if ended and not _ends(translation):
        yield Evidence("truncated", f"ends: {translation[-40:]}", 1 if len(source) >= SHORT else 0.5)
    elif source[-1] == ":" and translation[-1] not in ":：":
        yield Evidence("truncated", f"the source ends with a colon, this not: {translation[-40:]}", 0.5)
    elif not ended and source[-1].isalnum() and translation[-1] in ",(-–":
        yield Evidence("truncated", f"ends: {translation[-40:]}", 0.5)


def _ends(text: str) -> bool:
    last = text[-1]
    return last in _ALSO_ENDS or not (last.isalnum() or last in ",")
