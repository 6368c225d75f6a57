"""The parts a report is made of, before it becomes a page or a Markdown file: sections, tables, figures, examples."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Number = int | float | str
MARKS: Mapping[str, str] = {
    "higher": "▲", "lower": "▼", "no difference shown": "○", "too few to tell": "?",
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A table cell: what is read first, and the counts or words behind it in small print."""

    text: str
    small: str = ""
    verdict: str = ""
    """What a test says of it, one of MARKS; empty where nothing was tested."""
    numbers: tuple[tuple[str, Number], ...] = ()
    """What the text is written from, by name, for files that programs read: percent, k, n, low, high, p."""

    @property
    def mark(self) -> str:
        """Give the sign of its verdict."""
        return MARKS[self.verdict] if self.verdict else ""


@dataclass(frozen=True)
class Table:
    """A table; the first `text_columns` columns are words, the others numbers; `folded` says what a long one holds while closed."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    text_columns: int = 1
    folded: str = ""

    @property
    def name(self) -> str:
        """Name its files: the title in small letters, digits and hyphens."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list of sentences."""

    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Figure:
    """A figure: its file's stem, its caption, the SVG body and its size in user units."""

    name: str
    caption: str
    body: str
    width: int
    height: int


@dataclass(frozen=True)
class Verdict:
    """Whether an answer follows an instruction, strictly, in compat mode and in fair mode."""

    instruction: str
    compat: bool
    fair: bool

    @property
    def words(self) -> str:
        """Say it with a sign, and the fair mode's where it is another one."""
        told = f"{_SIGNS[self.compat]} {self.instruction}"
        return told if self.compat == self.fair else f"{told} (fair mode {_SIGNS[self.fair]})"


_SIGNS = {True: "✓", False: "✗"}


@dataclass(frozen=True)
class Verdicts:
    """A model's answer in an example, with the verdict on each instruction."""

    model: str
    text: str
    left_out: int
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True)
class Example:
    """A prompt and how some models answered it."""

    id: str
    prompt: str
    answers: tuple[Verdicts, ...]


@dataclass(frozen=True)
class Packed:
    """All answers to a benchmark in one language: its name in links (`ifeval-fi`), its title, and JSON, deflated, in base64."""

    name: str
    title: str
    data: str


@dataclass(frozen=True)
class Browser:
    """Every prompt with all answers and verdicts, which the page shows one by one; the notes say what is in it."""

    benchmarks: tuple[Packed, ...]
    notes: tuple[str, ...]


Block = Table | Paragraph | Items | Figure | Example | Browser


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """The whole report."""

    title: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    findings: tuple[str, ...]
    sections: tuple[Section, ...]
    kind: str = "report"

    @property
    def blocks(self) -> tuple[Block, ...]:
        """List what stands in all sections."""
        return tuple(block for section in self.sections for block in section.blocks)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """List the figures of all sections."""
        return tuple(block for block in self.blocks if isinstance(block, Figure))

    @property
    def tables(self) -> tuple[Table, ...]:
        """List the tables of all sections."""
        return tuple(block for section in self.sections for block in section.blocks if isinstance(block, Table))
