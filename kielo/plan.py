"""The plan: a recipe spelled out as steps with their inputs; the laptop walks it and Slurm is handed the same one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from kielo.errors import UsageError
from kielo.links import expand_mixes, mix_family
from kielo.models import model_identity
from kielo.provenance import digest, versions
from kielo.recipe import nearest
from kielo.schema import Dataset, Recipe

Kind = Literal["source", "translate", "mix", "sft", "dpo", "eval", "translation-quality", "report"]
STAGES: Mapping[str, tuple[Kind, ...]] = {
    "translate": ("source", "translate"), "mix": ("mix",), "sft": ("sft",), "dpo": ("dpo",),
    "eval": ("eval", "translation-quality"), "report": ("report",),
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One unit of work, done wholly or not at all; its name is also its folder under the run folder."""

    name: str
    kind: Kind
    settings: Mapping[str, Any]
    """The part of the recipe that determines the result: JSON values, keyed as in the recipe, for the fingerprint."""
    inputs: tuple[str, ...] = ()
    accelerator: bool = False
    """Whether it runs a model, so that a cluster gives it a device."""
    versions: tuple[str, ...] = ()
    """Packages whose versions change the result."""
    derived: bool = False
    """Cheap and made from its inputs alone: made again without asking when they change."""


@dataclass(frozen=True)
class Workplace:
    """What a step's function is handed: the step, the recipe, its own folder, and the folders of its inputs."""

    step: Step
    recipe: Recipe
    folder: Path
    inputs: Mapping[str, Path]


@dataclass(frozen=True)
class Outcome:
    """What a step's function gives back: the files that are its result, and counts for step.json and the report."""

    outputs: tuple[str, ...]
    counts: Mapping[str, Any] = field(default_factory=dict)


def make_plan(recipe: Recipe, limit: int | None = None) -> list[Step]:
    """Spell a recipe out as steps, every step after its inputs; `limit` keeps the first rows of each data set."""
    return [
        *_data_steps(recipe, limit),
        *_mix_steps(recipe),
        *_sft_steps(recipe),
        *_dpo_steps(recipe),
        *_eval_steps(recipe),
        _report_step(recipe),
    ]


def _data_steps(recipe: Recipe, limit: int | None) -> Iterator[Step]:
    for name, dataset in recipe.translate.datasets.items():
        place = dataset.model_dump(exclude={"translate", "engine", "memory"}, exclude_unset=True)
        yield Step(
            f"source/{name}",
            "source",
            {
                "translate": {"datasets": {name: place}},
                "limit": limit,
                "source_language": recipe.source_language,
                **_file(recipe, dataset.local),
            },
        )
        if dataset.translate:
            yield _translate_step(recipe, name, dataset)


def _translate_step(recipe: Recipe, name: str, dataset: Dataset) -> Step:
    engine, memory = dataset.engine or recipe.translate.engine, dataset.memory or recipe.translate.memory
    settings: dict[str, Any] = {
        "language": recipe.language, "source_language": recipe.source_language, **_model(recipe), "seed": recipe.seed,
        "translate": {
            "engine": engine and _identity_of(engine.model_dump()), "prompt": recipe.translate.prompt.model_dump(),
            "memory": memory and memory.model_dump(), "max_tokens_ratio": recipe.translate.max_tokens_ratio,
        },
        **_file(recipe, memory.file if memory else None), **(_shots(recipe) if engine else {}),
    }  # fmt: skip
    return Step(
        f"translate/{name}",
        "translate",
        settings,
        (f"source/{name}",),
        engine is not None,
        ("langdetect", "markdown-it-py", "sentencex"),
    )


def _shots(recipe: Recipe) -> dict[str, Any]:
    return {} if recipe.translate.prompt.shots_file == "pocket" else {"content of the shots": digest(recipe.shots_path)}


def _identity_of(engine: dict[str, Any]) -> dict[str, Any]:
    """Keep of an engine what changes its completions; how many servers or requests at once does not."""
    return {key: engine[key] for key in ("kind", "dtype", "served_model")}


def _model(recipe: Recipe) -> dict[str, Any]:
    return {"model": model_identity(recipe.model_path, recipe.revision)}


def _file(recipe: Recipe, written: str | None) -> dict[str, Any]:
    """Put a file's content into the settings, so that an edited file is seen as a changed recipe."""
    if written is None or not recipe.path(written).is_file():
        return {}
    return {f"content of {Path(written).name}": digest(recipe.path(written))}


def _mix_steps(recipe: Recipe) -> Iterator[Step]:
    for name, shares in expand_mixes(recipe.sft.mixes).items():
        datasets = mix_family(recipe, name).datasets or _of_kind(recipe, "conversations")
        inputs = [f"source/{dataset}" for dataset in datasets]
        inputs += [f"translate/{dataset}" for dataset in datasets if recipe.translate.datasets[dataset].translate]
        settings = {"sft": {"mixes": {name: {"shares": shares, "datasets": list(datasets)}}}, "seed": recipe.seed}
        yield Step(f"mix/{name}", "mix", settings, tuple(inputs))


def _of_kind(recipe: Recipe, kind: str) -> tuple[str, ...]:
    return tuple(name for name, dataset in recipe.translate.datasets.items() if dataset.kind == kind)


def _training(recipe: Recipe) -> dict[str, Any]:
    return {**_model(recipe), "seed": recipe.seed, "chat_template": digest(recipe.chat_template_path)}


_TRAINING_VERSIONS = ("torch", "transformers", "trl", "accelerate", "peft")


def _sft_steps(recipe: Recipe) -> Iterator[Step]:
    for name in (*expand_mixes(recipe.sft.mixes), *recipe.sft.runs):
        run = recipe.sft.runs.get(name)
        mix = run.mix if run else name
        lora = (run.lora if run else None) or recipe.sft.lora
        settings = {
            "mix": mix, "loss_on": (run.loss_on if run else None) or recipe.sft.loss_on,
            "neftune_noise_alpha": run.neftune_noise_alpha if run else None,
            "lora": lora and lora.model_dump(),
            "trainer": {**recipe.sft.trainer.set_keys(), **(run.trainer.set_keys() if run else {})},
        }  # fmt: skip
        yield Step(
            f"sft/{name}", "sft", {**_training(recipe), "sft": settings}, (f"mix/{mix}",), True, _TRAINING_VERSIONS
        )


def _dpo_steps(recipe: Recipe) -> Iterator[Step]:
    for name, run in (recipe.dpo.runs if recipe.dpo else {}).items():
        assert recipe.dpo is not None
        start, lora = run.start or recipe.dpo.start, run.lora or recipe.dpo.lora
        settings = {
            "start": start, "data": {dataset: list(codes) for dataset, codes in run.data.items()},
            "beta": run.beta or recipe.dpo.beta, "lora": lora and lora.model_dump(),
            "trainer": {**recipe.dpo.trainer.set_keys(), **run.trainer.set_keys()},
        }  # fmt: skip
        inputs = [start]
        for dataset, codes in run.data.items():
            inputs += [_rows_of(recipe, dataset, code) for code in codes]
        yield Step(
            f"dpo/{name}", "dpo", {**_training(recipe), "dpo": settings}, tuple(inputs), True, _TRAINING_VERSIONS
        )


def _rows_of(recipe: Recipe, dataset: str, code: str) -> str:
    return f"source/{dataset}" if code == recipe.source_language else f"translate/{dataset}"


def _eval_steps(recipe: Recipe) -> Iterator[Step]:
    if recipe.eval.translation:
        settings: dict[str, Any] = {"language": recipe.language, "source_language": recipe.source_language}
        rows = recipe.eval.translation
        yield Step(
            f"eval/translation/{rows}",
            "translation-quality",
            settings,
            (f"source/{rows}", f"translate/{rows}"),
            False,
            ("sacrebleu",),
        )
    ifeval = recipe.eval.ifeval
    for model in tuned_models(recipe) if ifeval else ():
        assert ifeval is not None
        for code in ifeval.languages or (recipe.source_language, recipe.language):
            settings = {
                "language": code, "benchmark": ifeval.dataset, "max_tokens": ifeval.max_tokens,
                "engine": _identity_of(recipe.eval.engine.model_dump()), "mode": "compat", "sentences": ifeval.sentences,
            }  # fmt: skip
            inputs = (model, _rows_of(recipe, ifeval.dataset, code))
            yield Step(
                f"eval/{model}/{ifeval.dataset}-{code}",
                "eval",
                {"eval": settings},
                inputs,
                True,
                ("langdetect", ifeval.sentences.replace("punkt", "nltk")),
            )


def tuned_models(recipe: Recipe) -> tuple[str, ...]:
    """List the models that a recipe evaluates, as step names, in the order of the report."""
    runs = [f"sft/{name}" for name in (*expand_mixes(recipe.sft.mixes), *recipe.sft.runs)]
    return recipe.eval.models or (*runs, *(f"dpo/{name}" for name in (recipe.dpo.runs if recipe.dpo else ())))


def _report_step(recipe: Recipe) -> Step:
    before = [
        *_data_steps(recipe, None),
        *_mix_steps(recipe),
        *_sft_steps(recipe),
        *_dpo_steps(recipe),
        *_eval_steps(recipe),
    ]
    return Step(
        "report",
        "report",
        {"name": recipe.name, "description": recipe.description},
        tuple(step.name for step in before),
        derived=True,
    )


def select(plan: list[Step], patterns: tuple[str, ...]) -> list[Step]:
    """Find the steps that names or their beginnings ask for: `sft` and `sft/neftune` both are.

    Raises:
        UsageError: nothing in the plan has that name.
    """
    chosen: list[Step] = []
    for pattern in patterns:
        found = [step for step in plan if step.name == pattern or step.name.startswith(pattern.rstrip("/") + "/")]
        if not found:
            raise UsageError(f"no step '{pattern}' in this plan; {nearest(pattern, [step.name for step in plan])}")
        chosen += [step for step in found if step not in chosen]
    return [step for step in plan if step in chosen]


def needed_for(plan: list[Step], kinds: tuple[Kind, ...]) -> list[Step]:
    """Keep the steps of some kinds and everything they stand on."""
    by_name = {step.name: step for step in plan}
    wanted = {step.name for step in plan if step.kind in kinds}
    for step in reversed(plan):
        if step.name in wanted:
            wanted |= set(by_name[step.name].inputs)
    return [step for step in plan if step.name in wanted]


def fields_of(step: Step, input_digests: Mapping[str, str]) -> dict[str, Any]:
    """Collect everything that determines a step's result, for its fingerprint and for the list of differences."""
    return {**step.settings, "inputs": dict(input_digests), "versions": versions(step.versions)}
