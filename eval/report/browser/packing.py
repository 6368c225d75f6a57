"""Makes the answers small enough for one page: the longest are cut and counted, the rest is deflated."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

LONGEST, SHORTEST = 8_000, 500
CHARACTERS = 40_000_000
"""Of answers on one page, about: a browser holds the benchmark that is looked at, unpacked, two or three times over."""


@dataclass
class Cut:
    """Where texts are cut, and how many were."""

    longest: int
    texts: int = 0
    cut: int = 0

    def shown(self, text: str) -> str:
        """Cut a text that is too long, and end it with a sign for that."""
        return text if len(text) <= self.longest else f"{text[: self.longest]}…"

    def answer(self, text: str) -> list[str | int]:
        """Cut an answer that is too long; returns it with the number of characters left out, if any."""
        self.texts += 1
        left_out = len(text) - self.longest
        if left_out <= 0:
            return [text]
        self.cut += 1
        return [text[: self.longest], left_out]


def cut_at(lengths: Iterable[int]) -> int:
    """Choose where to cut texts of these lengths, in characters, for all of them to fit on one page."""
    all_lengths, longest = list(lengths), LONGEST
    while longest > SHORTEST and sum(min(length, longest) for length in all_lengths) > CHARACTERS:
        longest = max(SHORTEST, longest * 3 // 4)
    return longest


def pack(document: Mapping[str, Any]) -> str:
    """Write a document as JSON, deflated and in base64: nothing in it can be markup, whatever a model wrote."""
    written = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # Half a surrogate pair is no UTF-8; written as \udxxx it is JSON for the same.
    return base64.b64encode(zlib.compress(written.encode("utf-8", "backslashreplace"), 5)).decode("ascii")
