"""Open questions in every format they are published in; a malformed row is named with file, line and fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kielo.errors import SourceError
from kielo.records import Question, read_jsonl
from kielo.row_values import Row
from translate.rows.formats import Source, read_rows


def read(*rows: Row) -> list[Any]:
    return list(read_rows("questions", Source("data.jsonl", list(enumerate(rows, 1)), "fi")))


def test_every_format_of_one_question() -> None:
    question = Question("", "fi", 81, "writing", ("Hei?",))
    fastchat = {"question_id": 81, "category": "writing", "turns": ["Hei?"]}
    arena = {"question_id": "81", "category": "writing", "cluster": "c", "turns": [{"content": "Hei?"}]}
    m_arena = {"question_id": 81, "category": "writing", "prompt": "Hei?"}
    hub = {"prompt_id": 81, "category": "writing", "prompt": ["Hei?"], "reference": []}
    plain = {"id": 81, "category": "writing", "prompt": "Hei?"}
    for row in (fastchat, arena, m_arena, hub, plain):
        assert read(row) == [question], row


def test_a_prompt_alone_is_a_question_under_its_line() -> None:
    assert read({"prompt": "a"}, {"prompt": "b", "category": None, "id": "9f3c"}) == [
        Question("", "fi", 1, "uncategorised", ("a",)), Question("", "fi", 2, "uncategorised", ("b",)),
    ]  # fmt: skip
    (hashed,) = read({"prompt": "a", "question_id": "1" * 32})
    assert hashed.key == 1, "a hash of digits is no number that people count by"


def test_references_stay_with_their_turns() -> None:
    row = {"question_id": 1, "turns": ["a", "b"]}
    cases = [
        (["x", "y"], ("x", "y")),
        ([None, "y"], ("", "y")),
        (["x"], ("x",)),
        (["", None], ()),
        (None, ()),
        ("x", ("x",)),
    ]
    for reference, expected in cases:
        assert read({**row, "reference": reference})[0].references == expected, reference


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"turns": []}, r"data.jsonl, line 2: 'turns' needs the user's turns, this is \[\]"),
        ({"turns": "a"}, r"line 2: 'turns' needs the user's turns, this is 'a'"),
        ({"turns": ["a", " "]}, r"line 2: 'turns\[1\]' needs a text, this is ' '"),
        ({"turns": [{"text": "a"}]}, r"line 2: 'turns\[0\]' needs a text, this is missing"),
        ({"prompt": 3}, r"line 2: 'prompt' needs the user's turns, this is 3"),
        ({"prompt": "half \ud800"}, r"line 2: 'prompt' holds half a character"),
        ({"text": "a"}, r"line 2: 'prompt' needs the user's turns, this is missing"),
        ({"prompt": "a", "category": 3}, r"line 2: 'category' needs a text"),
        ({"prompt": "a", "reference": 3}, r"line 2: 'reference' needs a list of texts, this is 3"),
        ({"prompt": "a", "reference": ["x", "y"]}, r"line 2: 2 references for 1 turns"),
        ({"prompt": "a", "id": 7}, r"line 2: its key 7 is that of line 1, too"),
    ],
)
def test_malformed_questions(row: Row, sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        read({"prompt": "first", "id": 7}, row)


def test_unknown_columns_are_told_with_those_that_are_known() -> None:
    with pytest.raises(
        SourceError, match=r"columns instruction are no known format of questions; .*prompt \(prompts\)"
    ):
        read({"instruction": "a"})


@pytest.mark.parametrize("name", ["question.jsonl", "question_fi.jsonl"])
def test_real_mt_bench(shared_data: Path, name: str) -> None:
    questions = read(*(row for _, row in read_jsonl(shared_data / "mt_bench_fi" / name)))
    assert [each.key for each in questions] == list(range(81, 161))
    assert {len(each.turns) for each in questions} == {2}
    assert len({each.category for each in questions}) == 8
    assert sum(bool(each.references) for each in questions) >= 29
