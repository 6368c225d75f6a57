"""On every real message: nothing is lost, all human language comes to the translator, nothing protected is touched.

What must change and what must not is computed here by plain line and word rules of its own, not by the code under test.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import compress
from pathlib import Path
from typing import Any

import pytest

from kielo.records import read_jsonl
from translate.protect import BRACKETS, STYLES, Style, protect, restore
from translate.segments import render, split

Messages = Callable[[str], list[str]]


@pytest.fixture(scope="session")
def messages(shared_data: Path, oasst_file: Path) -> Messages:
    def read(name: str) -> list[str]:
        if name in ("text_en", "text_fi"):
            return [row[name] for _, row in read_jsonl(oasst_file)]
        if name == "trees":
            rows = read_jsonl(shared_data / "oasst" / "en_100_tree.jsonl.gz")
            return [text for _, row in rows for text in _tree(row["prompt"])]
        if name == "pairs":
            pairs = json.loads(gzip.decompress((shared_data / "preferences" / "dpo_en_demo.json.gz").read_bytes()))
            return [turn["value"] for row in pairs for turn in (*row["conversations"], row["chosen"], row["rejected"])]
        return [turn for _, row in read_jsonl(shared_data / "mt_bench_fi" / "question.jsonl") for turn in row["turns"]]

    return read


def _tree(message: dict[str, Any]) -> Iterator[str]:
    yield message["text"]
    for reply in message.get("replies", ()):
        yield from _tree(reply)


SETS = {"text_en": 2022, "text_fi": 2022, "trees": 1167, "pairs": 1506, "mt_bench": 160}
every_set = pytest.mark.parametrize(("name", "count"), SETS.items())


@every_set
def test_nothing_is_lost(messages: Messages, name: str, count: int) -> None:
    texts = messages(name)
    assert len(texts) == count
    for text in texts:
        for code in ("keep", "comments"):
            document = split(text, code)  # type: ignore[arg-type]
            assert render(document, document.segments) == text
        for segment in document.segments:
            protected = protect(segment)
            assert restore(protected.text, protected) == segment


def other_letters(text: str) -> str:
    """Change every letter into one other letter."""
    return "".join(_other(letter) if letter.isalpha() else letter for letter in text)


@cache
def _other(letter: str) -> str:
    swapped = letter.swapcase()
    return swapped if len(swapped) == 1 and swapped != letter else "字" if letter != "字" else "文"


def upper(text: str) -> str:
    return "".join(letter.upper() if len(letter.upper()) == 1 else letter for letter in text)


def reversed_words(text: str) -> str:
    return WORD.sub(lambda word: word.group()[::-1], text)


def translated(text: str, change: Callable[[str], str], style: Style = BRACKETS) -> str:
    """Translate a text by changing every word: mask, change what is no sentinel, restore, render."""
    document = split(text)
    return render(document, [_changed(segment, change, style) for segment in document.segments])


def _changed(segment: str, change: Callable[[str], str], style: Style) -> str:
    masked = protect(segment, (), style)
    text, end = "", 0
    for sentinel in style.found.finditer(masked.text):
        text += change(masked.text[end : sentinel.start()]) + sentinel.group()
        end = sentinel.end()
    restored = restore(text + change(masked.text[end:]), masked)
    assert restored is not None
    return restored


WORD = re.compile(r"[^\W\d_]+")
FENCE = re.compile(r"[ \t>]*(`{3,}(?!.*`)|~{3,})")
MARKER = re.compile(r"\W*(?:\w{1,4}[.)]\s+)*(?:\w{1,4}[.)])?")
MAY_STAY = re.compile(
    r"""(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)|(?<!\S)\S*://\S+|www\.\S+|(?<!\S)\S+@\S+|(?s:<(?:pre|script)>.*?(?:</(?:pre|script)>|\Z))|<[^<>]*>|\$[^$\n]+\$
    |(?s:\$\$.*?\$\$)|(?s:\\[(\[].*?\\[)\]])|(?s:\\begin\{.*\\end\{\w+\})|\\[a-zA-Z]+(?:\{[^}]*\})*|\{[^{}\n]*\}|%[a-z]\b|\[[A-Z0-9_^ ]+\]
    |\]\([^)]*\)|&\w+;""",
    re.VERBOSE,
)
MUST_STAY = re.compile(r"(?<!`)`[^`\n]+`(?!`)|https?://[\w./?=&%-]*\w")


def regions(text: str) -> tuple[bytearray, bytearray]:
    """Mark the characters that may stay as they are, and those that must: fenced lines, inline code, links."""
    may, must, prose, place, fence = bytearray(len(text)), bytearray(len(text)), "", 0, ""
    for line in text.splitlines(keepends=True):
        end, mark = place + len(line), FENCE.match(line)
        if fence:
            may[place:end] = must[place:end] = b"x" * len(line)
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                fence = ""
        elif mark:
            fence = mark[1]
            may[place:end] = b"x" * len(line)
        else:
            if re.match(r" {4}|\t|[ >]*<(?!<)", line):  # code if it looks so, or HTML
                may[place:end] = b"x" * len(line)
            prose = prose.ljust(place, "\n") + line
            marker = MARKER.match(line)
            may[place : place + marker.end()] = b"x" * marker.end() if marker else b""
        place = end
    if fence:  # never closed: prose at its end is no code
        must = bytearray(len(text))
        may[text.rfind(fence) :] = b"x" * (len(text) - text.rfind(fence))
    for region in (*MAY_STAY.finditer(prose), *re.finditer(r"`[^`]{1,80}`", prose)):
        may[slice(*region.span())] = b"x" * len(region.group())
    for region in MUST_STAY.finditer(prose):
        if prose.count("`", prose.rfind("\n", 0, region.start()) + 1, region.start()) % 2 == 0:
            must[slice(*region.span())] = b"x" * len(region.group())
    return may, must


@every_set
def test_every_letter_changes_but_in_what_is_protected(messages: Messages, name: str, count: int) -> None:
    for text in dict.fromkeys(messages(name)):
        changed, shouted = translated(text, other_letters), translated(text, upper)
        turned = translated(text, reversed_words)
        assert len(changed) == len(shouted) == len(turned) == len(text)
        may, must = regions(text)
        free = bytes(not marked for marked in may)
        assert _at(must, text) == _at(must, changed) == _at(must, shouted) == _at(must, turned)
        assert _at(free, changed) == other_letters(_at(free, text))
        assert _at(free, shouted) == upper(_at(free, text))
        for word in WORD.finditer(text):
            if may.find(b"x", *word.span()) < 0:
                assert turned[slice(*word.span())] == word.group()[::-1], word


def _at(marked: bytes, text: str) -> str:
    return "".join(compress(text, marked))


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_the_style_of_sentinels_changes_no_translation(messages: Messages, style: Style) -> None:
    for text in messages("text_en")[::4]:
        assert translated(text, other_letters, style) == translated(text, other_letters)
