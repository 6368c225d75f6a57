"""A segment behind sentinels: its protected spans as they are, its glossary's words in their target form."""

from __future__ import annotations

import re
from dataclasses import replace

from translate.answers import Segment
from translate.protect import BRACKETS, Protected, Style, protect, restore

_SOFT_BREAK = re.compile(r"[ \t]*\n[ \t]*")
"""Inside a segment: a sentence of the source goes on in the next line; its translation is one line."""


def mask(segment: Segment, style: Style = BRACKETS) -> Protected:
    """Protect a segment; restoring gives the glossary's words their target forms."""
    targets = dict(segment.glossary)
    protected = protect(segment.text, tuple(targets), style)
    return replace(protected, spans=tuple(targets.get(span, span) for span in protected.spans))


def filled(segment: Segment) -> str:
    """Write a segment's text with its glossary's target forms in place: what a translation of it must hold."""
    return _restored(mask(segment)) if segment.glossary else segment.text


def comparable(segment: Segment, translation: str) -> tuple[str, str]:
    """Give a source and its translation as the checks compare them: on one line, without the words the glossary fixes."""
    if not segment.glossary:
        return _SOFT_BREAK.sub(" ", segment.text), translation
    targets = dict(segment.glossary)
    protected = protect(segment.text, tuple(targets))
    for span in protected.spans:
        if span in targets:
            translation = translation.replace(targets[span], "", 1)
    bare = replace(protected, spans=tuple("" if span in targets else span for span in protected.spans))
    return _SOFT_BREAK.sub(" ", _restored(bare)), translation


def _restored(protected: Protected) -> str:
    text = restore(protected.text, protected)
    assert text is not None, "sentinels just set are all there"
    return text
