"""The run folder's `jobs/`: the recipe and profile as they were submitted, so that editing them changes no job that waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kielo.cluster.profiles.profile import Profile
from kielo.errors import RunFolderError
from kielo.plan import Step, make_plan
from kielo.records import read_json, write_json
from kielo.run_folder import RunFolder
from kielo.schema import Recipe

FOLDER = "jobs"
RECIPE, PROFILE, MANIFEST, LOGS = "recipe.json", "profile.json", "manifest.json", "logs"


def jobs_folder(run: RunFolder) -> Path:
    """Name the folder of a run's jobs."""
    return run.path / FOLDER


def freeze(recipe: Recipe, limit: int | None, profile: Profile, run: RunFolder) -> None:
    """Write down what the jobs of a run go by."""
    written = {"file": str(recipe.file), "limit": limit, "recipe": recipe.model_dump(mode="json", exclude_unset=True)}
    write_json(jobs_folder(run) / RECIPE, written)
    write_json(jobs_folder(run) / PROFILE, profile.model_dump(mode="json", exclude_unset=True))


def thaw(run: RunFolder) -> tuple[Recipe, list[Step]]:
    """Read the recipe that the jobs of a run go by, and its plan.

    Raises:
        RunFolderError: nothing was submitted in this folder, or the file is damaged.
    """
    written = _read(run, RECIPE)
    try:
        recipe = Recipe.model_validate({**written["recipe"], "file": Path(written["file"])})
        return recipe, make_plan(recipe, written["limit"])
    except (ValidationError, KeyError, TypeError) as error:
        raise _damaged(run, RECIPE) from error


def thaw_profile(run: RunFolder) -> Profile:
    """Read the profile that the jobs of a run go by.

    Raises:
        RunFolderError: nothing was submitted in this folder, or the file is damaged.
    """
    written = _read(run, PROFILE)
    try:
        return Profile.model_validate(written)
    except ValidationError as error:
        raise _damaged(run, PROFILE) from error


def not_submitted(run: RunFolder) -> RunFolderError:
    """Make the error of a verb that needs jobs where none were submitted."""
    return RunFolderError(f"{run.path}: no jobs were submitted for this folder; submit them with kielo submit.")


def _read(run: RunFolder, name: str) -> Any:
    written = read_json(jobs_folder(run) / name)
    if written is None:
        raise not_submitted(run)
    return written


def _damaged(run: RunFolder, name: str) -> RunFolderError:
    path = jobs_folder(run) / name
    return RunFolderError(f"{path}: damaged, or of another version of Kielo; submit the recipe again.")
