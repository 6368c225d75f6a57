"""`kielo select METHOD`, for every method but MIG: a pool in a file, ids out."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from align.selection.methods import BASELINES, find_method
from align.selection.pool import Picks
from align.selection.pool_file import Needed, PoolFile, read_pool
from align.selection.pool_options import add_pool_options, wanted, write_ids
from kielo.errors import UsageError
from kielo.options.out_files import output_file
from kielo.options.values import seed
from kielo.schema.parts import Part
from kielo.schema.selection import Car, Deita, Method, Qdit
from kielo.text_table import listed


@dataclass(frozen=True)
class Baseline:
    """What a method reads of a pool, and what can be set."""

    needs: tuple[Needed, ...] = ()
    embeddings: bool = False
    settings: type[Part] | None = None
    seeded: bool = False


READS: Mapping[Method, Baseline] = {
    "random": Baseline(seeded=True),
    "longest": Baseline(("lengths",)),
    "score": Baseline(("scores",)),
    "ifd": Baseline(("ifd",)),
    "instag": Baseline(("labels",)),
    "deita": Baseline(("scores",), True, Deita),
    "car": Baseline(("scores",), True, Car, seeded=True),
    "qdit": Baseline(("scores",), True, Qdit),
}
_KEYS: Mapping[Needed, str] = {"labels": "labels", "scores": "score", "ifd": "ifd", "lengths": "length"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add a verb for every method, with its options; those of a recipe's `select` have its defaults."""
    methods = parser.add_subparsers(dest="method", required=True, metavar="METHOD")
    for name, baseline in READS.items():
        method = methods.add_parser(name, help=BASELINES[name], description=f"Select {BASELINES[name]}.")
        keys = ["id", *(_KEYS[need] for need in baseline.needs), "language"]
        add_pool_options(method, ", ".join(f'"{key}"' for key in keys))
        if baseline.embeddings:
            method.add_argument(
                "--embeddings", type=Path, required=True, metavar="E.npy", help="a vector for each row, in their order"
            )
        if baseline.seeded:
            method.add_argument("--seed", type=seed, default=0, help="of what is drawn at random (default: 0)")
        for key, field in (baseline.settings.model_fields if baseline.settings else {}).items():
            default = "" if field.default is None else f" (default: {field.default:g})"
            method.add_argument(
                f"--{key.replace('_', '-')}", type=int if key in ("clusters", "neighbours") else float,
                default=field.default, help=f"{field.description}{default}",
            )  # fmt: skip


def run(arguments: argparse.Namespace) -> None:
    """Select, write the ids, and print what was done."""
    name: Method = arguments.method
    baseline = READS[name]
    vectors: Path | None = arguments.embeddings if baseline.embeddings else None
    out = output_file("--out", arguments.out, arguments.pool, *([vectors] if vectors else []))
    assert out is not None
    settings = _settings(baseline.settings, arguments)
    asked = wanted(arguments, arguments.seed if baseline.seeded else 0)
    file = read_pool(arguments.pool, baseline.needs, arguments.missing, embeddings=vectors)
    picks = find_method(name)(file.pool, asked, settings)
    write_ids(out, file, picks)
    print("\n".join(_lines(file, picks)))


def _lines(file: PoolFile, picks: Picks) -> Iterator[str]:
    yield f"{len(picks.rows):,} of {len(file.pool.ids):,} rows"
    missing = [(f"rows without {key}", f"{rows:,}") for key, rows in file.missing.items()]
    yield from listed([*missing, *((key.replace("_", " "), f"{value:,}") for key, value in picks.counts.items())])


def _settings(kind: type[Part] | None, arguments: argparse.Namespace) -> Part | None:
    if kind is None:
        return None
    try:
        return kind(**{key: getattr(arguments, key) for key in kind.model_fields})
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(
            f"--{str(first['loc'][0]).replace('_', '-')}: {first['msg']}; this is {first['input']}."
        ) from error
