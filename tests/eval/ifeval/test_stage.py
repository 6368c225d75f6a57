"""The scoring step: stored answers of a step become scores.json in both modes, the same bytes every time; and its command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from eval.ifeval import score_command, stage
from eval.response_language.identifiers import Leads, Look
from kielo.errors import UsageError
from kielo.languages.pack import Language, language
from kielo.plan import Workplace, make_plan
from kielo.recipe.reading import load
from kielo.records import Prompt, Response, write_records
from kielo.verbs.eval_tools import parse_tool


def prompt(key: int, *ids: str, text: str, **arguments: object) -> Prompt:
    given = tuple(arguments if at == 0 else {} for at in range(len(ids)))
    return Prompt(f"ifeval/{key:05d}", "fi", key, text, ids, given)


PROMPTS = [
    prompt(7, "punctuation:no_comma", text="Ilman pilkkuja."),
    prompt(3, "detectable_format:title", "startend:quotation", text="Otsikko, kiitos."),
    prompt(5, "language:response_language", text="Vastaa englanniksi.", language="en"),
    prompt(9, "startend:end_checker", "change_case:english_lowercase", text="Pienillä.", end_phrase="loppu"),
    prompt(11, "keywords:existence", text="Käytä sanaa kirja.", keywords=["kirja"]),
]
ANSWERS = [
    "<think>Hm, pilkku.</think>Ei yhtään pilkkua tässä lauseessa.",
    "”<<Otsikko>> Tässä on yksi, kaksi pilkkua suomeksi.”",
    "This is surely an answer in English, and nothing else.",
    "tämä on aivan kokonaan suomenkielinen loppu",
    "All of this answer was written in English about kirjoista.",
]


def responses(*changes: tuple[int, str]) -> list[Response]:
    texts = dict(enumerate(ANSWERS)) | dict(changes)
    return [Response(p.id, p.key, "fi", p.text, texts[at], "stop") for at, p in enumerate(PROMPTS)]


def place_for(tmp_path: Path, write_recipe: Any, *changes: tuple[str, str]) -> Workplace:
    recipe = load(write_recipe(("ifeval: {languages: [en, fi]}", "ifeval: {languages: [fi]}"), *changes))
    recipe = recipe.model_copy(update={"model": "example/base"})  # a Hub id: its identity needs no files
    step = next(step for step in make_plan(recipe) if step.name == "eval/sft/en-fi-0pct/ifeval-fi")
    answers, prompts = step.inputs
    write_records(tmp_path / "answers/ifeval-fi.jsonl", responses())
    write_records(tmp_path / "prompts/accepted.jsonl", PROMPTS)
    return Workplace(step, recipe, tmp_path / "made", {answers: tmp_path / "answers", prompts: tmp_path / "prompts"})


def test_the_step_scores_in_both_modes_and_writes_the_same_bytes_five_times(tmp_path: Path, write_recipe: Any) -> None:
    place = place_for(tmp_path, write_recipe)
    outcome = stage.run(place)
    first = (place.folder / "scores.json").read_bytes()
    for _ in range(4):
        assert stage.run(place) == outcome
        assert (place.folder / "scores.json").read_bytes() == first
    scores = json.loads(first)
    assert (scores["model"], scores["benchmark"], scores["language"]) == ("sft/en-fi-0pct", "ifeval", "fi")
    assert [row["key"] for row in scores["prompts"]] == [7, 3, 5, 9, 11]
    assert outcome.counts["fair"]["totals"] == scores["modes"]["fair"]["totals"]
    assert scores["finish_reasons"] == {"stop": 5}


def test_thoughts_are_taken_off_where_the_recipe_asks_for_it(tmp_path: Path, write_recipe: Any) -> None:
    def followed(*changes: tuple[str, str]) -> list[bool]:
        place = place_for(tmp_path, write_recipe, *changes)
        stage.run(place)
        rows = json.loads((place.folder / "scores.json").read_text("utf-8"))["prompts"]
        return [row["compat"]["strict"] for row in rows][0]

    assert followed() == [False]
    assert followed(("ifeval: {languages: [fi]}", "strip_thinking: true\n  ifeval: {languages: [fi]}")) == [True]


def test_languages_are_told_by_the_identifier_of_the_recipe(tmp_path: Path, write_recipe: Any) -> None:
    for name in ("py3langid", "langdetect"):
        named = ("ifeval: {languages: [fi]}", f"identifier: {name}\n  ifeval: {{languages: [fi]}}")
        place = place_for(tmp_path, write_recipe, named)
        stage.run(place)
        scores = json.loads((place.folder / "scores.json").read_text("utf-8"))
        assert scores["response_language"]["lines"]["identifier"] == name


@dataclass(frozen=True)
class Finnish:
    """An identifier that knows Finnish alone, and finds it everywhere."""

    name: str = "finnish"
    leads: Leads = Leads(0.1, 0.5, 0.4)

    def label(self, known: Language) -> str | None:
        return "fi" if known.code == "fi" else None

    def look(self, text: str, labels: Sequence[str]) -> Look:
        return Look(tuple(float(label == "fi") for label in labels), "fi", 1.0)


def test_asked_languages_and_answers_are_told_by_the_identifier_that_is_given() -> None:
    made = stage.score_responses(PROMPTS, responses(), language("fi"), language("en"), "sentencex", True, Finnish())
    assert made["unknown_languages"] == {"en": 1} and made["prompts"][2]["fair"]["strict"] == (False,)
    assert made["response_language"]["lines"]["target"] == 4
    assert made["normalised"]["fair"]["followed"] == made["modes"]["fair"]["paper_subset"]["inst_strict"] == 6


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return stage.score_responses(PROMPTS, responses(), language("fi"), language("en"), "sentencex", True)


def test_both_modes_judge_known_answers(document: dict[str, Any]) -> None:
    strict = {mode: [list(row[mode]["strict"]) for row in document["prompts"]] for mode in ("compat", "fair")}
    assert strict["compat"] == [[True], [True, False], [True], [True, False], [False]]
    assert strict["fair"] == [[True], [True, True], [True], [True, True], [True]]
    assert [document["modes"][mode]["paper_subset"]["inst_strict"] for mode in ("compat", "fair")] == [3, 6]
    assert "unstable" in document["prompts"][0]["compat"] and "unstable" not in document["prompts"][0]["fair"]


def test_every_difference_is_listed_with_its_reason(document: dict[str, Any]) -> None:
    listed = {(row["key"], each["instruction"]): each for row in document["prompts"] for each in row["differences"]}
    assert {place: (each["compat"], each["fair"]) for place, each in listed.items()} == {
        (3, 1): (False, True), (9, 1): (False, True), (11, 0): (False, True),
    }  # fmt: skip
    assert listed[3, 1]["why"] == "quotation marks of the language"
    assert listed[9, 1]["why"] == "compat wants 'en', and langdetect finds 'fi'"
    assert document["differences"]["startend:quotation"] == {"fair_only": 1, "compat_only": 0}


def test_an_answer_in_another_language_counts_only_where_it_is_not_normalised(document: dict[str, Any]) -> None:
    assert [row["language"] for row in document["prompts"]] == ["target", "target", "target", "target", "source"]
    counts = {mode: (of["followed"], of["instructions"]) for mode, of in document["normalised"].items()}
    assert counts == {"compat": (3, 6), "fair": (5, 6)}
    for of in document["normalised"].values():
        low, high = of["interval"]
        assert 0 < low < of["followed"] / of["instructions"] < high < 1
    spoken = document["response_language"]
    assert (spoken["total"], spoken["lines"]["target"], spoken["lines"]["source"]) == (4, 3, 1)


def test_floors_stand_beside_the_totals(document: dict[str, Any]) -> None:
    floors = document["floors"]
    assert set(floors) == {"compat", "fair"} and set(floors["fair"]) == {"constant", "echo", "empty"}
    assert floors["compat"]["constant"]["reply"] == "lol"
    assert (floors["compat"]["constant"]["inst_strict"], floors["fair"]["constant"]["inst_strict"]) == (1, 2)
    assert floors["compat"]["empty"]["inst_strict"] == 0


def test_a_language_that_no_identifier_knows_has_no_share() -> None:
    unknown = language("fi").model_copy(update={"langdetect": None, "code": "zz", "iso639_3": "zzz"})
    found = stage.score_responses(PROMPTS, responses(), unknown, without_thoughts=True)
    assert found["response_language"] is None and found["normalised"] is None
    assert found["prompts"][0]["language"] is None
    assert found["modes"]["fair"]["paper_subset"]["inst_strict"] == 6


def test_an_answer_to_another_wording_is_counted(tmp_path: Path) -> None:
    given = responses()
    given[0] = Response("ifeval/00007", 7, "fi", "Ilman mitään pilkkuja.", "Hyvä.", "stop")
    found = stage.score_responses(PROMPTS, [*given, given[1]], language("fi"))
    assert found["responses"]["other_prompt_text"] == [7]
    assert (found["responses"]["double"], found["responses"]["unmatched"]) == (1, 0)


def run_tool(tmp_path: Path, *options: str) -> None:
    write_records(tmp_path / "prompts.jsonl", PROMPTS)
    write_records(tmp_path / "answers.jsonl", responses())
    files = ["--prompts", str(tmp_path / "prompts.jsonl"), "--responses", str(tmp_path / "answers.jsonl")]
    score_command.run(parse_tool("score", [*files, *options]))


def test_the_command_prints_both_modes_and_writes_the_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tool(
        tmp_path,
        "--language",
        "fi",
        "--strip-thinking",
        "--sentences",
        "sentencex",
        "--json",
        str(tmp_path / "out.json"),
    )
    table = capsys.readouterr().out
    assert "compat: lm-evaluation-harness 0.4.13" in table and "fair: pack 'fi', keywords by prefix" in table
    assert "the modes differ in 3 instructions: fair alone takes 3 for followed, compat alone 0" in table
    written = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert (written["model"], written["modes"]["fair"]["paper_subset"]["inst_strict"]) == ("answers", 6)


def test_the_command_s_matcher_goes_before_the_pack_s(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_tool(tmp_path, "--language", "fi", "--matcher", "exact")
    assert "fair: pack 'fi', keywords by exact" in capsys.readouterr().out


def test_a_language_without_a_pack_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--language fj: no language pack"):
        run_tool(tmp_path, "--language", "fj")
