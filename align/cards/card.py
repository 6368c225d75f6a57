"""The model card (README.md) and run record (run.json) beside a trained model; written by its training, again with scores by the report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from align.cards.run_record import HUB_ID, run_record
from align.training.job import CARD, MODEL_RECORD
from align.training.weights import MODEL
from kielo.plan import Step, Workplace
from kielo.provenance import canonical
from kielo.records import read_json, replacing, write_json
from kielo.run_folder import RunFolder
from kielo.schema import Recipe
from kielo.sharing.markdown import code, table, text, visible


def write_card(place: Workplace) -> None:
    """Write README.md and run.json into a step's `model/`; neither is a result that others stand on. What is so already stays."""
    record = run_record(place)
    if read_json(place.folder / MODEL / MODEL_RECORD) == json.loads(canonical(record)):
        return
    write_json(place.folder / MODEL / MODEL_RECORD, record)
    with replacing(place.folder / MODEL / CARD) as stream:
        stream.write(card(record).encode("utf-8"))


def refresh_cards(recipe: Recipe, run: RunFolder, plan: Sequence[Step]) -> int:
    """Write the cards of all finished trainings again, with the scores that there are now; returns how many."""
    done = [step for step in plan if step.kind in ("sft", "dpo") and run.record(step.name) is not None]
    for step in done:
        inputs = {name: run.folder(name) for name in step.inputs}
        write_card(Workplace(step, recipe, run.folder(step.name), inputs))
    return len(done)


def card(record: Mapping[str, Any], front: Mapping[str, Any] | None = None, licence: Sequence[str] = ()) -> str:
    """Write a model card in the Hub's form from a run record; `front`, `licence`: what a published one says instead."""
    base, versions = record["base_model"], ", ".join(f"{name} {each}" for name, each in record["versions"].items())
    revision = f" at revision {code(base['revision'])}" if base["revision"] else ""
    changes = ", with changes" if record["uncommitted_changes"] else ""
    parts = [
        f"---\n{yaml.safe_dump(dict(front or front_of(record)), sort_keys=False, allow_unicode=True)}---\n",
        f"# {text(record['recipe'])}: {text(record['name'])}\n",
        f"{text(record['description'])}\n" if record["description"] else "",
        f"Made by Kielo {record['kielo']} from {code(base['name'])}{revision}.\n",
        *_data(record), *(licence or _licence(record)), *_training(record), *_results(record),
        "## How to make it again\n", f"    {visible(record['command'])}\n",
        f"The steps it stands on: {', '.join(map(code, record['chain']))}.\n",
        f"Versions: {versions}, Python {record['python']}; Kielo at commit {code(record['commit'])}{changes}. "
        f"`{MODEL_RECORD}` holds all of this.\n",
    ]  # fmt: skip
    return "\n".join(part for part in parts if part)


def front_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Collect the Hub's metadata; what it would reject is left out of it, and stands in the text."""
    base, rows = record["base_model"], [row for stage in record["stages"] for row in stage["data"]]
    found = sorted({row["from"] for row in rows if row.get("on_hub") and HUB_ID.match(row["from"])})
    return {
        "language": list(dict.fromkeys(record["languages"])), "license": "other",
        "license_name": "base-model-and-data", **({"base_model": base["name"]} if base["on_hub"] else {}),
        **({"datasets": found} if found else {}), "library_name": "transformers", "pipeline_tag": "text-generation",
        "tags": ["kielo", "trl", record["name"].partition("/")[0]],
    }  # fmt: skip


def _data(record: Mapping[str, Any]) -> Iterable[str]:
    yield "## Data\n"
    head = (
        "stage",
        "data set",
        "from",
        "language",
        "translated by",
        "answered by",
        "licence",
        "rows",
        "tokens",
        "trained",
        "cut",
        "dropped",
    )
    rows = [_row(stage["step"], row) for stage in record["stages"] for row in stage["data"]]
    yield table(head, rows, numbers=5)
    yield from (_selected(stage) for stage in record["stages"] if stage["selection"])


def _licence(record: Mapping[str, Any]) -> Iterable[str]:
    yield "Licence: the base model's, and those of the data, hold for this model; Kielo chooses none.\n"
    yield from (f"{note}\n" for note in record["licence_notes"])


def _selected(stage: Mapping[str, Any]) -> str:
    """Say in a sentence how the rows of a training were chosen."""
    chosen = stage["selection"]
    languages = ", ".join(map(text, chosen["languages"]))
    shares = ", ".join(f"{rows:,} {text(code)}" for code, rows in chosen["budgets"].items())
    thinned = ", near-duplicates left out first" if chosen["near_duplicates"] else ""
    return (
        f"{text(stage['step'])}: its rows in {languages} are {chosen['size']:,} chosen by method {code(chosen['method'])}"
        f"{f' ({shares})' if shares else ''}{thinned}.\n"
    )


def _row(stage: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    dropped = ", ".join(f"{count} {text(reason)}" for reason, count in row["dropped"].items())
    named = [
        f"prompts of {row['prompts_of']}, {row['from']}" if row.get("prompts_of") else row.get("from"),
        row["language"],
        ", ".join(row.get("translated_by") or ()),
        ", ".join(row.get("answered_by") or ()),
        row.get("licence") or "not stated",
    ]
    counts = [f"{row[key]:,}" for key in ("rows", "tokens", "loss_tokens", "truncated")]
    return (text(stage), text(row["source"]), *(text(each or "") for each in named), *counts, dropped or "0")


def _training(record: Mapping[str, Any]) -> Iterable[str]:
    for stage in record["stages"]:
        yield f"## Training: {text(stage['step'])}\n"
        settings = {**stage["settings"], **stage["settings"].get("trainer", {}), **stage["tokens"], **stage["run"]}
        told = {key: value for key, value in settings.items() if value is not None and key != "trainer"}
        rows = [(code(key), code(json.dumps(value, ensure_ascii=False))) for key, value in told.items()]
        yield table(("setting", "value"), rows)
        if stage["probes"]:
            yield "Looked at before the first step:\n"
            yield "".join(f"- {text(sentence)}\n" for sentence in stage["probes"])
        overlap = sum(count for by_kind in stage["overlap_with_benchmarks"].values() for count in by_kind.values())
        if overlap:
            yield f"{overlap:,} training rows have a prompt of a benchmark (overlap.jsonl of the run lists them).\n"


def _results(record: Mapping[str, Any]) -> Iterable[str]:
    if not record["results"]:
        return
    yield "## Results\n"
    head = (
        "benchmark",
        "language",
        "followed as lm-evaluation-harness scores",
        "followed, fair",
        "answers in that language",
    )
    rows = [
        (
            text(found["benchmark"]), text(found["language"]),
            *(_followed(found, mode) for mode in ("compat", "fair")),
            _share(found["in_language"], found["answers"]),
        )
        for found in record["results"]
    ]  # fmt: skip
    yield table(head, rows, numbers=3)
    yield (
        "Followed: instructions, strictly, with the 95% interval over prompts; prompts that ask for another language are left out. "
        "Floor: the best that a constant answer, the prompt itself or nothing gets. Answers in that language: by their lines.\n"
    )


def _followed(found: Mapping[str, Any], mode: str) -> str:
    """Write a share of instructions with its interval, and what replies without any model get."""
    if mode not in found["followed"]:
        return "not measured"
    share, interval = _share(found["followed"][mode], found["instructions"]), found["interval"].get(mode)
    if interval is not None and found["instructions"]:
        share += " \\[{:.1f}, {:.1f}\\]".format(*(100 * end for end in interval))
    floor = found["floor"].get(mode)
    return (
        share
        if floor is None or not found["instructions"]
        else f"{share}, floor {100 * floor / found['instructions']:.1f}%"
    )


def _share(part: int | None, whole: int | None) -> str:
    return f"{100 * part / whole:.1f}% ({part} of {whole})" if part is not None and whole else "not measured"
