"""Who tells languages apart for the checks: source or target, piece by piece, and whether the whole is in a third language."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Protocol

from kielo.errors import RecipeError
from kielo.languages.detection import known_codes, language_probabilities
from kielo.languages.identification import (
    PY3LANGID_LABELS,
    STEPS,
    ByWord,
    NgramModel,
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
class Leaning:
    """For each piece how surely it is in the source language rather than the target (1: sure, -1: surely the target, 0: open);
    and the third language that the whole is surely in, with how surely."""

    to_source: tuple[float, ...]
    third: str = ""
    sure: float = 0.0


class Identifier(Protocol):
    """Tells two languages apart."""

    def leaning(self, pieces: Sequence[str]) -> Leaning:
        """Judge the pieces of one text: words in lower case with a blank between."""


def make_identifier(name: str, source: Language, target: Language, file: Path | None) -> tuple[Identifier | None, str]:
    """Make the identifier of a name, and say in words what it is; None where it does not know both languages.

    Raises:
        MissingExtraError: its package is not installed.
        RecipeError: there is no such identifier, or its file is missing.
    """
    makers = {"py3langid": _py3langid, "langdetect": _langdetect, "lingua": _lingua}
    if name == "glotlid":
        return _glotlid(source, target, file), f"glotlid ({file.name if file else ''})"
    if name not in makers:
        raise RecipeError(f"no identifier '{name}'; there are {', '.join((*makers, 'glotlid'))}.")
    found = makers[name](source, target)
    if found is None:
        return None, f"none: {name} does not know both '{source.code}' and '{target.code}'"
    return found, name


LEAN, FOREIGN, FOREIGN_BYTES = 4.0, 3.0, 40
"""py3langid's log-probabilities over the root of the bytes: by how much source or target must lead to be sure, and a third
language before the target, in texts of so many bytes."""
TELLING_WORDS = 40
"""Different words by which a third language is judged; more say the same."""
_ONCE = math.log1p(1)


class _Py3langid:
    """Naive Bayes over byte n-grams (langid.py, Lui and Baldwin 2012), word by word: what a word says is worked out once.

    N-grams across a blank are not seen, which costs nothing measurable and makes it many times faster than py3langid itself.
    The model is read when a text is first judged.
    """

    def __init__(self, source: str, target: str) -> None:
        self._labels = source, target
        self._features = ByWord(lambda word: self._model.features(word))
        self._lead = ByWord(self._add_leads)

    @cached_property
    def _model(self) -> NgramModel:
        return py3langid_model()

    @cached_property
    def _columns(self) -> tuple[int, int]:
        source, target = map(self._model.labels.index, self._labels)
        return source, target

    @cached_property
    def _leads(self) -> list[int]:
        """By n-gram, how much more it says source than target."""
        import numpy as np

        source, target = (self._model.table[:, column].astype(np.int32) for column in self._columns)
        leads: list[int] = np.subtract(source, target).tolist()
        return leads

    def leaning(self, pieces: Sequence[str]) -> Leaning:
        """Judge the pieces by the two languages alone, and all together by all languages."""
        words = [piece.split() for piece in pieces]
        leans = [
            self._sum(found) / (STEPS * LEAN * math.sqrt(len(piece) + 1))
            for piece, found in zip(pieces, words, strict=True)
        ]
        return Leaning(tuple(leans), *self._third(dict.fromkeys(chain.from_iterable(words))))

    def _sum(self, words: Sequence[str]) -> float:
        """Add up what the words say; one said again says less each time."""
        lead = self._lead
        if len(set(words)) == len(words):
            return sum([lead[word] * _ONCE for word in words])
        return sum([lead[word] * math.log1p(times) for word, times in Counter(words).items()])

    def _third(self, distinct: Iterable[str]) -> tuple[str, float]:
        import numpy as np

        words = list(distinct)
        words = words[:: -(-len(words) // TELLING_WORDS) or 1]
        size = len(" ".join(words).encode("utf-8", "replace"))
        if size < FOREIGN_BYTES:
            return "", 0.0
        features = np.frombuffer(b"".join([self._features[word] for word in words]), np.uintc)
        if not features.size:
            return "", 0.0
        scores = self._model.table.take(features, axis=0).sum(axis=0, dtype=np.int32) + self._model.priors
        best = int(scores.argmax())
        if best in self._columns:
            return "", 0.0
        return self._model.labels[best], int(scores[best] - scores[self._columns[1]]) / (
            STEPS * FOREIGN * math.sqrt(size)
        )

    def _add_leads(self, word: str) -> int:
        """Tell how much more a word says source than target."""
        return sum(map(self._leads.__getitem__, self._features[word]))


def _py3langid(source: Language, target: Language) -> Identifier | None:
    labels = [label_of(language, PY3LANGID_LABELS) for language in (source, target)]
    return _Py3langid(labels[0], labels[1]) if labels[0] and labels[1] else None


@dataclass(frozen=True)
class _ByProbability:
    """Any identifier that gives probabilities of languages by its own codes."""

    probabilities: Probabilities
    source: str
    target: str

    def leaning(self, pieces: Sequence[str]) -> Leaning:
        """Judge each piece, and the whole by all pieces together."""
        found = [self.probabilities(piece) for piece in pieces]
        leans = tuple((each.get(self.source, 0.0) - each.get(self.target, 0.0)) / 0.9 for each in found)
        whole = found[0] if len(found) == 1 else self.probabilities("\n".join(pieces))
        best = max(whole, key=whole.__getitem__, default=self.target)
        if best in (self.source, self.target):
            return Leaning(leans)
        return Leaning(leans, best, (whole[best] - whole.get(self.target, 0.0)) / 0.95)


def _langdetect(source: Language, target: Language) -> Identifier | None:
    codes = (source.langdetect, target.langdetect)
    if not codes[0] or not codes[1] or not known_codes().issuperset(code for code in codes if code):
        return None
    return _ByProbability(language_probabilities, codes[0], codes[1])


def _lingua(source: Language, target: Language) -> Identifier | None:
    names = [language.iso639_3.upper() for language in (source, target)]
    if not lingua_codes().issuperset(names):
        return None
    return _ByProbability(lingua_probabilities(names), *names)


def _glotlid(source: Language, target: Language, file: Path | None) -> Identifier:
    return _ByProbability(fasttext_probabilities(file), *(fasttext_label(each.flores) for each in (source, target)))
