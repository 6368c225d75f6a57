"""What language models write when they are asked for tags and grades, as it is read, brought together and added up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.annotations.asking import Unread
from align.annotations.embedder import by_spelling, unit
from align.annotations.ratings import Rating, rating_of, read_grade
from align.annotations.tag_names import as_written, bring_together, spelled, stems
from align.annotations.tags import read_tags
from kielo.generation.protocol import Completion
from tests.align.annotations.conftest import MakePlace, annotated, talk, talks
from tests.kielo.generation.http_server import Answer, serving

serve = pytest.fixture(serving)


def reply(text: str, **known: Any) -> Completion:
    return Completion(text, "stop", 10, 5, **known)


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ('["creative writing", "poetry"]', ("creative writing", "poetry")),
        ('```json\n["Unit Conversion"]\n```', ("Unit Conversion",)),
        ('<think>A list like ["no", "these"]?</think>\n\nTags: ["baking", "recipe"] I hope this helps!', ("baking", "recipe")),
        (' ["a", "b", "c", "d", "e", "f"]', ("a", "b", "c", "d", "e", "f")),
        ('["a", "b", "c", "d", "e", "f", "g"]', None),
        ('["one", "two"', None),
        ("creative writing, poetry", None),
        ("[]", None),
        ('["a", 3]', None),
        ('["a", " "]', None),
        ('{"tags": ["a"]}', ("a",)),
        (f'["{"long " * 20}"]', None),
        ("[" * 5000, None),
        ("", None),
    ],
)  # fmt: skip
def test_tags_are_the_first_list_of_short_texts(text: str, tags: tuple[str, ...] | None) -> None:
    assert read_tags(reply(text)) == tags


@pytest.mark.parametrize(
    ("text", "grade"),
    [("4", 4), (" 5.", 5), ("Grade: 3", 3), ("**6**", 6), ("2/6", 2), ("<think>5 or 6?</think>\n4", 4),
     ("7", None), ("0", None), ("45", None), ("4.5", None), ("", None), ("The answer is good, clear and in full: 5", None)],
)  # fmt: skip
def test_a_grade_is_the_digit_at_the_beginning(text: str, grade: float | None) -> None:
    assert read_grade(reply(text)) == grade


def test_a_grade_is_the_expected_one_where_the_digits_are_likely() -> None:
    likely = {"1": 0.0, "2": 0.0, "3": 0.1, "4": 0.5, "5": 0.2, "6": 0.0}
    assert read_grade(reply("4", options=likely)) == pytest.approx((0.3 + 2.0 + 1.0) / 0.8)
    assert read_grade(reply("3", options={grade: share / 4 for grade, share in likely.items()})) == 3
    assert read_grade(reply("Well", options={grade: 0.0 for grade in likely})) is None


def test_a_rows_score_is_the_mean_of_products_over_its_turns() -> None:
    assert rating_of([4.0, 2.0], [3.0, 6.0]) == Rating(3.0, 4.5, 12.0)
    assert rating_of([4.0, Unread("no")], [3.0, 6.0]) == Unread("no")
    assert isinstance(rating_of([], []), Unread)


def test_tags_that_are_one_become_the_one_that_most_rows_have() -> None:
    rows = [
        ("Problem-Solving",),
        ("problem solving", "Maths"),
        ("problem solve",),
        ("maths", "rare thing"),
        None,
        ("Maths!",),
    ]
    named = bring_together(rows, 2, by_spelling)
    assert named.names == ("maths", "problem solving")
    assert named.rows == (
        ("problem solving",),
        ("problem solving", "maths"),
        ("problem solving",),
        ("maths",),
        None,
        ("maths",),
    )
    assert ("problem solve", 1, "problem solving", "same stems") in named.spellings
    assert ("rare thing", 1, "", "too few rows") in named.spellings


def test_tags_near_by_their_vectors_become_the_more_frequent() -> None:
    vectors = {"car": [1.0, 0.0], "automobile": [0.99, 0.1], "poem": [0.0, 1.0]}
    named = bring_together(
        [("car",), ("car",), ("automobile", "car"), ("poem",)], 1, lambda texts: unit(np.array([vectors[text] for text in texts]))
    )  # fmt: skip
    assert named.rows[2] == ("car",) and named.names == ("car", "poem")
    assert ("automobile", 1, "car", "near") in named.spellings


TAGS = st.lists(st.one_of(st.none(), st.lists(st.sampled_from("solve Solving solves maths Maths. poem poems x".split()), max_size=4).map(tuple)), max_size=12)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(TAGS, st.integers(1, 3))
def test_no_row_is_lost_and_every_tag_of_one_is_a_name_with_enough_rows(rows: list[Any], least: int) -> None:
    for named in (bring_together(rows, least, by_spelling), as_written(rows, least)):
        assert [tags is None for tags in named.rows] == [tags is None for tags in rows]
        used = [tag for tags in named.rows if tags for tag in tags]
        assert set(used) == set(named.names) and list(named.names) == sorted(named.names)
        assert all(used.count(name) >= least for name in named.names)
        assert all(len(set(tags)) == len(tags) for tags in named.rows if tags)
    assert len(as_written(rows, 1).spellings) == len({tag for tags in rows if tags for tag in tags})


def test_spelling_and_stems() -> None:
    assert spelled("  Problem_Solving -- (hard)") == "problem solving hard"
    assert stems("problem solving") == stems("problem solves") == stems("problem solve")
    assert stems("news") == "news" and stems("red") == "red"


def answering(tags: list[str], grades: dict[str, str]) -> Callable[[dict[str, Any], int], Answer]:
    """A chat server that tags by topic and grades as a judge would, and now and then says what cannot be read."""

    def answer(body: dict[str, Any], _: int) -> Answer:
        asked = body["messages"][0]["content"]
        if "JSON list" in asked:
            unsure = "4 of them" in asked and body["temperature"] == 0
            text = "Let me see ..." if unsure else json.dumps([tag for tag in tags if tag in asked] or ["else"])
        else:
            text = grades["quality" if "<answer>" in asked else "complexity"] if "7 of them" not in asked else "no idea"
        choice = {"message": {"content": text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 9, "completion_tokens": 3}
        return 200, {}, json.dumps({"choices": [choice], "usage": usage}).encode()

    return answer


def test_a_chat_model_tags_and_grades_and_is_asked_again_where_it_cannot_be_read(
    make_place: MakePlace, serve: Callable[..., Any], tmp_path: Path
) -> None:
    server = serve(answering(["bake", "sort", "poem", "convert"], {"quality": "5", "complexity": "2"}))
    engine = f"{{kind: openai, urls: ['{server.url}'], model: judge}}"
    place = make_place(
        f"{{labels: {{kind: llm, engine: {engine}}}, scores: {{kind: llm, engine: {engine}}}}}", rows=talks(12)
    )
    outcome, known, rows = annotated(place)
    assert known.label_names == ("bake", "convert", "poem", "sort")
    assert known.labels[4] == ("bake",), "the second reply, by sampling, is read"
    assert rows[0] == {"id": "one/00000", "labels": ["bake"], "score": 10.0, "quality": 5.0, "complexity": 2.0}
    assert known.scores[7] is None and rows[7]["failed"] == "score: the reply cannot be read"
    assert outcome.counts["failed"] == {"score: the reply cannot be read": 1}
    asked = len(server.bodies)
    annotated(place)
    assert len(server.bodies) == asked, "a second run asks for nothing"
    assert "Here is answer 3." in "".join(body["messages"][0]["content"] for body in server.bodies)


def test_a_grade_is_asked_of_every_turn(make_place: MakePlace, serve: Callable[..., Any]) -> None:
    server = serve(answering([], {"quality": "4", "complexity": "3"}))
    scores = f"{{scores: {{kind: llm, engine: {{kind: openai, urls: ['{server.url}'], model: judge}}}}}}"
    rows = [talk(0, "How many?", "Two.", "Three.", "Four.")]
    _, known, _ = annotated(make_place(scores, "{method: score, size: 1}", rows))
    assert known.scores == (12.0,)
    graded = [body["messages"][0]["content"] for body in server.bodies]
    assert sum("<answer>" in text for text in graded) == 3
