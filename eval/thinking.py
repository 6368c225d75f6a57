"""Takes the <think> blocks of reasoning models off their answers, where a recipe asks for it."""

from __future__ import annotations

import re

_BLOCK = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL | re.IGNORECASE)
_OPENING, _CLOSING = re.compile("<think>", re.IGNORECASE), re.compile("</think>", re.IGNORECASE)


def strip_thinking(text: str) -> str:
    """Give an answer without its thoughts; a block that never ends (cut off at max_tokens) takes all that follows with it.

    A template may write the opening tag into the prompt, so that only the closing one is in the answer: everything
    before it is a thought, too.
    """
    opening, closing = _OPENING.search(text), _CLOSING.search(text)
    if closing and (opening is None or closing.start() < opening.start()):
        text = text[closing.end() :]
    return _BLOCK.sub("", text).strip()
