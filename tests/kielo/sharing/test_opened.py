"""Recipes read back from run folders: every shipped one says the same as before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kielo.errors import RunFolderError, UsageError
from kielo.recipe.reading import load
from kielo.sharing.opened import RECIPE, opened, recipe_of

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_resolved_recipe_is_read_back(path: Path, tmp_path: Path) -> None:
    resolved = load(path).model_dump(mode="json")
    (tmp_path / RECIPE).write_text(json.dumps(resolved), "utf-8")
    assert recipe_of(tmp_path).model_dump(mode="json") == resolved


def test_what_is_no_run_is_told(tmp_path: Path, write_recipe) -> None:
    with pytest.raises(UsageError, match="no run folder"):
        opened(tmp_path)
    with pytest.raises(UsageError, match="run `kielo run"):
        opened(write_recipe(), tmp_path / "nothing")
    (tmp_path / RECIPE).write_text('{"name": "x", "colour": "blue"}', "utf-8")
    with pytest.raises(RunFolderError, match="name the recipe instead"):
        opened(tmp_path)


def test_a_run_that_is_not_there_is_asked_for_as_a_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"runs/none: there is no such run folder; name one that `kielo run` made"):
        opened(tmp_path / "runs/none")
