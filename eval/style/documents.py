"""Styles as one JSON document, and as rows for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from eval.style.inheritance import Ratio
from eval.style.pages import Pages, published_ratios
from eval.style.profiles import Profile
from eval.table_files import Value

CSV_HEADINGS = (
    "model", "mark", "answers", "mean", "mean low", "mean high", "total", "ratio to source", "ratio low", "ratio high",
)  # fmt: skip


def answers_document(
    profiles: Mapping[str, Profile], source: str | None, ratios: Mapping[str, Mapping[str, Ratio | None]]
) -> dict[str, Any]:
    """Make the document of stored answers: every mark's mean of an answer, and what was taken over of the source."""
    return {
        "scope": "answers", "source": source,
        "models": {name: _profile(found) for name, found in profiles.items()},
        "inheritance": {name: {mark: _ratio(ratio) for mark, ratio in found.items()} for name, found in ratios.items()},
    }  # fmt: skip


def pages_document(pages: Mapping[str, Pages], source: str | None) -> dict[str, Any]:
    """Make the document of whole pages, as published: totals of a folder, and their ratios to the source's."""
    values = {name: {**found.totals, "length_characters": found.length_characters} for name, found in pages.items()}
    others = [name for name in pages if source is not None and name != source]
    return {
        "scope": "pages", "source": source,
        "models": {name: {"pages": pages[name].pages, "marks": found} for name, found in values.items()},
        "inheritance": {name: published_ratios(values[name], values[str(source)]) for name in others},
    }  # fmt: skip


def csv_rows(document: Mapping[str, Any]) -> Iterator[tuple[Value, ...]]:
    """Lay a document out, a row for every model and mark."""
    for name, model in document["models"].items():
        taken = document["inheritance"].get(name, {})
        for mark, value in model["marks"].items():
            if document["scope"] == "pages":
                length = mark == "length_characters"
                cells = (model["pages"], value if length else None, None, None, None if length else value)
                yield (name, mark, *cells, taken.get(mark), None, None)
            else:
                ratio = taken.get(mark) or {"ratio": None, "low": None, "high": None}
                yield (
                    name,
                    mark,
                    model["answers"],
                    *value.values(),
                    *(ratio[part] for part in ("ratio", "low", "high")),
                )


def _profile(found: Profile) -> dict[str, Any]:
    marks = {
        mark: {"mean": each.mean, "low": each.interval.low, "high": each.interval.high, "total": each.total}
        for mark, each in found.estimates.items()
    }
    return {"prompts": len(found.styles), "answers": found.answers, "marks": marks}


def _ratio(found: Ratio | None) -> dict[str, Any] | None:
    if found is None:
        return None
    between = found.interval
    low, high = (between.low, between.high) if between else (None, None)
    return {"ratio": found.value, "low": low, "high": high, "prompts": found.prompts}
