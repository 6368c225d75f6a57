"""Answers one turn of `kielo chat`: a model in this process is heard as it speaks, a server's when it has; Ctrl-C ends the answer alone."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from jinja2.exceptions import TemplateError

from eval.chat.models import RunModel, quiet_engine
from eval.thinking import strip_thinking
from kielo.errors import GenerationError
from kielo.generation.engines import open_generator
from kielo.generation.protocol import Completion, Request, Sampling
from kielo.records import Message
from kielo.schema import Engine

Hear = Callable[[str], None]

STOPPED = "stopped"


@dataclass(frozen=True)
class Answer:
    """What a model said, and why it ended: stop, length, or stopped (by Ctrl-C)."""

    text: str
    ended: str


class Speaker:
    """A loaded model; each answer is sampled anew, and a session of the same seed and questions says the same."""

    def __init__(self, model: RunModel, engine: Engine, sampling: Sampling, seed: int) -> None:
        """Load the model, or start what serves it.

        Raises:
            MissingExtraError: the engine's packages are not installed.
            RecipeError: the model cannot be loaded.
            GenerationError: a server cannot be started.
        """
        self.speaks_turns = model.speaks_turns
        self._held = ExitStack()
        self._make = (
            _streaming(model, engine, self._held) if engine.kind == "hf" else _served(model, engine, self._held)
        )
        self._sampling, self._replicate = sampling, seed
        self._without_thoughts = model.recipe.eval.strip_thinking

    def answer(self, messages: tuple[Message, ...], hear: Hear, may_stop: bool) -> Answer:
        """Answer the last of some turns; a model without a chat template goes on with its text alone.

        Raises:
            GenerationError: the turns are longer than the model's context, or its template refuses them.
            KeyboardInterrupt: Ctrl-C was pressed, and `may_stop` is not set.
        """
        prompt = self._shown(messages) if self.speaks_turns else messages[-1].content
        said: list[str] = []

        def heard(text: str) -> None:
            said.append(text)
            hear(text)

        try:
            made = self._make(Request(prompt, self._sampling, self._replicate), heard)
        except KeyboardInterrupt:
            if not may_stop:
                raise
            return Answer("".join(said), STOPPED)
        except GenerationError as error:
            if not isinstance(error.__cause__, TemplateError):
                raise
            raise GenerationError(
                f"the model's chat template refuses these turns ({error.__cause__}); leave --system out."
            ) from error
        self._replicate += 1
        if made.finish_reason == "refused":
            raise GenerationError(f"{made.error}; shorten it, or begin again with /reset.")
        return Answer(made.text, made.finish_reason)

    def _shown(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """Leave thoughts out of earlier answers where the recipe's evaluation does."""
        if not self._without_thoughts:
            return messages
        return tuple(
            Message(each.role, strip_thinking(each.content)) if each.role == "assistant" else each for each in messages
        )

    def close(self) -> None:
        """Free the model's memory, or end what served it."""
        self._held.close()


def _streaming(model: RunModel, engine: Engine, held: ExitStack) -> Callable[[Request, Hear], Completion]:
    quiet_engine()
    from kielo.generation.hf_stream import StreamingGenerator

    generator = StreamingGenerator(model.path, model.revision, engine.dtype, engine.batch_tokens)
    held.callback(generator.close)
    return generator.stream


def _served(model: RunModel, engine: Engine, held: ExitStack) -> Callable[[Request, Hear], Completion]:
    """A server's answers come whole; its log goes with the talk, but for what a failure quotes of it."""
    folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="kielo-chat-")))
    generator = held.enter_context(open_generator(engine, model.path, model.revision, folder / "logs"))

    def make(request: Request, hear: Hear) -> Completion:
        ((_, completion),) = generator.generate([request])
        hear(completion.text)
        return completion

    return make
