"""The plan between translation and mixes: prompts answered anew, rows annotated once, rows selected."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from kielo.languages.pack import answers_of
from kielo.models import model_identity
from kielo.plan.steps import (
    Step,
    engine_fields,
    file_fields,
    identifier_package,
    model_fields,
    pack_fields,
    rows_step,
)
from kielo.provenance import digest
from kielo.recipe.mixes import Selection, Taken, expand_mixes, selections
from kielo.schema import Dataset, Embedder, Engine, Recipe
from kielo.schema.selection import Knowledge


def regenerate_step(recipe: Recipe, name: str, dataset: Dataset) -> Step:
    """Make the step that answers another data set's prompts anew."""
    assert dataset.engine is not None and dataset.prompts_of is not None
    translate = recipe.translate
    own = {key: getattr(dataset, key) for key in ("prompts_of", "samples", "temperature", "max_tokens")}
    codes = answer_languages(recipe, dataset)
    checks = {"checks": translate.checks, "identifier": translate.identifier}
    settings = {
        "language": recipe.language, "source_language": recipe.source_language, "seed": recipe.seed,
        "translate": {**checks, "datasets": {name: {**own, "answer_in": list(codes)}}, "engine": asked_engine(recipe, dataset.engine[0])},
        **file_fields(recipe, translate.identifier_file, "identifier_file"),
        **pack_fields(recipe.source_language, recipe.language), **_examples(codes),
    }  # fmt: skip
    inputs = tuple(dict.fromkeys(rows_step(recipe, dataset.prompts_of, code) for code in codes))
    return Step(f"regenerate/{name}", "regenerate", settings, inputs, True, (identifier_package(translate.identifier),))


def _examples(codes: Iterable[str]) -> dict[str, Any]:
    """Digest the native answers that a base model is shown."""
    files = {code: answers_of(code) for code in codes}
    found = {code: digest(file) for code, file in files.items() if file.is_file()}
    return {"content of the answers": found} if found else {}


def answer_languages(recipe: Recipe, dataset: Dataset) -> tuple[str, ...]:
    """List the languages in which a data set's prompts are answered anew."""
    return dataset.answer_in or (recipe.language,)


def answering_model(recipe: Recipe, dataset: Dataset) -> str | None:
    """Name the model that answers a data set's prompts anew, as the recipe does; None for rows with answers of their own."""
    if dataset.prompts_of is None:
        return None
    (engine,) = dataset.engine or ()
    return engine.model or engine.served_model or recipe.model


def selection_steps(recipe: Recipe, limit: int | None = None) -> Iterator[Step]:
    """Make a step `annotate` of every data set that selections must know something of, then the selections.

    With a `limit` the steps know that few rows are there, and make do with them.
    """
    trial = {} if limit is None else {"limit": limit}
    mixes, selected = expand_mixes(recipe), selections(recipe)
    wanted: dict[str, set[Knowledge]] = {}
    for name, selection in selected.items():
        for dataset in _datasets(mixes[name], selection):
            wanted.setdefault(dataset, set()).update(selection.settings.needs(selection.method))
    known = {dataset: _annotate(recipe, dataset, frozenset(needs), trial) for dataset, needs in wanted.items() if needs}
    yield from known.values()
    for name, selection in selected.items():
        yield _select(recipe, name, mixes[name], selection, trial)


def _datasets(taken: tuple[Taken, ...], selection: Selection) -> list[str]:
    return list(
        dict.fromkeys(
            dataset for part in taken if set(part.languages) & set(selection.languages) for dataset in part.datasets
        )
    )


def _annotate(recipe: Recipe, dataset: str, needs: frozenset[Knowledge], trial: Mapping[str, int]) -> Step:
    annotate = recipe.annotate
    by_base = "ifd" in needs and annotate.scores.kind == "ifd"
    engines: dict[str, Any] = {
        part: asked_engine(recipe, engine)
        for part, engine in (("labels", annotate.labels.engine), ("scores", annotate.scores.engine))
        if engine is not None and (part in needs or (part == "scores" and by_base))
    }
    with_model = "ifd" in needs or ("scores" in needs and annotate.scores.kind == "ifd")
    files = {key: getattr(annotate, key).file for key in ("labels", "scores") if key in needs}
    settings = {
        "annotate": {**_known(recipe, needs), "needs": sorted(needs), "engines": engines},
        "seed": recipe.seed,
        **trial,
        **(model_fields(recipe) if with_model else {}),
        **{key: value for what, file in files.items() for key, value in file_fields(recipe, file, what).items()},
    }
    accelerator = _runs_a_model(recipe, needs)
    code = own_language(recipe, dataset)
    versions = ("scikit-learn", *_library(annotate.embedder))
    return Step(f"annotate/{dataset}", "annotate", settings, (rows_step(recipe, dataset, code),), accelerator, versions)


def annotating_engines(recipe: Recipe, needs: Collection[str]) -> tuple[Engine, ...]:
    """List who writes tags, who rates, and how the base model runs that tells the difficulty of rows."""
    annotate = recipe.annotate
    asked = [part.engine for name, part in (("labels", annotate.labels), ("scores", annotate.scores)) if name in needs]
    by_base = annotate.scores.engine if annotate.scores.kind == "ifd" else None
    if "ifd" in needs or ("scores" in needs and annotate.scores.kind == "ifd"):
        asked.append(by_base or Engine())
    return tuple(dict.fromkeys(engine for engine in asked if engine is not None))


def _runs_a_model(recipe: Recipe, needs: frozenset[Knowledge]) -> bool:
    """Tell whether annotating runs a model itself: one behind a running server needs no device of a cluster."""
    embeds = bool(needs & {"labels", "embeddings"}) and recipe.annotate.embedder.kind == "sentence-transformers"
    return embeds or any(engine.kind in ("hf", "vllm-server") for engine in annotating_engines(recipe, needs))


def own_language(recipe: Recipe, dataset: str) -> str:
    """Name the language of the rows that are annotated: the source's, else what the data set is written or answered in."""
    found = recipe.translate.datasets[dataset]
    if found.prompts_of is not None:
        return answer_languages(recipe, found)[0]
    return found.language or recipe.source_language


def _known(recipe: Recipe, needs: frozenset[Knowledge]) -> dict[str, Any]:
    """Keep of `annotate` what the rows' annotations depend on."""
    annotate = recipe.annotate
    parts: dict[str, Any] = {}
    if "labels" in needs:
        parts["labels"] = annotate.labels.model_dump(exclude={"engine"})
    if "scores" in needs:
        parts["scores"] = annotate.scores.model_dump(exclude={"engine"})
    if needs & {"labels", "embeddings"}:
        model = annotate.embedder.model
        named = {"model": model_identity(recipe.named_model(model), annotate.embedder.revision)} if model else {}
        parts["embedder"] = {**annotate.embedder.model_dump(exclude={"model", "revision"}), **named}
    return parts


def _library(embedder: Embedder) -> tuple[str, ...]:
    return () if embedder.kind == "characters" else (embedder.kind,)


def asked_engine(recipe: Recipe, engine: Engine) -> dict[str, Any]:
    """Keep of an engine that answers what changes its answers; its model is the recipe's where it names none."""
    model = recipe.named_model(engine.model) if engine.model else recipe.model_path
    revision = None if engine.model else recipe.revision
    return {**engine_fields(engine.model_dump()), "model": model_identity(model, revision)}


def _select(
    recipe: Recipe, name: str, taken: tuple[Taken, ...], selection: Selection, trial: Mapping[str, int]
) -> Step:
    select, datasets = selection.settings, _datasets(taken, selection)
    own = select.model_dump()[selection.method] if selection.method in ("mig", "deita", "car", "qdit") else {}
    settings = {
        "select": {
            name: {
                "method": selection.method, "size": selection.size, "languages": list(selection.languages),
                "budgets": dict(selection.budgets), "missing": select.missing, "datasets": datasets,
                "near_duplicates": select.near_duplicates and select.near_duplicates.model_dump(), **own,
            }
        },
        "seed": recipe.seed, **trial,
    }  # fmt: skip
    rows = [
        rows_step(recipe, dataset, code)
        for part in taken for dataset in part.datasets for code in part.languages if code in selection.languages
    ]  # fmt: skip
    known = [f"annotate/{dataset}" for dataset in datasets] if select.needs(selection.method) else []
    return Step(f"select/{name}", "select", settings, tuple(dict.fromkeys([*rows, *known])))
