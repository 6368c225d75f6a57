"""Whole texts through the translators: the memory first, then segment by segment, and put together as they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from translate.segments import Document, render, split
from translate.translators import Answer, Failure, Segment, Translated, Translator


@dataclass(frozen=True)
class Text:
    """One text of a record: where it is there, and its pieces, which are translated one by one and joined."""

    where: str
    pieces: tuple[Segment, ...]

    @property
    def source(self) -> str:
        """The text as it was."""
        return "".join(piece.text for piece in self.pieces)


def plain(where: str, text: str) -> Text:
    """Make a text of one piece, with nothing fixed in it."""
    return Text(where, (Segment(text),))


def translate_texts(texts: Sequence[Text], memory: Translator | None, translator: Translator) -> list[Answer]:
    """Translate texts in one batch, equal pieces once; a text with a failed segment fails for that segment's reason."""
    pieces = list(dict.fromkeys(piece for text in texts for piece in text.pieces))
    answers: dict[Segment, Answer] = dict(zip(pieces, memory.translate(pieces), strict=True)) if memory else {}
    rest = [piece for piece in pieces if not isinstance(answers.get(piece), Translated)]
    answers |= zip(rest, _by_segment(rest, translator), strict=True)
    return [_joined([answers[piece] for piece in text.pieces]) for text in texts]


def _by_segment(pieces: Sequence[Segment], translator: Translator) -> list[Answer]:
    documents = [split(piece.text) for piece in pieces]
    segments = [
        Segment(segment, piece.glossary)
        for piece, document in zip(pieces, documents, strict=True)
        for segment in document.segments
    ]
    answers = iter(translator.translate(segments))
    return [_rendered(document, list(islice(answers, len(document.segments)))) for document in documents]


def _rendered(document: Document, answers: Sequence[Answer]) -> Answer:
    text = render(document, [answer.text for answer in answers])
    return _with_text(text, answers)


def _joined(answers: Sequence[Answer]) -> Answer:
    return _with_text("".join(answer.text for answer in answers), answers)


def _with_text(text: str, answers: Sequence[Answer]) -> Answer:
    """Answer for the whole what its parts say: the first failure, or by whom it was made."""
    for answer in answers:
        if isinstance(answer, Failure):
            return Failure(answer.reason, answer.detail, text)
    origins = {answer.origin for answer in answers if isinstance(answer, Translated)}
    return Translated(text, "engine" if "engine" in origins else "memory" if "memory" in origins else "copy")
