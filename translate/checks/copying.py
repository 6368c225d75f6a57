"""Finds text left in the source's words: the whole, or stretches of at least NGRAM words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kielo.languages.scripts import script_names, script_of
from translate.checks.findings import Evidence
from translate.checks.identification import Identifier
from translate.checks.views import NGRAM, Pair

COPIED_SHARE = (0.1, 0.35)
"""Share of the translation's words that stand in copied stretches: from the first on it counts, from the second on it is enough."""
PLAIN_WORDS, MANY_PLAIN_WORDS = 3, 20
"""Words in copied stretches that do not begin with a capital: fewer are names of people, places, songs and institutions."""
PLAIN_SHARE = 0.6
"""Share of such words in copied stretches that are sentences rather than a list of institutions."""
SOURCE_LIKE = 0.25
"""How surely copied words must be in the source language: words of a third one, and of none, may stay as they are."""


def empty(pair: Pair) -> Iterator[Evidence]:
    """Find a translation without text."""
    if not pair.translation.raw.strip():
        yield Evidence("empty", f"nothing for: {pair.source.raw.strip():.80}", 1)
    elif pair.source.letters >= 4 and not any(map(str.isalpha, pair.translation.chars)):
        yield Evidence("empty", f"no words for: {pair.source.prose.strip():.80}", 1)


def untranslated(pair: Pair, identifier: Identifier | None) -> Iterator[Evidence]:
    """Find stretches of the source's words in the translation (OpusFilter's Similarity and LCS filters ask for the whole)."""
    source, translation = pair.source, pair.translation
    if source.words == translation.words:
        plain = _plain(source.cased_words, pair)
        if plain >= 2:
            sure = plain > 2 and _source_like(source.words, identifier)
            yield Evidence("untranslated", f"as in the source: {source.prose.strip():.80}", 1 if sure else 0.5)
        return
    if not translation.may_share_ngram(source.distinct_words):
        return
    shared = source.distinct_ngrams & translation.distinct_ngrams
    if not shared:
        return
    starts = [start for start, ngram in enumerate(translation.ngrams) if ngram in shared]
    covered = sorted({start + offset for start in starts for offset in range(NGRAM)})
    plain = _plain([translation.cased_words[place] for place in covered], pair)
    low, high = COPIED_SHARE
    share = len(covered) / len(translation.words)
    if plain >= MANY_PLAIN_WORDS or (plain >= PLAIN_WORDS and share >= low):
        words = [translation.words[place] for place in covered]
        sure = share >= high and plain >= PLAIN_SHARE * len(covered)
        weight = (1 if sure else 0.5) if _source_like(words, identifier) else 0.25
        yield Evidence("untranslated", f"as in the source: {' '.join(words[:12]):.80}", weight)


def _source_like(words: Sequence[str], identifier: Identifier | None) -> bool:
    if identifier is None:
        return True
    leaning = identifier.leaning([" ".join(words)])
    return not leaning.third and leaning.to_source[0] >= SOURCE_LIKE


def _plain(words: Sequence[str], pair: Pair) -> int:
    """Count the words that are no names: in the source language's script, and without a capital."""
    scripts = script_names(pair.direction.source.script)
    return sum(not word[0].isupper() and script_of(word[0]) in scripts for word in words)
