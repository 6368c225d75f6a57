"""`kielo eval floors`: what replies without a model score on the 541 prompts, and samples of lm-evaluation-harness as answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.ifeval.floors import floors, replies
from eval.ifeval.registry import MODES
from eval.ifeval.rows import read_prompts, read_responses
from eval.ifeval.rules import LanguageRules
from eval.ifeval.score import Scorer
from kielo.cli import main
from kielo.errors import SourceError
from kielo.languages.pack import language


@pytest.fixture(scope="module")
def prompts(shared_data: Path) -> Path:
    return shared_data / "ifeval/input_data_key2785_one_placeholder.jsonl"


@pytest.fixture(scope="module")
def document(prompts: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("floors") / "floors.json"
    command = ["eval", "floors", "--prompts", str(prompts), "--language", "en", "--sentences", "sentencex"]
    assert main([*command, "--json", str(out)]) == 0
    return json.loads(out.read_text("utf-8"))


@pytest.mark.parametrize(
    ("reply", "instructions", "whole_prompts"), [("constant", 185, 62), ("echo", 293, 134), ("empty", 0, 0)]
)
def test_floors_of_the_paper_s_subset(document, reply: str, instructions: int, whole_prompts: int) -> None:
    found = document["modes"]["compat"]["floors"][reply]["no_language_asked"]
    assert (found["inst_strict"], found["instructions"]) == (instructions, 783)
    assert (found["prompt_strict"], found["prompts"]) == (whole_prompts, 510)


def test_what_the_harness_leaves_to_chance_is_said(document) -> None:
    # Keys 1122 and 1129: it counts a random letter in place of "#" and "!".
    assert [document["modes"][mode]["drawn_by_the_harness"] for mode in MODES] == [2, 0]


def test_floors_of_all_prompts_are_the_harness_s(document) -> None:
    constant = document["modes"]["compat"]["floors"]["constant"]["all"]
    # lm-evaluation-harness 0.4.13 with its dummy model, which says "lol", prints .2290 and .1146.
    assert f"{constant['inst_strict'] / constant['instructions']:.4f}" == "0.2290"
    assert f"{constant['prompt_strict'] / constant['prompts']:.4f}" == "0.1146"


def test_the_loose_score_is_never_lower_and_nothing_follows_nothing(document) -> None:
    assert list(document["modes"]) == list(MODES) == ["compat", "fair"]
    for mode in document["modes"].values():
        for name, floor in mode["floors"].items():
            for part in (floor["all"], floor["no_language_asked"]):
                assert part["inst_loose"] >= part["inst_strict"] and part["prompt_loose"] >= part["prompt_strict"]
                assert name != "empty" or part["inst_loose"] == 0


def test_fair_mode_does_not_ask_lol_for_its_language(document) -> None:
    both = [document["modes"][mode]["floors"]["constant"]["no_language_asked"]["inst_strict"] for mode in MODES]
    assert both == [185, 185 + 39]  # the 39 prompts for small letters: langdetect calls "lol" another language


def test_the_printed_table(prompts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "floors", "--prompts", str(prompts), "--language", "en", "--sentences", "sentencex"]) == 0
    lines = capsys.readouterr().out.splitlines()
    subset = lines[lines.index("Prompts that ask for no response language") :]
    compat = [line for line in subset if line.startswith("compat")]
    assert "185/783  23.63%" in compat[0] and "293/783  37.42%" in compat[1] and "0/783   0.00%" in compat[2]


def test_a_scores_file_has_the_same_floors(prompts: Path, document) -> None:
    rules, rows = LanguageRules.from_pack("en", language("en").ifeval), read_prompts(prompts, "en")
    found = floors(rows, Scorer(rows, rules, "compat", "sentencex").paper_totals)
    for name, (described, _) in replies(rows).items():
        assert found[name] == {
            "reply": described,
            **document["modes"]["compat"]["floors"][name]["no_language_asked"],
        }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--language", "xx"], "--language xx"),
        (["--prompts", "none.jsonl"], "no such file"),
        (["--json", "."], "--json ."),
    ],
)
def test_what_has_no_floors_is_said(prompts: Path, capsys, options: list[str], said: str) -> None:
    assert main(["eval", "floors", "--prompts", str(prompts), "--language", "en", *options]) == 2
    assert said in capsys.readouterr().err


def sample(**changes: Any) -> dict[str, Any]:
    row = {"doc": {"key": 7, "prompt": "Say moi."}, "resps": [["<think>"]], "filtered_resps": ["moi"], "doc_id": 0}
    return {**row, **changes}


def test_samples_of_the_harness_are_answers(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    rows = [sample(), sample(doc={"prompt": "Say hei."}), sample(filtered_resps=[]), sample(filtered_resps=[""])]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    found = [(answer.key, answer.prompt, answer.text) for answer in read_responses(file)]
    assert found == [(7, "Say moi.", "moi"), (None, "Say hei.", "moi"), (7, "Say moi.", "<think>"), (7, "Say moi.", "")]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"doc": "text"}, "needs a `doc` and one answer"), ({"filtered_resps": ["a", "b"]}, "needs a `doc` and one answer"),
        ({"resps": [], "filtered_resps": None}, "needs a `doc` and one answer"), ({"doc": {}}, "an answer needs a `key`"),
        ({"filtered_resps": [3]}, "an answer must be a text or null"),
    ],
)  # fmt: skip
def test_a_sample_without_an_answer_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    (tmp_path / "samples.jsonl").write_text(json.dumps(sample(**changes)) + "\n", "utf-8")
    with pytest.raises(SourceError, match="line 1") as refused:
        read_responses(tmp_path / "samples.jsonl")
    assert said in str(refused.value)
