"""The pages that people read (README, docs/ and their like), taken apart for the tests: anchors, links, code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
SENTENCES = ROOT / "docs" / "sentences.md"
"""What is code on it are sentences, some of which begin with `kielo`."""
SHELL = ("", "bash", "sh")
"""Languages of fenced blocks that hold commands; indented blocks have none."""


@dataclass(frozen=True)
class Code:
    """A line of a code block, or code within a sentence; that, and a line with `...`, leaves out what is not spoken of."""

    page: Path
    line: int
    text: str
    whole: bool

    @property
    def place(self) -> str:
        """Where it stands, for a failing test's name."""
        return f"{self.page.relative_to(ROOT)}:{self.line}: {self.text}"


def tokens(page: Path) -> list[Token]:
    """Read a page as Markdown."""
    return MarkdownIt("gfm-like", {"linkify": False}).parse(page.read_text("utf-8"))


@cache
def anchors(page: Path) -> set[str]:
    """List the anchors of a page's headings, as GitHub and the site make them."""
    read = tokens(page)
    titles = [after.content for token, after in zip(read, read[1:], strict=False) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def links(page: Path) -> Iterator[str]:
    """Give every link and image of a page."""
    for token in tokens(page):
        for child in token.children or ():
            if child.type in ("link_open", "image"):
                yield str(child.attrs.get("href") or child.attrs["src"])


def code(page: Path) -> Iterator[Code]:
    """Give every line of code of a page, and every code in its sentences."""
    for token in tokens(page):
        first = token.map[0] + 1 if token.map else 0
        if token.type == "code_block" or (token.type == "fence" and token.info in SHELL):
            start = first + (token.type == "fence")
            joined = token.content.replace("\\\n", "  ")
            yield from (
                Code(page, start + n, each.strip(), "..." not in each) for n, each in enumerate(joined.splitlines())
            )
        for child in token.children or ():
            if child.type == "code_inline":
                yield Code(page, first, child.content, False)


def commands(program: str) -> list[tuple[Code, list[str]]]:
    """List every call of a program on all pages, with its arguments; comments and what is piped on are left out."""
    found = []
    for each in (each for page in PAGES if page != SENTENCES for each in code(page)):
        text = each.text.replace(".venv/bin/", "")
        for part in re.split(r" && | \\?\| | > |; ", text):
            if re.match(rf"{re.escape(program)} ", part):
                found.append((each, shlex.split(part, comments=True)[len(program.split()) :]))
    return found
