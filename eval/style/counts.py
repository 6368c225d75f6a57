"""What one answer is written with: bold, lists, headings and paragraphs of its Markdown tree, its characters and words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from eval.ifeval.unicode_words import words

_NAMES = {
    "strong_open": "strong", "em_open": "em", "ordered_list_open": "ordered_lists", "bullet_list_open": "unordered_lists",
    "fence": "code_blocks", "code_block": "code_blocks",
}  # fmt: skip
_TABLE_ROW = re.compile(r"^\s*\|.*\|\s*$", re.MULTILINE)
_DOT_BULLET = re.compile(r"^\s*•\s+\S", re.MULTILINE)


@dataclass(frozen=True)
class Style:
    """Counts of one answer, by the tags that CommonMark makes of it; what stands in code is none, and HTML is text."""

    strong: int = 0
    em: int = 0
    ordered_lists: int = 0
    unordered_lists: int = 0
    h1: int = 0
    h2: int = 0
    h3: int = 0
    h4: int = 0
    h5: int = 0
    h6: int = 0
    paragraphs: int = 0
    """Those with a tag of their own: the lines of a tight list have none."""
    ordered_items: int = 0
    unordered_items: int = 0
    """Items of lists, and lines that begin with a • of their own: no Markdown, but meant as the same."""
    code_blocks: int = 0
    table_rows: int = 0
    """Lines between | and |, with those that rule the table: CommonMark has no tables, they are part of a paragraph."""
    length_characters: int = 0
    length_words: int = 0


MARKS: tuple[str, ...] = tuple(field.name for field in fields(Style))
"""What is counted, in the order of the tables."""


def count(text: str) -> Style:
    """Count the marks of an answer."""
    found = Counter(_marks(_parser().parse(text)))
    return Style(**found, length_characters=len(text), length_words=len(words(text)))


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False})


def _marks(tokens: Iterable[Token]) -> Iterator[str]:
    """Name the marks one by one, in their order."""
    lists: list[str] = []
    for token in tokens:
        if token.type in _NAMES:
            yield _NAMES[token.type]
        elif token.type == "heading_open":
            yield token.tag
        elif token.type == "paragraph_open" and not token.hidden:
            yield "paragraphs"
        elif token.type == "list_item_open":
            yield lists[-1]
        elif token.type == "inline":
            yield from _written(token.content)
            yield from _marks(token.children or ())
        _follow(token, lists)


def _follow(token: Token, lists: list[str]) -> None:
    """Keep the kinds of the lists that are open."""
    if token.type in ("ordered_list_open", "bullet_list_open"):
        lists.append("ordered_items" if token.tag == "ol" else "unordered_items")
    elif token.type in ("ordered_list_close", "bullet_list_close"):
        lists.pop()


def _written(content: str) -> Iterator[str]:
    yield from ("table_rows" for _ in _TABLE_ROW.finditer(content))
    yield from ("unordered_items" for _ in _DOT_BULLET.finditer(content))
