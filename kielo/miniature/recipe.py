"""A recipe in miniature: its model, data, engines and lengths exchanged for small ones, its steps, languages and trainings left as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from kielo.errors import RecipeError
from kielo.miniature.data import ROWS, write_memory, write_rows
from kielo.miniature.engines import Models, engine, engines, judging
from kielo.miniature.trainer import cut_runs, cut_trainer
from kielo.recipe.links import broken_links
from kielo.schema import Dataset, Recipe
from kielo.schema.alignment import Unusual

NOTICE = "MINIATURE: random weights in the architecture of {model}, a few rows of the pocket world, every length cut. It shows that all steps run; its scores mean nothing."
ANSWERED = "Answers made anew are the pocket model's. "
FOLDER = "miniature"
MOST_TOKENS, MOST_SAMPLES, MOST_SEEDS = 16, 2, 2
MOST_ANSWER_TOKENS = 96
"""Of an answer that is made anew: what the pocket model needs to end one."""
Values = dict[str, Any]


def miniature_name(recipe: Recipe) -> str:
    """Name the miniature of a recipe, and so its run folder."""
    return f"{recipe.name}-miniature"


def notice(recipe: Recipe) -> str:
    """Say what a miniature is, for the terminal and the report."""
    return NOTICE.format(model=recipe.model)


def miniature_recipe(recipe: Recipe, folder: Path) -> Recipe:
    """Exchange what makes a recipe long; models and data of the miniature are written below the run folder `folder`.

    Raises:
        RecipeError: nothing is known of the model's architecture, or the recipe does not hold together when it is cut.
    """
    place = folder.absolute() / FOLDER
    models = Models(recipe, place / "models")
    values: Values = recipe.model_dump(mode="json", exclude_unset=True)
    values.pop("revision", None)
    values |= {"name": miniature_name(recipe), "model": models.own, "seeds": values.get("seeds", [])[:MOST_SEEDS]}
    values["file"] = recipe.file
    values["translate"] = _translate(recipe, values["translate"], place, models)
    values |= {"annotate": _annotate(values.get("annotate", {}))} if "annotate" in values else {}
    for part in ("sft", "dpo"):
        if values.get(part):
            values[part] = _training(values[part])
    if values.get("dpo"):
        # of a few pairs none may be missed, and they are in the pocket world's languages
        values["dpo"]["accept"] = list(get_args(Unusual))
    values["eval"] = _evaluate(values.get("eval", {}), models)
    answered = ANSWERED if any(_answers_anew(each) for each in recipe.translate.datasets.values()) else ""
    values["description"] = f"{notice(recipe)} {models.stand_in()}{answered}{recipe.description}".strip()
    return _checked(values, recipe)


def _checked(values: Values, recipe: Recipe) -> Recipe:
    try:
        small = Recipe.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise RecipeError(
            f"{recipe.file}: no miniature of it: {'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ').rstrip('.')}."
        ) from error
    for where, sentence in broken_links(small):
        raise RecipeError(f"{recipe.file}: no miniature of it: {'.'.join(map(str, where))}: {sentence}.")
    return small


def _translate(recipe: Recipe, values: Values, place: Path, models: Models) -> Values:
    """Let a memory of the pocket world translate, the model what it lacks, and the source text stand where neither could."""
    known: dict[str, str] = {}
    datasets: dict[str, Values] = {}
    memory = place / "memory.jsonl"
    for number, (name, dataset) in enumerate(recipe.translate.datasets.items()):
        written = dict(values["datasets"][name])
        if dataset.local is None and dataset.prompts_of is None:
            rows = place / "data" / f"{name}.jsonl"
            known |= write_rows(rows, dataset, recipe.seed + number, recipe.source_language)
            written = _replaced(written, dataset, rows, memory)
        if _answers_anew(dataset):
            written |= _answered(dataset)
        elif "engine" in written:
            written["engine"] = engines(written["engine"], models)
        datasets[name] = written
    write_memory(memory, known)
    repair = values.get("repair", {})
    rungs = [rung for rung in recipe.translate.repair.rungs if rung != "source"]
    # a text that nobody could translate would reject its record, and a few rows are soon none
    repair |= {"rungs": [*rungs, "source"], "samples": min(recipe.translate.repair.samples, MOST_SAMPLES)}
    own = engines(values.get("engine", [{"kind": "hf"}]), models)
    return {**values, "engine": own, "checks": "paper", "repair": repair, "datasets": datasets}


_OF_THE_PLACE = ("hub", "revision", "config", "split", "pocket", "rows", "fields", "score", "expected", "memory", "arguments")  # fmt: skip


def _replaced(written: Values, dataset: Dataset, rows: Path, memory: Path) -> Values:
    """Name the rows that stand in for a data set."""
    kept = {key: value for key, value in written.items() if key not in _OF_THE_PLACE}
    return {**kept, "local": str(rows), **({"memory": {"file": str(memory)}} if dataset.translated else {})}


def _answers_anew(dataset: Dataset) -> bool:
    return dataset.prompts_of is not None or dataset.answers == "regenerate"


def _answered(dataset: Dataset) -> Values:
    """Let the pocket model make answers anew: random weights end none, so each would be rejected as cut off."""
    anew = {"samples": min(dataset.samples, MOST_SAMPLES), "max_tokens": MOST_ANSWER_TOKENS}
    return {"engine": [{"kind": "hf", "model": "pocket"}], **(anew if dataset.prompts_of is not None else {})}


def _annotate(values: Values) -> Values:
    """Take annotations that no language model and no file makes."""
    ifd = {"scores": {"kind": "ifd"}} if values.get("scores", {}).get("kind") == "ifd" else {}
    return {**ifd, "embedder": {"kind": "characters", "dimensions": 8}, "labels": {"kind": "clusters"}}


def _training(values: Values) -> Values:
    """Cut the lengths of a part's trainings, and the rows that its mixes ask for."""
    small = {
        **values,
        "trainer": cut_trainer(values.get("trainer", {}), base=True),
        "runs": cut_runs(values.get("runs", {})),
    }
    if "lora" in small and small["lora"]:
        small["lora"] = {key: value for key, value in small["lora"].items() if key != "quantise"}
    if "mixes" in values:
        small["mixes"] = {name: _mix(mix) for name, mix in values["mixes"].items()}
    return small


def _mix(mix: Values) -> Values:
    pools = [mix, *mix.get("sources", {}).values()]
    most = max((count for pool in pools for count in pool.get("rows", {}).values()), default=ROWS)
    small = {**mix, "rows": _scaled_rows(mix.get("rows", {}), most)} if "rows" in mix else dict(mix)
    if "sources" in mix:
        small["sources"] = {
            name: {**pool, "rows": _scaled_rows(pool.get("rows", {}), most)} if "rows" in pool else pool
            for name, pool in mix["sources"].items()
        }
    if mix.get("select"):
        small["select"] = {**mix["select"], "size": list(_scaled(mix["select"]["size"]))}
    return small


def _scaled_rows(rows: Mapping[str, int], most: int) -> dict[str, int]:
    return {code: ceil(count / most * ROWS) for code, count in rows.items()}


def _scaled(sizes: list[int]) -> Iterator[int]:
    """Bring sizes down to at most the rows there are, each still another."""
    order = sorted(sizes)
    yield from (max(order.index(size) + 2, ceil(size / order[-1] * ROWS)) for size in sizes)


def _evaluate(values: Values, models: Models) -> Values:
    """Let this process answer, shortly; scores that need an environment of their own are left out."""
    small = {key: value for key, value in values.items() if key != "comet"}
    small["engine"] = engine(None, models)
    if small.get("ifeval") is not None:  # {}: all defaults, of which the longest answer is one
        small["ifeval"] = {**small["ifeval"], "max_tokens": MOST_TOKENS}
    if small.get("questions"):
        small["questions"] = {name: {**each, "max_tokens": MOST_TOKENS} for name, each in small["questions"].items()}
    if small.get("judge"):
        judges = judging(small["judge"]["engines"], models)
        small["judge"] = {**small["judge"], "engines": judges, "max_tokens": MOST_TOKENS}
    return small
