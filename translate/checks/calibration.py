"""What is usual in a run: length ratios by length of the source, and the token log-probabilities' lowest tail."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from translate.checks.findings import Direction, Item

BUCKETS = (16, 32, 64, 128, 256, 512)
"""Characters of the source at which a bucket ends; the last one is open."""
SPREADS = (0.25, 0.23, 0.19, 0.15, 0.13, 0.11, 0.10)
"""Spread of the log ratio by bucket where a run is too small to tell: people's English-Finnish translations (newstest2017,
FLORES-200, Tatoeba); DeepL's vary less."""
SPREAD_BOUNDS = (0.6, 1.4)
"""A run's own spread counts between these shares of SPREADS: neither copied names nor many faults move it further."""
SHIFT = 0.15
"""A run's own median counts within this distance of the pack's, so that a run of nothing but faults is not its own measure."""
FEWEST = 40
"""Items in a bucket from which on its own median and spread are used."""
ENDS = 5
"""Characters added to both lengths, so that the ratio of two short words is no ratio of two letters."""
NORMAL_QUARTILE = 0.6745
"""Standard deviations within which half of a normal distribution lies."""
LOGPROB_TAIL = 0.01


@dataclass(frozen=True)
class Usual:
    """Median and spread of the log length ratio by bucket, the log-probability below which the lowest tail begins, and how known."""

    medians: tuple[float, ...]
    spreads: tuple[float, ...]
    lowest_logprob: float | None
    items: int
    calibrated_buckets: int

    def deviation(self, source: int, translation: int) -> float:
        """Tell how many spreads the length of a translation is off, in characters; negative where it is too short."""
        bucket = bucket_of(source)
        return (log_ratio(source, translation) - self.medians[bucket]) / self.spreads[bucket]

    def as_json(self) -> dict[str, Any]:
        """Say what was learned, for the record."""
        own = f"{self.calibrated_buckets} of {len(SPREADS)} length buckets from the run itself, the others from the language pack"
        return {
            "items": self.items,
            "length_ratio": own,
            "buckets": [
                {"below_chars": limit, "median_ratio": round(math.exp(middle), 3), "log_spread": round(spread, 3)}
                for limit, middle, spread in zip((*BUCKETS, None), self.medians, self.spreads, strict=True)
            ],
            "lowest_logprob": self.lowest_logprob,
        }


def bucket_of(length: int) -> int:
    """Number the bucket of a source of so many characters."""
    return bisect_right(BUCKETS, length)


def log_ratio(source: int, translation: int) -> float:
    """Give the logarithm of translation over source, lengths in characters."""
    return math.log((translation + ENDS) / (source + ENDS))


def usual_of_pack(direction: Direction) -> Usual:
    """Give what the language packs say."""
    usual = math.log(direction.target.length_ratio / direction.source.length_ratio)
    return Usual((usual,) * len(SPREADS), SPREADS, None, 0, 0)


def usual_of_run(direction: Direction, items: Iterable[Item]) -> Usual:
    """Learn what is usual from the items of a run: centre and spread of the log ratio by bucket."""
    pack = usual_of_pack(direction)
    ratios: list[list[float]] = [[] for _ in SPREADS]
    logprobs: list[float] = []
    count = 0
    for item in items:
        count += 1
        before, after = len(item.source.strip()), len(item.translation.strip())
        if before and after and item.source != item.translation:
            ratios[bucket_of(before)].append(log_ratio(before, after))
        if item.logprob is not None:
            logprobs.append(item.logprob)
    learned = [
        _robust(found, middle, spread) for found, middle, spread in zip(ratios, pack.medians, SPREADS, strict=True)
    ]
    own = sum(len(found) >= FEWEST for found in ratios)
    medians, spreads = zip(*learned, strict=True)
    return Usual(medians, spreads, _lowest(logprobs), count, own)


def _robust(ratios: Sequence[float], usual: float, spread: float) -> tuple[float, float]:
    """Give centre and spread of the shortest half (Rousseeuw and Leroy 1988): up to half of a run may be faults."""
    if len(ratios) < FEWEST:
        return usual, spread
    ordered, half = sorted(ratios), len(ratios) // 2
    start = min(range(len(ordered) - half), key=lambda place: ordered[place + half] - ordered[place])
    centre = ordered[start + half // 2]
    own = (ordered[start + half] - ordered[start]) / (2 * NORMAL_QUARTILE)
    low, high = SPREAD_BOUNDS
    return min(max(centre, usual - SHIFT), usual + SHIFT), min(max(own, low * spread), high * spread)


def _lowest(logprobs: Sequence[float]) -> float | None:
    if len(logprobs) < FEWEST:
        return None
    return sorted(logprobs)[int(LOGPROB_TAIL * len(logprobs))]
