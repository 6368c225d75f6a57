"""The tables of similarities for a terminal: a matrix a metric, and every model against all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kielo.text_table import aligned


def compared_tables(document: Mapping[str, Any]) -> str:
    """Lay out a model's mean similarity to the others with intervals, and below a matrix of all pairs for every metric."""
    metrics, models = document["metrics"], document["models"]
    rows = [
        (name, str(next(iter(found.values()))["prompts"]), *(_estimate(found[metric]) for metric in metrics))
        for name, found in models.items()
    ]
    lines = ["To the other models, mean over prompts [95% interval]", *aligned([("model", "prompts", *metrics), *rows])]
    for metric in metrics:
        lines += ["", f"{metric}, every two models (prompts that both answered)", *_matrix(document, metric)]
    lines += ["", *(f"{name}: {says}." for name, says in metrics.items())]
    return "\n".join(lines)


def published_table(document: Mapping[str, Any]) -> str:
    """Lay out running averages, the spread in brackets as published."""
    models: Mapping[str, Any] = document["models"]
    metrics = list(next(iter(models.values())))
    rows = [
        (name, str(found[metrics[0]]["prompts"]), *(f"{found[one]['mean']:.2f} ({found[one]['spread']:.2f})" for one in metrics))
        for name, found in models.items()
    ]  # fmt: skip
    return "\n".join(aligned([("model", "prompts", *metrics), *rows]))


def _matrix(document: Mapping[str, Any], metric: str) -> list[str]:
    """Number the models, so that columns stay narrow; a pair without a common prompt is a dash."""
    names = list(document["models"])
    found = {(pair["first"], pair["second"]): pair[metric] for pair in document["pairs"]}
    rows = [
        (
            f"{place} {name}",
            *(_cell(found.get((other, name)) or found.get((name, other))) for other in names[: place - 1]),
        )
        for place, name in enumerate(names, 1)
    ]
    width = len(names)
    heading = ("", *map(str, range(1, width)))
    return aligned([heading, *((*row, *[""] * (width - len(row))) for row in rows)])


def _cell(found: Mapping[str, Any] | None) -> str:
    return "-" if found is None else f"{found['mean']:.3f} ({found['prompts']})"


def _estimate(found: Mapping[str, Any]) -> str:
    return f"{found['mean']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"
