"""The `hf` engine heard while it speaks: one completion at a time, its text handed over as its tokens come (`kielo chat`)."""

from __future__ import annotations

from collections.abc import Callable

from kielo.generation.hf import HfGenerator
from kielo.generation.hf_rows import Task
from kielo.generation.protocol import Completion, Request


class StreamingGenerator(HfGenerator):
    """The same tokens as HfGenerator makes; what is heard is never taken back."""

    _said = ""
    _hear: Callable[[str], None] | None = None

    def stream(self, request: Request, hear: Callable[[str], None]) -> Completion:
        """Make one completion; `hear` is given each new stretch of its text.

        Raises:
            GenerationError: the request does not fit into the device's memory, or has messages and the model no chat template.
        """
        self._said, self._hear = "", hear
        try:
            ((_, completion),) = self.generate([request])
        finally:
            self._hear = None
        if completion.text.startswith(self._said):
            hear(completion.text[len(self._said) :])
        return completion

    def _advance(self, tasks: list[Task], tokens: list[int]) -> list[Task]:
        finished = super()._advance(tasks, tokens)
        for task in tasks:
            self._tell(task)
        return finished

    def _tell(self, task: Task) -> None:
        made = task.made[:-1] if task.made[-1] in self._end_tokens else task.made
        # Half a character, or blanks that a tokenizer may still take back, wait for the next token.
        text = self._reader.text(task.prompt, made).rstrip("\ufffd ")
        if self._hear and len(text) > len(self._said) and text.startswith(self._said):
            self._hear(text[len(self._said) :])
            self._said = text
