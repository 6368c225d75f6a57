"""Answers one turn of `kielo chat`: the model in this process, what it says heard as it comes, Ctrl-C ends the answer alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2.exceptions import TemplateError

from eval.chat.models import RunModel, missing_engine
from eval.thinking import strip_thinking
from kielo.errors import GenerationError
from kielo.generation.protocol import Request, Sampling
from kielo.records import Message

if TYPE_CHECKING:
    from kielo.generation.hf_stream import StreamingGenerator

STOPPED = "stopped"


@dataclass(frozen=True)
class Answer:
    """What a model said, and why it ended: stop, length, or stopped (by Ctrl-C)."""

    text: str
    ended: str


class Speaker:
    """A loaded model; each answer is sampled anew, and a session of the same seed and questions says the same."""

    def __init__(self, model: RunModel, sampling: Sampling, seed: int) -> None:
        """Load the model.

        Raises:
            MissingExtraError: torch or transformers is not installed.
            RecipeError: the model cannot be loaded.
        """
        try:
            from transformers.utils import logging

            from kielo.generation.hf_stream import StreamingGenerator
        except ImportError as error:
            raise missing_engine(error) from error
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self.speaks_turns = model.speaks_turns
        self._generator: StreamingGenerator = StreamingGenerator(model.path, model.revision)
        self._sampling, self._replicate = sampling, seed
        self._without_thoughts = model.recipe.eval.strip_thinking

    def answer(self, messages: tuple[Message, ...], hear: Callable[[str], None], may_stop: bool) -> Answer:
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
            made = self._generator.stream(Request(prompt, self._sampling, self._replicate), heard)
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
        """Free the model's memory."""
        self._generator.close()
