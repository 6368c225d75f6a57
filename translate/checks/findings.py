"""What the checks of a translation are asked about and what they answer; everything else of the package speaks only this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kielo.languages.pack import Language, Shot

Level = Literal["segment", "text"]
"""A single line as the translator was given it, or a whole turn or message with its structure."""


@dataclass(frozen=True)
class Direction:
    """From which language into which, and the shots that were shown on the way."""

    source: Language
    target: Language
    shots: tuple[Shot, ...] = ()


@dataclass(frozen=True)
class Item:
    """A translation to judge; finish reason and mean token log-probability where an engine gave them."""

    source: str
    translation: str
    finish_reason: str | None = None
    logprob: float | None = None


@dataclass(frozen=True)
class Evidence:
    """What one check saw; weights add up over the checks, and from 1 on the translation is rejected. 0 is a note."""

    check: str
    detail: str
    weight: float


@dataclass(frozen=True)
class Finding:
    """What a check found, with the evidence; a fatal finding is a reason to reject, another one a note."""

    check: str
    detail: str
    fatal: bool
