"""Tokens and loss masks, made on CPU before training, a batch of conversations at a time; what is cut or dropped is counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from align.tokens.chat import Chat, render
from align.tokens.tally import Tally
from kielo.errors import RecipeError
from kielo.records import Conversation, Message
from kielo.schema.alignment import LossOn, OverLength

IGNORED = -100  # torch's ignore_index: a token with this label is not trained
_AT_ONCE = 256  # conversations per call of the tokenizer

T = TypeVar("T")


@dataclass(frozen=True)
class Tokens:
    """One conversation as tokens; `labels` are the tokens themselves where they are trained, else -100."""

    id: str
    language: str
    input_ids: list[int]
    labels: list[int]

    @property
    def length(self) -> int:
        """Tokens of the row."""
        return len(self.input_ids)


@dataclass(frozen=True)
class Encoded:
    """A rendered conversation as tokens, and of each answer the first token and the one after its last."""

    input_ids: list[int]
    answers: list[tuple[int, int]]
    refused: str | None = None
    """Why the template does not fit this conversation, if so; there are no tokens then."""


@dataclass(frozen=True)
class Wanted:
    """What the recipe wants of a conversation's tokens."""

    loss_on: LossOn
    max_length: int | None
    over_length: OverLength


def tokenise(rows: Iterable[Conversation], chat: Chat, wanted: Wanted, tally: Tally) -> Iterator[Tokens]:
    """Tokenise conversations with labels; rows with nothing to train are dropped, and every one is counted."""
    for batch in batches(rows):
        usable = []
        for row in batch:
            if chat.spelt_in(row.messages):
                tally.drop(row, "text_holds_special_token")
            else:
                usable.append(row)
        encodings = encode(chat, ((row.id, row.messages) for row in usable))
        for row, encoded in zip(usable, encodings, strict=True):
            found = _wanted(row, encoded, wanted)
            if isinstance(found, str):
                tally.drop(row, found)
            else:
                _count(tally, row, encoded, found)
                yield found


def _wanted(row: Conversation, encoded: Encoded, wanted: Wanted) -> Tokens | str:
    """Label and cut a conversation, or say why it is not trained on."""
    if encoded.refused is not None:
        return "refused_by_template"
    if not encoded.answers:
        return "no_answer"
    limit = wanted.max_length
    if limit is not None and len(encoded.input_ids) > limit and wanted.over_length == "drop":
        return "over_max_length"
    tokens = Tokens(row.id, row.language, encoded.input_ids[:limit], labels(encoded, wanted.loss_on)[:limit])
    return tokens if any(label != IGNORED for label in tokens.labels) else "no_answer_within_max_length"


def _count(tally: Tally, row: Conversation, encoded: Encoded, tokens: Tokens) -> None:
    trained = len(tokens.labels) - tokens.labels.count(IGNORED)
    tally.keep(row, tokens.length, trained, len(encoded.input_ids) > tokens.length)
    answers = (message.content for message in row.messages if message.role == "assistant")
    for text, (start, end) in zip(answers, encoded.answers, strict=True):
        tally.measure(row, text, end - start - 1)


def labels(encoded: Encoded, loss_on: LossOn) -> list[int]:
    """Label the tokens that are trained: all of them, those of the answers and their end-of-turn tokens, or of the last one.

    The first token of a row is never trained: nothing stands before it to predict it from.
    """
    if loss_on == "all":
        return [IGNORED, *encoded.input_ids[1:]]
    found = [IGNORED] * len(encoded.input_ids)
    for start, end in encoded.answers[-1:] if loss_on == "last" else encoded.answers:
        found[start:end] = encoded.input_ids[start:end]
    found[:1] = [IGNORED]
    return found


def encode(chat: Chat, conversations: Iterable[tuple[str, Sequence[Message]]]) -> Iterator[Encoded]:
    """Render and tokenise conversations, each with a name for messages; the template alone says where BOS goes."""
    for batch in batches(conversations):
        rendered = [_rendered(chat, name, messages) for name, messages in batch]
        output = chat.tokenizer(
            [text for text, *_ in rendered], add_special_tokens=False, return_attention_mask=False,
            return_token_type_ids=False, verbose=False,
        )  # fmt: skip
        for (text, spans, refused), ids, encoding in zip(rendered, output["input_ids"], output.encodings, strict=True):
            yield Encoded(ids, [_token_span(encoding, span, len(text)) for span in spans], refused)


def _rendered(chat: Chat, name: str, messages: Sequence[Message]) -> tuple[str, list[tuple[int, int]], str | None]:
    """Render one conversation; one that the template does not fit is no reason to lose the others."""
    try:
        return *render(chat.tokenizer, messages, f"'{name}'"), None
    except RecipeError as error:
        return "", [], str(error)


def batches(items: Iterable[T], size: int = _AT_ONCE) -> Iterator[list[T]]:
    """Cut anything into lists of at most `size`."""
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _token_span(encoding: Any, span: tuple[int, int], length: int) -> tuple[int, int]:
    """Find the tokens wholly inside a span of characters; one merged over its start belongs to the prompt."""
    first = _token_at(encoding, span[0], length)
    if first < len(encoding) and encoding.token_to_chars(first)[0] < span[0]:
        first += 1
    return first, max(first, _token_at(encoding, span[1], length))


def _token_at(encoding: Any, place: int, length: int) -> int:
    """Find the token of a character; some tokenizers have none for a blank, then that of the next character."""
    tokens = (encoding.char_to_token(character) for character in range(place, length))
    return next((token for token in tokens if token is not None), len(encoding))
