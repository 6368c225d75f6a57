"""Tells which of a recipe's two languages an answer is in, for the pairs that are refused and those that are made of both."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from kielo.languages.pack import Language

LEAST_LETTERS = 20
SURE = 0.95
"""The probability from which a language counts. Of 2,964 real answers of 20 letters or more (OASST1 in English and in DeepL's
Finnish, 600 answers of an English preference set) 12 are called the other language: 7 are in none or the other, 5 (0.2%) are lists of titles
or unmarked code. Of the same answers asked for in the other language, 95% (Finnish) to 99.4% (English) are found; none of 7,930
sentences of Tatoeba is called the other language, 99.9% are found."""
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`|https?://\S+|<[^<>\n]+>|^(?: {4}|\t).*$", re.DOTALL | re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


@dataclass(frozen=True)
class AnswerLanguage:
    """Judges texts by the two languages alone (py3langid); neither too short texts nor mixed ones are in any."""

    labels: dict[str, str]
    """Recipe's code -> py3langid's."""

    def is_in(self, text: str, code: str) -> bool:
        """Tell whether a text is surely in one of the two languages, no line of it in the other."""
        prose = _CODE.sub(" ", text)
        if not self._surely(prose, code):
            return False
        (other,) = (label for label in self.labels if label != code)
        return not any(self._surely(line, other) for line in prose.split("\n"))

    def _surely(self, prose: str, code: str) -> bool:
        words = " ".join(_WORD.findall(prose)).lower()
        if sum(map(str.isalpha, words)) < LEAST_LETTERS:
            return False
        found, sure = _identifier(tuple(self.labels.values())).classify(words)
        return bool(found == self.labels[code] and sure >= SURE)


def tell_apart(one: Language, other: Language) -> AnswerLanguage | None:
    """Make the judge of two languages; None where py3langid does not know both."""
    labels = [_label(language) for language in (one, other)]
    if labels[0] is None or labels[1] is None or labels[0] == labels[1]:
        return None
    return AnswerLanguage({one.code: labels[0], other.code: labels[1]})


def _label(language: Language) -> str | None:
    """Find a language's label: by its code, the code's first part, ISO 639-3, or what langdetect calls it."""
    names = (language.code, language.code.split("-")[0], language.iso639_3, language.langdetect)
    return next((name for name in names if name and name in _identifier(None).labels), None)


@cache
def _identifier(labels: tuple[str, ...] | None) -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(labels)
    return identifier
