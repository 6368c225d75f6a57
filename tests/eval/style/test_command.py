"""`kielo eval style` on real Finnish answers, on pages, and on options that do not go together."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from kielo.cli import main
from kielo.records import write_jsonl

PAGE = "<html><style>p {{}}</style><p>{question}</p><p><strong>{answer}</strong></p><p>Rating: [[8]]</p></html>"


def answers(path: Path, *texts: str | None, **columns: Any) -> str:
    write_jsonl(path, ({"question_id": key, "response": text, **columns} for key, text in enumerate(texts, 81)))
    return str(path)


def test_real_answers_side_by_side(shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out, table = shared_data / "mt_bench_fi/answers", tmp_path / "out.json", tmp_path / "out.csv"
    given = [f"oss={folder}/gpt-oss-20b-fi.jsonl.gz", f"mistral={folder}/finnish-mistral-7b-base-test.jsonl.gz"]
    assert main(["eval", "style", *given, "--source", "oss", "--json", str(out), "--csv", str(table)]) == 0
    said = capsys.readouterr().out
    found = json.loads(out.read_text("utf-8"))
    oss, mistral = (found["models"][name] for name in ("oss", "mistral"))
    assert (oss["prompts"], oss["answers"], mistral["prompts"]) == (80, 160, 44)
    assert "8 rows answer a prompt that a later row answers" in said
    strong = oss["marks"]["strong"]
    assert strong["low"] < strong["mean"] == strong["total"] / 160 < strong["high"]
    ratio = found["inheritance"]["mistral"]["strong"]
    assert ratio["ratio"] < 0.01 and ratio["prompts"] == 44 and "ratio to oss" in said
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert len(rows) == 2 * len(oss["marks"])
    assert [float(row["mean"]) for row in rows[:2]] == [oss["marks"][mark]["mean"] for mark in ("strong", "em")]


def test_a_turn_a_language_and_thoughts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"key": 1, "responses": ["<think>**x**</think>a", "**b** **c**"], "language": "fi"},
        {"key": 2, "responses": ["a", None], "language": "fi"},
        {"key": 3, "responses": ["**a**"], "language": "et"},
    ]
    write_jsonl(tmp_path / "a.jsonl", rows)
    out = tmp_path / "out.json"

    def total(*options: str) -> tuple[int, int]:
        assert main(["eval", "style", str(tmp_path / "a.jsonl"), *options, "--json", str(out)]) == 0
        model = json.loads(out.read_text("utf-8"))["models"]["a"]
        return model["answers"], model["marks"]["strong"]["total"]

    assert total() == (4, 4)
    assert total("--strip-thinking") == (4, 3)
    assert total("--language", "fi") == (3, 3)
    assert "1 rows are of another language than fi" in capsys.readouterr().out
    assert total("--turn", "2") == (1, 2)
    assert "2 prompts have no answer in turn 2" in capsys.readouterr().out


def test_whole_pages_as_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, texts in {"generator": ("a", "b"), "tuned": ("c", "d <em>e</em>")}.items():
        (tmp_path / name).mkdir()
        for number, text in enumerate(texts):
            (tmp_path / name / f"{number}.html").write_text(PAGE.format(question="q", answer=text), "utf-8")
    out = tmp_path / "out.json"
    pages = [part for name in ("generator", "tuned") for part in ("--pages", str(tmp_path / name))]
    assert main(["eval", "style", "--paper", *pages, "--source", "generator", "--json", str(out)]) == 0
    said, found = capsys.readouterr().out, json.loads(out.read_text("utf-8"))
    marks = found["models"]["generator"]["marks"]
    assert (marks["strong"], marks["paragraphs"], marks["h1"]) == (2, 6, 0)
    assert marks["length_characters"] == len(PAGE.format(question="q", answer="a"))
    ratios = found["inheritance"]["tuned"]
    assert (ratios["strong"], ratios["h1"], ratios["em"]) == (1.0, 1.0, None)
    assert "As published: tags of whole pages" in said


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "name files of answers"),
        (["A={a}", "--paper"], "--paper counts the pages of --pages alone"),
        (["--paper"], "--paper and --pages belong together"),
        (["A={a}", "--pages", "{folder}"], "--paper and --pages belong together"),
        (["--paper", "--pages", "{folder}"], "no folder with .html files"),
        (["A={a}", "--source", "A"], "--source A: give this model and one tuned on it"),
        (["A={a}", "B={a}", "--source", "C"], "there is A, B"),
        (["A={a}", "A={b}"], "two files are called 'A'"),
        (["A={a}", "B={b}", "--source", "A"], "'B' and 'A' have no prompt in common"),
        (["A={a}", "B={nameless}"], "nothing says what other models' answers it goes with"),
        (["A={a}", "--turn", "7"], "no answer of 2 rows counts"),
        (["A={a}", "--json", "{a}"], "this file is an input"),
    ],
)
def test_options_and_files_that_do_not_fit(
    options: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = {
        "a": answers(tmp_path / "a.jsonl", "x", "y"), "b": str(tmp_path / "b.jsonl"),
        "nameless": str(tmp_path / "n.jsonl"), "folder": str(tmp_path),
    }  # fmt: skip
    write_jsonl(tmp_path / "b.jsonl", [{"key": 7, "response": "x"}])
    write_jsonl(tmp_path / "n.jsonl", [{"response": "x"}])
    assert main(["eval", "style", *(option.format(**here) for option in options)]) == 2
    assert sentence in capsys.readouterr().err


def test_a_name_is_no_formula_of_a_spreadsheet(tmp_path: Path) -> None:
    file, out = answers(tmp_path / "a.jsonl", "x"), tmp_path / "out.csv"
    assert main(["eval", "style", f"@sum={file}", "--csv", str(out)]) == 0
    assert out.read_text("utf-8").splitlines()[1].startswith("'@sum,strong")
