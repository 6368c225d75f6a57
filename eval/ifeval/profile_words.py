"""Word-like strings of any language that langdetect knows, from its own letter statistics: filler for constructed answers."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from langdetect.detector_factory import PROFILES_DIRECTORY

MOST = 80
"""The commonest so many; with 40 of them langdetect names each of its 55 languages (measured)."""


@cache
def profile_words(language: str) -> tuple[str, ...]:
    """List the commonest three-letter strings of a language's words in small letters; empty for an unknown language."""
    path = Path(PROFILES_DIRECTORY) / language
    if language != path.name or not path.is_file():
        return ()
    counts: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))["freq"]
    words = [gram for gram in counts if len(gram) == 3 and " " not in gram and gram == gram.lower()]
    return tuple(sorted(words, key=lambda gram: (-counts[gram], gram))[:MOST])
