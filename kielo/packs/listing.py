"""`kielo language list`: the packs there are, where each lies, and what of it is measured or vouched for."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from kielo.errors import RecipeError
from kielo.languages.pack import PACKS, Language, codes, language, pack_file, shots_of
from kielo.text_table import text_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `list`."""
    parser.add_argument("--json", action="store_true", help="print the list as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print every pack, and below them what is wrong with those that cannot be read; 1 where there are such.

    Raises:
        RecipeError: KIELO_PACKS names no folder.
    """
    rows, mistakes = [], []
    for code in codes():
        try:
            rows.append(_row(language(code)))
        except RecipeError as error:
            mistakes.append(str(error))
    if arguments.json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        heads = ("code", "language", "shots", "DeepL", "told by py3langid", "verified by", "where")
        print(text_table([heads, *(_cells(row) for row in rows)]))
    if mistakes:
        print(*mistakes, sep="\n", file=sys.stderr)
    return int(bool(mistakes))


def _row(pack: Language) -> dict[str, Any]:
    verified = pack.verified
    return {
        "code": pack.code, "name": pack.name, "native_name": pack.native_name, "script": pack.script,
        "direction": pack.direction, "plurals": list(pack.plurals), "shots": shots_of(pack.code).is_file(), "deepl": pack.deepl,
        "identified": dict(pack.identified), "origins": dict(pack.origins),
        "verified": verified.model_dump(mode="json") if verified else {"by": None, "parts": []},
        "shipped": pack_file(f"{pack.code}.yaml").parent == PACKS, "file": str(pack_file(f"{pack.code}.yaml")),
    }  # fmt: skip


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    share = row["identified"].get("py3langid")
    by = row["verified"]["by"]
    return (
        row["code"], row["name"], "yes" if row["shots"] else "no", row["deepl"] or "no", "-" if share is None else f"{share:.1%}",
        f"{by} ({', '.join(row['verified']['parts'])})" if by else "nobody", "shipped" if row["shipped"] else row["file"],
    )  # fmt: skip
