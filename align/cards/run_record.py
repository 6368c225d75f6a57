"""What a trained model was made from, by what and to what effect, as one JSON value: run.json, and what the model card is written from."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from align.training.job import JOB, PROBES, RECORD
from kielo import __version__
from kielo.plan import Step, Workplace
from kielo.plan.selection import answering_model
from kielo.provenance import surroundings, versions
from kielo.records import read_json
from kielo.run_folder import RECORD as STEP_RECORD
from kielo.run_folder import SCORES, RunFolder
from kielo.schema import Dataset, Engine, Recipe
from kielo.sharing.licence_table import table, translator_conditions
from kielo.sharing.origins import memory_name, rows_licence
from kielo.sharing.places import without_places

HUB_ID = re.compile(r"^[\w.-]+/[\w.-]+$", re.ASCII)
_NOT_TOLD = ("model", "tokens", "reference", "counts", "data", "stop_token_id", "added_token_ids")
"""Fields of a job that stand elsewhere in the record, or are of no use outside the run folder."""

ANSWERED = (
    "Answers that another language model wrote are in the data: the licence or terms of that model may say what its answers "
    "may be used for, and bind whoever trains on them or passes the model on."
)


def run_record(place: Workplace) -> dict[str, Any]:
    """Collect what is known of the trained model of a step, without a place or name of the machine."""
    recipe, step = place.recipe, place.step
    run = RunFolder(place.folder.parents[step.name.count("/")])
    made = run.record(step.name)
    chain = list(_chain(run, step))
    stages = [_stage(recipe, run, name) for name in chain if name.startswith(("sft/", "dpo/"))]
    code = made["surroundings"] if made else surroundings()
    record: dict[str, Any] = {
        "name": step.name, "recipe": recipe.name, "description": recipe.description, "kielo": __version__,
        "languages": [recipe.source_language, recipe.language], "base_model": _base_model(recipe),
        "command": f"kielo {step.kind} {shlex.quote(recipe.file.name)}", "chain": chain,
        "licence_notes": _licence_notes(recipe, stages), "stages": stages, "results": list(_results(run, step.name)),
        "versions": made["fields"]["versions"] if made else versions(step.versions), "python": code["python"],
        "commit": code["commit"], "uncommitted_changes": code["uncommitted"] not in ("", "unknown"),
    }  # fmt: skip
    return {key: without_places(value) for key, value in record.items()}


def _base_model(recipe: Recipe) -> dict[str, Any]:
    name = recipe.model
    on_hub = bool(HUB_ID.match(name)) and not Path(recipe.model_path).is_dir()
    return {"name": name, "on_hub": on_hub, "revision": recipe.revision}


def _inputs(run: RunFolder, name: str) -> list[str]:
    record = run.record(name)
    return list(record["fields"]["inputs"]) if record else []


def _chain(run: RunFolder, step: Step) -> Iterator[str]:
    """List the steps that a model stands on, each after its own inputs, and its own step last; benchmarks are none of them."""
    seen: set[str] = set()

    def walk(name: str, inputs: list[str]) -> Iterator[str]:
        if name in seen:
            return
        seen.add(name)
        benchmarks = ((run.record(name) or {}).get("fields", {}).get("eval") or {}).get("benchmarks", ())
        for each in inputs:
            if each not in benchmarks:
                yield from walk(each, _inputs(run, each))
        yield name

    yield from walk(step.name, list(step.inputs))


def _stage(recipe: Recipe, run: RunFolder, name: str) -> dict[str, Any]:
    """Collect one training of the chain: what it read, how it was set and what it did."""
    folder = run.folder(name)
    job, done = read_json(folder / JOB) or {}, read_json(folder / RECORD) or {}
    made_of = [run.folder(each) for each in _inputs(run, name) if each.startswith("tokens/")]
    # before the training's own record is written, its job alone says where they lie
    folders = made_of or ([Path(job["tokens"])] if job else [])
    tokens = read_json(folders[0] / "tokens.json") if folders else None
    return {
        "step": name, "settings": {key: value for key, value in job.items() if key not in _NOT_TOLD},
        "tokens": _token_settings(run, name), "data": list(_data(recipe, (tokens or {}).get("sources", {}))),
        "selection": _selection(run, name),
        "run": _done(done, job.get("trainer", {})),
        "overlap_with_benchmarks": _overlap(folders), "probes": _probes(folder),
    }  # fmt: skip


def _overlap(tokens: Sequence[Path]) -> dict[str, Any]:
    """Read how many rows have a prompt of a benchmark, by language and how."""
    record = read_json(tokens[0] / STEP_RECORD) if tokens else None
    counted: dict[str, Any] = record["counts"]["overlap"] if record else {}
    return counted


def _done(done: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    """Tell what the training did, and the arguments that the recipe left to their defaults."""
    told = {*written, *(("warmup_steps",) if "warmup_ratio" in written else ())}  # the same number by its newer name
    defaults = {key: value for key, value in done.get("arguments", {}).items() if key not in told}
    return {**defaults, **{key: value for key, value in done.items() if key not in ("job", "model", "arguments")}}


def _probes(folder: Path) -> list[str]:
    """Read what the probes saw before the first step; their examples are rows, and stay in the run folder."""
    file = folder / PROBES
    return [found["sentence"] for found in json.loads(file.read_text("utf-8"))] if file.is_file() else []


def _token_settings(run: RunFolder, name: str) -> dict[str, Any]:
    """Read how the rows of a training became tokens: which are trained on, and what became of over-long ones."""
    kind = name.partition("/")[0]
    steps = [each for each in _inputs(run, name) if each.startswith("tokens/")]
    record = run.record(steps[0]) if steps else None
    return {key: value for key, value in record["fields"][kind].items() if key != "trainer"} if record else {}


def _selection(run: RunFolder, name: str) -> dict[str, Any] | None:
    """Read how the rows of a training were chosen, with what the selection counted; None where all were taken."""
    mixes = (each for tokens in _inputs(run, name) if tokens.startswith("tokens/") for each in _inputs(run, tokens))
    chosen = [
        each for mix in mixes if mix.startswith("mix/") for each in _inputs(run, mix) if each.startswith("select/")
    ]
    record = run.record(chosen[0]) if chosen else None
    return {**record["fields"]["select"][chosen[0].partition("/")[2]], "counts": record["counts"]} if record else None


def _data(recipe: Recipe, sources: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[dict[str, Any]]:
    for name, by_language in sources.items():
        dataset = recipe.translate.datasets.get(name)
        for code, counts in by_language.items():
            yield {"source": name, "language": code, **(_origin(recipe, dataset, code) if dataset else {}), **counts}


def _origin(recipe: Recipe, dataset: Dataset, code: str) -> dict[str, Any]:
    """Say where a data set's rows come from, who translated them, and who wrote their answers where these were made anew."""
    rows = recipe.translate.datasets[dataset.prompts_of] if dataset.prompts_of else dataset
    translators = _named(recipe, recipe.translate.engines(rows)) if code != recipe.source_language else []
    memory = rows.memory or recipe.translate.memory
    remembered = [memory_name(memory)] if memory and code != recipe.source_language else []
    place = rows.hub or (f"the pocket world's {rows.pocket}" if rows.pocket else rows.local)
    return {
        "from": place, "on_hub": bool(rows.hub and HUB_ID.match(rows.hub)), "revision": rows.revision,
        "licence": rows_licence(rows), "translated_by": [*remembered, *translators], "prompts_of": dataset.prompts_of,
        "answered_by": _answerers(recipe, dataset, translators),
    }  # fmt: skip


def _answerers(recipe: Recipe, dataset: Dataset, translators: list[str]) -> list[str]:
    anew = answering_model(recipe, dataset)
    while_translating = translators[:1] if dataset.answers == "regenerate" else []
    return [anew] if anew else while_translating


def _named(recipe: Recipe, engines: Sequence[Engine]) -> list[str]:
    return [
        "DeepL" if engine.kind == "deepl" else engine.model or engine.served_model or recipe.model for engine in engines
    ]


def _licence_notes(recipe: Recipe, stages: list[dict[str, Any]]) -> list[str]:
    rows = [row for stage in stages for row in stage["data"]]
    deepl = any("deepl" in translator_conditions(name) for row in rows for name in row.get("translated_by", ()))
    helpsteer = any("helpsteer2" in str(row.get("from")).lower() for row in rows if row.get("on_hub"))
    answered = any(set(row.get("answered_by", ())) - {recipe.model} for row in rows)
    known = table().conditions
    notes = ((known["deepl"].text, deepl), (known["sharegpt"].text, helpsteer), (ANSWERED, answered))
    return [note for note, holds in notes if holds]


def _results(run: RunFolder, name: str) -> Iterator[dict[str, Any]]:
    """Read the scores of the finished evaluations of a model; open questions have no instructions to follow."""
    folder = run.folder(f"eval/{name}")
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        scores = read_json(place / SCORES)
        if scores is None or run.record(f"eval/{name}/{place.name}") is None:
            continue
        subsets = {mode: of["paper_subset"] for mode, of in scores.get("modes", {}).items()}
        spoken = scores.get("response_language")
        floors = scores.get("floors") or {}
        yield {
            "benchmark": scores["benchmark"], "language": scores["language"],
            "followed": {mode: subset["inst_strict"] for mode, subset in subsets.items()},
            "interval": _intervals(scores.get("modes", {})),
            "floor": {mode: max(reply["inst_strict"] for reply in of.values()) for mode, of in floors.items()},
            "instructions": subsets["compat"]["instructions"] if subsets else None,
            "in_language": spoken and spoken["lines"] and spoken["lines"]["target"], "answers": spoken and spoken["total"],
        }  # fmt: skip


def _intervals(modes: Mapping[str, Any]) -> dict[str, Any]:
    """Read the 95% interval of the share followed in each mode; scores made before there were any have none."""
    return {mode: of["intervals"]["paper_subset"]["inst_strict"] for mode, of in modes.items() if "intervals" in of}
