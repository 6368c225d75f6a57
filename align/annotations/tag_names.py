"""Brings tags together that many hands wrote: one spelling, one of each group that means the same, none that few rows have.

After InsTag (arXiv 2308.07074), in four rules that a person can follow in tags.tsv: (1) lower case, and one blank for
everything that is no letter or digit; (2) tags with the same word stems are one, by the spelling most rows have; (3) tags
that too few rows have are left out; (4) tags whose vectors have a cosine of 0.95 or more are one, by the more frequent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from align.annotations.embedder import Embed

NEAR = 0.95
"""Cosine from which two tags are one."""
_NO_WORD = re.compile(r"[\W_]+")
_ENDINGS = ("ings", "ing", "ed", "es", "s", "e")
_SHORTEST_STEM = 4
Tags = tuple[str, ...]


@dataclass(frozen=True)
class Named:
    """Tags brought together: those of each row, all names in their order, and what became of every spelling, for tags.tsv."""

    rows: tuple[Tags | None, ...]
    names: Tags
    spellings: tuple[tuple[str, int, str, str], ...]
    """(normal spelling, rows that have it, the tag it became, why); became nothing: left out."""


def spelled(tag: str) -> str:
    """Spell a tag the one way: lower case, words apart by one blank."""
    return _NO_WORD.sub(" ", tag.lower()).strip()


def stems(tag: str) -> str:
    """Take the English endings off a tag's words, so that `problem solving` and `problem solve` are equal."""
    return " ".join(map(_stem, tag.split()))


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending)
    return word


def bring_together(rows: Sequence[Tags | None], least: int, embed: Embed) -> Named:
    """Make one tag of those that are one, and leave out those of fewer than `least` rows."""
    own = [None if tags is None else tuple(dict.fromkeys(filter(None, map(spelled, tags)))) for tags in rows]
    counts = _counted(own)
    leaders = _same_stems(counts)
    by_stem = {tag: leaders[stems(tag)] for tag in counts}
    frequent = {tag: count for tag, count in _counted(own, by_stem).items() if count >= least}
    near = _near(_ordered(frequent), embed)
    return _named(own, by_stem, {tag: near.get(leader, leader) for tag, leader in by_stem.items()}, set(frequent))


def as_written(rows: Sequence[Tags | None], least: int) -> Named:
    """Leave tags as they are, but for those of fewer than `least` rows, which are left out."""
    same = {tag: tag for tags in rows if tags for tag in tags}
    return _named(rows, same, same, {tag for tag, count in _counted(rows).items() if count >= least})


def _named(rows: Sequence[Tags | None], by_stem: Mapping[str, str], became: Mapping[str, str], kept: Set[str]) -> Named:
    counts = _counted(rows)
    named = [None if tags is None else [became[tag] for tag in tags if became[tag] in kept] for tags in rows]
    told = [
        (tag, counts[tag], became[tag] if became[tag] in kept else "", _why(tag, by_stem[tag], became[tag], kept))
        for tag in _ordered(counts)
    ]
    own = tuple(None if tags is None else tuple(dict.fromkeys(tags)) for tags in named)
    return Named(own, tuple(sorted({tag for tags in own if tags for tag in tags})), tuple(told))


def _why(tag: str, by_stem: str, became: str, kept: Set[str]) -> str:
    if became not in kept:
        return "too few rows"
    if became != by_stem:
        return "near"
    return "same stems" if by_stem != tag else ""


def _ordered(counts: Mapping[str, int]) -> list[str]:
    return sorted(counts, key=lambda tag: (-counts[tag], tag))


def _counted(rows: Sequence[Tags | None], became: Mapping[str, str] | None = None) -> Counter[str]:
    """Count the rows of every tag, or of what it became."""
    return Counter(tag for tags in rows if tags for tag in {became[each] if became else each for each in tags})


def _same_stems(counts: Mapping[str, int]) -> dict[str, str]:
    """Name the most frequent spelling for every sequence of stems."""
    found: dict[str, str] = {}
    for tag in _ordered(counts):
        found.setdefault(stems(tag), tag)
    return found


def _near(tags: Sequence[str], embed: Embed, block: int = 512) -> dict[str, str]:
    """Find the tags that are near enough to one before them, the most frequent first, and the nearest such that leads."""
    if len(tags) < 2:
        return {}
    vectors = embed(tags)
    leads: list[int] = []
    merged: dict[str, str] = {}
    for start in range(0, len(tags), block):
        end = min(start + block, len(tags))
        earlier = np.array(leads, np.int64)
        cosines = np.concatenate(
            [vectors[start:end] @ vectors[earlier].T, vectors[start:end] @ vectors[start:end].T], axis=1
        )
        for place in range(start, end):
            columns = [*range(len(earlier)), *(len(earlier) + each - start for each in leads[len(earlier) :])]
            of_leads = cosines[place - start, columns]
            if columns and of_leads.max() >= NEAR:
                merged[tags[place]] = tags[leads[int(of_leads.argmax())]]
            else:
                leads.append(place)
    return merged
