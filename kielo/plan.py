"""The plan: a recipe spelled out as steps with their inputs; the laptop walks it and Slurm is handed the same one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from kielo.errors import UsageError
from kielo.languages import PACKS, answers_of, pack_files
from kielo.links import expand_mixes, mix_family
from kielo.models import model_identity
from kielo.provenance import digest, versions
from kielo.recipe import nearest
from kielo.schema import Dataset, Engine, Recipe

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
        place = dataset.model_dump(
            exclude={"translate", "engine", "memory", "answers", "arguments"}, exclude_unset=True
        )
        yield Step(
            f"source/{name}",
            "source",
            {
                "translate": {"datasets": {name: place}},
                "limit": limit,
                "source_language": recipe.source_language,
                **_file(recipe, dataset.local, "the rows"),
            },
        )
        if dataset.translate:
            yield _translate_step(recipe, name, dataset)


def _translate_step(recipe: Recipe, name: str, dataset: Dataset) -> Step:
    translate, engines = recipe.translate, recipe.translate.engines(dataset)
    memory = dataset.memory or translate.memory
    prompted = any(engine.kind != "deepl" for engine in engines)
    files = {
        "memory": memory.file if memory else None, "glossary": translate.glossary, "verdicts": translate.verdicts,
        "arguments": dataset.arguments, "identifier_file": translate.identifier_file,
    }  # fmt: skip
    settings: dict[str, Any] = {
        "language": recipe.language, "source_language": recipe.source_language, **_model(recipe), "seed": recipe.seed,
        "translate": {
            **translate.model_dump(exclude={"datasets"}), "engine": [_translator(recipe, engine) for engine in engines],
            "memory": memory and memory.model_dump(), "answers": dataset.answers, "arguments": dataset.arguments,
        },
        **{key: value for what, file in files.items() for key, value in _file(recipe, file, what).items()},
        **_packs(recipe), **_shots(recipe, engines), **_answers(recipe, dataset),
    }  # fmt: skip
    return Step(
        f"translate/{name}",
        "translate",
        settings,
        (f"source/{name}",),
        prompted,
        _translation_versions(recipe, engines),
    )


def _packs(recipe: Recipe) -> dict[str, Any]:
    """Digest the language packs: names, letters, phrases and rules in them decide what is asked and accepted."""
    files = (file for code in (recipe.source_language, recipe.language) for file in pack_files(code))
    return {"content of the language packs": {file.relative_to(PACKS).as_posix(): digest(file) for file in files}}


def _shots(recipe: Recipe, engines: Sequence[Engine]) -> dict[str, Any]:
    """Digest every file of shots that is shown to a model."""
    prompts = [engine.prompt or recipe.translate.prompt for engine in engines if engine.kind != "deepl"]
    files = [recipe.shots_of(prompt) for prompt in prompts if prompt.shots_file != "pocket"]
    return {"content of the shots": [digest(file) for file in files if file.is_file()]} if files else {}


def _answers(recipe: Recipe, dataset: Dataset) -> dict[str, Any]:
    file = answers_of(recipe.language)
    return {"content of the answers": digest(file)} if dataset.answers == "regenerate" and file.is_file() else {}


def _translator(recipe: Recipe, engine: Engine) -> dict[str, Any]:
    """Keep of a translator what changes its translations."""
    kept = {key: getattr(engine, key) for key in ("formality", "glossary_id", "model_type")}
    model = {"model": model_identity(recipe.named_model(engine.model))} if engine.model else {}
    prompt = {"prompt": engine.prompt.model_dump()} if engine.prompt else {}
    return {**_identity_of(engine.model_dump()), **kept, **model, **prompt}


def _translation_versions(recipe: Recipe, engines: Sequence[Engine]) -> tuple[str, ...]:
    """List the packages whose versions change a translation."""
    translate = recipe.translate
    prompts = [engine.prompt or translate.prompt for engine in engines]
    identifiers = {"lingua": "lingua-language-detector", "glotlid": "fasttext-numpy2-wheel"}
    optional = {
        "pygments": translate.code == "comments", "deepl": any(engine.kind == "deepl" for engine in engines),
        "sacrebleu": any(prompt.format == "auto" for prompt in prompts),
    }  # fmt: skip
    asked = [name for name, wanted in optional.items() if wanted]
    return (identifiers.get(translate.identifier, translate.identifier), "markdown-it-py", "sentencex", *asked)


def _identity_of(engine: dict[str, Any]) -> dict[str, Any]:
    """Keep of an engine what changes its completions; how many servers or requests at once does not."""
    return {key: engine[key] for key in ("kind", "dtype", "served_model")}


def _model(recipe: Recipe) -> dict[str, Any]:
    return {"model": model_identity(recipe.model_path, recipe.revision)}


def _file(recipe: Recipe, written: str | None, what: str) -> dict[str, Any]:
    """Put a file's content into the settings, so that an edited file is seen as a changed recipe."""
    if written is None or not recipe.path(written).is_file():
        return {}
    return {f"content of {what}": digest(recipe.path(written))}


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
