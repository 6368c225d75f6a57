"""A model server for tests of whole translations: continues few-shot prompts by a dictionary, in a given time, and keeps all it was sent."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from kielo.generation.protocol import Request, Sampling, completion_key, seed_of
from kielo.records import Message
from tests.kielo.generation.http_server import Answer

_REPLICATES = 64  # the most samples that a test draws of one prompt


def by_dictionary(
    translations: Mapping[str, str], seconds: float = 0.0, refused: frozenset[str] = frozenset()
) -> Callable[[dict[str, Any], int], Answer]:
    """Answer with the translation of the text that stands last in a prompt; a text that is not known comes back as it is.

    Texts in `refused` get a 400, as one that is too long for a model does.
    """

    def answer(body: dict[str, Any], _: int) -> Answer:
        time.sleep(seconds)
        text = text_of(body)
        if text in refused:
            return 400, {}, b'{"error": {"message": "maximum context length is 8 tokens"}}'
        said = translations.get(text, text)
        choice = {"text": f" {said}", "message": {"content": said}, "finish_reason": "stop",
                  "logprobs": {"token_logprobs": [_logprob(word) for word in said.split()]}}  # fmt: skip
        usage = {"prompt_tokens": len(json.dumps(body)) // 4, "completion_tokens": len(said.split())}
        return 200, {}, json.dumps({"choices": [choice], "usage": usage}).encode()

    return answer


def _logprob(word: str) -> float:
    """Give every word a probability of its own, the same in every process."""
    return -0.1 - zlib.crc32(word.encode()) % 1000 / 1000


def text_of(body: dict[str, Any]) -> str:
    """Find what is to be translated: it stands between the last label of a source text and the label of its translation."""
    if "messages" in body:
        return str(body["messages"][-1]["content"]).rpartition("\n")[2]
    source = body["prompt"].rpartition("\n")[0].rpartition("\n")[2]
    return str(source.partition(": ")[2] or source.rpartition(">")[2])


def key_of(model: str, body: Mapping[str, Any]) -> str:
    """Compute under which key the completion of a request is stored; samples of one prompt are told apart by their seeds."""
    prompt = body["prompt"] if "prompt" in body else tuple(Message(**turn) for turn in body["messages"])
    sampling = Sampling(body["max_tokens"], body["temperature"], body.get("top_p", 1.0), tuple(body.get("stop", ())))
    keys = (completion_key(model, Request(prompt, sampling, replicate)) for replicate in range(_REPLICATES))
    return next(key for key in keys if "seed" not in body or seed_of(key) == body["seed"])
