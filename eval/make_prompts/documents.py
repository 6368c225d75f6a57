"""Documents of a language, read from JSONL or plain text and brought down to clean prose; what is left out is counted."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kielo.errors import SourceError, at
from kielo.languages.detection import detect_language
from kielo.languages.pack import Language
from kielo.records import read_jsonl

MOST_DOCUMENTS = 5_000
MOST_CHARACTERS = 50_000
"""Of one document; what comes after is not read."""
LEAST_CHARACTERS = 200
"""Of prose: a document with less has no words of its own to ask for."""
LEAST_PARAGRAPH = 60
LONGEST_TITLE = 80
LONGEST_NAME = 300
"""Of a document's id, address and licence, which go into the list of sources."""

# Every repetition has a bound: a document made for it would else keep the machine busy for hours.
_TAGS = re.compile(
    r"<!--.{0,2000}?-->|<(script|style|ref)\b[^<>]{0,500}>.{0,2000}?</\1>|</?[A-Za-z][^<>]{0,500}>",
    re.DOTALL | re.IGNORECASE,
)
_WIKI = (
    (re.compile(r"\{\{[^{}]*\}\}"), ""),
    (re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]"), r"\1"),
    (re.compile(r"\[(?:\d{1,4}|[a-z])\]"), ""),
    (re.compile(r"'{2,}"), ""),
    (re.compile(r" ?\([\s,;]*\)"), ""),  # what stood there was sound or another script, and a dump lost it
    (re.compile(r"(?<=\()(?:\s*[,;])+\s*|,\s*(?=;)"), ""),
)
_MARKUP = re.compile(r"[*<>\[\]{}|\\`#=~^]|https?:|www\.")
_PERSONAL = re.compile(r"[\w.+-]@[\w-]{1,64}\.\w|(?:\+|\b0)\d[\d ()-]{7,20}\d")
_BLANKS = re.compile(r"[^\S\n]+")
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufffd]"
)
_ENDS = tuple(".!?…。！？।۔։።") + tuple(f"{mark}{quote}" for mark in ".!?" for quote in "”»“\"'")


@dataclass(frozen=True)
class Document:
    """One text of the language: `paragraphs` are prose without markup, `id` and `licence` say where it is from."""

    id: str
    title: str | None
    paragraphs: tuple[str, ...]
    licence: str | None = None
    url: str | None = None

    @property
    def text(self) -> str:
        """All of its prose."""
        return "\n\n".join(self.paragraphs)


@dataclass(frozen=True)
class Documents:
    """The documents that can be used, and why the others and some paragraphs cannot."""

    documents: tuple[Document, ...]
    refused: Mapping[str, int]
    lines_left_out: Mapping[str, int]


def read_documents(path: Path, pack: Language, licence: str | None = None) -> Documents:
    """Read documents: rows {text, title?, id?, url?, licence?}, or plain text with a blank line between documents.

    Raises:
        SourceError: the file is missing or malformed, or none of its documents can be used.
    """
    taken: dict[str, Document] = {}
    refused, left_out = Counter[str](), Counter[str]()
    for number, row in enumerate(_rows(path), 1):
        if number > MOST_DOCUMENTS:
            refused[f"after the first {MOST_DOCUMENTS:,}"] += 1
            continue
        document = _document(row, path.name, licence, left_out)
        reason = _refusal(document, pack, taken)
        if reason:
            refused[reason] += 1
        else:
            taken[document.text] = document
    if not taken:
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(refused.items())) or "it holds none"
        raise SourceError(f"{path}: no document can be used ({why}); prose of {LEAST_CHARACTERS} characters is needed.")
    return Documents(tuple(taken.values()), dict(sorted(refused.items())), dict(sorted(left_out.items())))


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    if path.name.removesuffix(".gz").endswith(".jsonl"):
        for number, row in read_jsonl(path):
            yield {"id": f"line {number}"} | {
                name: _field(row, name, at(path, number)) for name in _FIELDS if row.get(name)
            }
        return
    if not path.is_file():
        raise SourceError(f"{path}: no such file; give documents as .jsonl, .jsonl.gz or plain text.")
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not UTF-8 at byte {error.start}; convert the file with iconv.") from error
    for number, block in enumerate(re.split(r"\n\s*\n", text.strip()), 1):
        yield {"id": f"text {number}", "text": " ".join(block.split())}


_FIELDS = ("id", "title", "text", "licence", "license", "url")


def _field(row: Mapping[str, Any], name: str, place: str) -> str:
    value = row[name]
    if name == "id" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise SourceError(f"{place}: `{name}` must be a text; this is a {type(value).__name__}.")
    return value


def _document(row: Mapping[str, Any], file: str, licence: str | None, left_out: Counter[str]) -> Document:
    title = " ".join(_clean(row.get("title", "")).split())
    usable = 0 < len(title) <= LONGEST_TITLE and not _MARKUP.search(title) and not _PERSONAL.search(title)
    if len(row.get("text", "")) > MOST_CHARACTERS:
        left_out[f"all after the first {MOST_CHARACTERS:,} characters of a document"] += 1
    paragraphs = []
    for line in _clean(row.get("text", "")).split("\n"):
        reason = _not_prose(line.strip())
        if reason:
            left_out[reason] += 1
        elif line.strip():
            paragraphs.append(line.strip())
    stated = row.get("licence") or row.get("license") or licence
    return Document(
        f"{file}:{_name(row['id'])}",
        title if usable else None,
        tuple(paragraphs),
        _name(stated) if stated else None,
        _name(row["url"]) if row.get("url") else None,
    )


def _clean(text: str) -> str:
    """Take out markup and what cannot be seen; NFC, so that a word of the prompt is the same in every answer."""
    text = _TAGS.sub("", text[:MOST_CHARACTERS])
    for pattern, instead in _WIKI:
        text = pattern.sub(instead, text)
    return unicodedata.normalize("NFC", _BLANKS.sub(" ", _UNSEEN.sub("", text.replace("\r\n", "\n"))))


def _name(text: str) -> str:
    return " ".join(_UNSEEN.sub("", text).split())[:LONGEST_NAME]


def _not_prose(line: str) -> str | None:
    if not line:
        return None
    if len(line) < LEAST_PARAGRAPH or not line.endswith(_ENDS):
        return "a heading, list or fragment"
    if _PERSONAL.search(line):
        return "an e-mail address or telephone number"
    return "markup or a link" if _MARKUP.search(line) else None


def _refusal(document: Document, pack: Language, taken: Mapping[str, Document]) -> str | None:
    if not document.paragraphs:
        return "without prose"
    if len(document.text) < LEAST_CHARACTERS:
        return f"under {LEAST_CHARACTERS} characters of prose"
    if document.text in taken:
        return "there twice"
    if pack.langdetect and detect_language(document.text[:1000]) != pack.langdetect:
        return f"not in {pack.name}"
    return None
