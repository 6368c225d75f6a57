"""Writes the report as one HTML page: style and figures inside, no script, nothing loaded from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

from eval.report import svg
from eval.report.document import Block, Cell, Example, Figure, Items, Paragraph, Report, Section, Table, Verdicts

STYLE = Path(__file__).with_name("style.css")
_CODE = re.compile(r"`([^`]+)`")
# Nothing may run or load, whatever a model wrote into its answers.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def write_page(report: Report) -> str:
    """Write the whole page."""
    styles = f"{STYLE.read_text('utf-8')}{svg.STYLE.read_text('utf-8')}"
    return "\n".join([
        "<!doctype html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">', '<meta name="color-scheme" content="light dark">',
        f"<title>{escape(report.title)} · Kielo report</title>", f"<style>\n{styles}</style>", "</head>", "<body>", "<main>",
        *_header(report), *(line for section in report.sections for line in _section(section)), "</main>", "</body>", "</html>", "",
    ])  # fmt: skip


def _header(report: Report) -> Iterator[str]:
    yield f'<header><p class="kind">Kielo report</p><h1>{escape(report.title)}</h1><p class="lead">{escape(report.lead)}</p>'
    yield f'<dl class="facts">{"".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in report.facts)}</dl>'
    if report.findings:
        yield f'<section class="findings"><h2>Findings</h2>{_items(report.findings)}</section>'
    links = "".join(f'<a href="#{section.anchor}">{escape(section.title)}</a>' for section in report.sections)
    yield f'<nav aria-label="Sections">{links}</nav></header>'


def _rich(sentence: str) -> str:
    """Escape a sentence of ours and set what it has between backticks as code."""
    return _CODE.sub(r"<code>\1</code>", escape(sentence))


def _items(sentences: tuple[str, ...]) -> str:
    return f"<ul>{''.join(f'<li>{_rich(sentence)}</li>' for sentence in sentences)}</ul>"


def _section(section: Section) -> Iterator[str]:
    yield f'<section id="{section.anchor}"><h2>{escape(section.title)}</h2>'
    for block in section.blocks:
        yield _block(block, section.title)
    yield "</section>"


def _block(block: Block, heading: str) -> str:
    if isinstance(block, Table):
        return _table(block, heading)
    if isinstance(block, Figure):
        return f'<figure><div class="wide">{svg.write_svg(block, alone=False)}</div><figcaption>{escape(block.caption)}</figcaption></figure>'
    if isinstance(block, Items):
        return _items(block.sentences)
    if isinstance(block, Paragraph):
        return f"<p>{escape(block.text)}</p>"
    return _example(block)


def _table(table: Table, heading: str) -> str:
    caption = "" if table.title == heading or table.folded else f"<caption>{escape(table.title)}</caption>"
    head = "".join(
        f'<th scope="col"{_side(table, at)}>{escape(column)}</th>' for at, column in enumerate(table.columns)
    )
    body = "\n".join(f"<tr>{''.join(_cell(table, at, cell) for at, cell in enumerate(row))}</tr>" for row in table.rows)
    note = f'<p class="note">{_rich(table.note)}</p>' if table.note else ""
    whole = f'<div class="block"><div class="wide"><table>{caption}<thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>{note}</div>'
    return f"<details><summary>{escape(table.folded)}</summary>{whole}</details>" if table.folded else whole


def _side(table: Table, at: int, text: str = "") -> str:
    if at < table.text_columns:
        return "" if at == 0 or not text or " " in text else ' class="name"'
    return ' class="number"'


def _cell(table: Table, at: int, cell: Cell) -> str:
    small = f" <small>{escape(cell.small)}</small>" if cell.small else ""
    name = 'th scope="row"' if at == 0 and table.text_columns < 3 else "td"
    return f"<{name}{_side(table, at, cell.text)}>{escape(cell.text)}{small}</{name.split(' ', 1)[0]}>"


def _example(example: Example) -> str:
    answers = "".join(_answer(answer) for answer in example.answers)
    return f'<article class="example"><h3>{escape(example.id)}</h3><pre class="prompt">{escape(example.prompt)}</pre><div class="answers">{answers}</div></article>'


def _answer(answer: Verdicts) -> str:
    marks = "".join(
        f'<li class="{"passed" if passed else "failed"}"><span aria-label="{"followed" if passed else "not followed"}">{"✓" if passed else "✗"}</span> {escape(name)}</li>'
        for name, passed in answer.verdicts
    )
    more = f'<p class="note">{answer.left_out} more characters in responses.jsonl</p>' if answer.left_out else ""
    words = escape(answer.text) if answer.text.strip() else '<span class="note">(empty answer)</span>'
    return f'<div><h4>{escape(answer.model)}</h4><pre dir="auto">{words}</pre>{more}<ul class="verdicts">{marks}</ul></div>'
