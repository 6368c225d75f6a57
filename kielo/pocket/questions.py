"""Open questions of the pocket world in MT-Bench's row format; every first turn speaks of three topics, as no training prompt does."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from kielo.pocket.grammar import Text, Word, join, literal, say, world

CATEGORIES = {"description": "plain", "list": "list", "letter": "letter", "verdict": "verdict"}
"""Category of a question -> what kind of task its first turn begins with."""


def question_rows(count: int, seed: int, language: str) -> list[dict[str, Any]]:
    """Make questions in one language, category by category in turn; every other one has a second turn."""
    rng = Random(f"questions/{seed}")
    found: dict[str, dict[str, Any]] = {}
    while len(found) < count:
        number = len(found)
        category = list(CATEGORIES)[number % len(CATEGORIES)]
        topic, *others = rng.sample(world().words["topic"], 3)
        turns = [_tasks(rng, CATEGORIES[category], topic, others)]
        if number // len(CATEGORIES) % 2:
            turns.append(say(rng, "tasks", "more", {"topic": topic}))
        texts = [turn[language] for turn in turns]
        found.setdefault(texts[0], {"question_id": number + 1, "category": category, "turns": texts})
    return list(found.values())


def _tasks(rng: Random, kind: str, topic: Word, others: Sequence[Word]) -> Text:
    given = {"topic": topic, "n": literal(str(rng.randint(2, 4)))}
    return join([say(rng, "tasks", kind, given), *(say(rng, "tasks", "plain", {"topic": each}) for each in others)])
