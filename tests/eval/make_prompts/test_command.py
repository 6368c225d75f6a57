"""`kielo eval make-prompts` from the command line to the linter, the scorer and a recipe that uses its file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

Kielo = Callable[..., tuple[int, str, str]]


def test_from_articles_to_a_recipe(
    tmp_path: Path, articles: Path, kielo: Kielo, write_recipe: Callable[..., Path]
) -> None:
    out = tmp_path / "native.jsonl"
    code, printed, _ = kielo(
        "eval", "make-prompts", "--documents", articles, "--language", "fi", "--rows", 30, "--out", out,
        "--licence", "CC-BY-SA-4.0", "--answers", "--review", "--json", tmp_path / "made.json",
    )  # fmt: skip
    assert code == 0
    assert "30 prompts with 46 instructions in 'fi', from 30 of 89 usable documents (seed 0)" in printed
    assert "under 200 characters of prose  10" in printed
    assert "compat  echo" in printed
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert list(rows[0]) == ["key", "prompt", "instruction_id_list", "kwargs"]
    sources = [json.loads(line) for line in (tmp_path / "native.sources.jsonl").read_text("utf-8").splitlines()]
    assert [each["key"] for each in sources] == [each["key"] for each in rows] == list(range(10_001, 10_031))
    assert {each["licence"] for each in sources} == {"CC-BY-SA-4.0"}
    assert json.loads((tmp_path / "made.json").read_text("utf-8"))["documents"]["licences"] == {"CC-BY-SA-4.0": 30}

    code, printed, _ = kielo("lint", "ifeval", out, "--language", "fi")
    assert code == 0 and "0 errors, 0 warnings: nothing found" in printed

    answers = tmp_path / "native.answers.jsonl"
    scores = tmp_path / "scores.json"
    code, _, _ = kielo(
        "eval", "score", "--prompts", out, "--responses", answers, "--language", "fi", "--json", scores
    )  # fmt: skip
    modes = json.loads(scores.read_text("utf-8"))["modes"]
    assert code == 0
    assert all(modes[mode]["totals"]["inst_strict"] == 46 for mode in ("compat", "fair"))

    recipe = write_recipe(
        ("ifeval: {kind: ifeval, pocket: ifeval, rows: 6}",
         "ifeval: {kind: ifeval, pocket: ifeval, rows: 6}\n    native: {kind: ifeval, local: native.jsonl, language: fi}"),
        ("ifeval: {languages: [en, fi]}", "ifeval: {languages: [en, fi], also: [native]}"),
    )  # fmt: skip
    code, printed, complained = kielo("check", recipe)
    assert code == 0, complained


def test_the_review_table_is_no_formula(tmp_path: Path, kielo: Kielo) -> None:
    prose = (
        "Järvi sijaitsee kaupungin pohjoispuolella, ja sen rannalla on vanha mylly. Kesällä siellä uivat sekä lapset "
        "että aikuiset. Talvella järven jäällä hiihdetään ja pilkitään, kunnes kevät sulattaa jään. Mylly on vanha."
    )
    row = {"id": "1", "title": "Järvi", "text": prose, "licence": "CC0"}
    (tmp_path / "=cmd.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    out = tmp_path / "made.jsonl"
    code, _, complained = kielo(
        "eval", "make-prompts", "--documents", tmp_path / "=cmd.jsonl", "--language", "fi", "--rows", 3,
        "--out", out, "--review",
    )  # fmt: skip
    assert code == 0, complained
    with (tmp_path / "made.review.tsv").open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream, dialect="excel-tab"))
    assert len(table) == 3
    assert {each["document"] for each in table} == {"'=cmd.jsonl:1"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--language", "fi", "--out", "made.txt"), "give a name that ends in .jsonl"),
        (("--language", "xx", "--out", "made.jsonl"), "--language xx: no language pack"),
        (("--language", "da", "--out", "made.jsonl"), "write recipes/languages/prompts/da.yaml"),
        (("--language", "fi", "--out", "d.jsonl"), "--out d.jsonl: this file is an input"),
        (("--language", "fi", "--out", "none/made.jsonl"), "name a file in a folder that exists"),
        (("--language", "fi", "--out", "made.jsonl", "--json", "made.jsonl"), "this file is written already"),
    ],
)  # fmt: skip
def test_mistakes_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kielo: Kielo, options: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "Søen ligger nord for byen, og der er en gammel mølle ved dens bred. " * 4
    Path("d.jsonl").write_text(json.dumps({"text": text}) + "\n", "utf-8")
    code, _, complained = kielo("eval", "make-prompts", "--documents", "d.jsonl", "--rows", "1", *options)
    assert code == 2
    assert said in complained
    assert "Traceback" not in complained
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.jsonl"]
