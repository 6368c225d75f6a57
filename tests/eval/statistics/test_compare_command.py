"""`kielo eval compare` on the verdicts of seven real models, and on files that cannot be compared."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kielo.cli import main
from kielo.records import read_jsonl, write_json

LANGUAGE_ASKED = "language:response_language"
FLOORS = {
    "constant": {"reply": "lol", "prompts": 510, "instructions": 783, "prompt_strict": 62, "inst_strict": 185, "prompt_loose": 62, "inst_loose": 185},
    "echo": {"reply": "the prompt itself", "prompts": 510, "instructions": 783, "prompt_strict": 134, "inst_strict": 293, "prompt_loose": 160, "inst_loose": 330},
}  # fmt: skip
SEVEN = [
    "CohereForAI__aya-23-8B", "Qwen__Qwen2.5-0.5B-Instruct-GPTQ-Int4", "deepseek-ai__deepseek-llm-7b-chat",
    "gpt4-2023-11-07", "hugging-quants__Meta-Llama-3.1-8B-Instruct-AWQ-INT4", "mistralai__Mistral-7B-Instruct-v0.3",
    "o1-mini-2024-09-12",
]  # fmt: skip


def scores(name: str, prompts: list[dict[str, Any]]) -> dict[str, Any]:
    how = {"rules": "en", "tokenizer": "punkt"}
    return {
        "model": name, "language": "en", "modes": {"compat": how, "fair": how}, "floors": {"compat": FLOORS, "fair": FLOORS},
        "responses": {"null": 1, "blank": 2, "missing": 3}, "prompts": prompts, "response_language": None,
    }  # fmt: skip


def row(key: int, strict: list[bool], ids: list[str] | None = None) -> dict[str, Any]:
    verdicts = {"strict": strict, "loose": [True] * len(strict)}
    return {
        "key": key,
        "instruction_id_list": ids or ["a:b"] * len(strict),
        "compat": verdicts,
        "fair": verdicts,
        "language": "target",
    }


@pytest.fixture(scope="module")
def seven(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder, found = tmp_path_factory.mktemp("scores"), defaultdict(list)
    for _, read in read_jsonl(shared_data / "ifeval/lm_eval_0.4.13_verdicts.jsonl.gz"):
        verdicts = {"strict": read["strict"], "loose": read["loose"]}
        found[read["model"]].append(
            {
                "key": read["key"],
                "instruction_id_list": read["instruction_id_list"],
                "compat": verdicts,
                "fair": verdicts,
                "language": "target",
            }
        )
    for name in SEVEN:
        write_json(folder / f"{name}.json", scores(name, found[name]))
    return [str(folder / f"{name}.json") for name in SEVEN]


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., list[str]]:
    """Write one scores file for each changed copy of the same scores; give their paths."""

    def write(*changes: Callable[[dict[str, Any]], object]) -> list[str]:
        paths = [tmp_path / f"{number}.json" for number in range(len(changes))]
        for path, change in zip(paths, changes, strict=True):
            document = scores(path.stem, [row(key, [key % 3 > 0, key % 2 > 0]) for key in range(40)])
            change(document)
            write_json(path, document)
        return list(map(str, paths))

    return write


def same(_: dict[str, Any]) -> None:
    pass


def compared(arguments: list[str], out: Path) -> dict[str, Any]:
    assert main(["eval", "compare", *arguments, "--json", str(out)]) == 0
    return json.loads(out.read_text("utf-8"))


def test_the_seven_models(seven: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = compared(seven, tmp_path / "out.json")
    order = [row["model"].split("__")[-1].split("-")[0] for row in document["models"]]
    assert order[3:] == ["Mistral", "aya", "deepseek", "Qwen2.5"] and set(order[:3]) == {"gpt4", "o1", "Meta"}
    verdicts = {frozenset((row["first"], row["second"])): row["verdict"] for row in document["pairs"]}
    smallest = document["models"][-1]["model"]
    assert len(verdicts) == 21 and all(verdicts[pair] == "higher" for pair in verdicts if smallest in pair)
    names = [row["model"] for row in document["models"]]
    neighbours = [verdicts[frozenset(pair)] for pair in zip(names, names[1:], strict=False)]
    assert neighbours == [
        "no difference shown",
        "no difference shown",
        "higher",
        "higher",
        "no difference shown",
        "higher",
    ]
    # The smallest model scores more than "lol" and less than the echo of the prompt.
    assert [row["above_floors"] for row in document["models"]] == [True] * 6 + [False]
    assert (document["models"][-1]["followed"], document["models"][-1]["out_of"], document["prompts"]) == (
        265,
        783,
        510,
    )
    for row in document["models"]:
        assert row["interval"]["low"] < row["share"] < row["interval"]["high"] < row["interval"]["low"] + 0.08
    printed = capsys.readouterr().out
    assert "floor: the prompt itself" in printed and "293/783  37.42%" in printed and "adjusted for 21 tests" in printed


def test_five_runs_in_any_order_give_the_same_bytes(seven: list[str], tmp_path: Path) -> None:
    outs = []
    for run in range(5):
        turned = seven[run:] + seven[:run]
        compared(turned, tmp_path / f"{run}.json")
        outs.append((tmp_path / f"{run}.json").read_bytes())
    assert len(set(outs)) == 1


@pytest.mark.parametrize(
    ("options", "followed", "out_of"),
    [([], 650, 783), (["--loose"], 665, 783), (["--level", "prompt"], 389, 510), (["--mode", "fair"], 650, 783)],
)
def test_levels_and_ways(seven: list[str], tmp_path: Path, options: list[str], followed: int, out_of: int) -> None:
    (model,) = compared([f"GPT-4={seven[3]}", *options], tmp_path / "out.json")["models"]
    assert (model["model"], model["followed"], model["out_of"]) == ("GPT-4", followed, out_of)


def test_one_file_has_no_pairs_and_says_how_many_answers_are_missing(files, tmp_path: Path, capsys) -> None:
    document = compared(files(same), tmp_path / "out.json")
    assert document["pairs"] == [] and document["models"][0]["no_answer"] == 6
    assert "permutation" not in capsys.readouterr().out


def test_few_prompts_are_too_few_to_tell(files, tmp_path: Path, capsys) -> None:
    def change(followed: bool) -> Callable[[dict[str, Any]], None]:
        return lambda document: document.update(prompts=[row(key, [followed]) for key in range(19)])

    document = compared(files(change(True), change(False)), tmp_path / "out.json")
    assert document["pairs"][0]["adjusted_p"] < 0.001 and document["pairs"][0]["verdict"] == "too few to tell"
    assert "too few to tell" in capsys.readouterr().out


def test_answers_in_another_language_follow_nothing_when_normalised(files, tmp_path: Path, capsys) -> None:
    def english(document: dict[str, Any]) -> None:
        for prompt in document["prompts"][:30]:
            prompt["language"] = "source"

    document = compared(files(same, english), tmp_path / "out.json")
    assert document["models"][0]["followed"] == document["models"][1]["followed"]
    document = compared([*files(same, english), "--normalised"], tmp_path / "out.json")
    assert [(row["model"], row["followed"]) for row in document["models"]] == [("0", 46), ("1", 11)]
    assert document["pairs"][0]["verdict"] == "higher"
    assert (document["floors"], document["models"][0]["above_floors"]) == ({}, None)
    printed = capsys.readouterr().out.split("IFEval en")[-1]
    assert "floor:" not in printed and "above floors" not in printed and "No floors" in printed


def test_languages_told_by_different_identifiers_are_not_compared(files, tmp_path: Path, capsys) -> None:
    def told_by(name: str) -> Callable[[dict[str, Any]], None]:
        return lambda document: document.update(response_language={"lines": {"identifier": name}})

    both = files(told_by("py3langid"), told_by("lingua"))
    assert compared(both, tmp_path / "out.json")["pairs"]
    assert main(["eval", "compare", *both, "--normalised"]) == 2
    assert "languages are told by py3langid and by lingua" in capsys.readouterr().err


def test_a_language_that_nothing_knows_cannot_be_normalised(files, capsys) -> None:
    def unknown(document: dict[str, Any]) -> None:
        for prompt in document["prompts"]:
            prompt["language"] = None

    assert main(["eval", "compare", *files(unknown), "--normalised"]) == 2
    assert "no identifier knows language en" in capsys.readouterr().err


def replaced(key: int, new: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["prompts"].__setitem__(key, new)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda document: document.update(language="fi"), "one is of language en, the other of fi"),
        (lambda document: document["prompts"].pop(), "1 prompts are in one of them only"),
        (replaced(3, row(99, [True])), "2 prompts are in one of them only"),
        (replaced(3, row(3, [True])), "key 3 has other instructions"),
        (replaced(3, row(3, [True], ["a:b", "c:d"])), "key 3 has not one verdict per instruction"),
        (replaced(3, row(4, [True, True])), "key 4 is there twice"),
        (
            lambda document: document["modes"]["compat"].update(tokenizer="sentencex"),
            "sentences by sentencex; score both",
        ),
        (lambda document: document["floors"]["compat"]["echo"].update(inst_strict=292), "replies without a model"),
        (lambda document: document.update(model="0"), "two scores files are called '0'"),
        (lambda document: document.pop("floors"), "not IFEval scores of both modes (floors: field required)"),
        (lambda document: document["prompts"][0]["fair"]["strict"].__setitem__(0, "yes"), "prompts.0.compat.strict.0"),
        (lambda document: document.update(prompts=[]), "(prompts:"),
        (
            lambda document: document.update(prompts=[row(1, [True], [LANGUAGE_ASKED])]),
            "every prompt asks for a response language",
        ),
        (lambda document: document.update(modes={}), "no scores or floors of mode compat"),
        (lambda document: document.update(floors={"compat": FLOORS, "fair": {}}), "no scores or floors of mode fair"),
        (
            lambda document: document.update(
                floors={"compat": {"echo": FLOORS["echo"] | {"instructions": 0}}, "fair": FLOORS}
            ),
            "the counts of floor 'echo' cannot be",
        ),
    ],
)
def test_files_that_cannot_be_compared(files, capsys, change: Callable[..., Any], said: str) -> None:
    assert main(["eval", "compare", *files(same, change)]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"), [("", "(the whole file: "), ("[]", "not IFEval scores"), ("{", "not IFEval scores")]
)
def test_files_that_are_no_scores(tmp_path: Path, capsys, text: str, said: str) -> None:
    (tmp_path / "a.json").write_text(text, "utf-8")
    assert main(["eval", "compare", str(tmp_path / "a.json")]) == 2
    assert said in capsys.readouterr().err
    assert main(["eval", "compare", str(tmp_path / "none.json")]) == 2
    assert "no such file" in capsys.readouterr().err


def test_the_tables_never_overwrite_the_scores(files, capsys) -> None:
    paths = files(same)
    assert main(["eval", "compare", *paths, "--json", paths[0]]) == 2
    assert "is an input" in capsys.readouterr().err
    assert main(["eval", "compare", *paths, "--json", "x" * 300]) == 2
    assert "cannot be written (File name too long)" in capsys.readouterr().err


def test_names_of_models_cannot_steer_the_terminal(files, capsys) -> None:
    assert main(["eval", "compare", *files(lambda document: document.update(model="a\x1b[31m\nb"))]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed and "a [31m b" in printed
