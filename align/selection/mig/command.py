"""`kielo select mig`: rows of a pool by the information they bring to a graph of labels, without a recipe."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from align.selection.label_names import LabelNames, nearest_name, read_label_names
from align.selection.mig.method import pick
from align.selection.pool_file import PoolFile, read_pool
from align.selection.pool_options import add_pool_options, wanted, write_ids
from kielo.errors import UsageError
from kielo.options.json_out import add_json, json_file, tell
from kielo.options.out_files import output_file
from kielo.schema.selection import Mig
from kielo.text_table import clean, listed

_NAMED = 3
"""Unknown labels that are named."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this tool's options."""
    add_pool_options(parser, '"id", "labels": [...], "score": x, "language"?')
    parser.add_argument(
        "--label-names", type=Path, required=True, metavar="NAMES", help="the labels that count, one a line"
    )
    parser.add_argument(
        "--label-embeddings", type=Path, metavar="E.npy", help="a vector for each of them; needed unless --propagation 0"
    )  # fmt: skip
    options: dict[str, dict[str, Any]] = {
        "threshold": {"type": float, "metavar": "COSINE"}, "propagation": {"type": float, "metavar": "WEIGHT"},
        "norm": {"action": "store_const", "const": True}, "gain": {"choices": ("linear", "true")},
        "information": {"choices": ("power", "exponential")}, "exponent": {"type": float, "metavar": "B"},
        "offset": {"type": float, "metavar": "A"}, "rate": {"type": float, "metavar": "R"},
    }  # fmt: skip
    for name, how in options.items():
        field = Mig.model_fields[name]
        parser.add_argument(
            f"--{name}", **how, help=f"{field.description} (default: {_written(field.default)})".replace("%", "%%")
        )
    add_json(parser, "the report, with all digits")
    parser.set_defaults(settings=tuple(options))


def _written(default: object) -> str:
    return ("on" if default else "off") if isinstance(default, bool) else str(default)


def run(arguments: argparse.Namespace) -> None:
    """Select, write the ids, and print what the selection is worth."""
    settings, asked = _settings(arguments), wanted(arguments)
    inputs = [path for path in (arguments.pool, arguments.label_names, arguments.label_embeddings) if path]
    out = output_file("--out", arguments.out, *inputs)
    report = json_file(arguments.json, *inputs)
    assert out is not None
    if report and report.resolve() == out.resolve():
        raise UsageError(f"--json {report}: --out names this file too; name another one.")
    names = read_label_names(arguments.label_names, arguments.label_embeddings if settings.propagation else None)
    file = read_pool(arguments.pool, ("labels", "scores"), arguments.missing, names)
    for line in _noted(file, names, arguments.missing):
        print(line, file=sys.stderr)
    picks = pick(file.pool, asked, settings, file.labels_written)
    write_ids(out, file, picks)
    counts = {**picks.counts, "missing": dict(file.missing), "unknown_labels": dict(file.unknown_labels)}
    tell(report, counts, "\n".join(_lines(counts)))


def _settings(arguments: argparse.Namespace) -> Mig:
    given = {name: getattr(arguments, name) for name in arguments.settings}
    try:
        return Mig.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        place = f"--{first['loc'][0]}: " if first["loc"] else ""
        raise UsageError(f"{place}{first['msg'].removeprefix('Value error, ')}.") from error


def _noted(file: PoolFile, names: LabelNames, missing: str) -> Iterator[str]:
    """Say which rows lack something, and which labels do not count."""
    for key, rows in file.missing.items():
        done = "left out" if missing == "skip" else "given no labels" if key == "labels" else "given the lowest one"
        yield f"{rows} rows have no {key}: {done}."
    if file.unknown_labels:
        some = "; ".join(_unknown(label, rows, names) for label, rows in file.unknown_labels[:_NAMED])
        yield f"{len(file.unknown_labels)} labels of the pool are not in {names.file} and do not count: {some}."


def _unknown(label: str, rows: int, names: LabelNames) -> str:
    near = nearest_name(label, names)
    return clean(f"'{label}' in {rows} rows" + (f", nearest name '{near}'" if near else ""))


def _lines(counts: Mapping[str, Any]) -> Iterator[str]:
    settings, information, labels = (counts[key] for key in ("settings", "information", "labels"))
    rows, picked = (sum(language[key] for language in counts["languages"].values()) for key in ("pool", "picks"))
    yield f"{picked:,} of {rows:,} rows"
    yield from listed(
        [
            ("settings", ", ".join(f"{name} {_setting(value)}" for name, value in settings.items())),
            ("information", f"{information['picks']:,.6g}; {information['random']:,.6g} for random rows, {information['pool']:,.6g} for all"),
            ("labels", f"{labels['in_picks']:,} of {labels['in_pool']:,} in the pool ({labels['covered']:.1%}); with those near them {labels['reached_by_picks']:,} of {labels['reached_by_pool']:,}; {labels['joined_pairs']:,} pairs are joined"),
            ("labels per row", f"{counts['labels_per_row']['picks']:.2f}; {counts['labels_per_row']['pool']:.2f} in the pool"),
            ("overlap with random rows", f"{counts['overlap_with_random']:.1%}"),
            ("rows without known labels", f"{counts['rows_without_labels']['picks']:,} of {counts['rows_without_labels']['pool']:,}"),
            ("picks without gain", f"{counts['picks_without_gain']:,}"),
            *((f"language {code or '(none given)'}", f"{each['picks']:,} of {each['pool']:,}, {each['share']:.1%} of the picks") for code, each in counts["languages"].items()),
        ]
    )  # fmt: skip


def _setting(value: object) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else f"{value}"
