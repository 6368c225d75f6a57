"""Writes the browser into the page: its controls, the packed answers, its style and its script."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from eval.report.document import Browser
from kielo.html_page import TEXT_SCRIPT

HERE = Path(__file__).parent
STYLE = HERE / "browser.css"
SCRIPTS = ("data.js", "filters.js", "list.js", "detail.js", "browse.js")


def script() -> str:
    """Give the whole script of the browser."""
    return "\n".join(path.read_text("utf-8") for path in (TEXT_SCRIPT, *(HERE / name for name in SCRIPTS)))


def write_browser(browser: Browser) -> Iterator[str]:
    """Write what stands under the browser's heading."""
    yield from (f'<p class="note">{escape(note)}</p>' for note in browser.notes)
    options = (f'<option value="{escape(each.name)}">{escape(each.title)}</option>' for each in browser.benchmarks)
    yield (HERE / "browser.html").read_text("utf-8").replace("{{options}}", "".join(options))
    for each in browser.benchmarks:
        yield f'<script type="text/plain" id="browse-data-{escape(each.name)}">{each.data}</script>'
