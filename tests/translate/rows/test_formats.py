"""Every published row format gives the records it means; a malformed row is named with file, line and fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kielo.errors import SourceError
from kielo.records import Conversation, Message, PreferencePair, Prompt, Record, SentencePair, read_jsonl
from kielo.row_values import Row
from translate.rows.formats import Source, read_rows


def read(kind: str, *rows: Row, score: str = "helpfulness") -> tuple[list[Any], dict[str, int]]:
    source = Source("data.jsonl", list(enumerate(rows, 1)), "en", score)
    records: list[Record] = list(read_rows(kind, source))
    return records, {reason: number for reason, number in source.dropped.items() if number}


def test_messages_and_sharegpt_turns_are_the_same() -> None:
    roles = [("system", "S"), ("user", "U"), ("assistant", "A")]
    messages = {"messages": [{"role": role, "content": text} for role, text in roles]}
    names = {"system": "system", "user": "human", "assistant": "gpt"}
    sharegpt = {"conversations": [{"from": names[role], "value": text} for role, text in roles]}
    (one,), _ = read("conversations", messages)
    assert one == read("conversations", sharegpt)[0][0]
    assert one == Conversation("", "en", (Message("system", "S"), Message("user", "U"), Message("assistant", "A")))


def test_a_user_turn_without_an_answer_is_dropped_and_counted() -> None:
    turns = [{"role": role, "content": role} for role in ("user", "assistant", "user")]
    (record,), dropped = read("conversations", {"messages": turns}, {"messages": turns[:1]} | {})[0:2]
    assert [turn.role for turn in record.messages] == ["user", "assistant"]
    assert dropped == {"last user turn has no answer": 2, "conversation without an assistant turn": 1}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"messages": [{"role": "assistant", "content": "A"}]},
            r"data.jsonl, line 1: messages\[0\] is a turn of 'assistant' where 'user'",
        ),
        (
            {"messages": [{"role": "user", "content": "A"}, {"role": "user", "content": "B"}]},
            r"messages\[1\] is a turn of 'user'",
        ),
        ({"messages": [{"role": "tool", "content": "A"}]}, "role 'tool' is unknown"),
        ({"messages": [{"role": "user", "content": " "}]}, "'content' needs a text"),
        ({"messages": [{"role": "user", "content": "half \ud800"}]}, "'content' holds half a character"),
        ({"messages": []}, "'messages' needs a list"),
        ({"chat": []}, "columns chat are no known format of conversations; rename columns with `fields:`"),
    ],
)
def test_malformed_conversations(row: Row, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read("conversations", row)


@pytest.mark.parametrize(
    ("kind", "first", "message"),
    [
        ("ifeval", {"key": 1, "prompt": "P", "instruction_id_list": ["a"], "kwargs": [{}]}, "line 2: 'instruction_id_list' and 'kwargs'"),
        ("preferences", {"prompt": "P", "chosen": "a", "rejected": "b"}, "line 2: 'chosen' needs"),
        ("preferences", {"prompt": "P", "response": "a", "helpfulness": 1}, "line 2: 'prompt' needs a text, this is missing"),
        ("preferences", {"message_tree_id": "1", "prompt": {"message_id": "1", "role": "prompter", "text": "t"}}, "line 2: a message of this tree"),
        ("conversations", {"messages": [{"role": "user", "content": "a"}]}, "line 2: 'messages' needs a list"),
        ("sentences", {"source": "a", "target": "b"}, "line 2: 'source' needs a text"),
    ],
)  # fmt: skip
def test_a_later_row_of_another_shape_is_named(kind: str, first: Row, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(kind, first, {"other": 1})


def test_no_rows() -> None:
    with pytest.raises(SourceError, match="holds no rows"):
        read("conversations")


def steer(prompt: str, response: str, score: float) -> Row:
    return {"prompt": prompt, "response": response, "helpfulness": score, "verbosity": 4 - score}


def test_helpsteer_pairs_consecutive_rows_by_score() -> None:
    rows = [steer("P", "bad", 1), steer("P", "good", 3), steer("Q", "a", 2), steer("Q", "b", 2), steer("R", "alone", 4)]
    (pair,), dropped = read("preferences", *rows)
    assert pair == PreferencePair("", "en", (Message("user", "P"),), "good", "bad")
    assert dropped == {"tie": 1, "prompt with one answer only": 1}
    assert read("preferences", *rows, score="verbosity")[0][0].chosen == "bad"


def test_helpsteer_prompts_of_several_turns() -> None:
    prompt = "Hi\n<extra_id_1>Assistant\nHello\n<extra_id_1>User\nMore"
    (pair,), _ = read("preferences", steer(prompt, "a", 1), steer(prompt, "b", 2))
    assert [(turn.role, turn.content) for turn in pair.prompt] == [
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "More"),
    ]


def test_a_missing_score_is_named() -> None:
    with pytest.raises(SourceError, match="line 2: 'helpfulness' needs a number"):
        read("preferences", steer("P", "a", 1), {"prompt": "P", "response": "b", "helpfulness": None})


def test_chosen_and_rejected_in_every_shape() -> None:
    def answer(text: str) -> list[Row]:
        return [{"role": "user", "content": "P"}, {"role": "assistant", "content": text}]

    texts = {"prompt": "P", "chosen": "a", "rejected": "b"}
    messages = {"prompt": answer("x")[:1], "chosen": answer("a")[1:], "rejected": answer("b")[1:]}
    implicit = {"chosen": answer("a"), "rejected": answer("b")}
    ultrafeedback = {"prompt": "P", **implicit}
    factory = {
        "conversations": [{"from": "human", "value": "P"}],
        "chosen": {"from": "gpt", "value": "a"},
        "rejected": {"from": "gpt", "value": "b"},
    }
    for row in (texts, messages, implicit, ultrafeedback, factory):
        assert read("preferences", row)[0] == [PreferencePair("", "en", (Message("user", "P"),), "a", "b")], row


def test_scores_of_chosen_and_rejected_are_kept_as_a_margin() -> None:
    row = {"prompt": "P", "chosen": "a", "rejected": "b", "score_chosen": 7.5}
    pairs, dropped = read("preferences", *({**row, "score_rejected": score} for score in (6, 7.5, 8)))
    assert [pair.margin for pair in pairs] == [1.5, 0]
    assert dropped == {"rejected answer has the higher score": 1}
    with pytest.raises(SourceError, match="'score_rejected' needs a number, this is .*; mend the row"):
        read("preferences", row)


def test_ifeval_rows_lose_their_padding() -> None:
    row = {"key": 7, "prompt": "P", "instruction_id_list": ["a:b"], "kwargs": [{"num_words": 3, "keyword": None}]}
    assert read("ifeval", row)[0] == [Prompt("", "en", 7, "P", ("a:b",), ({"num_words": 3},))]
    with pytest.raises(SourceError, match="lists of one length"):
        read("ifeval", {**row, "kwargs": []})


def test_all_published_ifeval_prompts(shared_data: Path) -> None:
    rows = [row for _, row in read_jsonl(shared_data / "ifeval" / "input_data.jsonl")]
    records, dropped = read("ifeval", *rows)
    assert (len(records), sum(len(record.instruction_ids) for record in records), dropped) == (541, 834, {})


def test_sentences() -> None:
    assert read("sentences", {"source": "a", "target": "b"})[0] == [SentencePair("", "en", "a", "b")]
