"""A text taken apart into what is translated and the template around it, and put together again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from translate.answers import Kind


class Stretch(NamedTuple):
    """Where in a text a segment stands, in characters, and what it is."""

    start: int
    stop: int
    kind: Kind


@dataclass(frozen=True)
class Document:
    """A text taken apart: `template[0] segments[0] template[1] ... template[n]`; `kinds` says what each segment is."""

    template: tuple[str, ...]
    segments: tuple[str, ...]
    kinds: tuple[Kind, ...]


def cut_out(text: str, stretches: Iterable[Stretch]) -> Document:
    """Take stretches, in the order of the text, out of it as segments."""
    template: list[str] = []
    segments: list[str] = []
    kinds: list[Kind] = []
    end = 0
    for start, stop, kind in stretches:
        template.append(text[end:start])
        segments.append(text[start:stop])
        kinds.append(kind)
        end = stop
    return Document((*template, text[end:]), tuple(segments), tuple(kinds))


def render(document: Document, translations: Sequence[str]) -> str:
    """Put translations where the segments were; the segments themselves give the text back, byte for byte."""
    between = zip(translations, document.template[1:], strict=True)
    return "".join(chain(document.template[:1], *between))
