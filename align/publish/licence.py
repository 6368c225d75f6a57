"""The licence of a published model: its base model's, with what the licences of its data ask beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from kielo.models import model_file
from kielo.run_folder import RunFolder
from kielo.schema import Recipe
from kielo.sharing.licence_table import Condition, known_model, spdx, table
from kielo.sharing.licences import Licence, Part, combined
from kielo.sharing.origins import data_parts


def model_licence(recipe: Recipe, run: RunFolder, record: Mapping[str, Any], allowed: str | None) -> Licence:
    """Compute it from the base model and every data set that the model was trained on.

    Raises:
        UsageError: the base model's licence or one of the data's is unknown.
    """
    base = known_model(recipe.model)
    stated = base.licence or _on_its_card(recipe)
    how = "neither recipes/sharing/licences.yaml nor a card beside its weights says one."
    data = list(dict.fromkeys(_data(recipe, run, record)))
    notes = [Part(part.what, None, (*part.conditions, *_passed_on(part)), needs_licence=False) for part in data]
    known = [
        part for part in data if part.needs_licence and part.licence is not None and spdx(part.licence) is not None
    ]
    unknown = [part for part in data if part.needs_licence and part not in known]
    whole = combined(
        [
            Part(
                f"base model {Path(recipe.model).name if recipe.model.startswith(('/', '.')) else recipe.model}",
                stated,
                (),
                how,
            ),
            *unknown,
            *notes,
        ],
        allowed,
    )
    told = {part.what: part for part in data}
    conditions = (*_of_such_models(stated), *whole.conditions)
    return Licence(whole.name, whole.metadata, (whole.parts[0], *told.values()), conditions, whole.allowed)


def _of_such_models(licence: str | None) -> Iterator[Condition]:
    """Give what the base model's licence asks beyond itself: the Hub's tag already names the licence."""
    found = spdx(licence) if licence else None
    asked = table().licences[found].of_models if found else None
    if asked is not None:
        yield table().conditions[asked]


def _data(recipe: Recipe, run: RunFolder, record: Mapping[str, Any]) -> Iterator[Part]:
    languages: dict[str, list[str]] = {}
    for stage in record["stages"]:
        for row in stage["data"]:
            if row["source"] in recipe.translate.datasets:
                languages.setdefault(row["source"], []).append(row["language"])
    for name, codes in languages.items():
        yield from data_parts(recipe, run, name, codes)


def _passed_on(part: Part) -> Iterator[str]:
    """Name the notes that a licence of data puts on a model."""
    found = spdx(part.licence) if part.licence else None
    if found is not None and table().licences[found].share_alike:
        yield "trained-on-share-alike"
    if found is not None and not table().licences[found].commercial:
        yield "trained-on-non-commercial"


def _on_its_card(recipe: Recipe) -> str | None:
    """Read the licence that the base model's own card states, where the card is here."""
    file = model_file(recipe.model_path, "README.md", recipe.revision)
    if file is None:
        return None
    head = file.read_text("utf-8", errors="replace").partition("---\n")[2].partition("\n---")[0]
    try:
        front = yaml.safe_load(head)
    except yaml.YAMLError:
        return None
    licence = front.get("license") if isinstance(front, dict) else None
    return licence if isinstance(licence, str) else None
