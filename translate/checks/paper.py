"""The published rules of the paper's own data set, for the profile `paper`: word count, other characters, compression.

Source: the card of LumiOpen/instruction-collection-fin ("150% more words than the original", ">30% non-alphanumeric
characters", "compression ratio <30%"). The first can be read as more than 1.5 or more than 2.5 times as many words; their
later code compares with 1.5, which is what is taken here. White space is not counted as a character. The compression ratio
is that of their code: bytes after gzip over characters before.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator

from translate.checks.findings import Evidence
from translate.checks.views import Pair

WORDS = 1.5
OTHER_CHARACTERS = 0.3
COMPRESSION = 0.3


def more_words(pair: Pair, limit: float = WORDS) -> Iterator[Evidence]:
    """Find a translation of more than `limit` times as many words."""
    before, after = len(pair.source.raw.split()), len(pair.translation.raw.split())
    if after > limit * before:
        yield Evidence("paper-words", f"{after} words for {before}", 1)


def other_characters(pair: Pair) -> Iterator[Evidence]:
    """Find a translation that is to more than 30% neither letters nor digits."""
    written = "".join(pair.translation.raw.split())
    share = sum(not char.isalnum() for char in written) / max(1, len(written))
    if share > OTHER_CHARACTERS:
        yield Evidence("paper-characters", f"{share:.0%} other characters", 1)


def compression(pair: Pair) -> Iterator[Evidence]:
    """Find a translation that compresses to less than 30%."""
    raw = pair.translation.raw
    ratio = len(gzip.compress(raw.encode("utf-8", "replace"), mtime=0)) / max(1, len(raw))
    if ratio < COMPRESSION:
        yield Evidence("paper-compression", f"compresses to {ratio:.0%}", 1)
