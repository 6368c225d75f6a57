"""Finds keywords in a text, in their inflected forms where the language's pack says how: what fair mode counts keywords by."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

from eval.ifeval.rules import LanguageRules, MatcherRules
from eval.ifeval.unicode_words import lower, plain_quotes, words
from kielo.errors import MissingExtraError

Matcher = Callable[[str, str], int]
"""Counts how often a keyword (a word or several) is used in a text."""
Lemmas = Callable[[str], frozenset[str]]


def open_matcher(rules: LanguageRules) -> Matcher:
    """Open the matcher of a language.

    Raises:
        MissingExtraError: the pack names a lemmatiser that is not installed.
    """
    of = rules.matcher
    if of.kind in LEMMATISERS:
        return _by_lemma(rules, LEMMATISERS[of.kind](of.code or rules.language))
    return _by_pattern(rules)


def _by_pattern(rules: LanguageRules) -> Matcher:
    forms: Callable[[str], str] = re.escape if rules.matcher.kind == "exact" else _forms(rules.matcher)

    @lru_cache(maxsize=1024)
    def pattern(keyword: str) -> re.Pattern[str]:
        alone = r"\s+".join(forms(word) for word in keyword.split())
        return re.compile(rf"(?<![^\W_]){alone}(?![^\W_])")

    def count(keyword: str, text: str) -> int:
        return len(pattern(_folded(keyword, rules)).findall(_folded(text, rules)))

    return count


def _folded(text: str, rules: LanguageRules) -> str:
    return plain_quotes(lower(text, rules)).strip()


def _forms(of: MatcherRules) -> Callable[[str], str]:
    """Give the writer of a word's pattern: its stems, then a choice from every slot of endings, each of which may be empty."""
    slots = "".join(f"(?:{'|'.join(map(re.escape, sorted(slot, key=len, reverse=True)))})?" for slot in of.endings)
    ends = slots or rf"[^\W\d_]{{0,{of.longest}}}"

    def forms(word: str) -> str:
        if len(word) < of.shortest or not word[-1].isalpha():
            return re.escape(word)
        stems = "|".join(re.escape(stem) for stem in dict.fromkeys(_stems(word, of)))
        return f"(?:{stems}){ends}"

    return forms


def _stems(word: str, of: MatcherRules) -> list[str]:
    """List the stems of a dictionary form: itself, and what the longest end that the pack knows of it becomes."""
    known = [end for end in of.stems if word.endswith(end) and len(word) > len(end)]
    if not known:
        return [word]
    end = max(known, key=len)
    changed = (word.removesuffix(end) + other for other in of.stems[end])
    return [word, *(stem for stem in changed if len(stem) >= of.shortest)]


def _by_lemma(rules: LanguageRules, lemmas: Lemmas) -> Matcher:
    def count(keyword: str, text: str) -> int:
        wanted = [lemmas(word) for word in words(_folded(keyword, rules))]
        if not wanted:
            return _folded(text, rules).count(_folded(keyword, rules))
        found = [lemmas(word) for word in words(_folded(text, rules))]
        starts = range(len(found) - len(wanted) + 1)
        return sum(all(found[at + number] & each for number, each in enumerate(wanted)) for at in starts)

    return count


@cache
def _voikko(code: str) -> Lemmas:
    try:
        from libvoikko import Voikko, VoikkoException
    except ImportError as error:
        raise MissingExtraError("the matcher voikko needs its package: pip install 'kielo[voikko]'.") from error
    try:
        analyser: Any = Voikko(code)
    except (OSError, VoikkoException) as error:
        raise MissingExtraError(
            f"the matcher voikko needs the system's libvoikko with a dictionary for '{code}' "
            f"(Debian: libvoikko1 and voikko-fi): {error}."
        ) from error

    @lru_cache(maxsize=50_000)
    def lemmas(word: str) -> frozenset[str]:
        return frozenset(found["BASEFORM"].lower() for found in analyser.analyze(word)) or frozenset({word})

    return lemmas


LEMMATISERS: Mapping[str, Callable[[str], Lemmas]] = {"voikko": _voikko}
"""Plug-ins: each opens, by its code of the language, what gives the dictionary forms of a word in small letters."""
