"""What a file of judgements made elsewhere holds of two models; its readers make this, and `judgements_command.py` prints it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eval.judge.cases import Comparison
from kielo.errors import UsageError


@dataclass(frozen=True)
class Stored:
    """The comparisons of two models in a file, seen from `ours`, and what must be known beside them."""

    format: str
    ours: str
    theirs: str
    judge: str
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...] = ()


def side(first: str, second: str, default: str, ours: str | None, path: Path) -> tuple[str, str]:
    """Give (ours, theirs) of two names.

    Raises:
        UsageError: `ours` is neither.
    """
    if ours is not None and ours not in (first, second):
        raise UsageError(f"--ours {ours}: {path} compares {first} and {second}; name one of them.")
    chosen = default if ours is None else ours
    return chosen, second if chosen == first else first
