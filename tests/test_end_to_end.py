"""The whole chain through the command line: the pocket world, here and as jobs of a cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import ROOT, kielo, load
from tests.kielo.cluster.slurm_on_loopback import Slurm


@pytest.fixture(scope="module")
def quick(tmp_path_factory) -> tuple[Path, str]:
    """The quick pocket recipe, run once: its run folder and what the command said."""
    place = tmp_path_factory.mktemp("quick")
    said = kielo("run", ROOT / "recipes/pocket-quick.yaml", cwd=place)
    return place / "runs/pocket-quick", said


def test_the_run_ends_with_the_table_and_the_report(quick):
    run, said = quick
    assert said.splitlines()[-1] == "report: runs/pocket-quick/report/index.html"
    for model in ("en-fi-0pct", "en-fi-100pct", "dpo-both"):
        assert any(line.startswith(model) for line in said.splitlines()), said
    page = (run / "report/index.html").read_text("utf-8")
    assert "<svg" in page
    assert 'src="http' not in page and 'href="http' not in page, "the page loads nothing"


def test_a_model_tuned_without_target_data_answers_less_in_the_target_language(quick):
    run, _ = quick
    rates = {}
    for mix in ("en-fi-0pct", "en-fi-100pct"):
        counts = load(run / f"eval/sft/{mix}/ifeval-fi/scores.json")["response_language"]
        rates[mix] = counts["lines"]["target"] / counts["total"]
    assert rates["en-fi-0pct"] < rates["en-fi-100pct"] - 0.2, rates


def test_native_questions_are_answered_turn_by_turn_and_scored(quick):
    run, _ = quick
    for model in ("sft/en-fi-0pct", "sft/en-fi-100pct", "dpo/dpo-both"):
        rows = [
            json.loads(line) for line in (run / f"responses/{model}/questions-fi.jsonl").read_text("utf-8").splitlines()
        ]
        assert [row["key"] for row in rows] == list(range(1, 25))
        assert all(len(row["turns"]) == len(row["responses"]) for row in rows)
        assert load(run / f"eval/{model}/questions-fi/scores.json")["answers"] == sum(len(row["turns"]) for row in rows)
    assert not (run / "translate/questions").exists(), "they are written in Finnish"


def test_the_base_model_translates_held_out_sentences(quick):
    assert load(quick[0] / "eval/translation/held-out/scores.json")["chrf"] >= 80


def test_every_row_is_accounted_for(quick):
    run, _ = quick
    for name in ("oasst2", "helpsteer2", "ifeval"):
        counts = load(run / f"translate/{name}/step.json")["counts"]
        lines = {
            file: len((run / f"translate/{name}/{file}").read_text("utf-8").splitlines())
            for file in ("accepted.jsonl", "rejected.jsonl")
        }
        assert counts["accepted"] == lines["accepted.jsonl"]
        assert counts["records"] == len((run / f"source/{name}/rows.jsonl").read_text("utf-8").splitlines())
        assert counts["records"] == lines["accepted.jsonl"] + len(
            {
                json.loads(line)["id"]
                for line in (run / f"translate/{name}/rejected.jsonl").read_text("utf-8").splitlines()
            }
        )


def test_a_second_run_makes_nothing(quick):
    run, _ = quick
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
    said = kielo("run", ROOT / "recipes/pocket-quick.yaml", cwd=run.parents[1])
    assert "[" not in said.splitlines()[0], "no step was made"
    assert {
        path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file() and ".locks" not in path.parts
    } == {path: when for path, when in before.items() if ".locks" not in path.parts}


ONE_MODEL = (
    "source", "translate", "mix/en-fi-100pct", "tokens/sft/en-fi-100pct", "tokens/dpo", "sft/en-fi-100pct", "reference", "dpo",
    "responses/dpo", "eval/dpo", "eval/translation",
)  # fmt: skip
"""Every kind of step on the way to the last model, each once."""


def test_submitted_to_a_cluster_the_recipe_ends_with_the_same_scores(quick, slurm: Slurm, tmp_path):
    here, there = quick[0], tmp_path / "runs/pocket-quick"
    recipe = ROOT / "recipes/pocket-quick.yaml"
    only = [word for step in ONE_MODEL for word in ("--only", step)]
    kielo("submit", recipe, "--profile", "loopback", *only, cwd=tmp_path)
    said = kielo("status", recipe, "--watch", "2", cwd=tmp_path)
    assert "20 of 32 steps complete" in said.splitlines()[-1], said
    compared = [path.relative_to(there) for path in there.glob("eval/**/scores.json")]
    assert len(compared) == 4
    compared += [path.relative_to(here) for path in here.glob("translate/*/accepted.jsonl")]
    for name in compared:
        assert (there / name).read_bytes() == (here / name).read_bytes(), name
    jobs = load(there / "jobs/manifest.json")["jobs"]
    assert {len(job["elements"]) for job in jobs if job["use"] == "translate"} == {2}, "arrays"
    assert all(len(job["submissions"]) == 1 for job in jobs)
    trainings = [path.relative_to(there) for path in there.glob("*/*/training.json")]
    assert len(trainings) == 2
    for name in trainings:
        assert (load(here / name)["processes"], load(there / name)["processes"]) == (1, 2)
