"""Preference rates as one JSON document, as rows for a spreadsheet, and as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from eval.preference_rates.rates import Flips, Rate, Rates
from eval.table_files import Value
from kielo.text_table import aligned, clean

Pair = tuple[str, str]
CSV_HEADINGS = ("model", "other", "rate", "low", "high", "higher", "lower", "ties", "prompts")


def rates_document(found: Rates, flipped: tuple[Pair, Pair, Flips] | None = None) -> dict[str, Any]:
    """Make the document: every model against every other; `share` is of all prompts, 0..1."""
    return {
        "models": list(found.models),
        "rates": [{"model": row, "other": column, **_rate(rate)} for (row, column), rate in found.rates.items()],
        "flips": None if flipped is None else _flips(*flipped),
    }


def csv_rows(document: Mapping[str, Any]) -> Iterator[tuple[Value, ...]]:
    """Lay the rates out, a row for every model against every other."""
    for each in document["rates"]:
        yield (each["model"], each["other"], *(each[part] for part in ("share", *CSV_HEADINGS[3:])))


def tables(document: Mapping[str, Any]) -> str:
    """Lay out the matrix of rates, the counts behind it, and the flips."""
    models, found = document["models"], {(each["model"], each["other"]): each for each in document["rates"]}
    matrix = [
        (f"{place} {row}", *("" if row == column else _percent(found[row, column]) for column in models))
        for place, row in enumerate(models, 1)
    ]
    counts = [
        (f"{row} over {column}", _percent(each), _interval(each), *(str(each[part]) for part in CSV_HEADINGS[5:]))
        for (row, column), each in found.items()
    ]
    lines = ["Preference rate, row over column: % of prompts on which it is scored higher"]
    lines += aligned([("", *map(str, range(1, len(models) + 1))), *matrix])
    lines += ["", *aligned([("", "rate %", "95% interval", "higher", "lower", "ties", "prompts"), *counts])]
    return "\n".join([*lines, *([] if document["flips"] is None else ["", _flip_line(document["flips"])])])


def _rate(rate: Rate) -> dict[str, Any]:
    return {
        "share": rate.share, "low": rate.interval.low, "high": rate.interval.high, "higher": rate.higher,
        "lower": rate.lower, "ties": rate.ties, "prompts": rate.prompts,
    }  # fmt: skip


def _flips(tuned: Pair, generators: Pair, found: Flips) -> dict[str, Any]:
    return {
        "tuned": list(tuned), "generators": list(generators), "flips": len(found.flipped), "decided": found.decided,
        "prompts": found.prompts, "flipped": list(found.flipped),
    }  # fmt: skip


def _percent(each: Mapping[str, Any]) -> str:
    return "-" if each["share"] is None else f"{100 * each['share']:.2f}"


def _interval(each: Mapping[str, Any]) -> str:
    return f"[{100 * each['low']:.1f}, {100 * each['high']:.1f}]"


def _flip_line(found: Mapping[str, Any]) -> str:
    pairs = " against ".join(" and ".join(found[side]) for side in ("tuned", "generators"))
    return clean(
        f"Flips, {pairs}: {found['flips']} of {found['prompts']} prompts ({found['decided']} on which both pairs have a preference)."
    )
