"""Asks all checks of a profile about a translation and adds up their evidence."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from kielo.errors import RecipeError
from kielo.languages.pack import Shot
from translate.checks.calibration import Usual, usual_of_pack, usual_of_run
from translate.checks.copying import untranslated
from translate.checks.correspondence import Lexicon, learn, unrelated
from translate.checks.findings import Direction, Evidence, Finding, Item, Level
from translate.checks.identification import Identifier, make_identifier
from translate.checks.language import wrong_language
from translate.checks.leaks import shots_by_ngram
from translate.checks.lengths import length_ratio, line_length, sentence_count
from translate.checks.profiles import PROFILES, Profile
from translate.checks.views import Pair, text_of


@dataclass(frozen=True)
class Checker:
    """The checks of a profile for one direction, with thresholds that stay as they are once calibrated."""

    direction: Direction
    profile: Profile
    identifier: Identifier | None
    identifier_name: str
    usual: Usual
    lexicon: Lexicon | None = None

    @cached_property
    def _shots(self) -> Mapping[tuple[str, ...], Shot]:
        return shots_by_ngram(self.direction.shots)

    @cached_property
    def _shot_words(self) -> frozenset[str]:
        return frozenset(chain.from_iterable(self._shots))

    @property
    def calibration(self) -> Mapping[str, Any]:
        """Say, as JSON, by what measure the checks go."""
        return {
            "profile": self.profile.name,
            "identifier": self.identifier_name,
            **self.usual.as_json(),
            "dictionary": len(self.lexicon.entries) if self.lexicon else None,
        }

    def calibrated(self, items: Iterable[Item]) -> Checker:
        """Give the checker that goes by what is usual among `items`."""
        known = list(items)
        lexicon = learn(known) if self.profile.calibrated else None
        return replace(self, usual=usual_of_run(self.direction, known), lexicon=lexicon)

    def findings(self, item: Item, level: Level = "text", only: Container[str] | None = None) -> tuple[Finding, ...]:
        """List what is wrong with a translation, asking all checks or `only` some; together those of weight are fatal, or none."""
        evidence = [each for each in self.evidence(item, level) if only is None or each.check in only]
        fatal = sum(each.weight for each in evidence) >= self.profile.reject_from
        return tuple(Finding(each.check, each.detail, fatal and each.weight > 0) for each in evidence)

    def evidence(self, item: Item, level: Level = "text") -> list[Evidence]:
        """List what each check saw, with its weight."""
        return list(self._evidence(item, level))

    def _evidence(self, item: Item, level: Level) -> Iterator[Evidence]:
        texts = text_of(item.source), text_of(item.translation)
        pair = Pair(*texts, self.direction, self._shots, self._shot_words, level, item.finish_reason, item.logprob)
        if not item.source.strip():
            return
        for check in self.profile.checks:
            for found in check(pair):
                yield found
                if found.check == "empty":
                    return
        if self.profile.calibrated:
            yield from length_ratio(pair, self.usual)
            yield from line_length(pair, self.usual)
            yield from sentence_count(pair, self.usual)
            yield from self._unlikely(item)
        if self.lexicon is not None:
            yield from unrelated(pair, self.lexicon)
        if self.profile.language:
            yield from untranslated(pair, self.identifier)
            if self.identifier is not None:
                yield from wrong_language(pair, self.identifier)

    def _unlikely(self, item: Item) -> Iterator[Evidence]:
        lowest = self.usual.lowest_logprob
        if item.logprob is not None and lowest is not None and item.logprob < lowest:
            yield Evidence("low-probability", f"mean log-probability {item.logprob:.2f}, in the run's lowest tail", 0)


def make_checker(
    direction: Direction, profile: str = "default", identifier: str = "py3langid", identifier_file: Path | None = None
) -> Checker:
    """Make the checker of a profile, by the language packs' measures until it is calibrated.

    Raises:
        RecipeError: there is no such profile or identifier.
        MissingExtraError: the identifier's package is not installed.
    """
    if profile not in PROFILES:
        raise RecipeError(f"no profile '{profile}'; there are {', '.join(PROFILES)}.")
    chosen = PROFILES[profile]
    found, name = None, "none: the profile asks for no language"
    if chosen.language:
        found, name = make_identifier(identifier, direction.source, direction.target, identifier_file)
    return Checker(direction, chosen, found, name, usual_of_pack(direction))
