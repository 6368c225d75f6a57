"""What a stage asks of a text generator and what comes back; the engines and the completion store speak only this."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Protocol

from kielo.records import Message

FinishReason = Literal["stop", "length", "refused", "error"]
"""refused: this prompt can never be completed (too long, say); error: it may be next time, and is not stored."""


@dataclass(frozen=True)
class Sampling:
    """How to decode: greedy at temperature 0 (then top_p and seed do not matter)."""

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.max_tokens < 1 or self.temperature < 0 or not 0 < self.top_p <= 1 or "" in self.stop:
            raise ValueError(f"{self}: max_tokens from 1, temperature from 0, 0 < top_p <= 1, no empty stop string")


@dataclass(frozen=True)
class Request:
    """One completion to make: raw text for a base model, messages for a chat model (its own chat template applies).

    `shared_prefix` is how many characters of a text prompt are shared with its neighbours (the few-shot part), a hint
    for engines that reuse the prefix's KV cache; it does not change what is generated. `replicate` numbers several
    samples of one prompt. `logprob` asks for the completion's log-probability, which engines give where they can; it,
    too, changes nothing of what is generated, and a completion stored without one is not made again for it. The same
    holds of `options`: short texts, each one token, whose probabilities of coming first are asked for.

    With `given` nothing is generated: the completion is this text, and its log-probability after the (text) prompt is
    what is asked for. Engines that cannot tell it raise a GenerationError.
    """

    prompt: str | tuple[Message, ...]
    sampling: Sampling
    replicate: int = 0
    shared_prefix: int = 0
    logprob: bool = False
    options: tuple[str, ...] = ()
    given: str | None = None

    def __post_init__(self) -> None:
        if self.given is not None and not isinstance(self.prompt, str):
            raise ValueError("a text is given after a text; messages have no such place")


@dataclass(frozen=True)
class Completion:
    """What a generator gave for one request; stop strings are cut off `text`."""

    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    error: str | None = None
    logprob: float | None = None
    """See `mean_logprob`; None where nobody asked for it, or the engine gives none."""
    options: Mapping[str, float] | None = None
    """The probability of each option of the request to be the first token; None as for `logprob`."""


class Generator(Protocol):
    """An engine: gives completions in the order they finish, each with the index of its request."""

    @property
    def model(self) -> str:
        """Identity of the model (see kielo.models.model_identity); a part of every completion key."""

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Yield (index into requests, completion) as they finish.

        Raises:
            GenerationError: the engine cannot go on; what was yielded before stays valid.
        """

    def close(self) -> None:
        """Free the engine: memory, connections, server processes. May be called twice."""


def mean_logprob(of_tokens: Sequence[float]) -> float | None:
    """Average the natural-log probabilities of all tokens that a model made; None for none, or for what is no number.

    The tokens of a stop string and the end token count: that a text ends where it does was the model's choice as well.
    The probabilities are the model's own, before temperature and top_p. Rounded to 4 decimals: a token's company in a
    batch moves the fifth and later ones, and no file should change with that.
    """
    if not of_tokens or not all(map(math.isfinite, of_tokens)):
        return None
    return round(math.fsum(of_tokens) / len(of_tokens), 4)


def completion_key(model: str, request: Request) -> str:
    """Hash what determines a completion: model, prompt, sampling, replicate, given text (not the engine, nor the hints)."""
    prompt = request.prompt if isinstance(request.prompt, str) else [asdict(turn) for turn in request.prompt]
    sampling = asdict(request.sampling)
    if request.sampling.temperature == 0:
        sampling.pop("top_p")
    given = [] if request.given is None else [request.given]
    body = json.dumps([model, prompt, sampling, request.replicate, *given], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(body.encode()).hexdigest()[:32]


def seed_of(key: str) -> int:
    """Derive a request's sampling seed from its key, so that a resumed run samples what an uninterrupted one would."""
    return int(key[:8], 16) & 0x7FFFFFFF


def cut(text: str, stop: tuple[str, ...]) -> tuple[str, bool]:
    """Cut a text at the first stop string in it, else half a character off its end; say whether there was a stop.

    Servers differ in both: some leave the stop string in, some write U+FFFD for the bytes of an unfinished character.
    """
    places = [text.find(mark) for mark in stop if mark in text]
    return (text[: min(places)], True) if places else (text.rstrip("\ufffd"), False)
