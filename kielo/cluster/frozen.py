"""The run folder's `jobs/`: the recipe and profile as they were submitted, so that editing them changes no job that waits."""

from __future__ import annotations

from pathlib import Path

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
    path = jobs_folder(run) / RECIPE
    written = read_json(path)
    if written is None:
        raise RunFolderError(f"{run.path}: no jobs were submitted for this folder; submit them with kielo submit.")
    try:
        recipe = Recipe.model_validate({**written["recipe"], "file": Path(written["file"])})
    except (ValidationError, KeyError, TypeError) as error:
        raise RunFolderError(f"{path}: damaged, or of another version of Kielo; submit the recipe again.") from error
    return recipe, make_plan(recipe, written["limit"])


def thaw_profile(run: RunFolder) -> Profile:
    """Read the profile that the jobs of a run go by.

    Raises:
        RunFolderError: nothing was submitted in this folder, or the file is damaged.
    """
    path = jobs_folder(run) / PROFILE
    written = read_json(path)
    if written is None:
        raise RunFolderError(f"{run.path}: no jobs were submitted for this folder; submit them with kielo submit.")
    try:
        return Profile.model_validate(written)
    except ValidationError as error:
        raise RunFolderError(f"{path}: damaged, or of another version of Kielo; submit the recipe again.") from error
