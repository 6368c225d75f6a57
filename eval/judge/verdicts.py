"""Reads what a judge wrote, strictly: the last verdict counts, and only on the last line; anything else is an error with a reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from eval.thinking import strip_thinking
from kielo.generation.protocol import Completion

Verdict = Literal["A", "B", "C"]
_VERDICT = re.compile(r"\[\[([ABC])\]\]")
_RATING = re.compile(r"\[\[(\d{1,3}(?:\.\d{1,3})?)\]\]", re.ASCII)
LOWEST, HIGHEST = 1.0, 10.0
NO_VERDICT, CUT_OFF, OUT_OF_RANGE = "no verdict on the last line", "cut off before a verdict", "rating out of range"
REFUSED = "refused"


@dataclass(frozen=True)
class Unread:
    """Why a judgement counts as an error."""

    reason: str


def read_verdict(text: str) -> Verdict | Unread:
    """Read [[A]], [[B]] or [[C]] (neither) off the last line.

    What stands further up is argument: a judge may quote, weigh and revise there. A reasoning model's thoughts are none
    of its judgement.
    """
    found = _VERDICT.findall(_last_line(text))
    return found[-1] if found else Unread(NO_VERDICT)


def read_rating(text: str) -> float | Unread:
    """Read a rating from 1 to 10, such as [[7]] or [[7.5]], off the last line."""
    found = _RATING.findall(_last_line(text))
    if not found:
        return Unread(NO_VERDICT)
    rating = float(found[-1])
    return rating if LOWEST <= rating <= HIGHEST else Unread(OUT_OF_RANGE)


def verdict_of(completion: Completion) -> Verdict | Unread:
    """Read a judge's completion as `read_verdict` does, and say where it was refused or cut off."""
    return _unmade(completion) or _or_cut_off(completion, read_verdict(completion.text))


def rating_of(completion: Completion) -> float | Unread:
    """Read a judge's completion as `read_rating` does, and say where it was refused or cut off."""
    return _unmade(completion) or _or_cut_off(completion, read_rating(completion.text))


def _unmade(completion: Completion) -> Unread | None:
    return Unread(REFUSED) if completion.finish_reason == "refused" else None


def _or_cut_off(completion: Completion, read: Any) -> Any:
    if isinstance(read, Unread) and read.reason == NO_VERDICT and completion.finish_reason == "length":
        return Unread(CUT_OFF)
    return read


def _last_line(text: str) -> str:
    return strip_thinking(text).rpartition("\n")[2]
