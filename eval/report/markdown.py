"""Writes the report as Markdown that GitHub shows well; nothing from data can become markup."""

from __future__ import annotations

import re
from collections.abc import Iterator

from eval.report.document import Block, Browser, Cell, Example, Figure, Items, Paragraph, Report, Table

_CODE = re.compile(r"`([^`\n]+)`")
_SPECIAL = re.compile(r"([\\`*_\[\]|~#])")


def write_markdown(report: Report) -> str:
    """Write the whole report; figures are linked from figures/."""
    parts = [f"# {plain(report.title)}", plain(report.lead), _facts(report)]
    if report.findings:
        parts += ["## Findings", _items(report.findings)]
    for section in report.sections:
        parts.append(f"## {plain(section.title)}")
        parts += [_block(block, section.title) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def plain(words: str, flat: bool = True) -> str:
    """Escape text so that Markdown shows it as it is; `flat` puts it on one line."""
    one_line = " ".join(words.split()) if flat else words
    return _SPECIAL.sub(r"\\\1", one_line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def _rich(sentence: str) -> str:
    """Escape a sentence of ours, but for what it has between backticks: names, which stay code."""
    parts = _CODE.split(sentence)
    return "".join(f"`{part}`" if at % 2 else plain(part, flat=False) for at, part in enumerate(parts))


def _facts(report: Report) -> str:
    return " · ".join(f"{plain(name)}: **{plain(value)}**" for name, value in report.facts)


def _items(sentences: tuple[str, ...]) -> str:
    return "\n".join(f"- {_rich(sentence)}" for sentence in sentences)


def _block(block: Block, heading: str) -> str:
    if isinstance(block, Table):
        return _table(block, heading)
    if isinstance(block, Figure):
        return f"![{plain(block.caption)}](figures/{block.name}.svg)\n\n<sub>{plain(block.caption)}</sub>"
    if isinstance(block, Items):
        return _items(block.sentences)
    if isinstance(block, Paragraph):
        return plain(block.text)
    if isinstance(block, Browser):
        return "index.html has every prompt with the answers of all models and each verdict on them."
    return "\n\n".join(_example(block))


def _table(table: Table, heading: str) -> str:
    rule = ["---" if at < table.text_columns else "---:" for at in range(len(table.columns))]
    rows = [[plain(column) for column in table.columns], rule, *([_cell(cell) for cell in row] for row in table.rows)]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    note = [f"<sub>{_rich(table.note)}</sub>"] if table.note else []
    if table.folded:
        return "\n\n".join([f"<details><summary>{plain(table.folded)}</summary>", lines, *note, "</details>"])
    title = [] if table.title == heading else [f"**{plain(table.title)}**"]
    return "\n\n".join([*title, lines, *note])


def _cell(cell: Cell) -> str:
    words = " ".join(part for part in (plain(cell.text), cell.mark) if part)
    return f"{words} <sub>{plain(cell.small)}</sub>" if cell.small else words


def _example(example: Example) -> Iterator[str]:
    yield f"**{plain(example.id)}**"
    yield _fenced(example.prompt)
    for answer in example.answers:
        verdicts = ", ".join(f"{plain(verdict.words)}" for verdict in answer.verdicts)
        more = f" ({answer.left_out} more characters)" if answer.left_out else ""
        yield f"*{plain(answer.model)}* answers{more}: {verdicts}"
        yield _fenced(answer.text)


def _fenced(words: str) -> str:
    """Fence text with more backticks than it holds anywhere."""
    longest = max((len(run) for run in re.findall(r"`+", words)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{words}\n{fence}"
