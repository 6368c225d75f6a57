"""Finds translations much longer or shorter than is usual in the run, as a whole and line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from translate.checks.calibration import Usual
from translate.checks.findings import Evidence
from translate.checks.views import Pair, count_sentences

WHOLE = (2.0, 2.5)
"""Spreads off from which on a length counts, and spreads more at which it is enough; half of that counts half."""
LINE = (3.5, 4.0)
"""The same for one line of many: the furthest of a hundred lines is off by three spreads with nothing wrong."""
AMOUNT = (0.5, 2.5)
"""The same for a line whose number of sentences differs in the same direction."""
MOST_AMOUNT = 0.75
"""What sentences weigh at most: a left-out "Sure." is no fault by itself."""
SLACK = 8
"""Characters a translation may differ by whatever the ratio."""
LEAST = 0.25


def length_ratio(pair: Pair, usual: Usual) -> Iterator[Evidence]:
    """Find a length ratio far from the usual one, in log space (bicleaner and OpusFilter: a factor of 3 either way)."""
    before, after = len(pair.source.raw.strip()), len(pair.translation.raw.strip())
    weight = _weight(before, after, usual, WHOLE)
    if weight >= LEAST:
        yield Evidence("length-ratio", f"{after} characters for {before}", weight)


def line_length(pair: Pair, usual: Usual) -> Iterator[Evidence]:
    """Find the line whose length is furthest off, where both sides have the same number of lines."""
    before, after = pair.source.lines, pair.translation.lines
    if pair.level == "segment" or len(before) != len(after) or len(before) < 2:
        return
    weights = [
        _weight(len(source), len(translation), usual, LINE) for source, translation in zip(before, after, strict=True)
    ]
    worst = max(range(len(weights)), key=weights.__getitem__)
    if weights[worst] >= LEAST:
        detail = f"line {worst + 1}: {len(after[worst])} characters for {len(before[worst])}: {after[worst]:.60}"
        yield Evidence("line-length", detail, weights[worst])


def sentence_count(pair: Pair, usual: Usual) -> Iterator[Evidence]:
    """Find lines with more sentences and more text than the source's, or less of both: something was made up or left out."""
    before, after = pair.source, pair.translation
    if before.sentences == after.sentences:
        return
    found = max(_sentence_lines(before.prose_lines, after.prose_lines, usual), default=(0.0, ""))
    if found[0] >= LEAST:
        yield Evidence("sentences", found[1], found[0])
    elif abs(before.sentences - after.sentences) > max(1, 0.3 * before.sentences):
        yield Evidence("sentences", f"{after.sentences + 1} sentences, {before.sentences + 1} in the source", LEAST)


def _sentence_lines(before: Sequence[str], after: Sequence[str], usual: Usual) -> Iterator[tuple[float, str]]:
    if len(before) != len(after):
        return
    for source, translation in zip(before, after, strict=True):
        more = count_sentences(translation) - count_sentences(source)
        if more:
            deviation = usual.deviation(len(source), len(translation)) * (1 if more > 0 else -1)
            weight = min(MOST_AMOUNT, (deviation - AMOUNT[0]) / AMOUNT[1])
            detail = f"{more:+d} sentences and {len(translation)} characters for {len(source)}: {translation:.60}"
            yield round(weight, 2), detail


def _weight(before: int, after: int, usual: Usual, limits: tuple[float, float]) -> float:
    if abs(before - after) <= SLACK or not before:
        return 0.0
    start, reach = limits
    return round(min(1.0, max(0.0, (abs(usual.deviation(before, after)) - start) / reach)), 2)
