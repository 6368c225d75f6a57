"""Response-language pairs: the same answer in both languages, the one in the prompt's language chosen, the other rejected."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from align.preferences.answer_language import AnswerLanguage
from kielo.languages.pack import Language
from kielo.records import PreferencePair

SUFFIX = "#language"


def is_language_pair(identity: str) -> bool:
    """Tell by its id whether a pair was made here."""
    return identity.endswith(SUFFIX)


@dataclass
class Made:
    """What became of one language's pairs of a data set, for the step's counts."""

    asked: int = 0
    made: int = 0
    unfit: Counter[str] = field(default_factory=Counter)
    """Why rows cannot become such a pair; they are counted whether more were asked for or not."""

    def plain(self) -> dict[str, Any]:
        """Spell the counts out for JSON."""
        return {"asked": self.asked, "made": self.made, "unfit": dict(self.unfit)}


@dataclass(frozen=True)
class Maker:
    """What decides which rows become response-language pairs."""

    languages: tuple[Language, Language]
    judge: AnswerLanguage | None
    seed: int

    def make(
        self, rows: Iterable[PreferencePair], others: Mapping[str, PreferencePair], asked: int
    ) -> tuple[list[PreferencePair], Made]:
        """Draw so many rows of one language that have a partner among `others`; a smaller draw lies within a larger one."""
        found, fit = Made(asked), []
        for row in rows:
            reason = self._unfit(row, others.get(row.id))
            if reason:
                found.unfit[reason] += 1
            else:
                fit.append(row)
        drawn = sorted(fit, key=lambda row: _lot(self.seed, row.id))[:asked]
        found.made = len(drawn)
        return [_pair(row, others[row.id]) for row in drawn], found

    def _unfit(self, row: PreferencePair, other: PreferencePair | None) -> str | None:
        if other is None:
            return "no_row_in_the_other_language"
        if row.chosen.strip() == other.chosen.strip():
            return "same_in_both_languages"
        if any(_names_a_language(each, self.languages) for each in (row, other)):
            return "prompt_names_a_language"
        if self.judge and not all(self.judge.is_in(each.chosen, each.language) for each in (row, other)):
            return "language_not_told"
        return None


def _pair(row: PreferencePair, other: PreferencePair) -> PreferencePair:
    return PreferencePair(row.id + SUFFIX, row.language, row.prompt, row.chosen, other.chosen)


def _lot(seed: int, identity: str) -> bytes:
    """Give a row its place in the draw: the same in every language, so that both directions take the same contents."""
    return hashlib.sha256(f"{seed} {identity}".encode()).digest()


def _names_a_language(row: PreferencePair, languages: Iterable[Language]) -> bool:
    """Tell whether the user names one of the languages: the other one may then be what is asked for."""
    said = "\n".join(turn.content for turn in row.prompt if turn.role != "assistant").casefold()
    names = (name.casefold() for language in languages for name in (language.name, language.native_name))
    return any(re.search(rf"\b{re.escape(name)}\b", said) for name in names)
