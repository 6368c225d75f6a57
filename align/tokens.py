"""Tokens and loss masks, made on CPU before training; every row cut or dropped is counted by language and reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from align.chat import Chat, render
from kielo.records import Conversation, Message

IGNORED = -100  # torch's ignore_index: a token with this label is not trained
_AT_ONCE = 512  # conversations per call of the tokenizer

LossOn = Literal["all", "assistant"]


@dataclass(frozen=True)
class Tokens:
    """One conversation as tokens; `labels` are the tokens themselves where they are trained, else -100."""

    id: str
    language: str
    input_ids: list[int]
    labels: list[int]


@dataclass(frozen=True)
class Encoded:
    """A rendered conversation as tokens, and of each answer the first token and the one after its last."""

    input_ids: list[int]
    answers: list[tuple[int, int]]


class Tally:
    """Counts by language, in one shape for sft and dpo: rows, tokens, loss_tokens, truncated, dropped by reason."""

    def __init__(self) -> None:
        self.by_language: dict[str, dict[str, Any]] = {}

    def of(self, language: str) -> dict[str, Any]:
        """Open the counts of a language."""
        empty = {"rows": 0, "tokens": 0, "loss_tokens": 0, "truncated": 0, "dropped": {}}
        return self.by_language.setdefault(language, empty)

    def drop(self, language: str, reason: str) -> None:
        """Count a row that is not trained on."""
        dropped = self.of(language)["dropped"]
        dropped[reason] = dropped.get(reason, 0) + 1

    def keep(self, language: str, tokens: int, loss_tokens: int, truncated: bool) -> None:
        """Count a row that is trained on."""
        counts = self.of(language)
        counts["rows"] += 1
        counts["tokens"] += tokens
        counts["loss_tokens"] += loss_tokens
        counts["truncated"] += truncated

    def reasons(self) -> str:
        """Say why rows were dropped: `fi: 3 no_answer`."""
        return (
            "; ".join(
                f"{language}: {count} {reason}"
                for language, counts in self.by_language.items()
                for reason, count in counts["dropped"].items()
            )
            or "there are none"
        )


def tokenise(
    rows: Iterable[Conversation], chat: Chat, loss_on: LossOn, max_length: int | None
) -> tuple[list[Tokens], Tally]:
    """Tokenise conversations with labels; rows over `max_length` tokens lose their end, rows with nothing to train are dropped."""
    kept, tally = [], Tally()
    conversations = []
    for row in rows:
        if writes_special_tokens(chat, row.messages):
            tally.drop(row.language, "text_holds_special_token")
        else:
            conversations.append(row)
    encodings = encode(chat, ((row.id, row.messages) for row in conversations))
    for row, encoded in zip(conversations, encodings, strict=True):
        tokens = Tokens(row.id, row.language, encoded.input_ids[:max_length], labels(encoded, loss_on)[:max_length])
        trained = loss_tokens(tokens.labels)
        if trained:
            kept.append(tokens)
            tally.keep(row.language, len(tokens.input_ids), trained, len(encoded.input_ids) > len(tokens.input_ids))
        else:
            tally.drop(row.language, "no_answer_within_max_length" if encoded.answers else "no_answer")
    return kept, tally


def labels(encoded: Encoded, loss_on: LossOn) -> list[int]:
    """Label the tokens that are trained: all of them, or those of the answers and their end-of-turn tokens."""
    if loss_on == "all":
        return list(encoded.input_ids)
    found = [IGNORED] * len(encoded.input_ids)
    for start, end in encoded.answers:
        found[start:end] = encoded.input_ids[start:end]
    return found


def loss_tokens(row: Sequence[int]) -> int:
    """Count trained tokens: the first token of a row has no predecessor to be predicted from."""
    return sum(label != IGNORED for label in row[1:])


def writes_special_tokens(chat: Chat, messages: Iterable[Message]) -> bool:
    """Tell whether a text spells out a special token, which the tokenizer would take for a real end of turn."""
    return any(token in message.content for message in messages for token in chat.special_tokens)


def encode(chat: Chat, conversations: Iterable[tuple[str, Sequence[Message]]]) -> Iterator[Encoded]:
    """Render and tokenise conversations, each with a name for messages; the template alone says where BOS goes."""
    for batch in _batches(conversations):
        rendered = [render(chat.tokenizer, messages, f"'{name}'") for name, messages in batch]
        output = chat.tokenizer([text for text, _ in rendered], add_special_tokens=False, return_offsets_mapping=True)
        for (_, spans), ids, offsets in zip(rendered, output["input_ids"], output["offset_mapping"], strict=True):
            yield Encoded(ids, [_token_span(offsets, span) for span in spans])


def _batches(items: Iterable[tuple[str, Sequence[Message]]]) -> Iterator[list[tuple[str, Sequence[Message]]]]:
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _token_span(offsets: Sequence[tuple[int, int]], span: tuple[int, int]) -> tuple[int, int]:
    """Find the tokens wholly inside a span of characters; one merged over its start belongs to the prompt."""
    inside = [
        index for index, (start, end) in enumerate(offsets) if span[0] <= start and end <= span[1] and start < end
    ]
    return (inside[0], inside[-1] + 1) if inside else (0, 0)
