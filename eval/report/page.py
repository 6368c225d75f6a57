"""Writes the report as one HTML page: style, figures, answers and the script to look through them inside, nothing loaded from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

from eval.report import svg
from eval.report.browser import markup
from eval.report.document import (
    Block,
    Browser,
    Cell,
    Example,
    Figure,
    Items,
    Paragraph,
    Report,
    Section,
    Table,
    Verdicts,
)
from kielo.html_page import policy

STYLE = Path(__file__).with_name("style.css")
MANY_COLUMNS, BROAD_COLUMNS = 5, 7
LONGEST_ROW = 100  # characters of a row that the page's column takes on one line
LONG_SMALL = 10  # characters of small print from which a column keeps room for an interval
_CODE = re.compile(r"`([^`]+)`")
_SIGN = re.compile("[✓✗]")


def write_page(report: Report) -> str:
    """Write the whole page."""
    style = "\n".join(path.read_text("utf-8") for path in (STYLE, markup.STYLE, svg.STYLE))
    script = markup.script() if any(isinstance(block, Browser) for block in report.blocks) else ""
    return "\n".join([
        "<!doctype html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy(style, script)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">', '<meta name="color-scheme" content="light dark">',
        '<meta name="referrer" content="no-referrer">', f"<title>{escape(report.title)} · Kielo {report.kind}</title>", f"<style>{style}</style>",
        "</head>", "<body>", '<a class="skip" href="#main">Skip to the results</a>', *_header(report), '<main id="main" tabindex="-1">',
        *_findings(report), *(line for section in report.sections for line in _section(section)), "</main>",
        *([f'<script type="module">{script}</script>'] if script else []), "</body>", "</html>", "",
    ])  # fmt: skip


def _header(report: Report) -> Iterator[str]:
    yield f'<header class="top"><p class="kind">Kielo {report.kind}</p><h1>{escape(report.title)}</h1><p class="lead">{escape(report.lead)}</p>'
    yield f'<dl class="facts">{"".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in report.facts)}</dl>'
    links = "".join(f'<a href="#{section.anchor}">{escape(section.title)}</a>' for section in report.sections)
    yield f'<nav class="sections" aria-label="Sections">{links}</nav></header>'


def _findings(report: Report) -> Iterator[str]:
    if report.findings:
        yield f'<section class="findings" aria-labelledby="findings"><h2 id="findings">Findings</h2>{_items(report.findings)}</section>'


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
        return f"<figure><div {_wide('Figure')}>{svg.write_svg(block)}</div><figcaption>{escape(block.caption)}</figcaption></figure>"
    if isinstance(block, Items):
        return _items(block.sentences)
    if isinstance(block, Paragraph):
        return f"<p>{escape(block.text)}</p>"
    if isinstance(block, Browser):
        return "\n".join(markup.write_browser(block))
    return _example(block)


def _wide(name: str) -> str:
    """Let something wide scroll within the page, by keyboard, too."""
    return f'class="wide" tabindex="0" role="group" aria-label="{escape(name)}"'


def _table(table: Table, heading: str) -> str:
    heard = ' class="heard"' if table.title == heading or table.folded else ""
    caption = f"<caption{heard}>{escape(table.title)}</caption>"
    head = "".join(
        f'<th scope="col"{_side(table, at)}>{escape(column)}</th>' for at, column in enumerate(table.columns)
    )
    body = "\n".join(f"<tr>{''.join(_cell(table, at, cell) for at, cell in enumerate(row))}</tr>" for row in table.rows)
    note = f'<p class="note">{_rich(table.note)}</p>' if table.note else ""
    whole = f'<div class="block"><div {_wide(table.title)}><table{_many(table)}>{caption}<thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>{note}</div>'
    return f"<details><summary>{escape(table.folded)}</summary>{whole}</details>" if table.folded else whole


def _many(table: Table) -> str:
    """Have the small print stand under the numbers where a row is long; where there are many columns, use the margin, too."""
    columns = len(table.columns)
    if columns > BROAD_COLUMNS:
        return ' class="many broad"'
    widths = [max((len(row[at].text) + len(row[at].small) for row in table.rows), default=0) for at in range(columns)]
    return ' class="many"' if columns > MANY_COLUMNS or sum(widths) > LONGEST_ROW else ""


def _ranged(table: Table, at: int) -> bool:
    """Whether a column of numbers has intervals in its small print, so that numbers line up only if all rows leave their room."""
    return at >= table.text_columns and any(len(row[at].small) > LONG_SMALL for row in table.rows)


def _side(table: Table, at: int, text: str = "") -> str:
    if at < table.text_columns:
        return "" if at == 0 or not text or " " in text else ' class="name"'
    return ' class="number ranged"' if _ranged(table, at) else ' class="number"'


def _cell(table: Table, at: int, cell: Cell) -> str:
    mark = ""
    if cell.verdict:
        mark = f'&nbsp;<span class="mark" role="img" aria-label="{cell.verdict}">{cell.mark}</span>'
    elif any(row[at].verdict for row in table.rows) and cell.small:
        mark = '&nbsp;<span class="mark"></span>'
    small = f" <small>{escape(cell.small)}</small>" if cell.small else ""
    name = 'th scope="row"' if at == 0 and table.text_columns < 3 else "td"
    return f"<{name}{_side(table, at, cell.text)}>{escape(cell.text)}{mark}{small}</{name.split(' ', 1)[0]}>"


def _example(example: Example) -> str:
    answers = "".join(_answer(answer) for answer in example.answers)
    return f'<article class="example"><h3>{escape(example.id)}</h3><pre class="prompt">{escape(example.prompt)}</pre><div class="answers">{answers}</div></article>'


def _answer(answer: Verdicts) -> str:
    marks = "".join(f"<li>{_SIGN.sub(_sign, escape(verdict.words))}</li>" for verdict in answer.verdicts)
    more = f'<p class="note">{answer.left_out:,} more characters</p>' if answer.left_out else ""
    words = escape(answer.text) if answer.text.strip() else '<span class="note">(empty answer)</span>'
    return f'<div><h4>{escape(answer.model)}</h4><pre dir="auto">{words}</pre>{more}<ul class="verdicts">{marks}</ul></div>'


def _sign(found: re.Match[str]) -> str:
    kind, words = ("passed", "followed") if found[0] == "✓" else ("failed", "not followed")
    return f'<span class="{kind}" role="img" aria-label="{words}">{found[0]}</span>'
