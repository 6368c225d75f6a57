"""langdetect with its inner loops over arrays: the same draws, the same arithmetic and so the same answers, several times as fast."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Mapping
from typing import Any

import numpy as np
from langdetect.detector import Detector
from langdetect.detector_factory import DetectorFactory
from langdetect.utils.ngram import NGram

_BLANKS = re.compile(" {2,}")
_LATIN = re.compile("[A-z]")  # brackets and the like between Z and a among them, as there
_FIRST_NON_LATIN = "\u0300"
_WORDS = 50_000


class _Normalised(dict[int, str]):
    """What langdetect takes a character for, by its number, as `str.translate` asks for it."""

    def __missing__(self, number: int) -> str:
        found: str = NGram.normalize(chr(number))
        self[number] = found
        return found


_NORMALISED = _Normalised()


class _Rows(dict[str, Any]):
    """The probabilities of an n-gram in all languages as an array, made when it is first drawn."""

    def __init__(self, lists: Mapping[str, list[float]]) -> None:
        self._lists = lists

    def __missing__(self, ngram: str) -> Any:
        row = self[ngram] = np.array(self._lists[ngram])
        return row


class ArrayFactory(DetectorFactory):  # type: ignore[misc]  # the package has no types
    """langdetect's factory, whose detectors are those below."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = _Rows(self.word_lang_prob_map)
        self.stretches = _Stretches(self.word_lang_prob_map)

    def _create_detector(self) -> _ArrayDetector:
        return _ArrayDetector(self)


class _ArrayDetector(Detector):  # type: ignore[misc]
    """langdetect's detector; each method gives what the one of that name gives there."""

    text: str

    def __init__(self, factory: ArrayFactory) -> None:
        super().__init__(factory)
        self._rows, self._stretches = factory.rows, factory.stretches

    def append(self, text: str) -> None:
        text = NGram.normalize_vi(self.MAIL_RE.sub(" ", self.URL_RE.sub(" ", text)))
        self.text += _BLANKS.sub(" ", text[: self.max_text_length])

    def cleaning_text(self) -> None:
        counts: Counter[str] = Counter(self.text)
        latin = sum(count for char, count in counts.items() if "A" <= char <= "z")
        if 2 * latin < sum(count for char, count in counts.items() if char >= _FIRST_NON_LATIN):
            self.text = _LATIN.sub("", self.text)

    def _init_probability(self) -> Any:
        return np.array(super()._init_probability())

    def _update_lang_prob(self, prob: Any, word: str, alpha: float) -> bool:
        prob *= self._rows[word] + alpha / self.BASE_FREQ
        return True

    def _normalize_prob(self, prob: Any) -> float:
        # Added up from left to right, as there: numpy would round otherwise.
        prob /= sum(prob.tolist())
        return float(prob.max())

    def _extract_ngrams(self) -> list[str]:
        *words, last = self.text.translate(_NORMALISED).split(" ")
        return [ngram for word in (*(word + " " for word in words if word), last) for ngram in self._stretches[word]]


class _Stretches(dict[str, list[str]]):
    """The n-grams of a word, with a blank where one follows, that a profile knows: words do not look past their ends."""

    def __init__(self, known: Container[str]) -> None:
        self._known = known

    def __missing__(self, word: str) -> list[str]:
        if len(self) >= _WORDS:
            self.clear()
        found: list[str] = []
        grams, capital_word = " ", False
        for char in word:
            capital_word = char.isupper() and (capital_word or grams[-1].isupper())
            grams = grams[-(NGram.N_GRAM - 1) :] + char
            if not capital_word:
                stretches = (grams[-size:] for size in range(1, len(grams) + 1))
                found += [stretch for stretch in stretches if stretch != " " and stretch in self._known]
        self[word] = found
        return found
