"""How the `openai` engine learns how likely given text is: the reply echoes the prompt, the text and their log-probabilities.

vLLM does this, and what speaks OpenAI's older API. Where the text begins is told by how many tokens its prompt has alone.
"""

from __future__ import annotations

import json

from kielo.generation.openai_messages import LARGEST_LOGPROB, BadReply, completion_of
from kielo.generation.protocol import Completion, Request, Sampling, mean_logprob

_NO_SUCH_REPLY = "reply holds no log-probabilities of a given text; use engine kind hf or vllm-server for it"


def prompt_alone(request: Request) -> Request | None:
    """Make the request that tells how many tokens the prompt of a given text has; None where there is none of either."""
    return Request(request.prompt, Sampling(1)) if request.given is not None and request.prompt else None


def completion_of_given(content: bytes, request: Request, before: bytes) -> Completion:
    """Read the echo, without the one token made after it; `before` is the reply to the prompt alone.

    Raises:
        BadReply: it holds no log-probabilities.
    """
    alone = prompt_alone(request)
    first = completion_of(before, alone).prompt_tokens if alone else 0
    try:
        reply = json.loads(content)
        listed = reply["choices"][0]["logprobs"]["token_logprobs"]
        echoed = listed[:-1] if reply["usage"]["completion_tokens"] == 1 else []
    except (ValueError, RecursionError, LookupError, TypeError) as error:
        raise BadReply(_NO_SUCH_REPLY) from error
    found = [value for value in echoed[first:] if value is not None]
    sound = all(isinstance(value, int | float) and abs(value) < LARGEST_LOGPROB for value in found)
    if not echoed or (alone and not first) or not sound:
        raise BadReply(_NO_SUCH_REPLY)
    return Completion("", "stop", first, len(found), logprob=mean_logprob(found))
