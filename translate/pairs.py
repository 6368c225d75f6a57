"""Preference pairs as transactions: one wording in prompt, chosen and rejected, and no pair that translation alone sets apart."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher

from kielo.records import PreferencePair
from translate.answers import Failure, Glossary

_QUOTED = re.compile(r"[\"“„«](?=[^\s\"“”„«»])[^\"“”„«»\n]{1,80}(?<=\S)[\"”“»]")
PHRASE_WORDS = range(2, 7)
"""One quoted word is often an identifier, or the very word that is spoken of."""
ALIKE, APART = 0.8, 0.3
"""Answers alike to this share of their words that are this much less alike in translation differ by the translator's noise."""
ALIKE_WORDS = 400
"""Words of each answer that are compared: comparing is quadratic."""
LENGTH_FLIP = 0.5
"""Natural logarithm by which the answers' length ratio may shift in translation (a factor of 1.6). Of 1,026 real pairs (OASST1
in DeepL's Finnish) 99% stay below 0.3; two are above 0.39, and both hold a translation that breaks off."""
LENGTH_LEAST = 200
"""Characters of the shorter answer from which its length says anything."""


def shared_phrases(pair: PreferencePair) -> list[str]:
    """List the quoted phrases, with their quotation marks, that stand in two or more texts of a pair, in order.

    Translated once and put into all of them, so that prompt, chosen and rejected speak of the same thing.
    """
    texts = [*(turn.content for turn in pair.prompt), pair.chosen, pair.rejected]
    found = Counter(phrase for text in texts for phrase in dict.fromkeys(_phrases(text)))
    return [phrase for phrase, count in found.items() if count > 1]


def _phrases(text: str) -> Iterator[str]:
    for match in _QUOTED.finditer(text):
        phrase = match.group()
        if len(phrase.split()) in PHRASE_WORDS and any(map(str.isalpha, phrase)):
            yield phrase


def phrase_glossary(translations: dict[str, str]) -> Glossary:
    """Keep the phrases whose translation is still one quoted phrase and stands for one source phrase alone."""
    targets = Counter(target.casefold() for target in translations.values())
    return tuple(
        (source, target)
        for source, target in translations.items()
        if targets[target.casefold()] == 1 and _QUOTED.fullmatch(target)
    )


def noise(source: PreferencePair, translated: PreferencePair) -> Failure | None:
    """Find a pair whose sides became one, or differ by translation faults rather than by content."""
    if _bare(translated.chosen) == _bare(translated.rejected):
        return Failure("identical-pair", f"both answers became: {translated.chosen:.80}")
    shift = _log_ratio(translated) - _log_ratio(source)
    shortest = min(len(source.chosen), len(source.rejected))
    if shortest >= LENGTH_LEAST and abs(shift) > LENGTH_FLIP:
        return Failure(
            "translation-noise",
            f"chosen is {math.exp(_log_ratio(source)):.2f} times as long as rejected, {math.exp(_log_ratio(translated)):.2f} in translation",
        )
    before = _alike(source.chosen, source.rejected, ALIKE)
    if before >= ALIKE and (after := _alike(translated.chosen, translated.rejected, 0.0)) < before - APART:
        return Failure(
            "translation-noise",
            f"{before:.0%} of the words were the same in both answers, {after:.0%} are in translation",
        )
    return None


def _bare(text: str) -> str:
    return " ".join(text.casefold().split())


def _log_ratio(pair: PreferencePair) -> float:
    return math.log((len(pair.chosen) + 1) / (len(pair.rejected) + 1))


def _alike(one: str, other: str, least: float) -> float:
    """Give the share of words that two texts have in common and in order; 0 where it is surely below `least`."""
    first, second = (text.casefold().split()[:ALIKE_WORDS] for text in (one, other))
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    if min(matcher.real_quick_ratio(), matcher.quick_ratio()) < least:
        return 0.0
    return matcher.ratio()
