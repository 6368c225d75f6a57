"""The parts a report is made of, before it becomes a page or a Markdown file: sections, tables, figures, examples."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """A table cell: what is read first, and the counts or words behind it in small print."""

    text: str
    small: str = ""


@dataclass(frozen=True)
class Table:
    """A table; the first `text_columns` columns are words, the others numbers; `folded` says what a long one holds while closed."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    text_columns: int = 1
    folded: str = ""


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
class Verdicts:
    """A model's answer in an example, with the verdict on each instruction."""

    model: str
    text: str
    left_out: int
    verdicts: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Example:
    """A prompt and how some models answered it."""

    id: str
    prompt: str
    answers: tuple[Verdicts, ...]


Block = Table | Paragraph | Items | Figure | Example


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

    @property
    def figures(self) -> tuple[Figure, ...]:
        """List the figures of all sections."""
        return tuple(block for section in self.sections for block in section.blocks if isinstance(block, Figure))
