"""Options that the tools of `kielo select` share: what is read, how much is wanted, and where the ids go."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from align.selection.pool import Picks, Wanted
from align.selection.pool_file import MISSING, PoolFile
from kielo.errors import UsageError
from kielo.options.values import positive
from kielo.records import replacing


def add_pool_options(parser: argparse.ArgumentParser, reads: str) -> None:
    """Add --pool, --size, --budget, --missing and --out; `reads` says which keys of a row count."""
    parser.add_argument(
        "--pool", type=Path, required=True, metavar="POOL", help=f"rows {{{reads}}}, .jsonl or .jsonl.gz"
    )
    parser.add_argument("--size", type=positive, required=True, metavar="N", help="rows to select")
    parser.add_argument(
        "--budget", type=_budget, action="append", default=[], metavar="CODE=N",
        help="rows of a language, by the rows' \"language\"; may be given again, and they add up to --size",
    )  # fmt: skip
    parser.add_argument(
        "--missing", choices=MISSING, default="refuse",
        help="rows that lack a key: refuse the pool, leave them out, or give them the lowest number and no labels (default: refuse)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, required=True, metavar="IDS", help="a JSON list of ids, in the order picked"
    )


def _budget(text: str) -> tuple[str, int]:
    code, _, rows = text.partition("=")
    if not code or not rows.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is no language and number of rows; write fi=400")
    return code, int(rows)


def wanted(arguments: argparse.Namespace, seed: int = 0) -> Wanted:
    """Say how much is to be selected.

    Raises:
        UsageError: a language has two budgets, or they do not add up to the size.
    """
    budgets = dict(arguments.budget)
    if len(budgets) < len(arguments.budget):
        raise UsageError("--budget: a language has two; give each one.")
    if budgets and sum(budgets.values()) != arguments.size:
        raise UsageError(
            f"--budget: they add up to {sum(budgets.values())} and --size is {arguments.size}; make them equal."
        )
    return Wanted(arguments.size, budgets, seed)


def write_ids(out: Path, file: PoolFile, picks: Picks) -> None:
    """Write the ids of what was picked, as the pool writes them."""
    with replacing(out) as stream:
        stream.write(json.dumps([file.ids[row] for row in picks.rows.tolist()], ensure_ascii=False).encode() + b"\n")
