"""Finds the run that is published: a run folder with the recipe it was made by, or a recipe as it stands now with its run folder."""

from __future__ import annotations

import types
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from kielo.errors import RunFolderError, UsageError
from kielo.recipe.reading import load
from kielo.records import read_json
from kielo.run_folder import RunFolder
from kielo.schema import Recipe

RECIPE = "recipe.json"


def opened(named: Path, run_folder: Path | None = None) -> tuple[Recipe, RunFolder]:
    """Open a run: by its folder, or by its recipe, whose licences are then read as they stand now.

    Raises:
        UsageError: there is no such run.
        RecipeError: the recipe cannot be used.
        RunFolderError: the folder is another recipe's, or its recipe is damaged.
    """
    if named.is_dir():
        if run_folder is not None:
            raise UsageError(f"--run {run_folder}: {named} is a run folder already; leave --run out.")
        return recipe_of(named), RunFolder(named)
    if not named.exists() and named.suffix not in (".yaml", ".yml"):
        raise UsageError(f"{named}: there is no such run folder; name one that `kielo run` made, such as runs/pocket.")
    recipe = load(named)
    run = RunFolder(run_folder or Path("runs") / recipe.name)
    if not (run.path / RECIPE).is_file():
        raise UsageError(
            f"{run.path}: no run folder of this recipe; run `kielo run {named}` first, or name the folder itself."
        )
    run.refuse_foreign(recipe)
    return recipe, run


def recipe_of(folder: Path) -> Recipe:
    """Read the recipe that a run folder was made by.

    Raises:
        UsageError: it is no run folder.
        RunFolderError: its recipe is damaged, or of another version.
    """
    resolved = read_json(folder / RECIPE)
    if resolved is None:
        raise UsageError(
            f"{folder}: no run folder (it holds no {RECIPE}); name one that `kielo run` made, such as runs/pocket."
        )
    try:
        file = Path(f"{resolved.get('name')}.yaml")
        return Recipe.model_validate({**as_written(Recipe, resolved), "file": file})
    except ValidationError as error:
        raise RunFolderError(
            f"{folder / RECIPE}: not a recipe as this version writes it ({error.errors()[0]['msg']}); name the recipe instead."
        ) from error


def as_written(kind: Any, value: Any) -> Any:
    """Leave the defaults out of a resolved recipe: the schema refuses keys that do nothing where they stand."""
    if isinstance(value, Mapping) and isinstance(kind, type) and issubclass(kind, BaseModel):
        return {
            name: as_written(field.annotation, value[name]) if field else value[name]
            for name in value
            if (field := kind.model_fields.get(name)) is None or value[name] != _default(field)
        }
    arguments = get_args(kind)
    if get_origin(kind) in (Union, types.UnionType):
        fitting = [each for each in arguments if _fits(each, value)]
        return as_written(fitting[0], value) if fitting else value
    if get_origin(kind) is Annotated:
        return as_written(arguments[0], value)
    if isinstance(value, Mapping) and len(arguments) == 2:
        return {name: as_written(arguments[1], each) for name, each in value.items()}
    if isinstance(value, list) and arguments:
        return [as_written(arguments[0], each) for each in value]
    return value


def _default(field: Any) -> Any:
    """Give a field's default as recipe.json spells it; nothing equals what a required field gives."""
    if field.is_required():
        return object()
    return TypeAdapter(Any).dump_python(field.get_default(call_default_factory=True), mode="json")


def _fits(kind: Any, value: Any) -> bool:
    """Tell which part of a union a value was: by its shape, and for a mapping by its keys."""
    if get_origin(kind) is Annotated:
        return _fits(get_args(kind)[0], value)
    if isinstance(value, Mapping):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return set(value) <= set(kind.model_fields)
        return get_origin(kind) in (dict, Mapping) or get_origin(kind) is types.MappingProxyType
    if isinstance(value, list):
        return get_origin(kind) in (tuple, list)
    return False
