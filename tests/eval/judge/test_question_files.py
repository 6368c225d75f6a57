"""Questions and answers as files hold them: real FastChat files, Kielo's rows, plain prompts, and what is wrong in them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from eval.judge.question_files import read_answers_to, read_questions
from kielo.errors import SourceError
from kielo.records import Question, QuestionResponse, to_json


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def questions(tmp_path):
    return read_questions(
        write(tmp_path / "q.jsonl", {"prompt": "Moi"}, {"prompt": "Hei", "reference": ["Terve"]}), "fi"
    )


def test_real_mt_bench_in_finnish(shared_data):
    folder = shared_data / "mt_bench_fi"
    questions = read_questions(folder / "question_fi.jsonl", "fi")
    assert (len(questions), sum(bool(each.references) for each in questions)) == (80, 39)
    read = read_answers_to(questions, folder / "answers/Poro-34B-chat-finnish.jsonl.gz")
    assert (len(read.answers), read.elsewhere) == (80, 0)
    assert all(len(turns) == 2 for turns in read.answers.values())


def test_a_real_file_of_two_runs_is_refused(shared_data):
    folder = shared_data / "mt_bench_fi"
    questions = read_questions(folder / "question_fi.jsonl", "fi")
    with pytest.raises(SourceError, match="line 41: a second answer to question 131"):
        read_answers_to(questions, folder / "answers/finnish-mistral-7b-base-test.jsonl.gz")


def test_kielos_own_answers(tmp_path, questions):
    row = to_json(QuestionResponse("q/2", 2, "fi", "x", ("Hei",), ("Terve!",), ("stop",)))
    assert read_answers_to(questions, write(tmp_path / "a.jsonl", row)).answers == {2: ("Terve!",)}


def test_questions_of_kielo_and_of_arena_hard_read_as_translation_reads_them(tmp_path):
    question = Question("q/81", "fi", 81, "math", ("Paljonko?", "Entä nyt?"), ("4", ""))
    arena = {"question_id": "81", "category": "math", "turns": [{"content": "Paljonko?"}, {"content": "Entä nyt?"}]}
    assert read_questions(write(tmp_path / "q.jsonl", to_json(question)), "fi") == [question]
    assert read_questions(write(tmp_path / "q.jsonl", arena), "fi") == [replace(question, references=())]


def test_samples_of_the_harness_answer_questions_by_key(tmp_path, questions):
    row = {"doc": {"key": 2, "prompt": "Hei"}, "resps": [["Terve!"]], "filtered_resps": ["Terve!"]}
    assert read_answers_to(questions, write(tmp_path / "samples_x.jsonl", row)).answers == {2: ("Terve!",)}


def test_plain_answers_are_found_by_their_prompt(tmp_path, questions):
    rows = [
        {"prompt": "Hei", "response": None},
        {"prompt": "Muu", "response": "x"},
        {"prompt": "Moi", "response": "Moi!"},
    ]
    read = read_answers_to(questions, write(tmp_path / "a.jsonl", *rows))
    assert (read.answers, read.elsewhere) == ({2: ("",), 1: ("Moi!",)}, 1)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([{"key": 1, "response": "a"}, {"key": 1, "response": "b"}], "line 2: a second answer to question 1"),
        ([{"key": 9, "response": "a"}], "answers none of the 2 questions"),
        ([{"key": 1}], "line 1: no answer: has none of"),
        ([{"response": "a"}], "line 1: an answer needs a `key`"),
        ([{"key": 1, "responses": ["a", 3]}], "an answer must be a text or null; this is a int"),
        (
            [{"question_id": 1, "choices": [{"turns": 3}]}],
            "`choices` must be a list whose first item has a list of `turns`",
        ),
        ([{"key": 1, "response": "\ud83d"}], "line 1: the row holds half a character"),
    ],
)
def test_what_is_no_answer_is_named(tmp_path, questions, rows, sentence):
    with pytest.raises(SourceError, match=sentence):
        read_answers_to(questions, write(tmp_path / "a.jsonl", *rows))


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([{"key": 1, "prompt": "a"}, {"key": "1", "prompt": "b"}], "line 2: its key 1 is that of line 1, too"),
        ([{"key": 1}], "line 1: 'prompt' needs the user's turns, this is missing"),
        ([{"key": 1, "prompt": "Kissa \ud83d"}], "line 1: 'prompt' holds half a character"),
        ([], "holds no questions"),
    ],
)
def test_what_is_no_question_is_named(tmp_path, rows, sentence):
    with pytest.raises(SourceError, match=sentence):
        read_questions(write(tmp_path / "q.jsonl", *rows), "fi")
