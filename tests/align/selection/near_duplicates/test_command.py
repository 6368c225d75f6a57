"""`kielo select near-duplicates`: rows of every shape, what it prints, writes and refuses, and its exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kielo.errors import KieloError
from kielo.verbs.select_tools import parse_select

POEM = "Write a short poem about an old lighthouse keeper who talks with the seagulls."
Run = Callable[..., int]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: Any, name: str = "pool.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
        return path

    return write


def run(*given: object) -> int:
    arguments = parse_select(["near-duplicates", *map(str, given)])
    return int(arguments.function(arguments) or 0)


ROWS = [
    {"id": "m", "messages": [{"role": "user", "content": POEM}, {"role": "assistant", "content": "A long one."}], "score": 2},
    {"id": "p", "prompt": [{"role": "user", "content": POEM.upper()}], "chosen": "Short", "rejected": "", "score": 5.5},
    {"key": 7, "prompt": f"{POEM} Please."},
    {"text": "What is the capital of Finland?", "score": 1},
    {"question_id": 9, "turns": ["What is the capital of  FINLAND?"]},
]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ((), [0, 3]),
        (("--keep", "longest"), [2, 4]),
        (("--keep", "best"), [1, 3]),
        (("--threshold", "1"), [0, 2, 3]),
    ],
)
def test_rows_of_every_shape(
    write: Callable[..., Path],
    tmp_path: Path,
    options: tuple[str, ...],
    kept: list[int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, report = tmp_path / "kept.jsonl", tmp_path / "report.json"
    assert run(write(*ROWS), *options, "--out", out, "--report", report) == 0
    assert [json.loads(line) for line in out.read_text("utf-8").splitlines()] == [ROWS[row] for row in kept]
    said = capsys.readouterr().out
    assert "2 groups with" in said and f"{len(kept)} rows stay" in said and POEM[:70] in said
    assert ("2 rows have no score" in said) == ("best" in options)
    written = json.loads(report.read_text("utf-8"))
    assert [[each["line"] for each in group] for group in written["groups"]][-1][0] == kept[-1] + 1
    assert {(each["by"], each["similarity"] >= 0.8) for each in written["pairs"]} == {("text", True)}


def test_rows_that_name_languages_are_compared_within_them(write: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "kept.jsonl"
    run(write(*({"text": POEM, "language": code} for code in ("en", "fi", "en"))), "--out", out)
    assert len(out.read_text("utf-8").splitlines()) == 2


def test_a_field_of_another_name(write: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    path = write(*({"question": text, "text": str(n)} for n, text in enumerate((POEM, POEM, "Why?"))))
    run(path, "--field", "question")
    assert "1 groups with 2 rows" in capsys.readouterr().out


def test_vectors_join_too(write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, vectors = write(*({"text": f"{n} {'abcdefgh'[n] * 20}"} for n in range(4))), tmp_path / "e.npy"
    np.save(vectors, 3 * np.eye(4, dtype=np.float32)[[0, 1, 0, 2]])
    run(path, "--embeddings", vectors, "--semantic", "0.9")
    assert "or cosine 0.9" in (said := capsys.readouterr().out) and "1 groups with 2 rows" in said
    np.save(vectors, np.eye(3, dtype=np.float32))
    with pytest.raises(KieloError, match=r"e\.npy: 3 vectors for 4 rows in .*pool\.jsonl"):
        run(path, "--embeddings", vectors, "--semantic", "0.9")


def test_evaluation_prompts_in_a_pool(
    write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A copy, one inside another text, one with slips of the pen, in a second turn, and one in another language by its own file."""
    ask = "Describe in three sentences how a steam engine turns heat into motion, and name its inventor."
    runo = "Kirjoita lyhyt runo vanhasta majakanvartijasta, joka juttelee lokeille joka aamu."
    pool = write(
        {"text": "What is the capital of Finland?"},
        {"text": POEM},
        {"text": f"Hello! I have a wish for today and here it is. {POEM} Thank you so much in advance, dear friend."},
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi"},
                      {"role": "user", "content": ask.replace("sentences", "sentecnes").replace("steam", "staem")}]},
        {"text": runo.replace("lokeille", "lokkien kanssa"), "language": "fi"},
    )  # fmt: skip
    english = write({"key": 1, "prompt": POEM}, {"key": 2, "turns": [ask, "Why?"]}, name="english.jsonl")
    finnish, out, report = (
        write({"key": 3, "prompt": runo}, name="fi.jsonl"),
        tmp_path / "out.jsonl",
        tmp_path / "r.json",
    )
    assert run(pool, "--against", english, finnish, "--out", out, "--report", report) == 1
    said = capsys.readouterr().out
    assert "4 of 5 rows stand in an evaluation" in said and "english.jsonl: 1" in said
    assert len(out.read_text("utf-8").splitlines()) == 1, "what stands in an evaluation does not stay"
    found = {each["line"]: each for each in json.loads(report.read_text("utf-8"))["contaminated"]}
    assert {line: each["evaluation_row"] for line, each in found.items()} == {2: "1", 3: "1", 4: "2", 5: "3"}
    assert [found[line]["how"] for line in (2, 3)] == ["text", "near"] and found[2]["jaccard"] == 1
    assert found[3]["jaccard"] < 0.6 <= found[4]["jaccard"] < 1 and found[4]["evaluation_prompt"] == ask
    assert run(pool, "--against", write({"text": "Why is the sky blue?"}, name="other.jsonl")) == 0
    assert "0 of 5 rows stand in an evaluation" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("row", "options", "sentence"),
    [
        ({"question": "Why?"}, (), r"pool\.jsonl, line 1: no prompt \(looked for none of messages, .*it has question\)"),
        ({"text": "Why?"}, ("--field", "prompt"), r"line 1: no prompt \(looked for 'prompt'; it has text\)"),
        ({"text": 3}, (), r"line 1: 'text' needs a text, a list of texts or messages, this is a int"),
        ({"prompt": []}, (), r"line 1: 'prompt' needs a text"),
        ({"messages": [{"role": "user"}]}, (), r"line 1: 'messages': each turn needs a text"),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, (), r"no turn has the role `user`"),
        ({"text": "Why?", "score": "high"}, ("--keep", "best"), r"line 1: 'score' must be a finite number or null, this is 'high'"),
        ({"text": "Why?", "score": float("nan")}, ("--keep", "best"), r"line 1: 'score' must be a finite number"),
        ({"text": "Why?"}, ("--keep", "best", "--score-field", "rank"), r"no row has a number in 'rank'"),
        ({"text": "Why?"}, ("--score-field", "rank"), r"--score-field is read with --keep best"),
        ({"text": "Why?"}, ("--semantic", "0.9"), r"--semantic and --embeddings belong together"),
        ({"text": "Why? \ud800"}, (), r"line 1: the row holds half a character"),
    ],
)  # fmt: skip
def test_what_it_refuses(tmp_path: Path, row: Any, options: tuple[str, ...], sentence: str) -> None:
    path = tmp_path / "pool.jsonl"
    path.write_text(json.dumps(row) + "\n", "utf-8")
    with pytest.raises(KieloError, match=sentence):
        run(path, *options)


def test_files_that_cannot_be(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write({"text": "Why?"})
    with pytest.raises(KieloError, match=r"--out .*pool\.jsonl: this file is an input"):
        run(path, "--out", path)
    with pytest.raises(KieloError, match=r"--out and --report name one file"):
        run(path, "--out", tmp_path / "a", "--report", tmp_path / "a")
    with pytest.raises(KieloError, match=r"none\.jsonl: no such file"):
        run(path, "--against", tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(KieloError, match=r"empty\.jsonl: holds no rows"):
        run(tmp_path / "empty.jsonl")
    with pytest.raises(SystemExit):
        run(path, "--threshold", "1.5")
