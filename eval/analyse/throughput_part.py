"""The part of an analysis on generation: tokens per second, time and peak memory of every step that asked a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.analyse.origins import generator_of
from eval.analyse.runs import AnalysedRun
from eval.report.document import Block, Cell, Items, Table
from eval.report.numbers import duration, thousands
from eval.report.tables import NOTHING
from kielo.generation.spent import GENERATION
from kielo.records import read_json

GENERATING = ("translate", "regenerate", "annotate", "responses", "judge")
"""Kinds of steps that ask models."""


@dataclass(frozen=True)
class Measured:
    """What a step's generation took with one model, engine and device."""

    run: str
    step: str
    model: str
    """As the recipe or the run names it, which tells people more than the weights' checksum."""
    found: Mapping[str, Any]


def read_measured(runs: Sequence[AnalysedRun]) -> list[Measured]:
    """Read generation.json of every step that has one; a step that changed its model or machine half-way is there once for each."""
    return [
        Measured(run.name, step, _named(str(each["model"]), known), each)
        for run, every in ((run, _spent(run)) for run in runs)
        for known in (_names(run, every),)
        for step, found in every.items()
        for each in (found, *found.get("others", ()))
    ]


def _spent(run: AnalysedRun) -> dict[str, Mapping[str, Any]]:
    steps = (step for kind in GENERATING for step in run.of_kind(kind))
    return {step: found for step in steps if (found := read_json(run.folder / step / GENERATION)) is not None}


def _names(run: AnalysedRun, spent: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Name models by their identities: the recipe's own, those that answered prompts anew, and the tuned ones."""
    names: dict[str, str] = {}
    for record in run.of_kind("translate").values():
        names[str(record["fields"].get("model"))] = run.recipe["model"]
    for step in run.of_kind("regenerate"):
        name, identity = generator_of(run, step.partition("/")[2], run.recipe["language"])
        names[str(identity)] = str(name)
    tuned = {step: found for step, found in spent.items() if step in run.of_kind("responses")}
    return {**names, **{str(found["model"]): step.partition("/")[2] for step, found in tuned.items()}}


def _named(identity: str, names: Mapping[str, str]) -> str:
    """Name weights that lie in a folder; where nothing here names them, by the beginning of their checksum."""
    weights, space, served = identity.partition(" ")
    name = names.get(weights, f"{weights[:15]}…") if weights.startswith("sha256:") else weights
    return f"{name}{space}{served}"


def throughput_blocks(runs: Sequence[AnalysedRun], measured: Sequence[Measured]) -> list[Block]:
    """Lay out the measurements, and name the steps that have none."""
    steps = [(run.name, step) for run in runs for kind in GENERATING for step in run.of_kind(kind)]
    known = {(each.run, each.step) for each in measured}
    missing = [f"`{run}: {step}`" if len(runs) > 1 else f"`{step}`" for run, step in steps if (run, step) not in known]
    blocks: list[Block] = [_table(measured, len(runs) > 1)] if measured else []
    if missing:
        named = f"{', '.join(missing[:6])}{f' and {len(missing) - 6} more' if len(missing) > 6 else ''}"
        blocks.append(
            Items((f"Not measured: {named}. They asked no model, or were made before generation was measured: made again with --redo, they are.",))
        )  # fmt: skip
    return blocks


def _table(measured: Sequence[Measured], with_runs: bool) -> Table:
    rows = tuple(_row(each, with_runs) for each in measured)
    note = (
        "Seconds in which the engine was generating, added up over the sessions of a step that was stopped and went on; completions that were at hand already cost none and count for nothing. "
        f"Rates: tokens over these seconds. Peak memory: {'; '.join(dict.fromkeys(str(each.found['memory']) for each in measured))}."
    )
    columns = (
        "Step",
        "Model",
        "Engine",
        "Requests",
        "Prompt tokens/s",
        "Completion tokens/s",
        "Time",
        "Peak memory",
        "Sessions",
    )
    return Table("Generation by step", columns, rows, note, 3)


def _row(each: Measured, with_runs: bool) -> tuple[Cell, ...]:
    found = each.found
    seconds, peak = float(found["seconds"]), found.get("peak_memory_bytes")
    return (
        Cell(f"{each.run}: {each.step}" if with_runs else each.step), Cell(each.model),
        Cell(f"{found['engine']} on {found['device']}" if found["device"] else str(found["engine"])), Cell(thousands(found["requests"])),
        _rate(found["prompt_tokens"], seconds), _rate(found["completion_tokens"], seconds),
        Cell(duration(seconds), numbers=(("seconds", seconds),)),
        NOTHING if peak is None else Cell(f"{peak / 2**30:.2f} GiB", numbers=(("bytes", peak),)), Cell(str(found["sessions"])),
    )  # fmt: skip


def _rate(tokens: int, seconds: float) -> Cell:
    if not seconds:
        return NOTHING
    numbers = (("tokens", tokens), ("per second", round(tokens / seconds, 3)))
    return Cell(thousands(round(tokens / seconds)), f"{thousands(tokens)} tokens", numbers=numbers)


def throughput_document(measured: Sequence[Measured]) -> list[dict[str, Any]]:
    """Write the measurements as JSON."""
    return [
        {
            "run": each.run,
            "step": each.step,
            "name": each.model,
            **{key: value for key, value in each.found.items() if key != "others"},
        }
        for each in measured
    ]
