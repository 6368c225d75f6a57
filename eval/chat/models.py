"""Which model of a run is meant: one of its trainings by the name of its step, or `base`, what they all began from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kielo.errors import MissingExtraError, UsageError
from kielo.models import has_chat_template
from kielo.recipe.reading import nearest
from kielo.recipe.trainings import dpo_trainings, sft_trainings
from kielo.run_folder import RunFolder
from kielo.schema import Recipe
from kielo.sharing.opened import opened

BASE = "base"
MODEL_HELP = "a training of the run, such as sft/en-fi-100pct or dpo/dpo-both; or base"


@dataclass(frozen=True)
class RunModel:
    """A model that can be asked: where its weights lie, and the run it is of."""

    name: str
    path: str
    """A folder or a Hub id."""
    revision: str | None
    recipe: Recipe
    run: RunFolder

    @property
    def speaks_turns(self) -> bool:
        """Whether it has a chat template; a model without one goes on with a text."""
        return has_chat_template(self.path, self.revision)


def find_models(named: Path, names: tuple[str, ...]) -> tuple[RunModel, ...]:
    """Find models of a run, which is named by its folder or its recipe.

    Raises:
        UsageError: there is no such run or model, or the model is not trained yet.
        RecipeError: the recipe cannot be used.
        RunFolderError: the run folder is damaged.
    """
    recipe, run = opened(named)
    return tuple(_model(recipe, run, name.rstrip("/")) for name in names)


def trained(run: RunFolder) -> list[str]:
    """List the trainings of a run that are complete."""
    return [name for name in _folders(run) if run.record(name) is not None]


def _model(recipe: Recipe, run: RunFolder, name: str) -> RunModel:
    if name == BASE:
        _check_base(recipe, run)
        return RunModel(BASE, recipe.model_path, recipe.revision, recipe, run)
    if name in trained(run):
        return RunModel(name, str(run.folder(name) / "model"), None, recipe, run)
    planned = [f"sft/{each.name}" for each in sft_trainings(recipe)]
    planned += [f"dpo/{each.name}" for each in dpo_trainings(recipe)]
    if name in planned:
        there = ", ".join([BASE, *trained(run)])
        raise UsageError(
            f"{run.path}: {name} is not trained yet; run `kielo run RECIPE --only {name}` first. There are: {there}."
        )
    raise UsageError(
        f"{run.path}: has no model '{name}'; {nearest(name, list(dict.fromkeys([BASE, *planned, *trained(run)])))}"
    )


def _folders(run: RunFolder) -> Iterator[str]:
    for stage in ("sft", "dpo"):
        for model in sorted((run.path / stage).glob("*/model")):
            yield f"{stage}/{model.parent.name}"


def _check_base(recipe: Recipe, run: RunFolder) -> None:
    """Refuse a base model that a recipe names relative to itself, where the run folder alone does not say where that was."""
    if recipe.model.startswith(("/", ".")) and not Path(recipe.model_path).is_dir():
        raise UsageError(
            f"{run.path}: its base model {recipe.model} is not at {recipe.model_path}; name the recipe instead of the run folder."
        )


def quiet_engine() -> None:
    """Import what opens a model in this process; it shows no progress bars between what models say.

    Raises:
        MissingExtraError: torch or transformers is not installed.
    """
    try:
        from transformers.utils import logging

        import kielo.generation.hf  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(f"asking a model needs {error.name}: pip install -e '.[train]'.") from error
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
