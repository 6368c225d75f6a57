"""Step `source`: rows from the Hub, a local file or the pocket world become records with the ids that run through every later file."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from kielo.errors import MissingExtraError, SourceError, at
from kielo.plan import Outcome, Workplace
from kielo.records import Record, read_jsonl, write_records
from kielo.row_values import Row
from kielo.schema import Dataset, Recipe
from translate.rows.formats import Source, read_rows

Rows = Iterable[tuple[int, Row]]
_COMMIT = re.compile("[0-9a-f]{40}")


def run(place: Workplace) -> Outcome:
    """Read one data set into `rows.jsonl`: records with ids `<dataset>/<5-digit number>`, the first `limit` of them.

    Raises:
        SourceError: the rows are missing, empty or malformed; the sentence names file, line and fix.
    """
    name = place.step.name.partition("/")[2]
    dataset, limit = place.recipe.translate.datasets[name], place.step.settings["limit"]
    file, rows = _rows(place.recipe, dataset)
    code = dataset.language or place.recipe.source_language
    source = Source(file, list(_renamed(rows, dataset.fields, file)), code, dataset.score)
    records = _numbered(islice(read_rows(dataset.kind, source), limit), name)
    count = write_records(place.folder / "rows.jsonl", records)
    dropped = {reason: number for reason, number in sorted(source.dropped.items()) if number}
    if not count:
        reasons = ", ".join(f"{reason}: {number}" for reason, number in dropped.items())
        raise SourceError(
            f"{file}: none of {len(source.rows)} rows gives a record ({reasons or 'no reason'}); check `kind:` and the rows."
        )
    counts = {
        "rows_read": len(source.rows),
        "records": count,
        "dropped": dropped,
        "licence": dataset.licence,
        "limit": limit,
    }
    return Outcome(("rows.jsonl",), counts)


def _numbered(records: Iterable[Record], dataset: str) -> Iterator[Record]:
    for number, record in enumerate(records):
        yield dataclasses.replace(record, id=f"{dataset}/{number:05d}")


def _renamed(rows: Rows, fields: Mapping[str, str], file: str) -> Iterator[tuple[int, Row]]:
    """Give every column the name that Kielo reads, as the recipe's `fields:` says."""
    for line, row in rows:
        for field, column in fields.items():
            if column not in row:
                raise SourceError(
                    f"{at(file, line)}: no column '{column}' (`fields: {{{field}: {column}}}`); it has {', '.join(row) or 'none'}."
                )
        yield line, {**row, **{field: row[column] for field, column in fields.items()}}


def _rows(recipe: Recipe, dataset: Dataset) -> tuple[str, Rows]:
    """Open the rows of a data set, with the name that error messages call it by."""
    if dataset.local is not None:
        path = recipe.path(dataset.local)
        return str(path), read_jsonl(path)
    if dataset.pocket is not None:
        from kielo.pocket import datasets as pocket

        made = pocket.rows(dataset.pocket, dataset.rows, recipe.seed, dataset.language or pocket.SOURCE)
        return f"pocket {dataset.pocket}", enumerate(made, 1)
    assert dataset.hub is not None
    return dataset.hub, enumerate(hub_rows(dataset.hub, dataset.config, dataset.split, dataset.revision), 1)


def hub_rows(hub: str, config: str | None, split: str, revision: str | None) -> Iterable[dict[str, Any]]:
    """Open the rows of a data set of the Hub; where there is no network, those in the cache.

    Raises:
        SourceError: it cannot be loaded, or without a network only another revision is in the cache.
        MissingExtraError: the package datasets is not installed.
    """
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("data sets from the Hub need the package datasets: pip install datasets.") from error
    try:
        table = datasets.load_dataset(hub, config, split=split, revision=revision)
    except ConnectionError as error:
        raise SourceError(
            f"the Hub cannot be reached for {hub} ({error}); fetch it where there is a network, or use `local:`."
        ) from error
    except datasets.exceptions.DatasetGenerationError as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from error  # a full disk, say, which its own error hides
        raise SourceError(
            f"{hub}: its files cannot be read ({error.__cause__}); tell its owner, or pin another revision."
        ) from error
    except (FileNotFoundError, ValueError) as error:
        raise SourceError(f"{hub}: cannot be loaded ({error}); check hub, config, split and revision.") from error
    _refuse_other_commit(table.cache_files, hub, revision)
    rows: Iterable[dict[str, Any]] = table
    return rows


def _refuse_other_commit(files: Iterable[Mapping[str, str]], hub: str, revision: str | None) -> None:
    """Refuse rows of another commit than the one that was pinned: without a network, datasets takes its latest without a word."""
    for file in files:
        commit = Path(file["filename"]).parent.name
        if _COMMIT.fullmatch(revision or "") and _COMMIT.fullmatch(commit) and commit != revision:
            raise SourceError(
                f"{hub}: the cache holds revision {commit}, the recipe asks for {revision}; run kielo prefetch where there is a network."
            )
