"""OASST trees: the best path of each, all ranked pairs, and a reason for every message left out."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from kielo.errors import SourceError
from kielo.records import read_jsonl
from kielo.row_values import Row
from translate.rows.formats import Source, read_rows


def message(identity: str, parent: str | None, rank: int | None = None, **more: Any) -> Row:
    role = "assistant" if identity.startswith("a") else "prompter"
    return {
        "message_id": identity,
        "parent_id": parent,
        "role": role,
        "text": f"text {identity}",
        "rank": rank,
        "lang": "en",
        **more,
    }


def read(kind: str, *rows: Row) -> tuple[list[Any], dict[str, int]]:
    source = Source("tree.jsonl", list(enumerate(rows, 1)), "en")
    records: list[Any] = list(read_rows(kind, source))
    return records, {reason: number for reason, number in source.dropped.items() if number}


TREE = [
    message("p1", None), message("a1", "p1", 1), message("a2", "p1", 0), message("p2", "a2"), message("p3", "a2"),
    message("a3", "p3", 0), message("p4", "a1"), message("a4", "p4", 0), message("a5", "p4", 2), message("p5", "a3"),
]  # fmt: skip


def test_the_best_ranked_reply_is_followed_to_the_last_answer() -> None:
    rows = [dict(row) for row in TREE]
    for seed in range(5):
        (conversation,), dropped = read("conversations", *rows)
        assert [turn.content[5:] for turn in conversation.messages] == ["p1", "a2", "p3", "a3"]
        assert dropped == {"message beside the best path": 6}
        random.Random(seed).shuffle(rows)


def test_withheld_messages_are_skipped_and_counted() -> None:
    rows = [{**row, "deleted": row["message_id"] == "a2", "review_result": row["message_id"] != "a4"} for row in TREE]
    (conversation,), dropped = read("conversations", *rows)
    assert [turn.content[5:] for turn in conversation.messages] == ["p1", "a1", "p4", "a5"]
    assert dropped["message deleted"] == dropped["message failed review"] == 1


def test_trees_that_give_nothing_are_counted() -> None:
    rows = [message("p1", None), message("p2", None, lang="sv"), message("a2", "p2"), message("a9", "nowhere")]
    records, dropped = read("conversations", *rows)
    assert records == []
    assert dropped == {
        "tree without an assistant reply": 2,
        "message in another language": 1,
        "message without its parent": 1,
    }


def test_a_circle_of_parents_ends() -> None:
    records, dropped = read("conversations", message("p1", "a1"), message("a1", "p1"))
    assert (records, dropped) == ([], {"message without its parent": 2})


def test_a_very_long_thread_ends() -> None:
    rows = [
        message(f"{'pa'[n % 2]}{n}", f"{'pa'[(n - 1) % 2]}{n - 1}" if n else None, 0 if n % 2 else None)
        for n in range(4000)
    ]
    (conversation,), _ = read("conversations", *rows)
    assert len(conversation.messages) == 4000


def test_ranked_pairs() -> None:
    pairs, _ = read("preferences", *TREE)
    assert [(pair.chosen[5:], pair.rejected[5:], len(pair.prompt)) for pair in pairs] == [
        ("a2", "a1", 1),
        ("a4", "a5", 3),
    ]


def test_nested_trees_read_the_same() -> None:
    def nest(identity: str) -> Row:
        row = next(row for row in TREE if row["message_id"] == identity)
        return {**row, "replies": [nest(child["message_id"]) for child in TREE if child["parent_id"] == identity]}

    for kind in ("conversations", "preferences"):
        assert read(kind, {"message_tree_id": "p1", "prompt": nest("p1")}) == read(kind, *TREE)


@pytest.mark.parametrize(
    ("row", "message_"),
    [
        ({"message_id": "x", "parent_id": None, "role": "bot", "text": "t"}, "line 1: role 'bot' is unknown"),
        (
            {"message_id": "x", "parent_id": None, "role": "prompter", "text": None},
            "'text' is missing; name its column",
        ),
        ({"message_id": 7, "parent_id": None, "role": "prompter", "text": "t"}, "'message_id' must be a text"),
    ],
)
def test_malformed_messages(row: Row, message_: str) -> None:
    with pytest.raises(SourceError, match=message_):
        read("conversations", row)


def test_the_real_file(oasst_file: Path) -> None:
    rows = [{**row, "text": row["text_en"]} for _, row in read_jsonl(oasst_file)]
    assert len(read("conversations", *rows)[0]) == 188
    assert len(read("preferences", *rows)[0]) == 1026


def test_the_real_trees(shared_data: Path) -> None:
    rows = [row for _, row in read_jsonl(shared_data / "oasst" / "en_100_tree.jsonl.gz")]
    records, dropped = read("conversations", *rows)
    assert len(records) + dropped.get("tree without an assistant reply", 0) == len(rows) == 100
    assert len(records) > 90
