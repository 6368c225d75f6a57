"""The language identifiers that answers are judged by; each gives a piece of text a score in the asked languages and its best one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from kielo.errors import UsageError
from kielo.languages.detection import known_codes, language_probabilities
from kielo.languages.identification import (
    NAMES,
    PY3LANGID_LABELS,
    STEPS,
    ByWord,
    Probabilities,
    fasttext_label,
    fasttext_probabilities,
    label_of,
    lingua_codes,
    lingua_probabilities,
    py3langid_model,
)
from kielo.languages.pack import Language


@dataclass(frozen=True)
class Look:
    """What an identifier sees in a text: a score for each language asked about, and the best of all languages with its score."""

    scores: tuple[float, ...]
    best: str
    best_score: float


@dataclass(frozen=True)
class Leads:
    """By how much a score must lead, in the identifier's own measure (docs/response-language.md has how they were found)."""

    piece: float
    """One of the two languages, in a piece: with less, the piece is not judged."""
    third_piece: float
    """A third language, in a piece."""
    third_whole: float
    """A third language, in the whole answer."""


class Identifier(Protocol):
    """Tells languages apart."""

    def __hash__(self) -> int:
        """Let verdicts be remembered by who gave them."""

    @property
    def name(self) -> str:
        """Its name, as --identifier takes it."""

    @property
    def leads(self) -> Leads:
        """How much it must be ahead to be believed."""

    def label(self, language: Language) -> str | None:
        """Give what it calls a language; None if it does not know it."""

    def look(self, text: str, labels: Sequence[str]) -> Look | None:
        """Judge a text; None if there is nothing to judge by."""


@cache
def open_identifier(name: str = NAMES[0], file: Path | None = None) -> Identifier:
    """Open an identifier, once; `file` is the fastText model of glotlid.

    Raises:
        UsageError: there is no identifier of that name.
        MissingExtraError: its package is not installed.
        RecipeError: its model file is missing.
    """
    if name == "py3langid":
        return _Py3langid()
    if name == "langdetect":
        return _ByProbability(name, language_probabilities, known_codes(), Leads(0.3, 0.9, 0.6))
    if name == "lingua":
        return _ByProbability(name, lingua_probabilities(sorted(lingua_codes())), lingua_codes(), Leads(0.1, 0.5, 0.4))
    if name == "glotlid":
        return _ByProbability(name, fasttext_probabilities(file), None, Leads(0.1, 0.5, 0.4))
    raise UsageError(f"there is no identifier '{name}'; choose one of {', '.join(NAMES)}.")


class _Py3langid:
    """py3langid's naive Bayes over byte n-grams, each different word counted once; a word is worked out once.

    Scores are log-probabilities over the root of the bytes: the lead of the right language grows with the root of the length
    among texts of one kind, so that one measure serves long and short.
    """

    name = "py3langid"
    leads = Leads(0.5, 3.0, 1.5)

    def __init__(self) -> None:
        self._model = py3langid_model()
        self._column = {label: number for number, label in enumerate(self._model.labels)}
        self._words = ByWord(self._known)

    def _known(self, word: str) -> tuple[bytes, int]:
        """Give a word's n-grams, and its bytes with the blank after it."""
        return self._model.features(word).tobytes(), len(word.encode("utf-8", "replace")) + 1

    def label(self, language: Language) -> str | None:
        """Give py3langid's code."""
        return label_of(language, PY3LANGID_LABELS)

    def look(self, text: str, labels: Sequence[str]) -> Look | None:
        """Judge a text by its different words in lower case."""
        import numpy as np

        known = [self._words[word] for word in dict.fromkeys(text.lower().split())]
        features = np.frombuffer(b"".join([found for found, _ in known]), np.uintc)
        if not features.size:
            return None
        scores = self._model.table.take(features, axis=0).sum(axis=0, dtype=np.int32) + self._model.priors
        unit = STEPS * math.sqrt(sum([size for _, size in known]))
        best = int(scores.argmax())
        asked = tuple(int(scores[self._column[label]]) / unit for label in labels)
        return Look(asked, self._model.labels[best], int(scores[best]) / unit)


@dataclass(frozen=True)
class _ByProbability:
    """Any identifier that gives probabilities of languages by its own codes; `codes` None: a fastText model's."""

    name: str
    probabilities: Probabilities
    codes: frozenset[str] | None
    leads: Leads

    def label(self, language: Language) -> str | None:
        """Give its code: langdetect's own, ISO 639-3 in capitals for lingua, codes like FLORES' for fastText models."""
        if self.codes is None:
            return fasttext_label(language.flores)
        names = (language.langdetect, language.iso639_3.upper())
        return next((name for name in names if name and name in self.codes), None)

    def look(self, text: str, labels: Sequence[str]) -> Look | None:
        """Judge a text by its probabilities, those of case-folded text."""
        found = self.probabilities(text.lower())
        if not found:
            return None
        best = max(sorted(found), key=found.__getitem__)
        return Look(tuple(found.get(label, 0.0) for label in labels), best, found[best])


def usual_identifier() -> Identifier:
    """Open the identifier that scores use unless told otherwise."""
    return open_identifier()
