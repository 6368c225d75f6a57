"""Finds numbers that changed, whatever the languages' separators, clocks, centuries and orders of day and month."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from translate.checks.findings import Evidence
from translate.checks.views import Pair, Text

_NUMBER = re.compile(r"\d+(?:(?<!\d{4})[.,'’ \u00a0\u202f]\d{3}(?!\d))*")
MOST = 50
"""Different numbers that are compared with one another; a text with more is a table, and nothing excuses it."""
ALL_LOST = 3
"""Numbers that are hardly all written as words."""
_SEPARATORS = re.compile(r"\D")


def numbers(pair: Pair) -> Iterator[Evidence]:
    """Find a number of the source that is missing while another one came instead (after OpusCleaner's num_mismatch).

    One that is only missing or only added may be written as a word or stand for one, and counts little.
    """
    if not (pair.source.has_digits or pair.translation.has_digits):
        return
    before, after = _numbers(pair.source), _numbers(pair.translation)
    if before == after:
        return
    missing, added = before - after, after - before
    for number in list(missing)[:MOST]:
        for other in list(added)[:MOST]:
            if added[other] and (_same(number, other) or _same(other, number)):
                excused = min(missing[number], added[other])
                missing[number] -= excused
                added[other] -= excused
    lost, new = list(missing.elements()), list(added.elements())
    if lost and new:
        yield Evidence("numbers", f"{', '.join(lost[:3]):.40} became {', '.join(new[:3]):.40}", 1)
    elif len(lost) + len(new) >= 2 or len("".join(lost + new)) >= 3:
        names = ", ".join((lost or new)[:3])
        all_lost = len(lost) >= ALL_LOST and not after
        yield Evidence("numbers", f"{'lost' if lost else 'added'}: {names:.40}", 1 if all_lost else 0.25)


def _numbers(text: Text) -> Counter[str]:
    """Count the numbers of a text as digits alone; nought (`9.00`, `1.0`) comes and goes with the way of writing."""
    if not text.has_digits:
        return Counter()
    found = (_SEPARATORS.sub("", number).lstrip("0") for number in _NUMBER.findall(text.prose))
    return Counter(number for number in found if number)


def _same(one: str, other: str) -> bool:
    """Tell whether two numbers may say the same: a 24-hour clock, a century by its hundreds, thousands, a short year, units run together."""
    if len(one) > 15 or len(other) > 15 or not (one.isascii() and other.isascii()):
        return one in other
    small, large = int(one), int(other)
    return (
        (small < 12 and large == small + 12)
        or large == 100 * (small - 1)
        or large == 100 * small
        or (len(one) == 2 and len(other) == 4 and other.endswith(one))
        or (large > small and large in (1000 * small, 1_000_000 * small))
        or (len(other) >= len(one) + 3 and one in other)
    )
