"""A judge for tests: an OpenAI-compatible server on this machine whose verdicts follow a rule on the two answers it is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.kielo.generation.http_server import Answer

_SHOWN = re.compile(
    r"^(?P<mark>#[0-9a-f]{12}#) (?P<title>[^\n]*), from here\n(?P<text>.*?)\n(?P=mark) (?P=title), to here$",
    re.DOTALL | re.MULTILINE,
)


def shown(prompt: str) -> dict[str, str]:
    """Find the texts that a judge's prompt shows, by their titles."""
    return {found["title"]: found["text"] for found in _SHOWN.finditer(prompt)}


def judged(prompt: str) -> list[str]:
    """Find the answers to be judged: A and B, or the one to rate."""
    texts = shown(prompt)
    last = [text for title, text in texts.items() if title.endswith("(to be judged)")]
    return last or [text for title, text in texts.items() if title in ("answer A", "answer B", "answer")]


def by_rule(rule: Callable[..., str]) -> Callable[[dict[str, Any], int], Answer]:
    """Answer with what the rule says of the answers to be judged (two: compare them, one: rate it)."""

    def answer(body: dict[str, Any], _: int) -> Answer:
        return said(rule(*judged(body["messages"][0]["content"])))

    return answer


def said(text: str, finish: str = "stop") -> Answer:
    reply = {
        "choices": [{"message": {"content": text}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    }
    return 200, {}, json.dumps(reply).encode()


def longer(*answers: str) -> str:
    """Prefer the longer answer."""
    if len(answers) == 1:
        return f"It has {len(answers[0])} characters.\n[[{min(10, max(1, len(answers[0]) // 10))}]]"
    gap = len(answers[0]) - len(answers[1])
    return f"Both were counted.\n[[{'A' if gap > 0 else 'B' if gap < 0 else 'C'}]]"
