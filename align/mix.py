"""Step `mix`: conversations of both languages in the shares of an ablation, nested and paired by id; sft trains on the result.

Files are gone through twice, first for the ids, then for the lines that were chosen: no text is held in memory.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from decimal import ROUND_HALF_UP, Decimal
from itertools import accumulate
from pathlib import Path
from typing import IO, Any

from kielo.errors import SourceError, at
from kielo.plan import Outcome, Workplace
from kielo.plan.selection import answering_model
from kielo.plan.steps import rows_file, rows_step
from kielo.records import dump_row, from_json, read_jsonl, replacing
from kielo.schema import Recipe

TRAIN = "train.jsonl"
SELECTED = "selected.jsonl"
"""What the step `select` writes: {id, language} in the order picked."""


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """Where a row stands; `copy` counts the times it has been taken before."""

    file: Path
    number: int
    id: str
    language: str
    copy: int = 0

    @property
    def dataset(self) -> str:
        """The data set that the row came from."""
        return self.id.partition("/")[0]

    @property
    def own_id(self) -> str:
        """The row's id in the mix: a repeated row gets one of its own, oasst2/00042#2."""
        return f"{self.id}#{self.copy + 1}" if self.copy else self.id


def run(place: Workplace) -> Outcome:
    """Write train.jsonl: of every source and language the first rows of one seeded order.

    Raises:
        SourceError: a source has no rows in a language that the mix asks for, or too few.
    """
    ((name, mix),) = place.step.settings["sft"]["mixes"].items()
    seed = place.step.settings["seed"]
    selected = _selected(place)
    found: list[Line] = []
    chosen: list[Line] = []
    for part in mix["takes"]:
        for code in [code for code, share in {**part["shares"], **part["rows"]}.items() if share]:
            if selected.get(code) == frozenset():
                continue  # of all languages together, the selection found nothing in this one
            lines = list(_lines(place, part["datasets"], code, selected.get(code)))
            found += lines
            chosen += take(lines, _amount(name, part, code, len(lines), mix["upsample"]), seed)
    if not chosen:
        raise SourceError(f"mix {name}: no rows at all; give at least one language a share above 0.")
    _write(place.folder / TRAIN, training_order(chosen, seed))
    return Outcome((TRAIN,), {**_counts(found, chosen), **_generators(place.recipe, mix["takes"])})


def _generators(recipe: Recipe, takes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Name the models whose answers are in a blend, by data set; nothing where every answer is the rows' own."""
    datasets = {name: recipe.translate.datasets[name] for part in takes for name in part["datasets"]}
    named = {name: answering_model(recipe, dataset) for name, dataset in datasets.items() if dataset.prompts_of}
    return {"generators": named} if named else {}


def _amount(name: str, part: Mapping[str, Any], code: str, available: int, upsample: bool) -> int:
    """Count the rows that a mix takes of those available in a language."""
    of, look = f"'{code}' rows of {', '.join(part['datasets'])}", "look into the data sets' rejected.jsonl"
    rows: int | None = part["rows"].get(code)
    if rows is None:
        share = part["shares"][code]
        count = share_of(share, available)
        if not count:
            raise SourceError(
                f"mix {name}: a share of {share:g} of {available} {of} is none; raise the share, or {look}."
            )
        return count
    if rows > available and not (available and upsample):
        fix = "ask for fewer, or have rows repeated (upsample: true)" if available else look
        raise SourceError(f"mix {name}: {rows} {of} are asked for and there are {available}; {fix}.")
    return rows


def _selected(place: Workplace) -> dict[str, frozenset[str]]:
    """Read what was selected for this mix: language -> ids; a language that nothing is selected of is not there."""
    codes: list[str] = place.step.settings.get("selected", [])
    if not codes:
        return {}
    rows = [row for _, row in read_jsonl(place.inputs[place.step.inputs[0]] / SELECTED)]
    return {code: frozenset(row["id"] for row in rows if row["language"] == code) for code in codes}


def _lines(place: Workplace, datasets: Iterable[str], code: str, wanted: frozenset[str] | None) -> Iterator[Line]:
    """Go through the rows of some data sets in a language, those that are wanted; None: all.

    A translated file holds source rows too, where a translation would have changed the task; the source's file has them.
    """
    for dataset in datasets:
        step = rows_step(place.recipe, dataset, code)
        file = place.inputs[step] / rows_file(step)
        seen: set[str] = set()
        for number, row in read_jsonl(file):
            record = from_json("conversations", row, at(file, number))
            if record.language != code:
                continue
            if record.id in seen:
                raise SourceError(f"{file}: id '{record.id}' occurs twice in language '{code}'; ids must be unique.")
            seen.add(record.id)
            if wanted is None or record.id in wanted:
                yield Line(file, number, record.id, code)


def share_of(share: float, available: int) -> int:
    """Count the rows of a share, rounded half up in decimal: the paper's 10% of 4,399 rows is 440."""
    return int((Decimal(str(share)) * available).quantize(Decimal(1), ROUND_HALF_UP))


def take(rows: Sequence[Line], count: int, seed: int) -> list[Line]:
    """Take the first `count` rows in an order that depends on the seed and the ids alone.

    Fewer are thus part of more, the same ids come first in every language, and added rows do not reorder the others.
    More than there are is all of them, again and again, the last time the first ones.
    """
    ordered = sorted(rows, key=lambda row: draw(seed, row.id))
    times, rest = divmod(count, len(ordered)) if ordered else (0, 0)
    copies = [dataclasses.replace(row, copy=copy) for copy in range(1, times) for row in ordered]
    last = [dataclasses.replace(row, copy=times) for row in ordered[:rest]]
    return [*(ordered if times else []), *copies, *last]


def training_order(rows: Iterable[Line], seed: int) -> list[Line]:
    """Shuffle the mixed rows by seed, language and id."""
    return sorted(rows, key=lambda row: draw(seed, f"{row.language}\0{row.own_id}"))


def draw(seed: int, text: str) -> bytes:
    """Draw a random-looking key from a seed and a text, the same on every machine and in every version."""
    return hashlib.sha256(f"{seed}\0{text}".encode()).digest()


def _counts(found: list[Line], chosen: list[Line]) -> dict[str, Any]:
    """Count rows by language, and by data set and language: available, taken, and repeated among those taken."""
    amounts = {
        "rows": Counter((line.dataset, line.language) for line in chosen),
        "available": Counter((line.dataset, line.language) for line in found),
        "repeated": Counter((line.dataset, line.language) for line in chosen if line.copy),
    }
    sources: dict[str, dict[str, dict[str, int]]] = {}
    languages: dict[str, Counter[str]] = {}
    for dataset, code in amounts["available"]:
        counts = {key: of[dataset, code] for key, of in amounts.items()}
        sources.setdefault(dataset, {})[code] = counts
        languages.setdefault(code, Counter()).update(counts)
    by_language = {code: dict(counts) for code, counts in languages.items()}
    return {"rows": len(chosen), "languages": by_language, "sources": sources}


def _write(path: Path, lines: Iterable[Line]) -> None:
    """Copy the chosen lines out of their files, in their order."""
    files: dict[Path, tuple[IO[bytes], array[int]]] = {}
    with ExitStack() as open_files, replacing(path) as out:
        for line in lines:
            if line.file not in files:
                opened: IO[bytes] = open_files.enter_context(line.file.open("rb"))
                files[line.file] = opened, array("q", accumulate(map(len, opened), initial=0))
            stream, starts = files[line.file]
            start, end = starts[line.number - 1], starts[line.number]
            out.write(_row(line, os.pread(stream.fileno(), end - start, start)))


def _row(line: Line, written: bytes) -> bytes:
    """Give a repeated row its own id; every other one stays as it is, byte for byte."""
    return dump_row({**json.loads(written), "id": line.own_id}).encode() + b"\n" if line.copy else written
