"""`--json` of the verbs that count something: alone it prints the document in place of the tables, with FILE it writes it beside them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from kielo.errors import UsageError
from kielo.options.out_files import output_file
from kielo.records import JSON, json_text, write_json

STDOUT = Path("-")
_ROWS = (".jsonl", ".yaml", ".yml")


def add_json(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--json [FILE]`; `what` it writes stands in the help."""
    parser.add_argument(
        "--json", type=Path, nargs="?", const=STDOUT, metavar="FILE",
        help=f"{what}: without FILE (or as -) to standard output in place of the tables; with it into a file, beside them",
    )  # fmt: skip


def json_file(given: Path | None, *inputs: Path) -> Path | None:
    """Check what followed `--json`.

    Raises:
        UsageError: it is a file that cannot be written, an input, or one that was meant as an input.
    """
    out = output_file("--json", None if given == STDOUT else given, *inputs)
    if out and out.suffix in _ROWS and out.exists():
        raise UsageError(
            f"--json {out}: this file holds something else; name a .json file, or write --json last to print the document."
        )
    return given


def tell(given: Path | None, document: JSON, tables: str, notes: Sequence[str] = ()) -> None:
    """Print tables and notes, or the document in their place, with the notes on standard error; write the file if one was named."""
    if given == STDOUT:
        print(json_text(document), end="")
        print(*notes, sep="\n", end="\n" if notes else "", file=sys.stderr)
        return
    if given:
        write_json(given, document)
    print(tables, *notes, sep="\n")
