"""Asks a language model about rows: a prompt for chat models and one for base models, and one more try where a reply cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

from kielo.errors import GenerationError
from kielo.generation.engines import open_generator
from kielo.generation.protocol import Completion, Generator, Request, Sampling
from kielo.generation.store import CompletionStore, complete
from kielo.models import has_chat_template, model_file
from kielo.plan import Workplace
from kielo.records import Message
from kielo.run_folder import KEPT
from kielo.schema import Engine

Answer = TypeVar("Answer")
_SECOND_TEMPERATURE = 0.7


@dataclass(frozen=True)
class Asked:
    """What is asked: `chat` is a message; `text` continues `shots`, which are the same for all."""

    chat: str
    shots: str
    text: str


@dataclass(frozen=True)
class Asker:
    """Whom rows are shown to, and where the replies are kept."""

    generator: Generator
    store: CompletionStore
    chats: bool


class Askers:
    """Opens who is asked, one at a time; who is asked again at once stays open: some take minutes to start."""

    def __init__(self, place: Workplace) -> None:
        self._place, self._stack = place, ExitStack()
        self._open: tuple[Engine, Asker] | None = None

    def __enter__(self) -> Askers:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def of(self, engine: Engine) -> Asker:
        """Open an engine, on its own model or the recipe's, beside the completions kept so far.

        Raises:
            GenerationError: a server cannot be started.
        """
        if self._open is None or self._open[0] != engine:
            self._stack.close()
            recipe, folder = self._place.recipe, self._place.folder
            model = recipe.named_model(engine.model) if engine.model else recipe.model_path
            revision = None if engine.model else recipe.revision
            generator = self._stack.enter_context(open_generator(engine, model, revision, folder / "logs"))
            store = self._stack.enter_context(CompletionStore(folder / KEPT))
            self._open = engine, Asker(generator, store, chats(engine, model))
        return self._open[1]


@dataclass(frozen=True)
class Unread:
    """A reply that says nothing: why."""

    reason: str


def chats(engine: Engine, model: str) -> bool:
    """Say whether a model is asked by messages: it has a chat template, or lies on a server and is not known here."""
    elsewhere = engine.kind == "openai" and model_file(model, "tokenizer_config.json") is None
    return elsewhere or has_chat_template(model)


def ask(
    asker: Asker, asked: Sequence[Asked], read: Callable[[Completion], Answer | None], label: str, max_tokens: int,
    options: tuple[str, ...] = (),
) -> list[Answer | Unread]:  # fmt: skip
    """Ask everything, greedily, and once more by sampling where `read` gives None.

    Raises:
        GenerationError: the engine cannot go on; what it gave is kept.
    """
    first = [_request(asker, each, Sampling(max_tokens, stop=_stop(asker)), options, 0) for each in asked]
    answers = [_read(made, read) for made in _complete(asker, first, label)]
    again = [
        place for place, answer in enumerate(answers) if isinstance(answer, Unread) and answer.reason == _UNREADABLE
    ]
    second = Sampling(max_tokens, _SECOND_TEMPERATURE, stop=_stop(asker))
    requests = [_request(asker, asked[place], second, options, 1) for place in again]
    for place, made in zip(again, _complete(asker, requests, f"{label}, again"), strict=True):
        answers[place] = _read(made, read)
    return answers


_UNREADABLE = "the reply cannot be read"


def _stop(asker: Asker) -> tuple[str, ...]:
    return () if asker.chats else ("\n",)


def _request(asker: Asker, asked: Asked, sampling: Sampling, options: tuple[str, ...], replicate: int) -> Request:
    if asker.chats:
        return Request((Message("user", asked.chat),), sampling, replicate, options=options)
    return Request(asked.shots + asked.text, sampling, replicate, len(asked.shots), options=options)


def _complete(asker: Asker, requests: Sequence[Request], label: str) -> list[Completion]:
    made = complete(asker.generator, requests, asker.store, label) if requests else []
    errors = [each.error or "no reason given" for each in made if each.finish_reason == "error"]
    if errors:
        raise GenerationError(
            f"{asker.store.folder}: {len(errors)} of {len(made)} prompts got no answer (the first: {errors[0]}); "
            "run the same command again: it asks only for these."
        )
    return made


def _read(made: Completion, read: Callable[[Completion], Answer | None]) -> Answer | Unread:
    if made.finish_reason == "refused":
        return Unread("the prompt is refused")
    answer = read(made)
    return Unread(_UNREADABLE) if answer is None else answer


def said(made: Completion) -> str:
    """Give a reply without the thoughts before it."""
    return made.text.rpartition("</think>")[2].strip()
