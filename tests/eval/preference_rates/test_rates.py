"""Preference rates and flips by hand, from the published file, and from every kind of score file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.preference_rates import flips, rates
from kielo.cli import main
from kielo.records import write_json, write_jsonl

SCORES = {
    "tuned-a": {1: 8.0, 2: 5.0, 3: 7.0, 4: 4.0},
    "tuned-b": {1: 6.0, 2: 9.0, 3: 7.0, 4: 5.0},
    "big-a": {1: 9.0, 2: 8.0, 3: 9.0, 4: 9.0},
    "big-b": {1: 9.5, 2: 8.5, 3: 8.0},
}


def test_rates_by_hand() -> None:
    found = rates(SCORES).rates
    rate = found["tuned-a", "tuned-b"]
    assert (rate.higher, rate.lower, rate.ties, rate.prompts, rate.share) == (1, 2, 1, 4, 0.25)
    assert found["tuned-b", "tuned-a"].share == 0.5 and found["big-a", "big-b"].prompts == 3
    assert 0 < rate.interval.low < 0.25 < rate.interval.high < 1
    assert ("big-a", "big-a") not in found and len(found) == 12


def test_prompts_that_no_one_won_are_ties() -> None:
    rate = rates(SCORES, prompts=10).rates["tuned-a", "tuned-b"]
    assert (rate.share, rate.ties) == (0.1, 7)
    with pytest.raises(ValueError, match="more than 3"):
        rates(SCORES, prompts=3)


def test_flips_by_hand() -> None:
    """Prompt 1: a before b, but the generators b before a. Prompt 2 agrees, 3 is a tie, 4 lacks a score."""
    found = flips(SCORES, ("tuned-a", "tuned-b"), ("big-a", "big-b"))
    assert (found.flipped, found.decided, found.prompts) == ((1,), 2, 3)


@given(st.dictionaries(st.integers(0, 9), st.integers(1, 5)), st.dictionaries(st.integers(0, 9), st.integers(1, 5)))
def test_both_directions_count_the_same_prompts(ours: dict[int, int], theirs: dict[int, int]) -> None:
    found = rates({"a": ours, "b": theirs}).rates
    there, back = found["a", "b"], found["b", "a"]
    assert (there.higher, there.lower, there.ties) == (back.lower, back.higher, back.ties)
    assert there.prompts == len(ours.keys() & theirs.keys())


def document(out: Path, *given: str) -> dict[str, Any]:
    assert main(["eval", "preference-rates", *given, "--json", str(out)]) == 0
    found: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return found


def test_the_published_preferences(shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Table 4 of WildChat-50M: 40% and 22.5%, which are 32 and 18 of 80 prompts; the file lists the 50 decided ones."""
    file = str(shared_data / "wildchat50m/combined_preferences.csv")
    one, other = document(tmp_path / "out.json", file)["rates"]
    assert (one["model"], one["higher"], one["ties"], one["prompts"], one["share"]) == ("qwen", 32, 30, 80, 0.4)
    assert (other["model"], other["higher"], other["share"]) == ("llama", 18, 0.225)
    said = capsys.readouterr().out
    assert "40.00" in said and "22.50" in said and "the other 30 count as ties" in said
    one, other = document(tmp_path / "out.json", file, "--prompts", "50")["rates"]
    assert (one["share"], other["share"]) == (0.64, 0.36)


def test_a_file_with_ties_is_taken_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text("question_id,score_x,score_y\n81,8,9\n82,7,7\n83,,3\n", "utf-8")
    one, _ = document(tmp_path / "out.json", str(tmp_path / "a.csv"), "--language", "fi")["rates"]
    assert (one["higher"], one["lower"], one["ties"], one["prompts"]) == (0, 1, 1, 2)
    said = capsys.readouterr().out
    assert (
        "6 rows do not say their language and are taken for fi" in said and "1 answers without a score left out" in said
    )


def test_every_kind_of_score_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Turns are averaged; FastChat's -1 is a judgement that could not be read, not a score."""
    write_jsonl(
        tmp_path / "fastchat.jsonl",
        [{"question_id": key, "model": "x", "turn": turn, "judge": ["gpt-4", "single-v1"], "score": score}
         for key, turn, score in ((81, 1, 8), (81, 2, 6), (82, 1, 5), (82, 2, -1), (83, 1, -1))],
    )  # fmt: skip
    write_jsonl(
        tmp_path / "rows.jsonl", [{"model": "y", "id": "81", "score": 7.5}, {"model": "y", "id": 82, "score": -1}]
    )
    single = [{"rating": rating, "outcome": "rated"} for rating in (3, 4, None)]
    questions = [
        {"key": key, "turn": 1, "models": {"z": {"single": found}}}
        for key, found in zip((81, 82, 83), single, strict=True)
    ]
    write_json(tmp_path / "scores.json", {"modes": ["single"], "language": "fi", "models": {}, "questions": questions})
    files = [str(tmp_path / "fastchat.jsonl"), f"renamed={tmp_path}/rows.jsonl", str(tmp_path / "scores.json")]
    found = document(
        tmp_path / "out.json", *files, "--flips", "x", "renamed", "x", "z", "--csv", str(tmp_path / "o.csv")
    )
    by_pair = {(each["model"], each["other"]): (each["higher"], each["lower"], each["ties"]) for each in found["rates"]}
    assert (
        by_pair["x", "renamed"] == (1, 1, 0) and by_pair["x", "z"] == (2, 0, 0) and by_pair["z", "renamed"] == (1, 1, 0)
    )
    assert (found["flips"]["flips"], found["flips"]["flipped"]) == (1, ["81"])
    said = capsys.readouterr().out
    assert (
        "2 answers without a score left out" in said and "Flips, x and renamed against x and z: 1 of 2 prompts" in said
    )
    assert (
        (tmp_path / "o.csv")
        .read_text("utf-8")
        .startswith("model,other,rate,low,high,higher,lower,ties,prompts\nx,renamed,0.5,")
    )


@pytest.mark.parametrize(
    ("content", "options", "sentence"),
    [
        ('{"model": "x", "id": 1, "score": NaN}', [], "a finite number or null; this is nan"),
        ('{"model": "x", "id": 1, "score": "8"}', [], "a finite number or null; this is '8'"),
        ('{"model": "x", "id": 1}', [], "s.jsonl, line 1: a row of scores needs a `model`, an `id`"),
        ('{"model": "x", "id": 1, "score": null}', [], "none of its 1 rows holds a score"),
        ('{"model": "x", "id": 1, "score": 1}', [], "a preference is between two models"),
        ('{"model": "x", "id": 1, "score": 1}\n{"model": "y", "id": 1, "score": 1}', ["--flips", *"xyzy"], "no scores of 'z'"),
        ('{"model": "x", "id": 1, "score": 1}\n{"model": "y", "id": 2, "score": 1}\n{"model": "x", "id": 3, "score": 1}', ["--prompts", "1"], "there are scores for 2 prompts"),
        ('{"model": "x", "id": 1, "score": 1, "language": "et"}', ["--language", "fi"], "none of its 1 rows"),
    ],
)  # fmt: skip
def test_scores_that_cannot_be_compared(
    content: str, options: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.jsonl").write_text(content, "utf-8")
    assert main(["eval", "preference-rates", str(tmp_path / "s.jsonl"), *options]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "a.csv",
            "id,rating\n1,2\n",
            "needs columns question_id and score_NAME, one for every model; it has id, rating",
        ),
        ("a.csv", "", "it has nothing"),
        ("a.csv", "id,score_x\n1,\n", "none of its 1 rows holds a score that counts"),
        ("a.csv", "id,score_x\n1,viisi\n", "a.csv, line 2: a score must be a number; this is 'viisi'"),
        ("a.csv", "id,score_x\n1,inf\n", "a finite number or null; this is inf"),
        ("a.csv", "id,score_x\n,3\n", "a.csv, line 2: no id in this row"),
        ("scores.json", '{"modes": ["pairwise"]}', "no scores.json of single ratings"),
        ("scores.json", '{"modes": ["single"], "questions": [{}]}', "not as the step judge writes it"),
    ],
)
def test_files_that_hold_no_scores(
    name: str, content: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    assert main(["eval", "preference-rates", str(tmp_path / name)]) == 2
    assert sentence in capsys.readouterr().err


def test_one_model_in_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"model": name, "id": 1, "score": 1} for name in "xy"]
    write_jsonl(tmp_path / "both.jsonl", rows)
    write_jsonl(tmp_path / "one.jsonl", rows[:1])
    both, one = str(tmp_path / "both.jsonl"), str(tmp_path / "one.jsonl")
    assert main(["eval", "preference-rates", both, one]) == 2
    assert "another file holds scores of 'x', too" in capsys.readouterr().err
    assert main(["eval", "preference-rates", f"z={both}"]) == 2
    assert "a name is for a file of one model" in capsys.readouterr().err
    assert main(["eval", "preference-rates", both, f"z={one}"]) == 0
