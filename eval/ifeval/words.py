"""Sentences and words in capitals for the two checkers that need a tokenizer: NLTK's punkt where its data are at hand, as in
lm-evaluation-harness, else sentencex; nothing is ever downloaded."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import sentencex

from kielo.errors import UsageError

PUNKT_MODEL = "english"  # lm-evaluation-harness and the paper's Finnish rules use it whatever the language
# sentencex takes anything in quotes or brackets for one sentence, and needs a letter after the space to end one.
_QUOTES_AND_BRACKETS = re.compile(r"[\"“”«»„'’‘()\[\]{}]")
_MARKUP_BEFORE_WORD = re.compile(r"(?<=\s)[*_<#`~]+")
_WORD = re.compile(r"[^\s,;:@#$%&?!()\[\]{}<>\"“”]+")


@dataclass(frozen=True)
class Tokenizer:
    """How to count sentences, and words all in capitals; `name` goes into the result, since verdicts near a limit depend on it."""

    name: str
    count_sentences: Callable[[str], int]
    count_capitals: Callable[[str], int]


def choose_tokenizer(language: str, name: str | None = None) -> Tokenizer:
    """Take the tokenizer called `name`, or punkt if it is at hand and sentencex, for `language`, if not.

    Raises:
        UsageError: there is no tokenizer of that name, or punkt was asked for and its data are not here.
    """
    if name not in (None, "punkt", "sentencex"):
        raise UsageError(f"there is no tokenizer '{name}'; choose punkt or sentencex.")
    if name == "sentencex":
        return _sentencex(language)
    try:
        return _punkt()
    except (ImportError, LookupError) as error:
        if name == "punkt":
            raise UsageError(
                f"NLTK's punkt_tab model '{PUNKT_MODEL}' is not at hand; "
                "install nltk and set NLTK_DATA to the folder that holds tokenizers/punkt_tab."
            ) from error
        return _sentencex(language)


@cache
def _punkt() -> Tokenizer:
    if not _may_be_at_hand():
        raise LookupError("punkt_tab")
    from nltk.tokenize import NLTKWordTokenizer  # 1 s, and absent where only sentencex is installed
    from nltk.tokenize.punkt import PunktTokenizer

    splitter: Any = PunktTokenizer(PUNKT_MODEL)
    treebank: Any = NLTKWordTokenizer()
    # The loose variants of an answer have most sentences, and most places where one may end, in common.
    splitter.text_contains_sentbreak = lru_cache(maxsize=4096)(splitter.text_contains_sentbreak)

    @lru_cache(maxsize=4096)
    def capitals(sentence: str) -> int:
        return count_capitals(treebank.tokenize(sentence)) if _may_hold_capitals(sentence) else 0

    def count(text: str) -> int:
        return sum(map(capitals, splitter.tokenize(text)))

    return Tokenizer("punkt", lambda text: len(splitter.tokenize(text)), count)


def _may_be_at_hand() -> bool:
    """Whether punkt's data lie in a folder of NLTK's, told without importing it; once imported, it knows where to look."""
    if "nltk.data" in sys.modules or os.name == "nt":
        return True
    roots = [os.path.join(sys.prefix, *below) for below in ((), ("share",), ("lib",))]
    roots += ["~", "/usr/share", "/usr/local/share", "/usr/lib", "/usr/local/lib"]
    given = filter(None, os.environ.get("NLTK_DATA", "").split(os.pathsep))
    folders = map(os.path.expanduser, (*given, *(os.path.join(root, "nltk_data") for root in roots)))
    both = ("punkt_tab", "punkt_tab.zip")
    return any(os.path.exists(os.path.join(folder, "tokenizers", name)) for folder in folders for name in both)


def count_capitals(words: Iterable[str]) -> int:
    """Count the words whose letters are all capitals."""
    return sum(map(str.isupper, words))


def _may_hold_capitals(sentence: str) -> bool:
    """Whether a capital stands before anything but a small letter: no tokenizer parts one from the small letter behind it."""
    return any(one.isupper() and not after.islower() for one, after in zip(sentence, f"{sentence[1:]} ", strict=True))


def _sentencex(language: str) -> Tokenizer:
    def count_sentences(text: str) -> int:
        plain = _MARKUP_BEFORE_WORD.sub("", _QUOTES_AND_BRACKETS.sub("", text))
        # One line: punkt, which this stands in for, sees no boundary in a line break alone.
        return sum(1 for sentence in sentencex.segment(language, " ".join(plain.split())) if sentence.strip())

    return Tokenizer("sentencex", count_sentences, lambda text: count_capitals(_WORD.findall(text)))
