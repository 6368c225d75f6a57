"""Similarities as one JSON document, and as rows for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from eval.similarity.compare import Estimate, Similarity
from eval.similarity.published import ALPHA, EFFECTIVE_PROMPTS, Average
from eval.table_files import Value

CSV_HEADINGS = ("model", "other", "metric", "mean", "low", "high", "spread", "prompts")


def compared_document(found: Similarity) -> dict[str, Any]:
    """Make the document of plain means: pairs and models."""
    return {
        "averages": "mean", "metrics": dict(found.metrics),
        "pairs": [{"first": one, "second": other, **_estimates(each)} for (one, other), each in found.pairs.items()],
        "models": {name: _estimates(each) for name, each in found.models.items()},
    }  # fmt: skip


def published_document(found: Mapping[str, Mapping[str, Average]]) -> dict[str, Any]:
    """Make the document of running averages."""
    return {
        "averages": "running", "alpha": ALPHA, "effective_prompts": EFFECTIVE_PROMPTS,
        "models": {
            name: {
                metric: {"mean": each.mean, "spread": each.spread, "others": list(each.others), "prompts": each.prompts}
                for metric, each in averages.items()
            }
            for name, averages in found.items()
        },
    }  # fmt: skip


def csv_rows(document: Mapping[str, Any]) -> Iterator[tuple[Value, ...]]:
    """Lay a document out: pairs first, then every model against the others, whose column is empty."""
    for pair in document.get("pairs", ()):
        yield from _rows(pair["first"], pair["second"], {name: pair[name] for name in document["metrics"]})
    for name, found in document["models"].items():
        yield from _rows(name, None, found)


def _rows(model: str, other: str | None, found: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[Value, ...]]:
    for metric, each in found.items():
        cells = (each.get(part) for part in ("mean", "low", "high", "spread", "prompts"))
        yield (model, other, metric, *cells)


def _estimates(found: Mapping[str, Estimate]) -> dict[str, Any]:
    return {
        metric: {"mean": each.mean, "low": each.interval.low, "high": each.interval.high, "prompts": each.prompts}
        for metric, each in found.items()
    }
