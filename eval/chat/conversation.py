"""A conversation as `kielo chat` holds it: its turns so far, taken back, begun again, and written to a file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from kielo.errors import UsageError
from kielo.options.out_files import output_file
from kielo.records import Message


@dataclass
class Conversation:
    """The turns between a person and one model."""

    model: str
    system: str | None = None
    turns: list[Message] = field(default_factory=list)

    @property
    def messages(self) -> tuple[Message, ...]:
        """Give all turns, that of the system first."""
        return (*([Message("system", self.system)] if self.system else []), *self.turns)

    def asking(self, question: str) -> tuple[Message, ...]:
        """Give what the model is asked next."""
        return (*self.messages, Message("user", question))

    def add(self, question: str, answer: str) -> None:
        """Keep a question and its answer."""
        self.turns += [Message("user", question), Message("assistant", answer)]

    def undo(self) -> bool:
        """Take the last question and answer back; False where there is none."""
        taken = self.turns[-2:]
        del self.turns[-2:]
        return bool(taken)

    def save(self, file: Path) -> None:
        """Write the conversation as one row {model, messages}, as training data are written.

        Raises:
            UsageError: the file is there already, or cannot be.
        """
        row = {
            "model": self.model,
            "messages": [{"role": each.role, "content": each.content} for each in self.messages],
        }
        try:
            output_file("/save", file)
            with file.open("x", encoding="utf-8", errors="replace") as stream:
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        except FileExistsError as error:
            raise UsageError(f"/save {file}: is there already; name another file.") from error
        except OSError as error:  # the talk must not end here, with all that was said
            raise UsageError(f"/save {file}: cannot be written ({error.strerror}); name another file.") from error
