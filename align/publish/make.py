"""Puts a published model together: its weights, its card with scores in the Hub's form, its licence, the recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.cards.card import card, front_of
from align.cards.run_record import run_record
from align.publish.licence import model_licence
from align.publish.weights import INDEX, Weights, passed_on, plan_weights, write_model
from align.training.job import MODEL_RECORD
from align.training.weights import MODEL
from kielo.errors import MissingExtraError, UsageError
from kielo.plan import Step, Workplace
from kielo.recipe.reading import nearest
from kielo.records import replacing, write_json
from kielo.run_folder import RECORD, RunFolder
from kielo.schema import Recipe
from kielo.sharing.drift import refuse_drifted
from kielo.sharing.folder import CARD, MARK, seal
from kielo.sharing.licences import LICENCE_FILE, Licence
from kielo.sharing.markdown import text
from kielo.sharing.opened import RECIPE
from kielo.sharing.places import recipe_told

_MODES = {"compat": "as lm-evaluation-harness scores", "fair": "fair"}


@dataclass(frozen=True)
class PublishedModel:
    """A model of a run, ready to be written."""

    what: str
    folder: Path
    weights: Weights
    licence: Licence
    card: str
    record: Mapping[str, Any]
    recipe: Mapping[str, Any]


def prepare(recipe: Recipe, run: RunFolder, name: str, allowed: str | None) -> PublishedModel:
    """Look at a trained model and describe it; nothing is written, and of its weights the headers alone are read.

    Raises:
        UsageError: there is no such model, it is damaged or was made by another recipe, or its licence refuses.
        MissingExtraError: huggingface_hub is not installed.
    """
    folder = run.folder(_trained(run, name))
    damage = run.damaged(name)
    if damage:
        raise UsageError(f"{folder}: {damage}; make it again with `kielo run --redo {name}`.")
    made = run.record(name) or {}
    step = Step(name, made["kind"], {}, tuple(made["fields"]["inputs"]), versions=tuple(made["fields"]["versions"]))
    inputs = {each: run.folder(each) for each in step.inputs}
    record = run_record(Workplace(step, recipe, folder.absolute(), inputs))
    refuse_drifted(recipe, run, record["chain"])
    licence = model_licence(recipe, run, record, allowed)
    front = {**front_of(record), **dict(licence.metadata), **_index(record)}
    if "license_name" in front and "license_name" not in licence.metadata:
        del front["license_name"]
    told = card(record, front, tuple(_licence(licence)))
    weights = plan_weights(folder / MODEL)
    return PublishedModel(f"{recipe.name}: {name}", folder / MODEL, weights, licence, told, record, recipe_told(recipe))


def beside_weights(made: PublishedModel) -> list[str]:
    """List the files that are published with the weights."""
    index = [INDEX] if len(made.weights.shards) > 1 else []
    return [*passed_on(made.folder), *index, CARD, LICENCE_FILE, MODEL_RECORD, RECIPE, MARK]


def write(made: PublishedModel, folder: Path) -> None:
    """Write the model, its card, licence, record and recipe into an empty folder, the mark last."""
    write_model(made.folder, folder, made.weights)
    for name, content in ((CARD, made.card), (LICENCE_FILE, made.licence.file_text())):
        with replacing(folder / name) as stream:
            stream.write(content.encode("utf-8"))
    write_json(folder / MODEL_RECORD, made.record)
    write_json(folder / RECIPE, made.recipe)
    seal(folder, made.what, {"licence": made.licence.name})


def _trained(run: RunFolder, name: str) -> str:
    """Find a finished training.

    Raises:
        UsageError: there is none of that name.
    """
    there = sorted(
        path.parent.relative_to(run.path).as_posix()
        for kind in ("sft", "dpo")
        for path in run.path.glob(f"{kind}/*/{RECORD}")
    )
    if name in there:
        return name
    hint = nearest(name, there) if there else "no training of it is finished; run `kielo run` with its recipe first."
    raise UsageError(f"no model '{name}' in {run.path}; {hint}")


def _licence(licence: Licence) -> Iterator[str]:
    yield f"Licence: {text(licence.name)}; `{LICENCE_FILE}` lists what it was computed from.\n"
    yield from (f"{text(condition.text)}\n" for condition in licence.conditions)
    if licence.allowed:
        yield f"Its licence is not settled; published because: {text(licence.allowed)}\n"


def _index(record: Mapping[str, Any]) -> dict[str, Any]:
    """Write the scores as the Hub's `model-index`."""
    try:
        from huggingface_hub import EvalResult, ModelCardData
    except ImportError as error:
        raise MissingExtraError(
            "kielo publish needs the package huggingface_hub; pip install -e '.[train]'."
        ) from error
    results = [
        EvalResult(
            task_type="text-generation", dataset_type=found["benchmark"], dataset_config=found["language"],
            dataset_name=f"{found['benchmark']} ({found['language']})", metric_type=kind, metric_name=name, metric_value=value,
        )
        for found in record["results"]
        for kind, name, value in _metrics(found)
    ]  # fmt: skip
    if not results:
        return {}
    data = ModelCardData(model_name=f"{record['recipe']}: {record['name']}", eval_results=results)
    index: dict[str, Any] = data.to_dict()  # type: ignore[no-untyped-call]
    return {"model-index": index["model-index"]}


def _metrics(found: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    for mode, followed in found["followed"].items():
        if found["instructions"]:
            yield (
                f"inst_strict_{mode}",
                f"Instructions followed, strictly ({_MODES.get(mode, mode)})",
                round(followed / found["instructions"], 4),
            )
    if found["in_language"] is not None and found["answers"]:
        yield "answers_in_language", "Answers in that language", round(found["in_language"] / found["answers"], 4)
