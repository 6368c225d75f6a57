"""Model cards and run records: what was trained on what, with licences and scores, and nothing of the machine."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from align import sft
from align.cards.card import card, refresh_cards
from align.cards.run_record import ANSWERED, run_record
from align.training.job import CARD, MODEL_RECORD
from align.training.weights import MODEL
from kielo.plan import Outcome, Workplace, make_plan, needed_for
from kielo.recipe.reading import load
from kielo.records import write_json
from kielo.run_folder import RunFolder
from kielo.schema import Recipe
from kielo.sharing.licence_table import table
from kielo.sharing.places import without_places

CONDITIONS = table().conditions
COUNTS = {"rows": 4399, "tokens": 900_000, "loss_tokens": 700_000, "truncated": 3, "dropped": {"no_answer": 2}}
HUB = """\
    helpsteer2: {kind: preferences, hub: nvidia/HelpSteer2, licence: "CC-BY-4.0 | <b>\\n# x"}
"""


def test_a_training_writes_its_card_beside_the_model_and_not_into_its_results(sft_place) -> None:
    place = sft_place(rows=8, trainer={"num_train_epochs": 1})
    outcome = sft.run(place)
    model = place.folder / MODEL
    text, record = (model / CARD).read_text("utf-8"), json.loads((model / MODEL_RECORD).read_text("utf-8"))
    assert not {f"{MODEL}/{CARD}", f"{MODEL}/{MODEL_RECORD}"} & set(outcome.outputs)
    assert f"{MODEL}/config.json" in outcome.outputs
    (stage,) = record["stages"]
    assert stage["settings"]["trainer"]["learning_rate"] == 5e-3
    assert (stage["run"]["steps"], stage["settings"]["rows"]) == (1, 8)
    assert sum(row["rows"] for row in stage["data"]) == 8
    assert "| `learning_rate` | `0.005` |" in text
    assert record["versions"] or place.step.versions == ()
    before = (place.folder / "metrics.jsonl").stat().st_mtime_ns
    sft.train(place.folder / "job.json")
    assert (place.folder / "metrics.jsonl").stat().st_mtime_ns == before, "a card does not undo a finished training"


def made(run: RunFolder, recipe: Recipe, name: str, files: dict[str, Any], counts: dict[str, Any]) -> None:
    step = next(each for each in make_plan(recipe) if each.name == name)
    began = run.begin(step)
    for file, value in files.items():
        write_json(run.folder(name) / file, value)
    run.finish(step, Outcome(tuple(files), counts), began)


@pytest.fixture
def finished(write_recipe, tmp_path: Path) -> tuple[Recipe, RunFolder]:
    """A run whose trainings are done, on HelpSteer2 and DeepL's translations of it, in a folder that names a person."""
    old = "    helpsteer2: {kind: preferences, pocket: helpsteer2, rows: 8}\n"
    engine = ("translate:\n", "translate:\n  engine: {kind: deepl}\n")
    recipe = load(write_recipe((old, HUB), engine))
    run = RunFolder(tmp_path / "home" / "maija.meikalainen" / "run")
    for name, source in (("sft/en-fi-100pct", "oasst2"), ("dpo/dpo-both", "helpsteer2")):
        kind, _, short = name.partition("/")
        tokens = f"tokens/{kind}/{short}"
        sources = {source: {"en": COUNTS, "fi": COUNTS}}
        made(run, recipe, tokens, {"tokens.json": {"sources": sources}}, {"overlap": {"en": {"near": 2}}})
        job = {
            "kind": kind, "model": "/scratch/maija/model", "tokens": str(run.folder(tokens)), "seed": 7, "counts": {},
            "trainer": {"learning_rate": 1e-5, "deepspeed": "/home/maija/zero.json"},
        }  # fmt: skip
        files = {"job.json": job, "training.json": {"steps": 216, "job": "x", "model": {}}, f"{MODEL}/config.json": {}}
        made(run, recipe, name, files, {})
    return recipe, run


def workplace(recipe: Recipe, run: RunFolder, name: str) -> Workplace:
    step = next(each for each in make_plan(recipe) if each.name == name)
    return Workplace(step, recipe, run.folder(name), {each: run.folder(each) for each in step.inputs})


def test_the_record_follows_the_chain_with_data_and_licences(finished) -> None:
    record = run_record(workplace(*finished, "dpo/dpo-both"))
    expected = (
        "tokens/sft/en-fi-100pct",
        "sft/en-fi-100pct",
        "tokens/dpo/dpo-both",
        "reference/dpo-both",
        "dpo/dpo-both",
    )
    assert [name for name in record["chain"] if name in expected] == list(expected)
    assert not [name for name in record["chain"] if "ifeval" in name], "benchmarks are not what it was trained on"
    assert [stage["step"] for stage in record["stages"]] == ["sft/en-fi-100pct", "dpo/dpo-both"]
    fi = next(row for row in record["stages"][1]["data"] if row["language"] == "fi")
    assert (fi["from"], fi["translated_by"], fi["loss_tokens"]) == ("nvidia/HelpSteer2", ["DeepL"], 700_000)
    assert record["licence_notes"] == [CONDITIONS["deepl"].text, CONDITIONS["sharegpt"].text]
    assert run_record(workplace(*finished, "sft/en-fi-100pct"))["licence_notes"] == [CONDITIONS["deepl"].text]


def test_nothing_of_the_machine_is_told(finished) -> None:
    recipe, run = finished
    assert refresh_cards(recipe, run, make_plan(recipe)) == 2
    for name in ("sft/en-fi-100pct", "dpo/dpo-both"):
        for file in (CARD, MODEL_RECORD):
            text = (run.folder(name) / MODEL / file).read_text("utf-8")
            assert "maija" not in text
            assert str(Path.home()) not in text
            assert "zero.json" in text


def test_paths_are_cut_wherever_they_stand() -> None:
    value = {"a": ["/home/x/y.json", "~/z", "org/name"], "b": {"c": "C:\\Users\\x"}, "d": 1}
    assert without_places(value) == {"a": ["y.json", "z", "org/name"], "b": {"c": "x"}, "d": 1}


def test_the_front_matter_is_the_hubs_and_names_are_harmless(finished) -> None:
    record = run_record(workplace(*finished, "dpo/dpo-both"))
    text = card({**record, "recipe": "`x`\n# boo | <script>", "description": "a [link](http://x)\n---\nb"})
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["language"] == ["en", "fi"]
    assert front["datasets"] == ["nvidia/HelpSteer2"]
    assert "base_model" not in front
    assert front["library_name"] == "transformers"
    assert front["tags"][-1] == "dpo"
    assert "<script>" not in text
    assert "<b>" not in text
    assert not re.search(r"(?m)^# (boo|x)", text)
    lines = [line for line in text.splitlines() if line.startswith("| dpo/")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1, "no cell opens another one"
    assert "4,399 | 900,000 | 700,000 | 3 | 2 no\\_answer |" in text
    assert "2 training rows have a prompt of a benchmark" in text


def test_a_hub_model_is_named_as_the_base(write_recipe, tmp_path: Path) -> None:
    recipe = load(write_recipe(("model: pocket", "model: some-group/some-model\nrevision: abc")))
    record = run_record(workplace(recipe, RunFolder(tmp_path / "run"), "sft/en-fi-0pct"))
    assert record["base_model"] == {"name": "some-group/some-model", "on_hub": True, "revision": "abc"}
    assert yaml.safe_load(card(record).split("---\n")[1])["base_model"] == "some-group/some-model"
    assert "`some-group/some-model` at revision `abc`" in card(record)


def test_a_run_folder_that_was_moved_keeps_its_cards(finished, tmp_path: Path) -> None:
    recipe, run = finished
    before = run_record(workplace(recipe, run, "sft/en-fi-100pct"))
    moved = RunFolder(run.path.rename(tmp_path / "elsewhere"))
    assert run_record(workplace(recipe, moved, "sft/en-fi-100pct")) == before


def test_scores_get_in_when_there_are_any(finished) -> None:
    recipe, run = finished
    assert "## Results" not in card(run_record(workplace(recipe, run, "dpo/dpo-both")))
    for name in ("source/ifeval", "translate/ifeval"):
        made(run, recipe, name, {"rows.jsonl": {}}, {})
    scores = {
        "benchmark": "ifeval", "language": "fi",
        "modes": {
            "compat": {
                "paper_subset": {"inst_strict": 285, "instructions": 783},
                "intervals": {"paper_subset": {"inst_strict": [0.3267, 0.4023]}},
            },
            "fair": {
                "paper_subset": {"inst_strict": 313, "instructions": 783},
                "intervals": {"paper_subset": {"inst_strict": [0.3612, 0.4389]}},
            },
        },
        "floors": {
            "compat": {"constant": {"inst_strict": 185}, "echo": {"inst_strict": 293}, "empty": {"inst_strict": 0}},
            "fair": {"constant": {"inst_strict": 224}, "echo": {"inst_strict": 290}, "empty": {"inst_strict": 0}},
        },
        "response_language": {"lines": {"target": 500}, "total": 510},
    }  # fmt: skip
    made(run, recipe, "responses/dpo/dpo-both", {"ifeval-fi.jsonl": {}}, {})
    made(run, recipe, "eval/dpo/dpo-both/ifeval-fi", {"scores.json": scores}, {})
    refresh_cards(recipe, run, make_plan(recipe))
    text = (run.folder("dpo/dpo-both") / MODEL / CARD).read_text("utf-8")
    compat = r"36.4% (285 of 783) \[32.7, 40.2\], floor 37.4%"
    fair = r"40.0% (313 of 783) \[36.1, 43.9\], floor 37.0%"
    assert f"| ifeval | fi | {compat} | {fair} | 98.0% (500 of 510) |" in text
    assert run.damaged("dpo/dpo-both") is None


def test_open_questions_have_their_language_in_the_table(write_recipe, tmp_path: Path) -> None:
    questions = ("sft:", "    open: {kind: questions, pocket: questions, language: fi}\nsft:")
    recipe = load(write_recipe(questions, ("ifeval: {languages: [en, fi]}", "questions: {open: {}}")))
    run = RunFolder(tmp_path / "run")
    spoken = {"lines": {"target": 9}, "total": 12}
    for name in ("source/open", "sft/en-fi-0pct", "responses/sft/en-fi-0pct"):
        made(run, recipe, name, {"x.json": {}}, {})
    scores = {"benchmark": "open", "language": "fi", "answers": 12, "response_language": spoken}
    made(run, recipe, "eval/sft/en-fi-0pct/open-fi", {"scores.json": scores}, {})
    text = card(run_record(workplace(recipe, run, "sft/en-fi-0pct")))
    assert "| open | fi | not measured | not measured | 75.0% (9 of 12) |" in text


def test_a_card_says_who_answered_and_how_rows_were_chosen(write_recipe, tmp_path: Path) -> None:
    anew = (
        "    anew: {kind: conversations, prompts_of: oasst2, engine: {kind: vllm-server, model: org/Answers}}\nsft:\n"
    )
    few = "  mixes:\n    few: {sources: {anew: {shares: {fi: 1.0}}}, select: {method: random, size: 5}}\n"
    recipe = load(write_recipe(("sft:\n", anew), ("  mixes:\n", few)))
    run = RunFolder(tmp_path / "run")
    counts = {"select/few": {"selected": {"fi": 5}}, "tokens/sft/few": {"overlap": {}}}
    files = {
        "tokens/sft/few": {"tokens.json": {"sources": {"anew": {"fi": COUNTS}}}},
        "sft/few": {"job.json": {"tokens": str(run.folder("tokens/sft/few"))}},
    }
    for step in needed_for(make_plan(recipe), ("sft",)):
        made(run, recipe, step.name, files.get(step.name, {}), counts.get(step.name, {}))
    record = run_record(workplace(recipe, run, "sft/few"))
    (stage,) = record["stages"]
    assert (stage["selection"]["method"], stage["selection"]["size"]) == ("random", 5)
    assert stage["selection"]["counts"] == {"selected": {"fi": 5}}
    (row,) = stage["data"]
    assert (row["prompts_of"], row["answered_by"], row["translated_by"]) == ("oasst2", ["org/Answers"], ["pocket"])
    assert record["licence_notes"] == [ANSWERED]
    text = card(record)
    assert "| prompts of oasst2, the pocket world's oasst2 | fi | pocket | org/Answers |" in text
    assert "sft/few: its rows in fi are 5 chosen by method `random`." in text
