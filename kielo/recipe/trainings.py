"""A recipe's runs, sweeps and seeds, spelled out as trainings by name; the plan makes steps of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from kielo.recipe.mixes import expand_mixes
from kielo.schema import Dpo, DpoRun, Lora, Recipe, SftRun

Run = TypeVar("Run", bound=SftRun | DpoRun)
TRAINER = "trainer."


@dataclass(frozen=True)
class SftTraining:
    """One supervised fine-tuning, complete."""

    name: str
    run: str
    """The mix or run as the recipe writes it, without sweep and seed."""
    mix: str
    loss_on: str
    neftune_noise_alpha: float | None
    lora: Lora | None
    trainer: Mapping[str, Any]
    seed: int


@dataclass(frozen=True)
class DpoTraining:
    """One preference tuning, complete."""

    name: str
    run: str
    """The run as the recipe writes it, without sweep and seed."""
    start: str
    """The step of the SFT training that it starts from."""
    data: Mapping[str, tuple[str, ...]]
    language_pairs: float
    beta: float
    lora: Lora | None
    trainer: Mapping[str, Any]
    seed: int


def sft_names(recipe: Recipe) -> list[str]:
    """List the supervised trainings as a recipe refers to them: spelled out but for seeds."""
    return [name for written, run in _sft_runs(recipe).items() for name in expand_run(written, run)]


def dpo_names(recipe: Recipe) -> list[str]:
    """List the preference tunings as a recipe refers to them: spelled out but for seeds."""
    runs = recipe.dpo.runs if recipe.dpo else {}
    return [name for written, run in runs.items() for name in expand_run(written, run)]


def _sft_runs(recipe: Recipe) -> dict[str, SftRun]:
    return {name: SftRun(mix=name) for name in expand_mixes(recipe)} | recipe.sft.runs


def sft_trainings(recipe: Recipe) -> list[SftTraining]:
    """List the supervised trainings: one of every mix, then the runs, each for every value of its sweep and every seed."""
    return [
        SftTraining(
            _seeded(name, seed, recipe), written, run.mix, run.loss_on or recipe.sft.loss_on, run.neftune_noise_alpha or None,
            _lora(run, recipe.sft.lora), _keys(recipe.sft.trainer, run.trainer), seed,
        )
        for written, each in _sft_runs(recipe).items() for name, run in expand_run(written, each).items() for seed in _seeds(recipe)
    ]  # fmt: skip


def dpo_trainings(recipe: Recipe) -> list[DpoTraining]:
    """List the preference tunings; each starts from the SFT training of its own seed."""
    if recipe.dpo is None:
        return []
    dpo: Dpo = recipe.dpo
    return [
        DpoTraining(
            _seeded(name, seed, recipe), written, _seeded(run.start or dpo.start, seed, recipe), run.data, run.language_pairs,
            run.beta or dpo.beta, _lora(run, dpo.lora), _keys(dpo.trainer, run.trainer), seed,
        )
        for written, each in dpo.runs.items() for name, run in expand_run(written, each).items() for seed in _seeds(recipe)
    ]  # fmt: skip


def _lora(run: SftRun | DpoRun, of_part: Lora | None) -> Lora | None:
    """Take a run's own adapters; `lora: null` trains all weights where its part has some."""
    return run.lora if "lora" in run.model_fields_set else of_part


def _seeds(recipe: Recipe) -> tuple[int, ...]:
    return recipe.seeds or (recipe.seed,)


def _seeded(name: str, seed: int, recipe: Recipe) -> str:
    return f"{name}-seed-{seed}" if recipe.seeds else name


def all_seeds(name: str, recipe: Recipe) -> tuple[str, ...]:
    """Name a training, as the recipe writes it, for every seed."""
    return tuple(_seeded(name, seed, recipe) for seed in _seeds(recipe))


def _keys(part: BaseModel, run: BaseModel) -> dict[str, Any]:
    """Put a run's trainer keys over those of its part; a length given in epochs replaces one in steps."""
    base, own = (each.model_dump(exclude_unset=True, exclude_none=True) for each in (part, run))
    for key, other in (("max_steps", "num_train_epochs"), ("num_train_epochs", "max_steps")):
        if key in own:
            base.pop(other, None)
    return {**base, **own}


def expand_run(name: str, run: Run) -> dict[str, Run]:
    """Spell out a run's sweep, as name -> run.

    Raises:
        ValueError: a key of the sweep is none of the run's, a value does not fit it, or two values make one name.
    """
    swept = ([(key, value) for value in values] for key, values in run.sweep.items())
    expanded: dict[str, Run] = {}
    for chosen in itertools.product(*swept):
        spelled = _swept_name(name, chosen)
        if spelled in expanded:
            raise ValueError(f"two of its values make the name '{spelled}'; write them further apart")
        expanded[spelled] = _with(run, chosen)
    return expanded


def _swept_name(name: str, chosen: Iterable[tuple[str, Any]]) -> str:
    return "-".join([name, *(f"{key.removeprefix(TRAINER)}-{_written(value)}" for key, value in chosen)])


def _written(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value).replace("/", "-")


def _with(run: Run, chosen: Iterable[tuple[str, Any]]) -> Run:
    values = run.model_dump(exclude_unset=True, exclude={"sweep"})
    for key, value in chosen:
        trained = key.startswith(TRAINER)
        (values.setdefault("trainer", {}) if trained else values)[key.removeprefix(TRAINER)] = value
    return cast(Run, type(run).model_validate(values))


def tuned_models(recipe: Recipe) -> tuple[str, ...]:
    """List the models that a recipe evaluates, as step names, in the order of the report."""
    if recipe.eval.models:
        return tuple(name for model in recipe.eval.models for name in all_seeds(model, recipe))
    names = [f"sft/{training.name}" for training in sft_trainings(recipe)]
    return (*names, *(f"dpo/{training.name}" for training in dpo_trainings(recipe)))
