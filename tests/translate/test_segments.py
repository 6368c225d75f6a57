"""The segmenter loses no byte of any text, and leaves out of its segments what must not be translated."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from translate.segments import render, split

PIECES = ["```", "~~~~", "    ", "\t", "- ", "1. ", "> ", "# ", "|", "| --- | --- |", "`", "$$", r"\[", r"\]", "\r\n", "\r",
          "\n", "\n\n", "\0", "\f", "\x0b", "\x85", "\u2028", "<div>", "</div>", "<!--", "[a]: b", "word", "Ää", "* * *",
          "===", "---", "\ufeff", "\\", "&amp;", "[ ] ", "1)", "日本", "\u200f"]  # fmt: skip
MARKDOWN = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@settings(max_examples=600, deadline=None)
@given(st.one_of(MARKDOWN, st.text(max_size=80)))
@example("```\nunclosed\r\n\r\n- a")
@example("| a | b |\n|---|---|\n| c \\| d | e |\r")
@example("lone\rreturn\x00\x0b> # 1. - x\n\n\tcode")
def test_every_text_comes_back(text: str) -> None:
    document = split(text)
    assert render(document, document.segments) == text
    assert all(
        segment == segment.strip() and "\n" not in segment and "\r" not in segment for segment in document.segments
    )


@settings(max_examples=200, deadline=None)
@given(MARKDOWN)
def test_template_does_not_depend_on_the_translations(text: str) -> None:
    document = split(text)
    marked = render(document, [f"<{number}>" for number in range(len(document.segments))])
    for number in range(len(document.segments)):
        marked = marked.replace(f"<{number}>", document.segments[number], 1)
    assert marked == text


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("# Title ##\n\nSome *text*.  \nMore", ["Title ##", "Some *text*.", "More"]),
        ("- one\n  - two\n1. three\n> 2) four", ["one", "two", "three", "four"]),
        ("- [ ] buy milk\n- [x] done it", ["buy milk", "done it"]),
        ("Run:\n```sh\nls now\n```\nThen stop", ["Run:", "Then stop"]),
        ("Run:\n~~~\nls now\n~~~\nThen", ["Run:", "Then"]),
        ("Code:\n\n    for x in y\n\nafter", ["Code:", "after"]),
        ("```\nnever closed\nat all", []),
        ("```one line``` of code, then text", ["```one line``` of code, then text"]),
        ("| Name | Age |\n|:--|--:|\n| Old man | 9 |", ["Name", "Age", "Old man"]),
        ("<div>\nraw html\n</div>\n\nText", ["Text"]),
        ("See\n\n[1]: https://example.org", ["See"]),
        ("Then\n$$\nx = y\n$$\nso", ["Then", "so"]),
        ("Then\n\\[\nx = y\n\\]\nso", ["Then", "so"]),
        ("12:30\n---\n***\n...", []),
        ("", []),
    ],
)
def test_segments(text: str, segments: list[str]) -> None:
    assert list(split(text).segments) == segments


def test_deep_nesting_is_no_trouble() -> None:
    text = "> " * 3000 + "deep"
    assert render(split(text), split(text).segments) == text


def test_render_refuses_another_number_of_translations() -> None:
    with pytest.raises(ValueError, match="zip"):
        render(split("a\nb"), ["a"])
