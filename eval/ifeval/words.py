"""Sentences and words for the two checkers that need a tokenizer: NLTK's punkt where its data are at hand, as in
lm-evaluation-harness, else sentencex; nothing is ever downloaded."""

from __future__ import annotations

import re
from collections.abc import Callable
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
    """How to count sentences and list words; `name` goes into the result, since verdicts near a limit depend on it."""

    name: str
    count_sentences: Callable[[str], int]
    words: Callable[[str], list[str]]


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
    from nltk.tokenize import NLTKWordTokenizer  # 0.3 s, and absent where only sentencex is installed
    from nltk.tokenize.punkt import PunktTokenizer

    splitter: Any = PunktTokenizer(PUNKT_MODEL)
    treebank: Any = NLTKWordTokenizer()

    @lru_cache(maxsize=4096)  # the loose variants of an answer have most sentences in common
    def tokens(sentence: str) -> list[str]:
        return list(treebank.tokenize(sentence))

    def words(text: str) -> list[str]:
        return [word for sentence in splitter.tokenize(text) for word in tokens(sentence)]

    return Tokenizer("punkt", lambda text: len(splitter.tokenize(text)), words)


def _sentencex(language: str) -> Tokenizer:
    def count_sentences(text: str) -> int:
        plain = _MARKUP_BEFORE_WORD.sub("", _QUOTES_AND_BRACKETS.sub("", text))
        # One line: punkt, which this stands in for, sees no boundary in a line break alone.
        return sum(1 for sentence in sentencex.segment(language, " ".join(plain.split())) if sentence.strip())

    return Tokenizer("sentencex", count_sentences, _WORD.findall)
