"""What of an answer a language identifier looks at: prose without code, addresses and formulas, cut into pieces of a line."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from kielo.languages.scripts import script_of

PIECE_LETTERS = 30
"""Neighbouring sentences and lines are put together until they hold so many letters."""
LONGEST_PIECE = 90
"""Letters after which a long sentence is cut: a language may change inside it."""

_FENCE = re.compile(
    r"^[ \t]*(?P<mark>`{3,}|~{3,})[ \t]*(?P<tag>[^\n`]*)\n(?P<body>.*?)(?:^[ \t]*(?P=mark)[`~]*[ \t]*$|\Z)",
    re.DOTALL | re.MULTILINE,
)
_PROSE_TAGS = frozenset(("text", "txt", "plaintext", "markdown", "md"))
# Patterns of answers: none may look at the same text again and again, however it is made.
_NO_PROSE = re.compile(
    r"`[^`\n]+`"
    r"|(?:https?://|www\.)\S+"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]+\.[\w.-]+"
    r"|(?<!<)</?[a-zA-Z][\w-]*(?:\s[^<>\n]*)?/?>(?!>)"
    r"|^[ \t]*\"[\w .-]+\"[ \t]*:"  # a key of JSON
    r"|\$\$[^$]*\$\$|\\\([^\n]{0,400}?\\\)|\\\[[^\n]{0,400}?\\\]"
    r"|\\[a-zA-Z]+"
    r"|[*#>|~]+",
    re.MULTILINE,
)
_CODE_SIGN = re.compile(r"[_(]|(?<=[a-z])[A-Z]")
_CODE_NAME = re.compile(r"\b\w{1,80}\([^()\n]{0,200}\)|\b\w{0,80}_+\w*|\b[a-z]{1,40}[A-Z]\w*")
_CODE_LINE = re.compile(
    r"[;{}]$|\)\s*:$|^(?:def|class|import|from|return|using|elif|if|for|while|else)\b.*[:;({]$|^#include"
)
_CAPITALS = re.compile(r"[^\W\d_a-z]{2,}")
_INNER_LETTER = re.compile(r"\s[^\w\s]*([^\W\d_])")  # the first of each word but the first
_NO_LETTERS = re.compile(r"[\W\d_]+")
# Characters that are no marks and, if letters, count as one: up to the combining marks, and punctuation and signs.
_PLAIN = re.compile(r"[\x00-\u02ff\u2000-\u2bff]+")
_SENTENCE_END = re.compile(r"(?<=[.!?…:;])\s+|(?<=[。！？])")
_PROSE_WORDS = 8
_CODE_MARKS = frozenset("={};#_\\")
_PROSE_SHARE = 0.6
"""Share of letters in a sentence's characters; with fewer it is data or a formula."""
_WORD_LETTERS = 2.0
"""Mean letters of a word; with fewer they are variables."""
_NAMES_SHARE = 0.6
"""Share of the words inside a stretch that begin with a capital, from which on it is names and titles."""
# A letter of these scripts is a syllable or a word.
_RICH_SCRIPTS = frozenset(("CJK", "HIRAGANA", "KATAKANA", "HANGUL"))
_RICH = 3


def readable(text: str) -> str:
    """Give what identifiers look at: no code, URLs, addresses, tags or formulas; words in capitals folded.

    Of JSON, the texts it holds; fenced blocks of plain text stay.
    """
    prose = _FENCE.sub(_fenced, text)
    texts = _json_texts(prose)
    prose = _NO_PROSE.sub(" ", prose if texts is None else texts)
    if _CODE_SIGN.search(prose):
        prose = _CODE_NAME.sub(" ", prose)
    return _CAPITALS.sub(lambda run: run[0].lower() if run[0].isupper() else run[0], prose)


def pieces(text: str) -> Iterator[tuple[str, int]]:
    """Cut a readable text into sentences of a line, each with its letters; short neighbours are put together, long ones cut.

    Formulas, data, code, and stretches of names and titles are left out: they show no language.
    """
    held: list[str] = []
    size = 0
    for sentence in _sentences(text):
        for stretch, count in _stretches(sentence):
            if _shows_language(stretch, count):
                held.append(stretch)
                size += count
                if size >= PIECE_LETTERS:
                    yield " ".join(held), size
                    held, size = [], 0
    if held:
        yield " ".join(held), size


def letters(text: str) -> int:
    """Count letters and the marks on them; a letter that is a syllable or a word counts as three."""
    count = len(_NO_LETTERS.sub("", text))
    if text.isascii() or not (strange := _PLAIN.sub("", text)):
        return count
    return count + sum(map(_additional, strange))


@lru_cache(maxsize=8192)
def _additional(char: str) -> int:
    """Tell how many letters more than `str.isalpha` sees a character stands for."""
    if char.isalpha():
        return _RICH - 1 if script_of(char) in _RICH_SCRIPTS else 0
    return int(unicodedata.category(char)[0] == "M")


def _sentences(text: str) -> Iterator[str]:
    for line in map(str.strip, text.splitlines()):
        if line and not _CODE_LINE.search(line):
            yield from filter(None, map(str.strip, _SENTENCE_END.split(line)))


def _shows_language(stretch: str, count: int) -> bool:
    words = stretch.split()
    if count < _PROSE_SHARE * sum(map(len, words)) or count < _WORD_LETTERS * len(words):
        return False
    inner = _INNER_LETTER.findall(stretch)
    return not inner or sum(map(str.isupper, inner)) < _NAMES_SHARE * len(inner)


def _stretches(sentence: str) -> Iterator[tuple[str, int]]:
    """Cut a sentence longer than LONGEST_PIECE into parts of about the same length, each with its letters."""
    size = letters(sentence)
    if size <= LONGEST_PIECE:
        yield sentence, size
        return
    share = size / -(-size // LONGEST_PIECE)
    held: list[str] = []
    count = 0
    for word in sentence.split():
        held.append(word)
        count += letters(word)
        if count >= share:
            yield " ".join(held), count
            held, count = [], 0
    if held:
        yield " ".join(held), count


def _fenced(fence: re.Match[str]) -> str:
    """Give what of a fenced block is prose: nothing of code."""
    tag, body = fence["tag"].strip().lower(), fence["body"]
    if tag in ("json", "") and (texts := _json_texts(body)) is not None:
        return texts
    return body if tag in _PROSE_TAGS or (not tag and _is_prose(body)) else "\n"


def _is_prose(body: str) -> bool:
    return len(body.split()) >= _PROSE_WORDS and _CODE_MARKS.isdisjoint(body)


def _json_texts(text: str) -> str | None:
    """Give the texts of a JSON object or list, one a line; None if it is none."""
    stripped = text.strip()
    if stripped[:1] not in ("{", "["):
        return None
    try:
        return "\n".join(_texts(json.loads(stripped)))
    except (ValueError, RecursionError):  # not JSON, or thousands of brackets
        return None


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
