"""Two models' answers in two columns of a terminal, as wide as it is; letters of double width count as two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import wcwidth

from eval.chat.session import DIM, PLAIN, shown

NARROWEST, GAP = 24, " | "
"""Columns narrower than this stand below each other."""


@dataclass(frozen=True)
class Side:
    """One model's answer to a turn, and the language it is in."""

    model: str
    text: str
    language: str


@dataclass(frozen=True)
class Turn:
    """A turn of a prompt, with the answers to it."""

    prompt: str
    sides: tuple[Side, ...]


@dataclass(frozen=True)
class Shown:
    """A prompt with all its turns."""

    id: str
    turns: tuple[Turn, ...]


def written(cases: Sequence[Shown], width: int, colour: bool) -> str:
    """Write all cases for a terminal of so many columns."""
    return "\n".join(
        line for number, case in enumerate(cases, 1) for line in _case(case, number, len(cases), width, colour)
    )


def _case(case: Shown, number: int, count: int, width: int, colour: bool) -> Iterator[str]:
    yield _dim(f"{number}/{count}  {shown(case.id)}", colour)
    for turn in case.turns:
        yield from wrapped(turn.prompt, width)
        yield ""
        yield from _sides(turn.sides, width, colour)
        yield ""


def _sides(sides: Sequence[Side], width: int, colour: bool) -> Iterator[str]:
    column = (width - len(GAP) * (len(sides) - 1)) // len(sides)
    if column < NARROWEST:
        for side in sides:
            yield _dim(f"{side.model}: {side.language}", colour)
            yield from wrapped(side.text, width)
        return
    texts = [wrapped(side.text, column) for side in sides]
    heads = [[*wrapped(side.model, column), *wrapped(side.language, column)] for side in sides]
    for lines in (heads, texts):
        for row in range(max(map(len, lines))):
            cells = [each[row] if row < len(each) else "" for each in lines]
            line = GAP.join(wcwidth.ljust(cell, column) for cell in cells).rstrip(" ")
            yield _dim(line, colour) if lines is heads else line


def wrapped(text: str, width: int) -> list[str]:
    """Break a text into lines of at most so many columns of a terminal: at blanks, and within words that are longer."""
    lines: list[str] = []
    for line in shown(text).expandtabs(4).split("\n"):
        lines += wcwidth.wrap(line, width) or [""]
    return lines


def _dim(line: str, colour: bool) -> str:
    return f"{DIM}{line}{PLAIN}" if colour else line
