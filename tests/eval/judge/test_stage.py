"""The step "judge" in a run: models against the baseline by a judge on a server, from the files that other steps wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.judge import stage
from eval.judge.stage import judge_names
from kielo.plan import Workplace, make_plan
from kielo.recipe.reading import load
from kielo.records import Question, QuestionResponse, write_records
from tests.eval.judge.judge_server import by_rule, judged, longer

QUESTIONS = [
    Question(f"mt/{key}", "fi", key, "writing", ("Kerro järvestä.", "Kerro lisää.")[: 1 + key % 2]) for key in (1, 2, 3)
]
FINNISH = "Järven rannalla on vanha punainen talo, jossa asuu kaksi kalastajaa."


@pytest.fixture
def place(tmp_path: Path, write_recipe, serve):
    """Make the place of the recipe's judge step, with two models' answers of unequal length; the second holds thoughts."""
    (tmp_path / "mt.jsonl").write_text(json.dumps({"question_id": 1, "turns": ["Moi"]}) + "\n", "utf-8")

    def make(server) -> Workplace:
        judge = (
            f"{{engines: [{{kind: openai, urls: [{server.url}], model: example/judge}}], modes: [pairwise, single]}}"
        )
        recipe = load(write_recipe(
            ("datasets:\n", "datasets:\n    mt: {kind: questions, local: mt.jsonl, language: fi}\n"),
            ("eval:\n", f"eval:\n  models: [sft/en-fi-0pct, dpo/dpo-both]\n  questions: {{mt: {{}}}}\n  strip_thinking: true\n  judge: {judge}\n"),
            ("  start: sft/en-fi-100pct\n", "  start: sft/en-fi-0pct\n"),
        )).model_copy(update={"model": "example/base"})  # fmt: skip
        step = next(each for each in make_plan(recipe) if each.kind == "judge")
        inputs = {name: tmp_path / "in" / name for name in step.inputs}
        write_records(inputs["source/mt"] / "rows.jsonl", QUESTIONS)
        for model, times in (("sft/en-fi-0pct", 1), ("dpo/dpo-both", 2)):
            text = f"<think>{'hm ' * 99}</think>{FINNISH * times}" if times == 1 else FINNISH * times
            write_records(inputs[f"responses/{model}"] / "mt-fi.jsonl", [
                QuestionResponse(each.id, each.key, "fi", "writing", each.turns, (text,) * len(each.turns), ("stop",) * len(each.turns))
                for each in QUESTIONS
            ])  # fmt: skip
        return Workplace(step, recipe, tmp_path / step.name, inputs)

    return make


def test_the_step_writes_scores_and_judgements(place, serve):
    server = serve(by_rule(longer))
    workplace = place(server)
    outcome = stage.run(workplace)
    assert outcome.outputs == ("judgements.jsonl", "scores.json")
    document = json.loads((workplace.folder / "scores.json").read_text("utf-8"))
    assert (document["benchmark"], document["language"], document["baseline"]) == ("mt", "fi", "sft/en-fi-0pct")
    assert document["judges"] == ["example/judge"]
    found = document["models"]["dpo/dpo-both"]["pairwise"]
    assert (found["wins"], found["n"], found["questions"]) == (5, 5, 3)
    assert "pairwise" not in document["models"]["sft/en-fi-0pct"]
    assert outcome.counts["dpo/dpo-both"]["pairwise"]["wins"] == 5
    assert not any("hm" in text for body in server.bodies for text in judged(body["messages"][0]["content"]))


def test_a_second_making_asks_nothing_and_gives_the_same_bytes(place, serve):
    server = serve(by_rule(longer))
    workplace = place(server)
    stage.run(workplace)
    first = {name: (workplace.folder / name).read_bytes() for name in ("scores.json", "judgements.jsonl")}
    asked = len(server.bodies)
    stage.run(workplace)
    assert len(server.bodies) == asked
    assert first == {name: (workplace.folder / name).read_bytes() for name in first}


def test_judges_of_one_name_are_told_apart():
    assert judge_names(["a", "b", "a", "a"]) == ["a", "b", "a #2", "a #3"]
