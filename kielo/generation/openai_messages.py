"""What the `openai` engine sends and how it reads the replies: the standard fields alone, and nothing believed unseen."""

from __future__ import annotations

import json
import math
from typing import Any

from kielo.generation.protocol import Completion, FinishReason, Request, Sampling, cut, mean_logprob
from kielo.records import Message

_CHARACTERS_PER_TOKEN, _SPARE_TOKENS = 64, 64  # no tokenizer has longer tokens on average
_LONGEST_SENTENCE = 200  # characters of a server's error message that are passed on
_TEXT, _CHAT = "/completions", "/chat/completions"
_LISTED = 20  # likeliest tokens that are asked for with options: as many as OpenAI and vLLM list
LARGEST_LOGPROB = 1e6  # no probability is that small: what is beyond is no number that a model gave


class BadReply(ValueError):
    """A server's reply is no completion."""


def path_of(request: Request) -> str:
    """Name the endpoint below the base URL: a base model completes text, a chat model answers messages."""
    return _TEXT if isinstance(request.prompt, str) else _CHAT


def logprob_fields(request: Request) -> dict[str, Any]:
    """Write what asks for the log-probabilities that a request wants; nothing where it wants none."""
    if not request.logprob and not request.options:
        return {}
    if isinstance(request.prompt, str):
        return {"logprobs": _LISTED if request.options else 1}
    return {"logprobs": True, **({"top_logprobs": _LISTED} if request.options else {})}


def smallest(request: Request) -> Request:
    """Make the least request of its kind: a server that does not complete it is unwell, whatever was asked."""
    prompt = "Hello" if isinstance(request.prompt, str) else (Message("user", "Hello"),)
    return Request(prompt, Sampling(max_tokens=1), given=request.given and " again")


def body_of(request: Request, served_model: str, seed: int | None) -> dict[str, Any]:
    """Write a request's body; some servers refuse fields that they do not know, so each is sent only where it matters."""
    if request.given is not None:
        whole = {"prompt": f"{request.prompt}{request.given}", "echo": True, "logprobs": 1}
        return {"model": served_model, "max_tokens": 1, "temperature": 0.0, **whole}
    sampling = request.sampling
    body: dict[str, Any] = {
        "model": served_model,
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
    }
    if isinstance(request.prompt, str):
        body["prompt"] = request.prompt
    else:
        body["messages"] = [{"role": turn.role, "content": turn.content} for turn in request.prompt]
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if seed is not None:
        body |= {"top_p": sampling.top_p, "seed": seed}
    return body


def completion_of(content: bytes, request: Request) -> Completion:
    """Read a reply.

    Raises:
        BadReply: it is not JSON, or a field that matters is missing or of another type.
    """
    try:
        reply = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadReply(
            "reply is empty or too long" if not content else f"reply is not JSON ({sentence_of(content)})"
        ) from error
    choices = reply.get("choices") if isinstance(reply, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        raise BadReply(f"reply holds no choices ({sentence_of(content)})")
    text = choice.get("text") if isinstance(request.prompt, str) else _content(choice)
    if not isinstance(text, str):
        raise BadReply("reply holds no text")
    usage = reply["usage"] if isinstance(reply.get("usage"), dict) else {}
    prompt_tokens, completion_tokens = (_count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens"))
    if len(text) > _CHARACTERS_PER_TOKEN * (request.sampling.max_tokens + _SPARE_TOKENS):
        raise BadReply(f"reply holds {len(text)} characters where {request.sampling.max_tokens} tokens were asked for")
    # Servers differ in whether they leave the stop string in.
    text, stopped = cut(_without_lone_surrogates(text), request.sampling.stop)
    if choice.get("finish_reason") == "content_filter":
        return Completion("", "refused", prompt_tokens, completion_tokens, "stopped by the server's content filter")
    finish = _finish(choice.get("finish_reason"), stopped, completion_tokens >= request.sampling.max_tokens)
    logprob = _logprob(choice.get("logprobs")) if request.logprob else None
    options = _options(choice.get("logprobs"), request.options)
    return Completion(text, finish, prompt_tokens, completion_tokens, logprob=logprob, options=options)


def _logprob(listed: Any) -> float | None:
    """Average what a reply lists of its tokens; text completions and chat have shapes of their own (OpenAI's API reference)."""
    if not isinstance(listed, dict):
        return None
    if isinstance(listed.get("content"), list):
        found: list[Any] = [token.get("logprob") if isinstance(token, dict) else None for token in listed["content"]]
    else:
        found = listed["token_logprobs"] if isinstance(listed.get("token_logprobs"), list) else []
    if not all(isinstance(each, int | float) and abs(each) < LARGEST_LOGPROB for each in found):
        return None
    return mean_logprob(found)


def _options(listed: Any, options: tuple[str, ...]) -> dict[str, float] | None:
    """Add up the probability of each option among the likeliest first tokens; one that is not listed has none."""
    likeliest = _likeliest(listed) if options else {}
    if not likeliest:
        return None
    shares = dict.fromkeys(options, 0.0)
    for token, logprob in likeliest.items():
        if token.strip() in shares and isinstance(logprob, int | float) and logprob <= 0:
            shares[token.strip()] += math.exp(logprob)
    return {option: round(min(share, 1.0), 4) for option, share in shares.items()}


def _likeliest(listed: Any) -> dict[str, Any]:
    """Read token -> log-probability of the first token's alternatives, in both shapes of OpenAI's API."""
    try:
        if "content" in listed:
            return {str(each["token"]): each["logprob"] for each in listed["content"][0]["top_logprobs"]}
        return {str(token): logprob for token, logprob in listed["top_logprobs"][0].items()}
    except (LookupError, TypeError, AttributeError):
        return {}


def _content(choice: dict[str, Any]) -> Any:
    message = choice.get("message")
    if not isinstance(message, dict):
        return None
    return message["content"] if message.get("content") is not None else ""


def _finish(reason: Any, stopped: bool, at_limit: bool) -> FinishReason:
    """Read why a completion ended; a server that does not say so is believed by the count of its tokens."""
    if stopped or reason == "stop" or (reason is None and not at_limit):
        return "stop"
    if reason == "length" or reason is None:
        return "length"
    raise BadReply(f"finish_reason is {str(reason)[:40]!r}")


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _without_lone_surrogates(text: str) -> str:
    """JSON can spell half a character; no file can hold one."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def sentence_of(content: bytes) -> str:
    """Find the message in an error reply: its first line, cut, as it stands in OpenAI's and FastAPI's shapes or as text."""
    text = content[:20_000].decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = text
    for name in ("error", "message", "detail", "msg"):
        found = found[0] if isinstance(found, list) and found else found
        if isinstance(found, dict) and name in found:
            found = found[name]
    words = found if isinstance(found, str) else text
    line = next((line for line in words.splitlines() if line.strip()), "").strip()
    return "".join(char if char.isprintable() else " " for char in line[:_LONGEST_SENTENCE])
