"""The plan's first steps: data sets read and translated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kielo.languages.pack import answers_of
from kielo.models import model_identity
from kielo.plan.selection import regenerate_step
from kielo.plan.steps import Step, engine_fields, file_fields, identifier_package, model_fields, pack_fields
from kielo.provenance import digest
from kielo.schema import Dataset, Engine, Recipe

_NOT_OF_THE_ROWS = ("translate", "engine", "memory", "answers", "arguments", "expected", "licence")


def data_steps(recipe: Recipe, limit: int | None) -> Iterator[Step]:
    for name, dataset in recipe.translate.datasets.items():
        if dataset.prompts_of is not None:
            continue
        place = dataset.model_dump(exclude=set(_NOT_OF_THE_ROWS), exclude_unset=True)
        yield Step(
            f"source/{name}",
            "source",
            {
                "translate": {"datasets": {name: place}},
                "limit": limit,
                "source_language": recipe.source_language,
                **file_fields(recipe, dataset.local, "the rows"),
            },
        )
        if dataset.translated:
            yield _translate_step(recipe, name, dataset)
    for name, dataset in recipe.translate.datasets.items():
        if dataset.prompts_of is not None:
            yield regenerate_step(recipe, name, dataset)


def _translate_step(recipe: Recipe, name: str, dataset: Dataset) -> Step:
    translate, engines = recipe.translate, recipe.translate.engines(dataset)
    memory = dataset.memory or translate.memory
    prompted = any(engine.kind != "deepl" for engine in engines)
    files = {
        "memory": memory.file if memory else None, "glossary": translate.glossary, "verdicts": translate.verdicts,
        "arguments": dataset.arguments, "identifier_file": translate.identifier_file,
    }  # fmt: skip
    settings: dict[str, Any] = {
        "language": recipe.language, "source_language": recipe.source_language, **model_fields(recipe), "seed": recipe.seed,
        "translate": {
            **translate.model_dump(exclude={"datasets"}), "engine": [_translator(recipe, engine) for engine in engines],
            "memory": memory and memory.model_dump(exclude={"made_by", "licence"}), "answers": dataset.answers, "arguments": dataset.arguments,
        },
        **{key: value for what, file in files.items() for key, value in file_fields(recipe, file, what).items()},
        **pack_fields(recipe.source_language, recipe.language), **_shots(recipe, engines), **_answers(recipe, dataset),
    }  # fmt: skip
    return Step(
        f"translate/{name}",
        "translate",
        settings,
        (f"source/{name}",),
        prompted,
        _translation_versions(recipe, engines),
    )


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
    return {**engine_fields(engine.model_dump()), **kept, **model, **prompt}


def _translation_versions(recipe: Recipe, engines: Sequence[Engine]) -> tuple[str, ...]:
    """List the packages whose versions change a translation."""
    translate = recipe.translate
    prompts = [engine.prompt or translate.prompt for engine in engines]
    optional = {
        "pygments": translate.code == "comments", "deepl": any(engine.kind == "deepl" for engine in engines),
        "sacrebleu": any(prompt.format == "auto" for prompt in prompts),
    }  # fmt: skip
    asked = [name for name, wanted in optional.items() if wanted]
    return (identifier_package(translate.identifier), "markdown-it-py", "sentencex", *asked)
