"""Similarity between models: plain means over shared prompts, and the published running averages."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from statistics import fmean

import pytest

from eval.similarity import EFFECTIVE_PROMPTS, NoSharedPrompt, compare, published
from eval.similarity.published import ALPHA, running
from kielo.cli import main
from kielo.records import write_jsonl

ANSWERS = {
    "a": {1: "yksi kaksi", 2: "kolme", 3: "kissa istuu matolla"},
    "b": {1: "yksi kaksi", 2: "neljä", 4: "x"},
    "c": {1: "yksi", 3: "kissa istuu matolla"},
}


def test_means_of_pairs_and_of_models() -> None:
    found = compare(ANSWERS, ("rouge1",))
    assert {pair: (each["rouge1"].mean, each["rouge1"].prompts) for pair, each in found.pairs.items()} == {
        ("a", "b"): (0.5, 2),
        ("a", "c"): (pytest.approx((2 / 3 + 1) / 2), 2),
        ("b", "c"): (pytest.approx(2 / 3), 1),
    }
    to_others = found.models["a"]["rouge1"]
    assert (to_others.mean, to_others.prompts) == (pytest.approx(fmean([(1 + 2 / 3) / 2, 0, 1])), 3)
    assert found.models["b"]["rouge1"].prompts == 2
    assert 0 <= to_others.interval.low < to_others.mean < to_others.interval.high <= 1


def test_models_without_a_common_prompt_are_left_out_or_refused() -> None:
    found = compare({**ANSWERS, "d": {9: "x"}}, ("rouge1",))
    assert "d" not in found.models and not any("d" in pair for pair in found.pairs)
    with pytest.raises(NoSharedPrompt, match="no two models"):
        compare({"a": {1: "x"}, "d": {9: "x"}}, ("rouge1",))
    with pytest.raises(NoSharedPrompt, match="all models answered"):
        published({"a": {1: "x"}, "d": {9: "x"}}, ("rouge1",))


def test_a_running_average_forgets() -> None:
    """The first prompt counts whole, each later one ALPHA; many prompts tell as much as 5.7 of them."""
    assert running([1.0, 0.0, 0.5]) == pytest.approx(0.3 * 0.5 + 0.7 * (0.7 * 1.0))
    weights = [ALPHA * (1 - ALPHA) ** age for age in range(500)]
    assert (
        EFFECTIVE_PROMPTS == pytest.approx(1 / sum(weight**2 for weight in weights)) == pytest.approx(5.667, abs=1e-3)
    )
    assert sum(weights[:10]) == pytest.approx(0.97, abs=0.005)


def test_published_averages_are_against_five_others_at_most() -> None:
    texts = {name: {1: "yksi kaksi", 2: f"{name} kolme"} for name in "abcdefgh"}
    found = published(texts, ("rouge1",), seed=1)
    each = found["a"]["rouge1"]
    assert len(set(each.others)) == 5 and "a" not in each.others and each.prompts == 2
    assert each.mean == pytest.approx(0.3 * 0.5 + 0.7 * 1.0) and each.spread == pytest.approx(0.0)
    assert published(texts, ("rouge1",), seed=1) == found
    assert published(texts, ("rouge1",), seed=2)["a"]["rouge1"].others != each.others


def test_real_answers_on_the_command_line(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out, table = shared_data / "mt_bench_fi/answers", tmp_path / "out.json", tmp_path / "out.csv"
    names = {"apertus": "Apertus-8B-Instruct-2509-fi", "poro": "Poro-34B-chat-finnish", "oss": "gpt-oss-20b-fi"}
    given = [f"{name}={folder}/{file}.jsonl.gz" for name, file in names.items()]
    metrics = ["--metric", "rouge1", "--metric", "rougeL"]
    assert main(["eval", "similarity", *given, *metrics, "--json", str(out), "--csv", str(table)]) == 0
    said, found = capsys.readouterr().out, json.loads(out.read_text("utf-8"))
    for estimate in (each[metric] for each in found["pairs"] for metric in ("rouge1", "rougeL")):
        assert 0.1 < estimate["low"] < estimate["mean"] < estimate["high"] < 0.4 and estimate["prompts"] == 80
    assert all(each["rougeL"]["mean"] < each["rouge1"]["mean"] for each in found["pairs"])
    assert "rougeL, every two models" in said and len(list(csv.DictReader(table.open(encoding="utf-8")))) == 3 * 2 * 2
    assert main(["eval", "similarity", *given, *metrics, "--paper", "--json", str(out)]) == 0
    assert "tells as much as 5.7 prompts" in capsys.readouterr().out
    assert json.loads(out.read_text("utf-8"))["models"]["oss"]["rouge1"]["others"] in (
        ["apertus", "poro"],
        ["poro", "apertus"],
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["A={a}"], "two files of answers or more"),
        (["A={a}", "B={far}"], "no two models answer one prompt; are these answers to one file of prompts?"),
        (["A={a}", "B={a}", "--wordnet"], "--wordnet is for METEOR"),
        (["A={a}", "B={a}", "--metric", "meteor", "--language", "xx"], "xx.yaml"),
        (["A={a}", "B={missing}"], "no such file"),
    ],
)
def test_what_cannot_be_compared(
    options: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = {name: str(tmp_path / f"{name}.jsonl") for name in ("a", "far", "missing")}
    write_jsonl(tmp_path / "a.jsonl", [{"key": 1, "response": "x"}])
    write_jsonl(tmp_path / "far.jsonl", [{"key": 2, "response": "x"}])
    assert main(["eval", "similarity", *(option.format(**here) for option in options), "--metric", "rouge1"]) == 2
    assert sentence in capsys.readouterr().err


def test_answers_without_words_are_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"key": 1, "response": "Äiti"}, {"key": 2, "response": " ... "}])
    write_jsonl(tmp_path / "b.jsonl", [{"key": 1, "response": "äiti"}, {"key": 2, "response": None}])
    files = [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]
    assert main(["eval", "similarity", *files, "--metric", "rouge1", "--json", str(tmp_path / "out.json")]) == 0
    said = capsys.readouterr().out
    assert "a: 1 answers are without a word and left out." in said and "1 prompts have no answer in turn 1" in said
    (pair,) = json.loads((tmp_path / "out.json").read_text("utf-8"))["pairs"]
    assert (pair["rouge1"]["mean"], pair["rouge1"]["prompts"]) == (1.0, 1)
