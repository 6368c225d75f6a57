"""A few prompts with the answers of two models side by side, chosen by their place and not by what was answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.report.collect import Evaluation, Run, short
from eval.report.document import Example, Verdicts
from kielo.records import read_jsonl

SHOWN, LONGEST = 3, 600


def examples(run: Run, models: Sequence[str], code: str) -> tuple[Example, ...]:
    """Show the first, the middle and the last of the prompts that all of `models` were asked in a language."""
    found = [one for model in models if (one := run.evaluation(model, code))]
    files = [(one, _responses(one)) for one in found]
    shared = [key for key in (files[0][1] if files else {}) if all(key in answers for _, answers in files)]
    picked = dict.fromkeys(
        shared[round(place * (len(shared) - 1) / (SHOWN - 1))] for place in range(SHOWN if shared else 0)
    )
    return tuple(_example(key, files) for key in picked)


def _responses(one: Evaluation) -> dict[int, Mapping[str, Any]]:
    rows = (row for _, row in read_jsonl(one.folder / "responses.jsonl"))
    return {row["key"]: row for row in rows if row["key"] in one.followed}


def _example(key: int, files: Sequence[tuple[Evaluation, Mapping[int, Mapping[str, Any]]]]) -> Example:
    first = files[0][1][key]
    return Example(first["id"], first["prompt"], tuple(_verdicts(one, answers[key]) for one, answers in files))


def _verdicts(one: Evaluation, row: Mapping[str, Any]) -> Verdicts:
    scored = next(prompt for prompt in one.document["prompts"] if prompt["key"] == row["key"])
    answer = row["response"]
    return Verdicts(
        short(one.model), answer[:LONGEST], max(0, len(answer) - LONGEST),
        tuple(zip(scored["instruction_id_list"], scored["strict"], strict=True)),
    )  # fmt: skip
