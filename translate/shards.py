"""Shards of a data set for job arrays: each makes the completions of its records; a merge verifies that none is missing."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from kielo.errors import RunFolderError, UsageError
from kielo.records import read_json, write_json

FOLDER = "shards"
_WRITTEN = re.compile(r"([1-9]\d{0,5})/([1-9]\d{0,5})")
T = TypeVar("T")


@dataclass(frozen=True)
class Shard:
    """Number `number` of `of`, counted from 1: every of-th record."""

    number: int
    of_all: int

    def of(self, records: Sequence[T]) -> Sequence[T]:
        """Take this shard's records."""
        return records[self.number - 1 :: self.of_all]

    def __str__(self) -> str:
        return f"{self.number}-of-{self.of_all}"


def parse_shard(written: str) -> Shard:
    """Read `i/n`.

    Raises:
        UsageError: it is not that, or i is greater than n.
    """
    match = _WRITTEN.fullmatch(written)
    if match is None or int(match[1]) > int(match[2]):
        raise UsageError(f"'{written}' is no shard; write i/n with i from 1 to n, such as 3/8.")
    return Shard(int(match[1]), int(match[2]))


def begin_shard(folder: Path, shard: Shard) -> None:
    """Record that a shard is being made, so that nobody puts the data set together before it is complete.

    Records of another division go: whoever asks for this one wants that one no more, and the completions stay.
    """
    for path in (folder / FOLDER).glob("*.json"):
        if not path.stem.endswith(f"-of-{shard.of_all}"):
            print(f"{path}: of another division into shards; its completions are used.", file=sys.stderr, flush=True)
            path.unlink(missing_ok=True)
    if not _file(folder, shard).exists():
        write_json(_file(folder, shard), {"shard": shard.number, "of": shard.of_all, "complete": False, "ids": []})


def shard_complete(folder: Path, shard: Shard) -> bool:
    """Tell whether a shard of the step in `folder` is recorded as complete.

    Raises:
        RunFolderError: its record is damaged.
    """
    path = _file(folder, shard)
    return path.exists() and bool(_record(path)["complete"])


def write_shard(folder: Path, shard: Shard, ids: Sequence[str]) -> None:
    """Record that a shard is complete, with the ids of its records."""
    write_json(_file(folder, shard), {"shard": shard.number, "of": shard.of_all, "complete": True, "ids": list(ids)})


def _record(path: Path) -> dict[str, Any]:
    record = read_json(path) or {}
    shapes = {"shard": int, "of": int, "complete": bool, "ids": list}
    if any(not isinstance(record.get(name), shape) for name, shape in shapes.items()):
        raise RunFolderError(f"{path}: damaged; remove this file and run its shard again.")
    return record


def _file(folder: Path, shard: Shard) -> Path:
    return folder / FOLDER / f"{shard}.json"


def merge_shards(folder: Path, ids: Sequence[str]) -> dict[str, Any]:
    """Verify that the shards of a step, if it has any, hold every id of the source once; returns their count for the record.

    Raises:
        RunFolderError: a shard is missing, or their ids are not those of the source.
    """
    records = [_record(path) for path in sorted((folder / FOLDER).glob("*.json"))]
    if not records:
        return {}
    complete = {record["shard"] for record in records if record["complete"]}
    counts = {record["of"] for record in records}
    if len(counts) != 1:
        raise RunFolderError(
            f"{folder / FOLDER}: shards of different divisions ({', '.join(map(str, sorted(counts)))}); remove those of the wrong one."
        )
    (count,) = counts
    missing = [number for number in range(1, count + 1) if number not in complete]
    if missing:
        raise RunFolderError(
            f"{folder / FOLDER}: of {count} shards, {', '.join(map(str, missing))} not complete; run --shard for these first (or remove this folder to translate the rest here)."
        )
    found = Counter(name for record in records for name in record["ids"])
    wrong = sorted((set(ids) ^ set(found)) | {name for name, times in found.items() if times > 1})
    if wrong:
        raise RunFolderError(
            f"{folder / FOLDER}: the shards do not hold every record once (the first: {wrong[0]}); were they made of other source rows? Remove this folder and run them again."
        )
    return {"shards": count}
