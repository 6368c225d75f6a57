"""The steps read the settings that the plan writes: mixes, tokens, trainings and reference of a whole recipe, one after the other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from align import dpo, mix, prepare, reference, sft
from kielo.plan import Outcome, Workplace, make_plan
from kielo.recipe.reading import load
from kielo.records import Prompt, write_records
from tests.align.conftest import conversation, pair

STAGES: dict[str, Callable[[Workplace], Outcome]] = {
    "mix": mix.run, "tokens": prepare.run, "sft": sft.run, "reference": reference.run, "dpo": dpo.run,
}  # fmt: skip


def test_a_recipe_from_mix_to_dpo(write_recipe: Callable[..., Path], tiny: Path, tmp_path: Path) -> None:
    changes = (
        ("sft:\n", "sft:\n  trainer: {max_steps: 2, warmup_ratio: 0.1}\n"),
        ("dpo:\n", "dpo:\n  trainer: {max_steps: 2}\n"),
    )
    recipe = load(write_recipe(("model: pocket", f"model: {json.dumps(str(tiny))}"), *changes))
    run = tmp_path / "runs"
    for language, folder, file in (("en", "source", "rows.jsonl"), ("fi", "translate", "accepted.jsonl")):
        write_records(run / folder / "oasst2" / file, [conversation(i, language) for i in range(12)])
        write_records(run / folder / "helpsteer2" / file, [pair(i, language) for i in range(8)])
        write_records(run / folder / "ifeval" / file, [Prompt("ifeval/00000", language, 1000, "Name a river.", (), ())])
    counts = {}
    for step in make_plan(recipe):
        if step.kind in STAGES:
            place = Workplace(step, recipe, run / step.name, {name: run / name for name in step.inputs})
            place.folder.mkdir(parents=True, exist_ok=True)
            counts[step.name] = STAGES[step.kind](place).counts
    assert [counts[f"mix/en-fi-{percent}pct"]["rows"] for percent in (0, 50, 100)] == [12, 18, 24]
    assert {name: values["rows"] for name, values in counts.items() if name.startswith("sft/")} == {
        "sft/en-fi-0pct": 12, "sft/en-fi-50pct": 18, "sft/en-fi-100pct": 24, "sft/neftune": 24,
    }  # fmt: skip
    assert set(counts["dpo/dpo-both"]["languages"]) == {"en", "fi"} and counts["dpo/dpo-both"]["steps"] == 2
