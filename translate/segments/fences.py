"""Fenced blocks: their code and its language, and what follows a fence that was never closed as it should be."""

from __future__ import annotations

from dataclasses import dataclass

from translate.segments.blocks import Block, Line
from translate.segments.prose import reads_as_prose


@dataclass(frozen=True)
class Fence:
    """The lines of code in a fenced block and the first word of its info string."""

    lines: tuple[Line, ...]
    language: str


def closed(text: str, block: Block) -> tuple[Fence, Block]:
    """Take a fenced block apart: its code, and the prose that it swallowed because its end was written like a beginning.

    Chat assistants end a block by ```` ```html ````, too, which leaves it open to the end of the text.
    """
    opening, *lines = block.lines
    mark = text[opening.begin]
    fences = [number for number, line in enumerate(lines) if text.startswith(mark * 3, line.begin)]
    info = block.info.split()
    language = info[0].strip("{}.").lower() if info else ""
    if not fences:
        return Fence(tuple(lines), language), block._replace(lines=())
    last = fences[-1]
    after = lines[last + 1 :]
    if after and not reads_as_prose([text[line.begin : line.stop] for line in after]):
        return Fence(tuple(lines), language), block._replace(lines=())
    return Fence(tuple(lines[:last]), language), block._replace(rule="none", lines=tuple(after))
