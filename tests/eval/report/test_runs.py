"""The report on recipes with seeds, sweeps and blends: what is compared with what, and the counts of the training data."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from eval.report import stage
from eval.report.collect import collect
from eval.report.findings import findings
from eval.report.standing import baseline_of, mix_models, start_of, telling_models, widest_family
from tests.eval.fixture_run import RECIPE, Built, build

FAMILY = "en-fi-Xpct: {shares: {en: 1.0, fi: X}, X: [0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0]}"
SEEDED = RECIPE.replace("seed: 7", "seeds: [3, 5]").replace(
    "dpo-fi: {data: {helpsteer2: [fi]}}", "dpo-fi: {data: {helpsteer2: [fi]}, sweep: {beta: [0.01, 0.05]}}"
)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Built:
    built = build(tmp_path_factory.mktemp("run"), SEEDED, prompts=60)
    stage.run(built.place)
    return built


def markdown(built: Built) -> str:
    return (built.folder / "report/report.md").read_text("utf-8")


def table(built: Built, title: str) -> list[list[str]]:
    """Take the cells of one Markdown table, small print included, heading and rule left out."""
    _, _, after = markdown(built).partition(title)
    rows = re.search(r"(?m)(^\|.*\n)+", after)
    assert rows is not None, title
    lines = re.sub(r"[\u00a0\u202f\u2009]", " ", rows.group()).splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_seeds_stand_beside_each_other_and_start_from_their_own(seeded: Built) -> None:
    run = collect(seeded.recipe, seeded.place.inputs)
    models = [model.removeprefix("sft/") for model in mix_models(run)]
    assert models[:3] == ["en-fi-0pct-seed-3", "en-fi-0pct-seed-5", "en-fi-10pct-seed-3"] and len(models) == 14
    assert start_of(run, "sft/neftune-seed-5") == "sft/en-fi-100pct-seed-5"
    assert start_of(run, "dpo/dpo-fi-beta-0.05-seed-3") == "sft/en-fi-100pct-seed-3"
    assert baseline_of(run, "sft/en-fi-0pct-seed-5") == "sft/en-fi-100pct-seed-5"
    first = [row[0] for row in table(seeded, "Table 2") if "no model" not in row[0]]
    assert first[:2] == ["en-fi-100pct-seed-3 <sub>the start</sub>", "en-fi-100pct-seed-5 <sub>the start</sub>"]
    assert ["dpo-fi-beta-0.01-seed-5", "en-fi-100pct-seed-5"] in [row[:2] for row in table(seeded, "Table 3")]
    assert len(first) == 2 + 2 * (2 + 4)


def test_the_judge_compares_with_a_model_that_there_is(seeded: Built) -> None:
    (judge,) = (step for step in seeded.plan if step.kind == "judge")
    assert judge.settings["eval"]["judge"]["baseline"] == "sft/en-fi-100pct-seed-3"


def test_a_figure_shows_one_seed_and_says_which(seeded: Built) -> None:
    run = collect(seeded.recipe, seeded.place.inputs)
    assert widest_family(run) == [f"sft/en-fi-{percent}pct-seed-3" for percent in (0, 10, 20, 40, 60, 80, 100)]
    assert telling_models(run)[:2] == ["sft/en-fi-0pct-seed-3", "sft/en-fi-100pct-seed-3"]
    assert "Trained with seed 3; Table 1 has every seed." in markdown(seeded)


def test_findings_tell_every_seed(seeded: Built) -> None:
    said = findings(collect(seeded.recipe, seeded.place.inputs))
    assert re.search(
        r"^Finnish answers .*: at most .*, at least .* of the 12 models of mixes with Finnish data", said[0]
    )
    assert re.search(
        r"with `en-fi-0pct-seed-3` against .* with `en-fi-100pct-seed-3`: .*; with seed 5: [+−]?\d.* prompts, no difference shown",
        said[1],
    )


def test_a_run_without_seeds_says_nothing_of_them(tmp_path: Path) -> None:
    built = build(tmp_path / "run", prompts=40)
    stage.run(built.place)
    assert "seed " not in " ".join(findings(collect(built.recipe, built.place.inputs)))
    assert "Trained with seed" not in markdown(built) and "Seeds of the trainings" not in markdown(built)


def test_the_data_of_a_mix_are_those_of_its_tokens(tmp_path: Path) -> None:
    built = build(tmp_path / "run", prompts=10)
    stage.run(built.place)
    rows = {tuple(row[:2]): row[2:] for row in table(built, "Training data")}
    assert rows["en-fi-10pct", "Finnish"] == ["440 <sub>of 4 399</sub>", "239 800", "230 120", "3", "2.08"]
    assert ("en-fi-0pct", "Finnish") not in rows


def test_a_blend_is_told_by_data_set(tmp_path: Path) -> None:
    blend = "blend: {sources: {oasst2: {shares: {en: 1.0, fi: 2.5}}, wild: {rows: {en: 900}}}}"
    text = RECIPE.replace(FAMILY, blend).replace("en-fi-100pct", "blend")
    text = text.replace(
        "    helpsteer2: {kind", "    wild: {kind: conversations, hub: example/wild}\n    helpsteer2: {kind"
    )
    built = build(tmp_path / "run", text, prompts=10)
    stage.run(built.place)
    rows = [row[:4] for row in table(built, "Training data")]
    assert rows == [
        ["blend", "English", "oasst2", "4 399 <sub>of 4 399</sub>"],
        ["blend", "Finnish", "oasst2", "10 998 <sub>of 4 399, 6 599 repeated</sub>"],
        ["blend", "English", "wild", "900 <sub>of 4 399</sub>"],
    ]
    assert collect(built.recipe, built.place.inputs).shares == {"sft/blend": 2.5}


def test_prompts_of_the_benchmark_in_the_training_data_are_told(tmp_path: Path) -> None:
    built = build(tmp_path / "run", prompts=10)
    stage.run(built.place)
    title = "Training prompts that stand in the benchmark"
    assert ["sft/en-fi-10pct", "Finnish", "0", "3", "0", "14"] in table(built, title)
    assert "trained on all the same" in markdown(built)
    dropped = build(tmp_path / "dropped", RECIPE.replace("eval:\n", "eval:\n  overlap: drop\n"), prompts=10)
    stage.run(dropped.place)
    assert "left out of the training" in markdown(dropped)
    for path in built.folder.glob("tokens/*/*/step.json"):
        record = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps({**record, "counts": {**record["counts"], "overlap": {}}}), "utf-8")
    stage.run(built.place)
    assert title not in markdown(built) and "No training prompt stands in the benchmark" in markdown(built)
