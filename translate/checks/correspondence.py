"""Finds translations that have nothing to do with their source: a dictionary learned from the run itself says which words go together.

No dictionary is shipped and no language is known: words of the two sides that stand in the same lines of a run far more often
than chance would have it translate each other (Dice's coefficient, as in sentence alignment since Gale and Church 1991).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

from translate.checks.findings import Evidence, Item
from translate.checks.views import Pair, text_of, words_of

STEM = 5
"""Characters of a word that count: enough to tell words apart, few enough for inflected forms to meet."""
FEWEST_LINES, MOST_LINES, LONGEST = 300, 4000, 1000
"""Fewer lines teach no dictionary; of more, every n-th is read, none longer than so many characters."""
VERSIONS = 3
"""Translations of one source that are read, where a run holds it several times."""
SEEN, COMMON = 3, 0.12
"""Lines in which a word must stand, and the share of all lines from which on it is too common to tell."""
TOGETHER, DICE = 0.25, 0.2
TRANSLATIONS = 4
KNOWN = 3
"""Words of a source that must be known before its translation is judged."""
SUSPECT, UNRELATED = 0.0, -4.0
"""Log-likelihood ratio of `translates` over `is any other text`: below the first it counts half, below the second in full."""


@dataclass(frozen=True)
class Entry:
    """What a source word becomes, how often one of these is there, and how often in a line of ten words by chance."""

    translations: frozenset[str]
    there: float
    by_chance: float


@dataclass(frozen=True)
class Lexicon:
    """Source words by their first letters, and what they become."""

    entries: Mapping[str, Entry]
    lines: int
    words_per_line: float


def learn(items: Iterable[Item]) -> Lexicon | None:
    """Learn the dictionary of a run; None where it is too small. A source counts once, however often it was translated."""
    by_source: dict[str, list[set[str]]] = {}
    for source, translation in _lines(items):
        versions = by_source.setdefault(source, [])
        if len(versions) < VERSIONS:
            versions.append(stems(words_of(translation)))
    step = -(-len(by_source) // MOST_LINES) or 1
    lines = [(stems(words_of(source)), set().union(*found)) for source, found in list(by_source.items())[::step]]
    if len(lines) < FEWEST_LINES:
        return None
    before, after = (Counter(stem for line in lines for stem in line[side]) for side in (0, 1))
    most = COMMON * len(lines)
    known, wanted = ({stem for stem, count in seen.items() if SEEN <= count <= most} for seen in (before, after))
    together: dict[str, Counter[str]] = {stem: Counter() for stem in sorted(known)}
    for source_stems, translation_stems in lines:
        telling = translation_stems & wanted
        for stem in source_stems & known:
            together[stem].update(telling)
    entries = {stem: _entry(counts, before[stem], after, len(lines)) for stem, counts in together.items()}
    found = {stem: entry for stem, entry in entries.items() if entry}
    return Lexicon(found, len(lines), sum(after.values()) / len(lines))


def _entry(together: Mapping[str, int], seen: int, after: Mapping[str, int], lines: int) -> Entry | None:
    """Choose the words that stand beside a word more than chance would have it."""
    choices = [
        (2 * count / (seen + after[stem]), stem, count)
        for stem, count in together.items()
        if count >= SEEN and count > TOGETHER * seen and 2 * count >= DICE * (seen + after[stem])
    ]
    if not choices:
        return None
    best = sorted(choices, reverse=True)[:TRANSLATIONS]
    there = min(0.95, 0.9 * max(count for _, _, count in best) / seen)
    chance = sum(after[stem] for _, stem, _ in best) / lines
    return Entry(frozenset(stem for _, stem, _ in best), there, chance)


def _lines(items: Iterable[Item]) -> Iterator[tuple[str, str]]:
    """Yield the texts line by line where both sides have the same lines; long texts in one piece teach nothing."""
    for item in items:
        before, after = text_of(item.source).prose_lines, text_of(item.translation).prose_lines
        if len(before) == len(after):
            yield from (pair for pair in zip(before, after, strict=True) if len(pair[0]) <= LONGEST)


def stems(words: Iterable[str]) -> set[str]:
    """Give the first letters of the words that say something; a character of a script without blanks is a word."""
    return {word[:STEM] for word in words if len(word) >= 3 or word > "\u2e7f"}


def unrelated(pair: Pair, lexicon: Lexicon) -> Iterator[Evidence]:
    """Find a translation without the words that the source's words became elsewhere in the run."""
    known = lexicon.entries.keys() & stems(pair.source.distinct_words)
    if len(known) < KNOWN:
        return
    there = stems(pair.translation.distinct_words)
    chances = max(1.0, len(there) / lexicon.words_per_line)
    # fsum does not mind in which order a set comes
    ratio = math.fsum(_says(lexicon.entries[stem], there, chances) for stem in known)
    if ratio < SUSPECT:
        weight = 1.0 if ratio < UNRELATED else 0.5
        yield Evidence(
            "unrelated", f"log-likelihood {ratio:.1f} by {len(known)} words: {pair.translation.raw:.60}", weight
        )


def _says(entry: Entry, there: Set[str], chances: float) -> float:
    chance = min(0.5, entry.by_chance * chances)
    if entry.translations.isdisjoint(there):
        return math.log((1 - entry.there) / (1 - chance))
    return math.log(entry.there / chance)
