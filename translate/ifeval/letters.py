"""Letters that IFEval prompts count: one that the target language hardly writes gives way to one as frequent as it was."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

from kielo.errors import RecipeError
from kielo.languages.pack import Language, pack_file

RARE = 1 / 3
"""A letter with less than this part of its source share asks for something else there: `c at least 60` is 60 in 2,000
English letters and 60 in 29,000 Finnish ones (FLORES-200, newstest)."""


def letter_shares(language: Language) -> Mapping[str, float]:
    """Read the letters of a language and how many of 100 letters each is; empty where the pack does not say.

    Raises:
        RecipeError: `ifeval.letters` is no mapping of single lower-case letters to shares.
    """
    shares = language.ifeval.get("letters", {})
    valid = isinstance(shares, Mapping) and all(
        isinstance(letter, str) and len(letter) == 1 and letter == letter.lower() and _is_share(share)
        for letter, share in shares.items()
    )
    if not valid:
        raise RecipeError(
            f"{pack_file(f'{language.code}.yaml')}: ifeval.letters must give each small letter its share of 100 letters."
        )
    return {letter: float(share) for letter, share in shares.items()}


def _is_share(share: object) -> bool:
    return isinstance(share, int | float) and not isinstance(share, bool) and 0 <= share <= 100


def choose_letter(letter: str, source: Language, target: Language) -> str:
    """Keep a letter that the target language writes often enough, else take the one whose share there is nearest.

    Letters a-z go first: lm-evaluation-harness draws a random letter in place of any other. What is no letter of the
    source language (#, !) stays, and so does every letter where a pack does not know its letters.
    """
    before, there = letter_shares(source), letter_shares(target)
    share = before.get(letter.lower(), 0)
    if not there or not share or there.get(letter.lower(), 0) >= RARE * share:
        return letter
    usable = {each: part for each, part in there.items() if part > 0}
    plain = {each: part for each, part in usable.items() if "a" <= each <= "z"}
    candidates = plain or usable
    nearest = min(candidates, key=lambda each: (abs(log(candidates[each] / share)), each))
    return nearest.upper() if letter.isupper() else nearest
