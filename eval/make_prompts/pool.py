"""What the documents tell together: which words are a document's own, and how long texts of the language are."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import sentencex

from eval.make_prompts.documents import Document
from kielo.languages.pack import Language

WORDS_OF_A_DOCUMENT = 10
COMMON = 0.05
"""A word in a larger share of the documents is a word of the language rather than of one text."""
FEWEST_FOR_COMMON = 3
SHORTEST_WORD, LONGEST_WORD = 4, 20
EXCERPT = 900
"""Most characters of a document in a prompt."""
ANSWER = (300, 2000)
"""Characters of an answer, in English; times the pack's length_ratio in another language."""
_WORD = re.compile(r"(?<![\w'’-])[^\W\d_]+(?![\w'’-])")


@dataclass(frozen=True)
class Pool:
    """The documents of one language with their common measure."""

    pack: Language
    documents: tuple[Document, ...]

    @cached_property
    def _in_documents(self) -> Mapping[str, int]:
        return Counter(word for document in self.documents for word in set(_words(document.text)))

    @cached_property
    def _written(self) -> Mapping[str, int]:
        return Counter(word for document in self.documents for word in _words(document.text))

    @cached_property
    def lengths(self) -> list[float]:
        """Characters of every document, within what an answer may have."""
        low, high = (bound * self.pack.length_ratio for bound in ANSWER)
        return sorted(min(max(low, len(document.text)), high) for document in self.documents)

    @cached_property
    def characters_per_word(self) -> float:
        """Of running text, blanks and marks counted, as the checkers count words."""
        text = " ".join(document.text for document in self.documents)
        return len(text) / max(1, len(re.findall(r"\w+", text)))

    @cached_property
    def characters_per_sentence(self) -> float:
        """Of running text."""
        count = sum(len(sentences(self.pack.code, document.text)) for document in self.documents)
        return sum(len(document.text) for document in self.documents) / count

    @cached_property
    def letter_shares(self) -> Mapping[str, float]:
        """Of 100 letters; the pack's, or the documents' where it has none."""
        given: Mapping[str, float] = self.pack.ifeval.get("letters", {})
        if given:
            return given
        letters = Counter(letter for each in self.documents for letter in each.text.lower() if letter.isalpha())
        return {letter: 100 * count / letters.total() for letter, count in sorted(letters.items())}

    def own_words(self, document: Document) -> list[str]:
        """List the words that mark a document, the best first: often in it, seldom in the others, never just once."""
        most = max(FEWEST_FOR_COMMON, COMMON * len(self.documents))
        counts = Counter(word for word in _words(document.text) if self._written[word] > 1 and _is_plain(word))
        scores = {
            word: (1 + math.log(count)) * math.log((1 + len(self.documents)) / self._in_documents[word])
            for word, count in counts.items()
            if self._in_documents[word] <= most
        }
        return sorted(scores, key=lambda word: (-scores[word], word))[:WORDS_OF_A_DOCUMENT]


def _words(text: str) -> list[str]:
    """List the words that are written in small letters, or in a script without capitals."""
    return [word for word in _WORD.findall(text) if word == word.lower()]


def _is_plain(word: str) -> bool:
    return SHORTEST_WORD <= len(word) <= LONGEST_WORD and word == word.casefold()


def sentences(code: str, text: str) -> Sequence[str]:
    """Split a text into its sentences."""
    return [sentence.strip() for sentence in sentencex.segment(code, text) if sentence.strip()]


def excerpt(document: Document, code: str) -> str:
    """Take the beginning of a document, whole sentences up to EXCERPT characters; empty where its first is longer."""
    taken: list[str] = []
    for paragraph in document.paragraphs:
        for number, sentence in enumerate(sentences(code, paragraph)):
            between = " " if number else "\n\n"
            longer = "".join([*taken, between if taken else "", sentence])
            if len(longer) > EXCERPT:
                return "".join(taken)
            taken = [longer]
    return "".join(taken)
