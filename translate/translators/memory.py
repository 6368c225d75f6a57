"""The translation memory: earlier translations, found by exact source text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kielo.errors import SourceError, at
from kielo.records import read_jsonl
from translate.answers import Answer, Failure, Segment, Translated


@dataclass(frozen=True)
class Memory:
    """Earlier translations by exact source text; `conflicts` counts the texts translated in two ways, the first one stays."""

    translations: Mapping[str, str]
    conflicts: int = 0

    def translate(self, segments: Sequence[Segment]) -> list[Answer]:
        """Look segments up; a segment with a glossary is never taken, its fixed parts could differ."""
        return [self._look_up(segment) for segment in segments]

    def _look_up(self, segment: Segment) -> Answer:
        known = None if segment.glossary else self.translations.get(segment.text)
        if known is None:
            return Failure("not-in-memory", f"{segment.text:.80}")
        return Translated(known, "memory")


def read_memory(path: Path, source: str, target: str) -> Memory:
    """Read a translation memory from two columns of a JSONL file; rows with an empty side are passed over.

    Raises:
        SourceError: a row lacks a column, or no row has both texts.
    """
    translations: dict[str, str] = {}
    conflicting: set[str] = set()
    for line, row in read_jsonl(path):
        texts = [row.get(column, _MISSING) for column in (source, target)]
        if not all(isinstance(text, str | None) for text in texts):
            raise SourceError(
                f"{at(path, line)}: columns '{source}' and '{target}' must hold texts; it has {', '.join(row)}. Name the right ones under `memory:`."
            )
        if texts[0] and texts[1] and translations.setdefault(texts[0], texts[1]) != texts[1]:
            conflicting.add(texts[0])
    if not translations:
        raise SourceError(f"{path}: holds no translations in columns '{source}' and '{target}'; check `memory:`.")
    return Memory(translations, len(conflicting))


_MISSING = object()
