"""Real conversations and ranked pairs for benchmarks of training: the trees of OASST1, English and Finnish."""

from __future__ import annotations

import gzip
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kielo.records import Conversation, Message, PreferencePair

DATA = Path(os.environ.get("KIELO_SHARED_DATA", "../shared/data"))
_FILE = "oasst/oasst1_validation_en_fi.jsonl.gz"
Replies = dict[str | None, list[dict[str, Any]]]


def best_threads() -> list[Conversation]:
    """Follow the answers that people ranked first, from each question to the last answer: the paper's kind of SFT data."""
    replies = _replies()
    threads = ((root, _thread(root, replies)) for root in replies[None])
    return [
        Conversation(f"oasst/{root['message_id']}", language, _messages(thread, language))
        for root, thread in threads
        if thread
        for language in ("en", "fi")
    ]


def ranked_pairs() -> list[PreferencePair]:
    """Pair the best and the worst answer to every question that has several."""
    replies = _replies()
    return [
        PreferencePair(f"oasst/{root['message_id']}", language, (Message("user", root[f"text_{language}"]),), better, worse)
        for root in replies[None]
        for language in ("en", "fi")
        for better, worse in _best_and_worst(replies[root["message_id"]], language)
    ]  # fmt: skip


def _replies() -> Replies:
    """Read the messages by their parent, the best ranked first."""
    found: Replies = defaultdict(list)
    with gzip.open(DATA / _FILE, "rt", encoding="utf-8") as stream:
        for row in map(json.loads, stream):
            found[row["parent_id"]].append(row)
    for rows in found.values():
        rows.sort(key=lambda row: (row["rank"] is None, row["rank"] or 0))
    return found


def _thread(root: dict[str, Any], replies: Replies) -> list[dict[str, Any]]:
    thread = [root]
    while below := replies.get(thread[-1]["message_id"]):
        thread.append(below[0])
    return thread[: len(thread) // 2 * 2]  # a question without an answer is no turn


def _messages(thread: list[dict[str, Any]], language: str) -> tuple[Message, ...]:
    roles: dict[str, Any] = {"prompter": "user", "assistant": "assistant"}
    return tuple(Message(roles[row["role"]], row[f"text_{language}"]) for row in thread)


def _best_and_worst(answers: list[dict[str, Any]], language: str) -> Iterator[tuple[str, str]]:
    ranked = [answer[f"text_{language}"] for answer in answers if answer["rank"] is not None]
    if len(ranked) > 1 and ranked[0] != ranked[-1]:
        yield ranked[0], ranked[-1]
