"""Writes the rows of one language: Parquet for `datasets.load_dataset`, JSONL for everybody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kielo.errors import MissingExtraError
from kielo.records import write_jsonl
from translate.publish.formats import arrow_schema

SHARD_ROWS = 100_000
"""Rows of one Parquet file: some 300 MB of conversations, below what the Hub asks for."""


def write_tables(folder: Path, language: str, split: str, kind: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write `data/<language>/<split>-*.parquet` and `jsonl/<language>/<split>.jsonl`.

    Raises:
        SourceError: the rows fit no table.
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingExtraError("kielo publish needs the package pyarrow; pip install -e '.[train]'.") from error
    schema = arrow_schema(kind, rows)
    shards = [rows[start : start + SHARD_ROWS] for start in range(0, len(rows), SHARD_ROWS)]
    (folder / "data" / language).mkdir(parents=True)
    for place, shard in enumerate(shards):
        table = pa.Table.from_pylist(list(shard), schema=schema)
        name = f"{split}-{place:05d}-of-{len(shards):05d}.parquet"
        parquet.write_table(table, folder / "data" / language / name, compression="zstd")
    write_jsonl(folder / "jsonl" / language / f"{split}.jsonl", rows)


def configs(languages: Mapping[str, str], default: str) -> list[dict[str, Any]]:
    """Describe the tables to `datasets`, one configuration per language; `languages`: language -> split."""
    return [
        {
            "config_name": language,
            "data_files": [{"split": split, "path": f"data/{language}/{split}-*.parquet"}],
            **({"default": True} if language == default else {}),
        }
        for language, split in languages.items()
    ]
