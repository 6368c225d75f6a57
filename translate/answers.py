"""What is asked of a translator and what it answers; memory, language model, DeepL and the repair ladder speak only this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["text", "heading", "list-item", "cell", "quote", "html", "comment", "string"]
"""Where in a document a segment stands: running text, a heading, ..., a comment or a string value inside code."""
Glossary = tuple[tuple[str, str], ...]
"""(source form, target form) of what stands fixed in a text."""


@dataclass(frozen=True)
class Segment:
    """A stretch of text to translate; `glossary` pairs are put in their target form whatever the translator says."""

    text: str
    glossary: Glossary = ()
    kind: Kind = "text"
    context: str = ""
    """What stands before it (the segment or turn before), for translators that can use it; empty: not asked for."""


@dataclass(frozen=True)
class Translated:
    """A translation: by whom it was made (`memory`, `copy`, an engine's label) and on which rung of the repair ladder."""

    text: str
    engine: str
    rung: str = "first"
    logprob: float | None = None
    """Mean log-probability of its tokens, natural logarithm; None where the engine gives none."""


@dataclass(frozen=True)
class Failure:
    """Why a segment could not be translated: a reason for the counts, the evidence, and what text there is all the same."""

    reason: str
    detail: str
    text: str = ""


Answer = Translated | Failure


class Translator(Protocol):
    """Gives one answer per segment, in their order."""

    def translate(self, segments: Sequence[Segment]) -> list[Answer]:
        """Translate segments; what cannot be translated comes back as a Failure."""
