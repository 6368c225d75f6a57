"""The data whose lengths a probe looks at: the source rows of a recipe's data sets, or one file of rows in a known format."""

from __future__ import annotations

from pathlib import Path

from kielo.errors import SourceError, at
from kielo.plan import Workplace, make_plan
from kielo.records import Record, read_jsonl, read_records
from kielo.schema import Recipe
from translate.rows.formats import FORMATS, Source, read_rows
from translate.rows.sources import run as read_source

MOST_ROWS = 1000
"""Of each data set: enough to know the share of long ones to about two hundredths."""
RECIPES = (".yaml", ".yml")


def is_recipe(path: Path | None) -> bool:
    """Say whether `--data` names a recipe rather than rows."""
    return path is not None and path.suffix in RECIPES


def recipe_records(recipe: Recipe, folder: Path) -> list[Record]:
    """Read the source rows of a recipe's data sets as its source steps do, into folders of their own.

    Raises:
        SourceError: rows are missing or malformed.
    """
    records: list[Record] = []
    for step in make_plan(recipe, MOST_ROWS):
        if step.kind == "source":
            place = Workplace(step, recipe, folder / step.name, {})
            place.folder.mkdir(parents=True, exist_ok=True)
            read_source(place)
            kind = recipe.translate.datasets[step.name.partition("/")[2]].kind
            records += read_records(kind, place.folder / "rows.jsonl")
    return records


def file_records(path: Path, source: str) -> list[Record]:
    """Read the first rows of a file, whose kind is told by its columns.

    Raises:
        SourceError: it is missing, empty or malformed, or its columns are none that Kielo knows.
    """
    rows = [row for row, _ in zip(read_jsonl(path), range(MOST_ROWS), strict=False)]
    if not rows:
        raise SourceError(f"{path}: holds no rows; name a file with some, or leave --data out.")
    columns = set(rows[0][1])
    kind = next((each.kind for each in FORMATS if each.columns <= columns), None)
    if kind is None:
        known = "; ".join(", ".join(sorted(each.columns)) for each in FORMATS)
        raise SourceError(
            f"{at(path, rows[0][0])}: columns {', '.join(sorted(columns))} are no known format; rename them. Known: {known}."
        )
    return list(read_rows(kind, Source(str(path), rows, source)))
