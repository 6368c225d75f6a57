"""Marks of style in answers (bold, lists, headings ...): judges are known to like them, so they are counted beside the verdicts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

MARKS: Mapping[str, re.Pattern[str]] = {
    "headings": re.compile(r"^ {0,3}#{1,6}\s", re.MULTILINE),
    "bold": re.compile(r"\*\*[^\s*][^*\n]*\*\*|__[^\s_][^_\n]*__"),
    "bullets": re.compile(r"^\s*[-*+•]\s+\S", re.MULTILINE),
    "numbered": re.compile(r"^\s*\d{1,3}[.)]\s+\S", re.MULTILINE),
    "code_blocks": re.compile(r"^ {0,3}```[^`\n]*$[\s\S]*?(?:^ {0,3}```\s*$|\Z)", re.MULTILINE),
    "table_rows": re.compile(r"^\s*\|.*\|\s*$", re.MULTILINE),
}
_CODE = MARKS["code_blocks"]


def style_counts(text: str) -> dict[str, int]:
    """Count the marks of one answer; what stands in code is no mark."""
    prose = _CODE.sub("", text)
    return {name: len(mark.findall(text if mark is _CODE else prose)) for name, mark in MARKS.items()}


def mean_style(texts: Sequence[str | None]) -> dict[str, float]:
    """Average the marks over the answers that are at hand."""
    counted = [style_counts(text) for text in texts if text is not None]
    return {name: round(sum(each[name] for each in counted) / len(counted), 3) for name in MARKS} if counted else {}
