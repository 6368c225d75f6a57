"""The rows that are annotated, and which of their texts: the user's turns are embedded and tagged, turns are rated pair by pair."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kielo.errors import SourceError
from kielo.records import Conversation, Message, read_records


@dataclass(frozen=True)
class Row:
    """A conversation to annotate."""

    id: str
    messages: tuple[Message, ...]

    @property
    def prompt(self) -> str:
        """Join the user's turns: what a row is about is what was asked, whoever answered."""
        return "\n\n".join(turn.content for turn in self.messages if turn.role == "user")

    @property
    def turns(self) -> tuple[tuple[str, str], ...]:
        """Pair every assistant's turn with what the user said since the one before."""
        pairs: list[tuple[str, str]] = []
        asked: list[str] = []
        for turn in self.messages:
            if turn.role == "user":
                asked.append(turn.content)
            elif turn.role == "assistant":
                pairs.append(("\n\n".join(asked), turn.content))
                asked = []
        return tuple(pairs)


def read_rows(path: Path, language: str) -> list[Row]:
    """Read a data step's conversations in a language.

    Raises:
        SourceError: there are none.
    """
    rows = [
        Row(record.id, record.messages)
        for record in read_records("conversations", path)
        if isinstance(record, Conversation) and record.language == language
    ]
    if not rows:
        raise SourceError(f"{path}: holds no conversations in '{language}', so there is nothing to annotate.")
    return rows
