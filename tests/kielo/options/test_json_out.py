"""`--json` alone prints a document in place of the tables, the same that `--json FILE` writes; and it never writes over an input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kielo.cli import main
from kielo.completion import every_parser, whole_parser
from kielo.options.json_out import STDOUT

PROMPTS = [
    {"key": 1, "prompt": "No commas.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]},
    {
        "key": 2,
        "prompt": "Small letters.",
        "instruction_id_list": ["change_case:english_lowercase"],
        "kwargs": [{}],
    },
]
COMMANDS = {
    "plan": ["plan", "small.yaml"],
    "plan for a cluster": ["plan", "small.yaml", "--profile", "generic-cuda"],
    "audit": ["audit", "pairs.jsonl", "--language", "fi"],
    "lint": ["lint", "ifeval", "prompts.jsonl", "--language", "en"],
    "score": ["eval", "score", "--prompts", "prompts.jsonl", "--responses", "a.jsonl", "--language", "en"],
    "floors": ["eval", "floors", "--prompts", "prompts.jsonl", "--language", "en"],
    "compare": ["eval", "compare", "a.json", "b.json"],
    "language": ["eval", "language", "a.jsonl", "--language", "fi", "--list-other"],
    "similarity": ["eval", "similarity", "a.jsonl", "b.jsonl", "--metric", "rougeL"],
    "style": ["eval", "style", "a.jsonl", "b.jsonl"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("json")


@pytest.fixture
def place(folder: Path, write_recipe, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with small inputs of every verb."""
    monkeypatch.chdir(folder)
    (folder / "small.yaml").write_text(write_recipe().read_text("utf-8"), "utf-8")
    answers = [{**each, "response": "Järvi on syvä ja kala ui."} for each in PROMPTS]
    pairs = [{"id": "1", "source": "The lake is deep.", "translation": "Järvi on syvä."}]
    for name, rows in {"prompts": PROMPTS, "a": answers, "b": answers, "pairs": pairs}.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    for name in "ab":
        if not (folder / f"{name}.json").exists():
            given = ["--prompts", "prompts.jsonl", "--responses", f"{name}.jsonl", "--language", "en"]
            assert main(["eval", "score", *given, "--json", f"{name}.json"]) == 0
    return folder


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_printed_is_what_is_written(name: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main([*COMMANDS[name], "--json", "written.json"]) == 0
    assert capsys.readouterr().out.strip(), "the tables stand beside the file"
    for alone in (["--json"], ["--json", "-"]):
        assert main([*COMMANDS[name], *alone]) == 0
        assert capsys.readouterr().out == (place / "written.json").read_text("utf-8")
    assert not (place / "-").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["eval", "compare", "--json", "a.json", "b.json"], "--json a.json: this file holds scores"),
        (["eval", "language", "--language", "fi", "--json", "a.jsonl", "b.jsonl"], "--json a.jsonl: this file holds"),
        (["plan", "small.yaml", "--json", "small.yaml"], "--json small.yaml: this file is an input"),
    ],
)
def test_a_file_that_was_meant_as_an_input_stays(
    arguments: list[str], says: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in place.iterdir() if path.is_file()}
    assert main(arguments) == 2 and says in capsys.readouterr().err
    assert {path: path.read_bytes() for path in before} == before


def test_every_verb_with_json_prints_it_where_no_file_is_named() -> None:
    found = [
        (parser.prog, action) for parser in every_parser(whole_parser()) for action in parser._actions if action.dest == "json"
    ]  # fmt: skip
    assert len(found) > 20
    assert [prog for prog, action in found if action.nargs != 0 and action.const != STDOUT] == []
