"""Segments as the texts DeepL is sent: what must not change behind XML elements, and every one of them verified on its way back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from xml.etree import ElementTree

from kielo.languages.pack import Language
from translate.answers import Segment
from translate.masks import mask
from translate.prompting.pieces import pieces_of
from translate.protect import split_around

TAG = "x"
UNWRITABLE = re.compile("([^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+)")
"""What XML 1.0 cannot hold (NUL, control characters, lone surrogates), and the carriage return, which its parsers drop."""
_LONGEST_SHOWN = (
    60  # characters of a fixed part that DeepL sees, for the sentence around it; longer ones are code or links
)
_OWN_TAG = re.compile(rf"</?{TAG}[\s/>]")
_FURTHER_MARKUP = re.compile("<[!?]")  # comments, CDATA, instructions: parsers drop them without a word


@dataclass(frozen=True)
class Part:
    """A stretch of a text: to be translated, or `fixed` as it stands."""

    text: str
    fixed: bool = False

    @property
    def speaks(self) -> bool:
        """Whether there is a letter to translate."""
        return not self.fixed and any(map(str.isalpha, self.text))

    def as_xml(self, number: int) -> str:
        """Write it as content or, if fixed, as an element of that number."""
        if not self.fixed:
            return escape(self.text, quote=False)
        inside = escape(self.shown, quote=False)
        return f'<{TAG} id="{number}">{inside}</{TAG}>' if inside else f'<{TAG} id="{number}"/>'

    @property
    def shown(self) -> str:
        """What DeepL sees of a fixed part, so that the words around it can agree with it."""
        hidden = len(self.text) > _LONGEST_SHOWN or "\n" in self.text or UNWRITABLE.search(self.text)
        return "" if hidden else self.text.strip()


@dataclass(frozen=True)
class Chunk:
    """What is sent as one text: a segment, or a part of one that is too long or whose elements did not come back."""

    parts: tuple[Part, ...]

    @cached_property
    def text(self) -> str:
        """The chunk with its fixed parts in place."""
        return "".join(part.text for part in self.parts)

    @property
    def marked(self) -> bool:
        """Whether it holds fixed parts, and is sent as XML."""
        return any(part.fixed for part in self.parts)

    @property
    def speaks(self) -> bool:
        """Whether there is anything to translate in it."""
        return any(part.speaks for part in self.parts)

    @property
    def sent(self) -> str:
        """What is sent, without the blanks around it: plain text, or XML content if it is marked."""
        if not self.marked:
            return self.text.strip()
        return "".join(part.as_xml(number) for number, part in enumerate(self.parts)).strip()

    def read(self, answer: str) -> str | None:
        """Put the fixed parts back; None unless each is there exactly once, as it was sent, and no other."""
        answer = answer.strip()
        restored = self._restored(answer) if self.marked else self._untagged(answer)
        if restored is None:
            return None
        first, last = self.parts[0], self.parts[-1]
        before = "" if first.fixed else first.text[: len(first.text) - len(first.text.lstrip())]
        after = "" if last.fixed else last.text[len(last.text.rstrip()) :]
        return before + restored + after

    def around(self) -> tuple[Chunk, ...]:
        """Cut it at its fixed parts, so that none of them need be sent."""
        return tuple(Chunk((part,)) for part in self.parts)

    def _untagged(self, answer: str) -> str | None:
        """Pass a plain answer on, unless an element was invented in it."""
        return answer if len(_OWN_TAG.findall(answer)) <= len(_OWN_TAG.findall(self.text)) else None

    def _restored(self, answer: str) -> str | None:
        root = _parsed(answer)
        if root is None:
            return None
        missing = {str(number): part for number, part in enumerate(self.parts) if part.fixed}
        text = root.text or ""
        for element in root:
            part = missing.pop(element.attrib.get("id", ""), None)
            if part is None or element.tag != TAG or len(element) or (element.text or "").strip() != part.shown:
                return None
            text += part.text + (element.tail or "")
        return None if missing else text


def _parsed(content: str) -> ElementTree.Element | None:
    if _FURTHER_MARKUP.search(content):
        return None
    try:
        return ElementTree.fromstring(f"<t>{content}</t>")
    except (ElementTree.ParseError, UnicodeEncodeError):
        return None


def chunks_of(segment: Segment, source: Language, limit_bytes: int) -> tuple[Chunk, ...]:
    """Mark a segment, and cut it at sentence ends where it is too large for one request; joined, they are its text.

    `limit_bytes` is for one text as JSON writes it.
    """
    parts = tuple(_parts(segment))
    whole = Chunk(parts)
    if not whole.speaks or _json_bytes(parts) <= limit_bytes:
        return (whole,)
    chunks: list[list[Part]] = [[]]
    room = limit_bytes
    for part in parts:
        for piece in (part.text,) if part.fixed else pieces_of(part.text, source):
            small = Part(piece, part.fixed)
            size = _json_bytes((small,))
            if size > room and chunks[-1]:
                chunks.append([])
                room = limit_bytes
            chunks[-1].append(small)
            room -= size
    return tuple(Chunk(_merged(chunk)) for chunk in chunks)


def _parts(segment: Segment) -> Iterator[Part]:
    for text, fixed in split_around(mask(segment)):
        if fixed:
            yield Part(text, True)
        else:
            stretches = enumerate(UNWRITABLE.split(text))
            yield from (Part(stretch, number % 2 == 1) for number, stretch in stretches if stretch)


def _json_bytes(parts: Sequence[Part]) -> int:
    """Measure parts as the client sends them: it escapes every character beyond ASCII, to 6 or 12 bytes."""
    return len(json.dumps("".join(part.as_xml(99_999) for part in parts)))


def _merged(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Join the neighbours that are free, so that sentences of one chunk are sent as one stretch."""
    merged: list[Part] = []
    for part in parts:
        if merged and not part.fixed and not merged[-1].fixed:
            merged[-1] = Part(merged[-1].text + part.text)
        else:
            merged.append(part)
    return tuple(merged)
