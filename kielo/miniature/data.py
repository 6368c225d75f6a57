"""The data of a miniature run: rows of the pocket world in place of what lies on the Hub, and a translation memory of most of their texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kielo.records import dump_row, replacing
from kielo.schema import Dataset

ROWS = 12
"""Rows of a data set; questions have fewer, every one costs an answer of every model."""
ASKED = 6
"""Every so many texts one is not in the memory, so that the model is asked for it."""
_POCKET = {"conversations": "oasst2", "preferences": "helpsteer2", "ifeval": "ifeval", "sentences": "parallel", "questions": "questions"}  # fmt: skip
_FEWER = {"questions": 4, "ifeval": 8}
_TEXTS = ("text", "prompt", "response")
_SOURCE, _TARGET = "en", "fi"
_SURPLUS = 5
_LITERAL = re.compile(r"""["*<`\[]""")
Row = dict[str, Any]


def _drawn(kind: str, seed: int) -> tuple[list[Row], list[Row]]:
    """Draw the rows that stand in for a data set, in both of the pocket world's languages."""
    from kielo.pocket.datasets import rows

    count = _FEWER.get(kind, ROWS)
    there, here = (rows(_POCKET[kind], count * (_SURPLUS if kind == "ifeval" else 1), seed, code) for code in (_SOURCE, _TARGET))  # fmt: skip
    if kind == "ifeval":
        places = _translatable_first([row["prompt"] for row in there])[:count]
        return [there[place] for place in places], [here[place] for place in places]
    return there, here


def _translatable_first(prompts: list[str]) -> list[int]:
    """Order prompts: one that holds what must come through as it is, then those that hold nothing of the kind.

    A translation memory is not asked for the first, and a model of random weights loses what it should keep: of a few
    such prompts none would be left.
    """
    fixed = [place for place, prompt in enumerate(prompts) if _LITERAL.search(prompt)]
    return [*fixed[:1], *(place for place in range(len(prompts)) if place not in fixed), *fixed[1:]]


def write_rows(file: Path, dataset: Dataset, seed: int, source_language: str) -> dict[str, str]:
    """Write the rows of one data set and return which text of them is translated how.

    Rows that are written in another language than the source's are of the pocket world's second one, whatever the recipe's is.
    """
    own = dataset.language not in (None, source_language)
    there, here = _drawn(dataset.kind, seed)
    write_once(file, here if own else there)
    return dict(_pairs(there, here))


def _pairs(there: list[Row], here: list[Row]) -> Iterator[tuple[str, str]]:
    for source, target in zip(there, here, strict=True):
        if "source" in source:
            yield source["source"], source["target"]
        yield from ((source[key], target[key]) for key in _TEXTS if key in source)
        yield from zip(source.get("turns", ()), target.get("turns", ()), strict=True)


def write_memory(file: Path, translations: Mapping[str, str]) -> None:
    """Write the translation memory, but for every so manieth text."""
    known = [{"source": source, "target": target} for source, target in translations.items()]
    write_once(file, [row for place, row in enumerate(known, 1) if place % ASKED])


def write_once(file: Path, rows: list[Row]) -> None:
    """Write rows as JSONL, unless they stand there already."""
    text = "".join(f"{dump_row(row)}\n" for row in rows).encode("utf-8")
    if not file.is_file() or file.read_bytes() != text:
        with replacing(file) as stream:
            stream.write(text)
