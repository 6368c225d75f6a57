"""The tables of styles for a terminal: models in rows, marks in columns, every mean with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kielo.text_table import aligned

_TITLES: Mapping[str, str] = {
    "ordered_lists": "ordered lists", "unordered_lists": "unordered lists", "ordered_items": "numbered items",
    "unordered_items": "bullets", "code_blocks": "code blocks", "table_rows": "table rows",
    "length_characters": "characters", "length_words": "words",
}  # fmt: skip
_GROUPS: Mapping[str, Sequence[str]] = {
    "Emphasis and lists": ("strong", "em", "ordered_lists", "unordered_lists", "ordered_items", "unordered_items"),
    "Headings": ("h1", "h2", "h3", "h4", "h5", "h6"),
    "Blocks and length": ("paragraphs", "code_blocks", "table_rows", "length_characters", "length_words"),
}  # fmt: skip


def answer_tables(document: Mapping[str, Any]) -> str:
    """Lay out the means of an answer, group by group, and below what was taken over of the source."""
    lines: list[str] = []
    for title, marks in _GROUPS.items():
        rows = [
            (name, str(model["answers"]), *(_mean(model["marks"][mark]) for mark in marks))
            for name, model in document["models"].items()
        ]
        lines += [
            f"{title}, mean of an answer [95% interval over prompts]",
            *_table(("model", "answers"), marks, rows),
            "",
        ]
    lines += ["An interval without width says that no two prompts differ, not that the mean is exact."]
    if document["source"] is None:
        return "\n".join(lines)
    lines += [""]
    for title, marks in _GROUPS.items():
        found = document["inheritance"].items()
        lines += [f"{title}, ratio to {document['source']} [95% interval]"]
        lines += [
            *_table(("model",), marks, [(name, *(_ratio(taken[mark]) for mark in marks)) for name, taken in found]),
            "",
        ]
    lines += ["-: the source has none. Without an interval: fewer than 10 prompts of the source have the mark."]
    return "\n".join(lines)


def page_tables(document: Mapping[str, Any]) -> str:
    """Lay out the totals over pages, and below their ratios to the source's."""
    marks = list(next(iter(document["models"].values()))["marks"])
    totals = [
        (name, str(model["pages"]), *(f"{model['marks'][mark]:.0f}" for mark in marks))
        for name, model in document["models"].items()
    ]
    lines = ["Totals over pages; characters: mean of a page", *_table(("model", "pages"), marks, totals)]
    if document["source"] is not None:
        found = document["inheritance"].items()
        rows = [
            (name, *("-" if taken[mark] is None else f"{taken[mark]:.3f}" for mark in marks)) for name, taken in found
        ]
        lines += ["", f"Ratio to {document['source']}", *_table(("model",), marks, rows)]
    return "\n".join(lines)


def _table(first: Sequence[str], marks: Iterable[str], rows: Iterable[tuple[str, ...]]) -> list[str]:
    return aligned([(*first, *(_TITLES.get(mark, mark) for mark in marks)), *rows])


def _mean(found: Mapping[str, float]) -> str:
    digits = 0 if found["mean"] >= 100 else 2
    return f"{found['mean']:.{digits}f} [{found['low']:.{digits}f}, {found['high']:.{digits}f}]"


def _ratio(found: Mapping[str, float | None] | None) -> str:
    if found is None:
        return "-"
    between = "" if found["low"] is None else f" [{found['low']:.2f}, {found['high']:.2f}]"
    return f"{found['ratio']:.3f}{between}"
