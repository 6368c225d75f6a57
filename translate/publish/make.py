"""Puts a published data set together: rows read, looked through, masked, written as tables, described by a card."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kielo.errors import UsageError
from kielo.plan.selection import answer_languages
from kielo.plan.steps import rows_file, rows_step
from kielo.recipe.reading import nearest
from kielo.records import read_records, replacing, write_json
from kielo.run_folder import RunFolder
from kielo.schema import Dataset, Recipe
from kielo.sharing.drift import refuse_drifted
from kielo.sharing.folder import CARD, seal
from kielo.sharing.licences import LICENCE_FILE, Licence, combined
from kielo.sharing.opened import RECIPE
from kielo.sharing.origins import data_parts
from kielo.sharing.personal_data import Census, masked_row
from kielo.sharing.places import recipe_told
from translate.publish.card import Published, card
from translate.publish.facts import facts_of
from translate.publish.formats import published_row
from translate.publish.tables import write_tables

_SPLIT = re.compile(r"\w+(\.\w+)*")


@dataclass(frozen=True)
class DataSet:
    """A data set of a run, ready to be written."""

    what: str
    published: Published
    licence: Licence
    card: str
    kind: str
    recipe: Mapping[str, Any]


def prepare(recipe: Recipe, run: RunFolder, name: str, mask: tuple[str, ...], allowed: str | None) -> DataSet:
    """Read a data set, mask it and describe it; nothing is written.

    Raises:
        UsageError: there is no such data set, it is not made yet, was made by another recipe or holds no rows, or its licence refuses.
    """
    if name not in recipe.translate.datasets:
        raise UsageError(f"no data set '{name}' in this run; {nearest(name, list(recipe.translate.datasets))}")
    dataset = recipe.translate.datasets[name]
    steps = _steps(recipe, run, name, dataset)
    chain = _chain(recipe, dataset, name, steps)
    refuse_drifted(recipe, run, chain)
    published = _published(recipe, run, name, dataset, steps, mask)
    licence = combined(data_parts(recipe, run, name, list(published.rows)), allowed)
    told = card(facts_of(recipe, run, name, chain), published, licence)
    return DataSet(f"{recipe.name}: {name}", published, licence, told, dataset.kind, recipe_told(recipe))


def write(made: DataSet, folder: Path) -> None:
    """Write tables, card, licence and recipe into an empty folder, the mark last.

    Raises:
        SourceError: the rows fit no table.
        MissingExtraError: pyarrow is not installed.
    """
    for code, rows in made.published.rows.items():
        write_tables(folder, code, made.published.splits[code], made.kind, rows)
    for name, content in ((CARD, made.card), (LICENCE_FILE, made.licence.file_text())):
        with replacing(folder / name) as stream:
            stream.write(content.encode("utf-8"))
    write_json(folder / RECIPE, made.recipe)
    counts = {code: len(found) for code, found in made.published.rows.items()}
    seal(folder, made.what, {"licence": made.licence.name, "rows": counts})


def _steps(recipe: Recipe, run: RunFolder, name: str, dataset: Dataset) -> dict[str, str]:
    """Name the step that holds the rows of every language.

    Raises:
        UsageError: one is not complete, or its files were changed since.
    """
    if dataset.prompts_of is not None:
        languages: tuple[str, ...] = answer_languages(recipe, dataset)
    else:
        own = dataset.language or recipe.source_language
        languages = (own, recipe.language) if dataset.translated and recipe.language != own else (own,)
    found = {code: rows_step(recipe, name, code) for code in languages}
    for step in found.values():
        if run.record(step) is None:
            raise UsageError(
                f"{run.folder(step)}: {step} is not made yet; run `kielo translate` with its recipe first."
            )
        damage = run.damaged(step)
        if damage:
            raise UsageError(f"{run.folder(step)}: {damage}; make it again with `kielo translate --redo {step}`.")
    return found


def _chain(recipe: Recipe, dataset: Dataset, name: str, steps: Mapping[str, str]) -> tuple[str, ...]:
    """List every step that made the rows, each after its inputs."""
    asked = dataset.prompts_of
    before = [f"source/{asked}"] if asked else []
    if asked and any(rows_step(recipe, asked, code).startswith("translate/") for code in steps):
        before.append(f"translate/{asked}")
    return tuple(dict.fromkeys([*before, *steps.values()]))


def _published(
    recipe: Recipe, run: RunFolder, name: str, dataset: Dataset, steps: Mapping[str, str], mask: tuple[str, ...]
) -> Published:
    census, kept = Census(), 0
    rows: dict[str, Sequence[Mapping[str, Any]]] = {}
    for code, step in steps.items():
        records = read_records(dataset.kind, run.folder(step) / rows_file(step))
        own = [record for record in records if record.language == code]
        kept += 0 if dataset.prompts_of else len(records) - len(own)
        found = []
        for record in own:
            row, counts = masked_row(published_row(record), mask)
            census.add(f"{record.id} ({code})", counts)
            found.append(row)
        if found:
            rows[code] = found
    for code, step in steps.items():
        if code not in rows:
            raise UsageError(
                f"{name}: {step} has no rows in '{code}', so there is nothing to publish; see rejected.jsonl in {run.folder(step)}."
            )
    split = dataset.split if _SPLIT.fullmatch(dataset.split) else "train"
    return Published(rows, dict.fromkeys(rows, split), kept, census, mask)
