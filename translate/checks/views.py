"""A text as the checks look at it: its code, its protected spans, its lines and words, each taken apart once and only when asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Set
from functools import lru_cache
from itertools import chain
from typing import Generic, NamedTuple, TypeVar

from kielo.languages.pack import Shot
from translate.checks.findings import Direction, Level
from translate.protect import protect

NGRAM = 4
_ALL_KNOWN = bytes([True] * NGRAM)
_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})")
# A character of a script without blanks between words stands for a word of its own.
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W\d_{_UNSPACED}]+")
# The same below the first of these scripts, character by character: one look-up each, where the class above asks three times.
_SPACED_WORD = re.compile(
    f"[{''.join(char for char in map(chr, range(0x0E00)) if char.isalnum() and not char.isdecimal())}]+"
)
_SENTENCE_END = re.compile(
    r"[.!?…。！？।؟](?:(?<=[。！？।؟])|(?=[\"”')\]»*_]{0,3}\s{1,9}[\"“”'(\[«*_]{0,3}[^\W\d_])(?<!\b\w\.))"
)
SENTENCE = re.compile(r"(?<=[.!?…])[\"”')\]»*_]{0,3}\s+|(?<=[。！？।؟])")
_CODE_WORDS = (
    "import", "def", "return", "local", "function", "class", "for", "while", "if", "elif", "else", "elseif", "try", "except",
    "let", "const", "var", "public", "private", "static", "void", "using", "print",
)  # fmt: skip
_COMMANDS = ("npm", "pip", "git", "sudo", "apt", "docker", "conda", "yarn", "cargo")
_OPENINGS = (*_CODE_WORDS, *_COMMANDS)
# A line of a program or of a command's output where no fence says so.
_CODE_LINE = re.compile(
    r"[;{}]\s*$|\w\([^()\n]{0,80}\)[.:;,\s]{0,9}$|\b\w{1,80}\([\"']|[\w\])]\s?[-+*/]?=\s?[\w\"'\[({-]|->|=>|::|</\w"
    r"|^\s*(?:[$#>]\s|#include|import\s|def\s|return\b|//)"
    rf"|^\s*(?:{'|'.join(_CODE_WORDS)})\b.{{0,200}}(?:\bdo|\bthen|[:;({{)]|\bend)\s*$|^\s*(?:{'|'.join(_COMMANDS)}) \w",
)
# What every such line holds, ends with or begins with, if it has no blanks around it.
_CODE_SIGNS, _CODE_ENDS, _CODE_BEGINS = (
    ("=", "->", "::", "</", '("', "('"),
    tuple(";{}"),
    ("$", "#", ">", "//", *_OPENINGS),
)
_AFTER_CALL = 10


Value = TypeVar("Value")


class view(Generic[Value]):
    """An attribute worked out when first asked for; `functools.cached_property` takes a lock, which costs more than most views."""

    def __init__(self, compute: Callable[[Text], Value]) -> None:
        self._compute, self._name, self.__doc__ = compute, compute.__name__, compute.__doc__

    def __get__(self, text: Text, owner: type[Text]) -> Value:
        value = self._compute(text)
        text.__dict__[self._name] = value
        return value


class Text:
    """One side of a translation and its views."""

    def __init__(self, raw: str) -> None:
        self.raw = raw

    @view
    def chars(self) -> frozenset[str]:
        """The characters that occur: what a text does not hold need not be searched for."""
        return frozenset(self.raw)

    @view
    def has_digits(self) -> bool:
        """Whether a digit of any script occurs."""
        return any(map(str.isdecimal, self.chars))

    @view
    def _parts(self) -> tuple[str, tuple[str, ...], int]:
        """What stands outside of fenced code, what stands inside of each fence, and the number of fence lines."""
        if "```" not in self.raw and "~~~" not in self.raw:
            return self.raw, (), 0
        outside: list[str] = []
        blocks: list[list[str]] = []
        open_mark, fences = "", 0
        for line in self.raw.split("\n"):
            mark = _FENCE.match(line)
            if open_mark:
                if mark and mark[1].startswith(open_mark) and not line[mark.end() :].strip():
                    open_mark, fences = "", fences + 1
                else:
                    blocks[-1].append(line)
            elif mark and "`" not in line[mark.end() :]:
                open_mark, fences = mark[1], fences + 1
                blocks.append([])
                outside.append("")
            else:
                outside.append(line)
        return "\n".join(outside), tuple("\n".join(block) for block in blocks), fences

    @property
    def outside(self) -> str:
        """The text without its fenced code."""
        return self._parts[0]

    @property
    def code(self) -> tuple[str, ...]:
        """The content of each fenced block; one that is never closed goes to the end."""
        return self._parts[1]

    @property
    def fences(self) -> int:
        """Number of lines that open or close a block."""
        return self._parts[2]

    @view
    def _protected(self) -> tuple[str, tuple[str, ...]]:
        protected = protect(self.outside)
        return protected.bare if protected.spans else self.outside, protected.spans

    @property
    def prose(self) -> str:
        """The text without code, links, formulas and placeholders."""
        return self._protected[0]

    @property
    def spans(self) -> tuple[str, ...]:
        """What a translation must not touch: inline code, links, formulas, placeholders."""
        return self._protected[1]

    @view
    def lines(self) -> list[str]:
        """The lines outside of code that are not blank, stripped."""
        return [line for line in map(str.strip, self.outside.split("\n")) if line]

    @view
    def prose_lines(self) -> list[str]:
        """The lines of the prose that do not look like lines of a program, stripped."""
        lines = [line for line in map(str.strip, self.prose.split("\n")) if line]
        return [line for line in lines if not _is_code(line)]

    @view
    def line_words(self) -> list[list[str]]:
        """The words of each of these lines as they are written."""
        find = (_SPACED_WORD if max(self.chars, default="") < "\u0e00" else _WORD).findall
        return list(map(find, self.prose_lines))

    @view
    def cased_words(self) -> list[str]:
        """The same, in one list."""
        return list(chain.from_iterable(self.line_words))

    @view
    def words(self) -> list[str]:
        """The same words in lower case."""
        return " ".join(self.cased_words).lower().split()

    @view
    def letters(self) -> int:
        """Number of letters in these words."""
        return sum(map(len, self.cased_words))

    @view
    def distinct_words(self) -> frozenset[str]:
        """The same, each once."""
        return frozenset(self.words)

    @view
    def ngrams(self) -> list[tuple[str, ...]]:
        """The sequences of NGRAM words, in their order; dear, and most texts need none: see `may_share_ngram`."""
        words = self.words
        return list(zip(words, words[1:], words[2:], words[3:], strict=False))

    @view
    def distinct_ngrams(self) -> frozenset[tuple[str, ...]]:
        """The same, each once."""
        return frozenset(self.ngrams)

    @view
    def repeated_ngrams(self) -> int:
        """How many of them have been there before: each of its words has been, too, and each two of them."""
        words = self.words
        if len(words) - len(self.distinct_words) < NGRAM:
            return 0
        if len(words) - len(set(zip(words, words[1:], strict=False))) < NGRAM:
            return 0
        return len(self.ngrams) - len(self.distinct_ngrams)

    def may_share_ngram(self, words: Set[str]) -> bool:
        """Tell whether NGRAM words in a row are among `words`: without that, no sequence is one of theirs."""
        return not self.distinct_words.isdisjoint(words) and _ALL_KNOWN in bytes(map(words.__contains__, self.words))

    @view
    def sentences(self) -> int:
        """Number of ends of sentences that another sentence follows."""
        return count_sentences(self.prose)


text_of = lru_cache(maxsize=256)(Text)
"""The views of a text; a source comes again with every candidate, and a line as a text of its own."""


def _is_code(line: str) -> bool:
    hinted = (
        line.startswith(_CODE_BEGINS)
        or line.endswith(_CODE_ENDS)
        or ")" in line[-_AFTER_CALL:]
        or any([sign in line for sign in _CODE_SIGNS])
    )
    return hinted and _CODE_LINE.search(line) is not None


def count_sentences(text: str) -> int:
    """Count the ends of sentences that another sentence follows."""
    return len(_SENTENCE_END.findall(text))


def looks_like_code(text: str) -> bool:
    """Tell whether a line of the text looks like a line of a program rather than of a table or a drawing."""
    return any(map(_CODE_LINE.search, text.split("\n")))


def words_of(text: str) -> list[str]:
    """List the words of a text in lower case."""
    return _WORD.findall(text.lower())


class Pair(NamedTuple):
    """A source, its translation, and in which direction it was made."""

    source: Text
    translation: Text
    direction: Direction
    shots: Mapping[tuple[str, ...], Shot]
    """The shots that were shown, by their n-grams."""
    shot_words: Set[str]
    """The words of these n-grams."""
    level: Level = "text"
    finish_reason: str | None = None
    logprob: float | None = None
