"""Writes untrusted texts into Markdown cards: in running text, as code, in tables, and as quoted examples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any


def visible(value: Any) -> str:
    """Put a text into one line of letters that can be seen."""
    return "".join(letter if letter.isprintable() else " " for letter in str(value)).strip()


def text(value: Any) -> str:
    """Write a text so that Markdown reads nothing into it."""
    escaped = visible(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{letter}" if letter in "\\`*_[]|~#!" else letter for letter in escaped)


def code(value: Any) -> str:
    """Write a text as code, in a table as well."""
    return f"`{visible(value).replace('`', chr(39)).replace('|', chr(92) + '|')}`"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> str:
    """Write a Markdown table of cells that are Markdown already; the last columns hold numbers."""
    rule = ["---"] * (len(head) - numbers) + ["---:"] * numbers
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)) + "\n"


def block(value: str, language: str = "text") -> str:
    """Write a text of several lines as a fenced block that nothing in it can end."""
    lines = ["".join(letter if letter.isprintable() else " " for letter in line) for line in value.splitlines()]
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *lines, fence]) + "\n"


def cut(value: str, letters: int) -> str:
    """Shorten a text to so many letters, and say how many are gone."""
    return value if len(value) <= letters else f"{value[:letters]} [... {len(value) - letters:,} more characters]"
