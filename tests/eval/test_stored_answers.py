"""Stored answers of every writer read into one shape, and rows that hold none are named with their line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from eval.stored_answers import StoredAnswer, read_named_answers, read_stored_answers
from kielo.errors import SourceError
from kielo.records import QuestionResponse, Response, to_json


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


SAMPLE = {"doc_id": 4, "doc": {"key": 81, "prompt": "Moi", "kwargs": []}, "resps": [["x"]], "filtered_resps": ["Hei"]}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (to_json(Response("b/1", 81, "fi", "Moi", "Hei", "stop")), ("81", 81, "Moi", ("Hei",), "fi")),
        (to_json(Response("b/1", None, "fi", "Moi", "Hei", "stop")), ("b/1", None, "Moi", ("Hei",), "fi")),
        (
            to_json(QuestionResponse("q/81", 81, "fi", "math", ("Moi", "Ja?"), ("Hei", ""), ("stop", "stop"))),
            ("81", 81, "Moi", ("Hei", ""), "fi"),
        ),
        (
            {"question_id": 81, "choices": [{"turns": ["Hei", None]}, {"turns": ["x", "y"]}]},
            ("81", 81, None, ("Hei", None)),
        ),
        (SAMPLE, ("81", 81, "Moi", ("Hei",))),
        ({**SAMPLE, "filtered_resps": []}, ("81", 81, "Moi", ("x",))),
        ({"prompt": "Moi", "response": "Hei"}, ("1", None, "Moi", ("Hei",))),
        ({"prompt": "Moi", "answer": None}, ("1", None, "Moi", (None,))),
        ({"instruction": "Moi", "output": "Hei"}, ("1", None, "Moi", ("Hei",))),
        ({"prompt": "Moi", "choices": ["a", "b"], "response": "Hei"}, ("1", None, "Moi", ("Hei",))),
        ({"prompt_id": "81", "prompt": "Moi", "response": "Hei"}, ("81", 81, "Moi", ("Hei",))),
        ({"id": 81, "response": "Hei"}, ("81", 81, None, ("Hei",))),
        ({"key": "abc", "question_id": 81, "response": "Hei"}, ("abc", 81, None, ("Hei",))),
        ({"id": "1" * 32, "response": "Hei"}, ("1" * 32, None, None, ("Hei",))),
    ],
)
def test_every_format_of_an_answer(tmp_path: Path, row: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert read_stored_answers(write(tmp_path / "a.jsonl", row)) == [StoredAnswer(1, *expected)]


def test_an_id_beside_a_prompt_numbers_rows_and_no_questions(tmp_path: Path) -> None:
    (found,) = read_named_answers(write(tmp_path / "a.jsonl", {"id": 81, "prompt": "Moi", "response": "Hei"}))
    assert (found.name, found.key) == ("81", None)


def test_packed_files_blank_lines_and_real_answers(tmp_path: Path, shared_data: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(
        gzip.compress(b'{"key": 1, "response": "a"}\n\n{"key": 2, "response": "b"}\n')
    )
    assert [each.line for each in read_stored_answers(tmp_path / "a.jsonl.gz")] == [1, 3]
    real = read_named_answers(shared_data / "mt_bench_fi/answers/Poro-34B-chat-finnish.jsonl.gz")
    assert {(each.key, len(each.texts)) for each in real} == {(key, 2) for key in range(81, 161)}


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"text": "x"}, "no answer: has none of `response`, `responses`, `choices`; it has text"),
        ({"key": 1, "responses": []}, "`responses` is an empty list"),
        ({"key": 1, "response": {"content": "x"}}, "an answer must be a text or null; this is a dict"),
        ({"key": 1, "choices": [{"turns": []}]}, "`choices` must be a list whose first item has a list of `turns`"),
        ({**SAMPLE, "filtered_resps": ["a", "b"]}, "a sample of lm-evaluation-harness needs a `doc` and one answer"),
        ({"key": True, "response": "x"}, "the question's key must be a number or a text; this is True"),
        ({"key": 1, "response": "Kissa \ud83d"}, "the row holds half a character"),
        ({"response": "x"}, "an answer needs a `key`"),
        ({"prompt": 3, "response": "x"}, "an answer needs a `key`"),
    ],
)
def test_a_row_without_an_answer_is_named(tmp_path: Path, row: dict[str, Any], sentence: str) -> None:
    path = write(tmp_path / "a.jsonl", {"key": 1, "response": "a"}, row)
    with pytest.raises(SourceError, match=r"a\.jsonl, line 2: " + sentence):
        read_named_answers(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no answers"):
        read_stored_answers(write(tmp_path / "a.jsonl"))
