"""Style as WildChat-50M's table 3 (2025) counts it: the tags of whole HTML pages with question, answer and the judge's text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from kielo.errors import SourceError

TAGS: Mapping[str, str] = {
    "strong": "strong", "em": "em", "ol": "ordered_lists", "ul": "unordered_lists", "p": "paragraphs",
    **{f"h{level}": f"h{level}" for level in range(1, 7)},
}  # fmt: skip
PUBLISHED_MARKS = (
    "strong", "em", "ordered_lists", "unordered_lists", *(f"h{level}" for level in range(1, 7)), "paragraphs",
)  # fmt: skip
WARNING = (
    "As published: tags of whole pages, which hold the question, the answer and the judge's text, added up over all "
    "pages;\nthe length is that of a page's HTML with its style sheet; a ratio of 0 to 0 is given as 1. Count the answers "
    "themselves\n(without --paper) to tell models apart."
)


@dataclass(frozen=True)
class Pages:
    """Totals over a folder of pages, and the mean characters of a page."""

    totals: Mapping[str, int]
    """By mark (PUBLISHED_MARKS)."""
    length_characters: float
    pages: int


def read_pages(folder: Path) -> Pages:
    """Count the tags of all .html files in a folder.

    Raises:
        SourceError: there is no such folder, no page in it, or one is not UTF-8.
    """
    files = sorted(folder.glob("*.html")) if folder.is_dir() else []
    if not files:
        raise SourceError(f"{folder}: no folder with .html files; name the folder that holds a model's pages.")
    texts = [_text(file) for file in files]
    totals = sum((count_tags(text) for text in texts), Counter[str]())
    length = sum(map(len, texts)) / len(texts)
    return Pages({mark: totals[mark] for mark in PUBLISHED_MARKS}, length, len(texts))


def count_tags(html: str) -> Counter[str]:
    """Count the opening tags of a page by the mark that they stand for."""
    reader = _Tags()
    reader.feed(html)
    reader.close()
    return reader.found


def published_ratios(of: Mapping[str, float], source: Mapping[str, float]) -> dict[str, float | None]:
    """Divide totals by those of a source as published: 0 to 0 is 1; None where the source alone has none of a mark."""
    return {mark: _ratio(value, source[mark]) for mark, value in of.items()}


class _Tags(HTMLParser):
    """Counts opening tags; what stands in a style sheet or script is none."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in TAGS:
            self.found[TAGS[tag]] += 1


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(f"{file}: not UTF-8 at byte {error.start}; convert the file with iconv.") from error


def _ratio(value: float, source: float) -> float | None:
    if source:
        return value / source
    return None if value else 1.0
