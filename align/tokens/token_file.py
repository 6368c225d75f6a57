"""The file of tokens between the step that makes them and the trainings: Arrow, written as a stream, read from disk without a copy."""

from __future__ import annotations

import dataclasses
import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.tokens.masks import batches

TOKENS, TOKENIZER = "tokens.arrow", "tokenizer"


@dataclass(frozen=True)
class Written:
    """What was written: the number of rows, the tokens of the longest, and the digest of ids and labels."""

    rows: int
    longest: int
    digest: str


def write_tokens(file: Path, rows: Iterable[Any]) -> Written:
    """Write rows (dataclasses of texts and token lists) and digest their tokens, order and lengths included."""
    import pyarrow

    count, longest, digest, writer = 0, 0, hashlib.sha256(), None
    with file.open("wb") as stream:
        for batch in batches(rows):
            table = _table(batch)
            writer = writer or pyarrow.ipc.new_stream(stream, table.schema)
            writer.write_table(table)
            count += len(batch)
            longest = max(longest, *(row.length for row in batch))
            for row in batch:
                _add(digest, row)
        if writer is not None:
            writer.close()
    return Written(count, longest, digest.hexdigest())


def read_tokens(file: Path) -> Any:
    """Open the rows as a `datasets.Dataset`, memory-mapped."""
    from datasets import Dataset

    return Dataset.from_file(str(file))


def _table(rows: Sequence[Any]) -> Any:
    import pyarrow

    tokens = pyarrow.list_(pyarrow.int32())
    names = [field.name for field in dataclasses.fields(rows[0])]
    kinds = [tokens if isinstance(getattr(rows[0], name), list) else pyarrow.string() for name in names]
    columns = [
        pyarrow.array([getattr(row, name) for row in rows], kind) for name, kind in zip(names, kinds, strict=True)
    ]
    return pyarrow.table(columns, names=names)


def _add(digest: Any, row: Any) -> None:
    for field in dataclasses.fields(row):
        tokens = getattr(row, field.name)
        if isinstance(tokens, list):
            digest.update(len(tokens).to_bytes(8, "little") + array("q", tokens).tobytes())
