"""Conversations as far as they have come: turn by turn each gets its new answers, those of all in one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kielo.records import Conversation, Message
from translate.texts import Made
from translate.works import Work


@dataclass
class Talk:
    """A conversation as far as it has come; `made` are its texts, the answers among them once they are there."""

    work: Work
    made: list[Made]
    turns: list[Message] = field(default_factory=list)
    failed: bool = False

    @property
    def messages(self) -> tuple[Message, ...]:
        """The turns of its record, of which the answers are to be replaced."""
        assert isinstance(self.work.record, Conversation)
        return self.work.record.messages

    def advance(self) -> None:
        """Take over made turns up to the next answer."""
        known = {made.text.where: made.translation for made in self.made}
        while len(self.turns) < len(self.messages) and (where := f"messages[{len(self.turns)}]") in known:
            self.turns.append(Message(self.messages[len(self.turns)].role, known[where]))

    @property
    def asked(self) -> Message | None:
        """The turn whose answer is to come; it is the source's answer."""
        ended = self.failed or len(self.turns) == len(self.messages)
        return None if ended else self.messages[len(self.turns)]


def converse(talks: Sequence[Talk], answers: Callable[[Sequence[Talk]], Sequence[Made]]) -> None:
    """Let conversations come to their ends: the first answers of all are made at once, then the second ones, and so on.

    Later turns see the new earlier answers; a conversation with an answer that fails goes no further.
    """
    while True:
        for talk in talks:
            if not talk.failed:
                talk.advance()
        waiting = [talk for talk in talks if talk.asked is not None]
        if not waiting:
            return
        for talk, answer in zip(waiting, answers(waiting), strict=True):
            talk.made.append(answer)
            talk.failed = answer.failure is not None
