"""`kielo compare`: stored answers, those made and kept, columns of a terminal, and the page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wcwidth

from eval.chat import compare_command
from eval.chat.answers_made import answers_of
from eval.chat.cases import cases_of_benchmark, cases_of_file, drawn, stored
from eval.chat.models import find_models
from eval.chat.page import write_page
from eval.chat.side_by_side import Shown, Side, Turn, written
from kielo.errors import SourceError, UsageError
from kielo.generation.hf import HfGenerator
from kielo.schema import Engine
from tests.eval.chat.conftest import TRAINED, parsed

ODD = "</script><script>alert(1)</script> \x1b[2J \u202e{{style}} \ud83d"


def compare(run_folder: Path, *more: object) -> None:
    compare_command.run(parsed(compare_command.add_arguments, run_folder, *TRAINED, *more))


def test_answers_of_the_run_are_taken_and_others_made_once(
    run_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    compare(run_folder, "--json")
    first = json.loads(capsys.readouterr().out)
    assert [case["id"] for case in first["cases"]] == [f"ifeval/{key}" for key in range(6)]
    texts = [[side["text"] for side in case["turns"][0]["sides"]] for case in first["cases"]]
    assert [text for text, _ in texts[:4]] == [f"Kissa {key} nukkuu sohvalla." for key in range(4)]
    assert first["notes"][1] == f"{TRAINED[0]}: 4 of 6 answers from the run itself, 2 kept in {run_folder}/compare"
    assert first["notes"][2].startswith(f"{TRAINED[1]}: 0 of 6 answers from the run itself, 6 kept in")
    assert first["cases"][0]["turns"][0]["sides"][0]["language"] == "Finnish (fi 100%)"
    monkeypatch.setattr(
        HfGenerator, "_generated", lambda self, requests: pytest.fail("asked again") if requests else iter(())
    )
    compare(run_folder, "--json")
    assert json.loads(capsys.readouterr().out) == first


def test_answers_to_other_prompts_are_not_taken(run_folder: Path) -> None:
    (model,) = find_models(run_folder, TRAINED[:1])
    asked = cases_of_benchmark(model, "ifeval-fi")
    assert len(stored(model, asked)) == 4
    file = run_folder / "responses" / TRAINED[0] / "ifeval-fi.jsonl"
    file.write_text(file.read_text("utf-8").replace("Kerro kissasta 2.", "Kerro koirasta 2."), "utf-8")
    assert "ifeval/2" not in stored(model, asked) and len(stored(model, asked)) == 3


def test_prompts_of_a_file(run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines, rows = tmp_path / "prompts.txt", tmp_path / "prompts.jsonl"
    lines.write_text("Kerro talvesta.\n\n  Kerro kesästä. \n", "utf-8")
    rows.write_text('{"prompt": "Kerro talvesta."}\n{"turns": ["Kerro kesästä.", "Lyhyemmin."]}\n', "utf-8")
    assert [row.turns for row in cases_of_file(lines, "fi", 5).rows] == [("Kerro talvesta.",), ("Kerro kesästä.",)]
    compare(run_folder, "--prompts", rows, "--max-tokens", 5, "--json")
    cases = json.loads(capsys.readouterr().out)["cases"]
    assert [len(case["turns"]) for case in cases] == [1, 2]
    compare(run_folder, "--prompts", lines, "--max-tokens", 5, "--n", 1, "--seed", 1)
    said = capsys.readouterr().out
    assert "Kerro talvesta." in said and "prompts of prompts: 1 of 2, drawn by --n and --seed;" in said


def test_the_base_model_goes_on_with_the_text(run_folder: Path) -> None:
    (base,) = find_models(run_folder, ("base",))
    asked = drawn(cases_of_benchmark(base, "ifeval-fi"), 2, 0)
    found = answers_of(base, asked, Engine(kind="hf"))
    assert found.made == 2 and all(len(texts) == 1 and texts[0] for texts in found.by_id.values())


def test_the_draw_is_the_seeds(run_folder: Path) -> None:
    (model,) = find_models(run_folder, TRAINED[:1])
    asked = cases_of_benchmark(model, None)
    draws = [[row.id for row in drawn(asked, 3, seed).rows] for seed in (0, 0, 1, 2)]
    assert draws[0] == draws[1] and len({*map(tuple, draws)}) > 1 and all(draw == sorted(draw) for draw in draws)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        (["--benchmark", "ifeval-fo"], UsageError, "did you mean 'ifeval-fi'"),
        (["--benchmark", "ifeval-en"], SourceError, "source/ifeval: is not made yet"),
        (["--prompts", "nowhere.txt"], SourceError, "nowhere.txt: no such file"),
        (["--prompts", "{tmp}/empty.txt"], SourceError, "holds no prompts"),
        (["--prompts", "{tmp}/bad.jsonl"], SourceError, "bad.jsonl, line 2: a row needs a `prompt`"),
        (["--prompts", "{tmp}/blank.jsonl"], SourceError, "blank.jsonl, line 1: a row needs a `prompt`"),
        (["--html", "{tmp}"], UsageError, "--html .* not a file that can be written"),
        (["--max-tokens", "5"], UsageError, "--max-tokens goes with --prompts"),
        (["--engine", "vllm"], UsageError, "--engine.*kind"),
        (
            ["--engine", "{{kind: openai, urls: ['http://n1:8000/v1']}}"],
            UsageError,
            "holds one model, and two are compared",
        ),
    ],
)
def test_mistakes_are_sentences(
    run_folder: Path, tmp_path: Path, options: list[str], error: type[Exception], says: str
) -> None:
    (tmp_path / "empty.txt").write_text("\n", "utf-8")
    (tmp_path / "bad.jsonl").write_text('{"prompt": "a"}\n{"prompt": 3}\n', "utf-8")
    (tmp_path / "blank.jsonl").write_text('{"turns": ["a", " "], "prompt": "b"}\n', "utf-8")
    with pytest.raises(error, match=says):
        compare(run_folder, *(option.format(tmp=tmp_path) for option in options))


def cases(text: str, other: str = "kissa") -> list[Shown]:
    return [Shown("a/1", (Turn("Mitä?", (Side("sft/a", text, "Finnish"), Side("dpo/b", other, "English"))),))]


@pytest.mark.parametrize("width", [20, 60, 133])
@pytest.mark.parametrize(
    "text", ["日本語の文章です。" * 9, "sanoja " * 30 + "x" * 150, "👩‍👩‍👧 e\u0301" * 40, f"a\n\n\tb {ODD}"]
)
def test_columns_are_as_wide_as_the_terminal(width: int, text: str) -> None:
    lines = written(cases(text), width, colour=False).split("\n")
    assert all(wcwidth.width(line) <= width for line in lines) and "\x1b" not in "".join(lines)
    bars = {wcwidth.width(line.partition(" | ")[0]) for line in lines if " | " in line}
    assert bars == ({(width - 3) // 2} if width > 50 else set()), "narrow terminals have the answers below each other"
    letters = "".join(written(cases(text, ""), 20, False).split())
    assert all(letter in letters for letter in text if letter.isalpha())


def test_the_page_shows_texts_and_never_runs_them(tmp_path: Path, open_in_browser: Callable[..., Any]) -> None:
    page = tmp_path / "page.html"
    write_page(page, f"run {ODD}", [ODD], ["sft/a", "dpo/b"], [*cases(ODD), *cases("kissa"), *cases("talvi " * 800)])
    view = open_in_browser(page)
    assert view.page.locator("article").count() == 3 and "alert(1)" in view.page.locator(".answer").first.inner_text()
    view.page.get_by_role("button", name="more characters").click()
    assert view.page.locator("article").nth(2).locator(".answer").first.inner_text().count("talvi") == 800
    view.page.get_by_label("Only where the answers differ").check()
    assert view.page.locator("#count").inner_text() == "2 of 3 prompts"
    view.page.get_by_label("Search").fill("talvi")
    assert view.page.locator("#count").inner_text() == "1 of 3 prompts"
    assert view.poor_contrast() == [] and view.nameless() == [] and view.overhang() == 0
