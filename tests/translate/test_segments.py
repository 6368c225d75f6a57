"""The segmenter loses no byte of any text, and leaves out of its segments what must not be translated."""

from __future__ import annotations

import typing

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from translate.answers import Kind
from translate.segments import render, split

PIECES = ["```", "````", "~~~~", "```python\n", "    ", "\t", "- ", "1. ", "2) ", "a) ", "• ", "> ", "# ", " ##", "|", "\\|",
          "| --- | --- |", "`", "$$", r"\[", r"\]", r"\begin{a}", r"\end{a}", "\r\n", "\r", "\n", "\n\n", "  \n", "\\\n", "\0", "\f",
          "\x0b", "\x1c", "\x85", "\u2028", "<div>", "</div>", "<b>", "<br>", "<!--", "-->", "<script>", "</script>", "<pre>",
          "<?php", "[a]: b", "[a]: /b\n", "[^1]: ", "word", "Two words.", "Ää", "* * *", "===", "---", "\ufeff", "\\", "&amp;",
          "[ ] ", "日本", "\u200f", "שלום", "**", "_", "😀", "✅ ", "\ud800", "# note\n", "x = 'Hello there, you.'\n", "½"]  # fmt: skip
MARKDOWN = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
ANY_TEXT = st.one_of(MARKDOWN, st.text(max_size=80), st.text(st.characters(codec=None), max_size=40))
CODE = st.sampled_from(["keep", "comments"])


@settings(max_examples=500, deadline=None)
@given(ANY_TEXT, CODE)
@example("```\nunclosed\r\n\r\n- a", "keep")
@example("| a | b |\n|---|---|\n| c \\| d | e |\r", "keep")
@example("lone\rreturn\x00\x0b> # 1. - x\n\n\tcode", "keep")
def test_every_text_comes_back(text: str, code: typing.Any) -> None:
    document = split(text, code)
    assert render(document, document.segments) == text
    assert len(document.segments) == len(document.kinds) == len(document.template) - 1
    assert set(document.kinds) <= set(typing.get_args(Kind))
    for segment in document.segments:
        assert segment == segment.strip() and any(map(str.isalpha, segment))
        assert len(f"x{segment}x".splitlines()) == 1 + segment.count("\n") + segment.replace("\r\n", "").count("\r")


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(["Two words.", "a ", "\n", "\n\n", "  ", " \\\n", "• b", "**c**", "`", "x" * 55, "\0"])
    ).map("".join)
)
def test_a_text_without_structure_is_read_as_the_parser_reads_it(text: str) -> None:
    assert split(f"{text}\n\n---\n").segments == split(text).segments


@settings(max_examples=200, deadline=None)
@given(MARKDOWN, CODE)
def test_template_does_not_depend_on_the_translations(text: str, code: typing.Any) -> None:
    document = split(text, code)
    marked = render(document, [f"\ue000{number}\ue001" for number in range(len(document.segments))])
    for number, segment in enumerate(document.segments):
        marked = marked.replace(f"\ue000{number}\ue001", segment, 1)
    assert marked == text


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("# Title ##\n\nSome *text*.  \nMore\\\nlast", ["Title", "Some *text*.", "More", "last"]),
        ("Setext\ntitle\n=====\nbody", ["Setext", "title", "body"]),
        ("- one\n  - two\n1. three\n> 2) four\n\n> > five\nlazy", ["one", "two", "three", "four", "five", "lazy"]),
        ("- [ ] buy milk\n- [x] done it", ["buy milk", "done it"]),
        ("• one\n– two\n1) three\na) four\n(iv) five\nB. Six\n2.Seven", ["one", "two", "three", "four", "five", "Six", "Seven"]),
        ("-Ruby\n-r: an option\nE. coli lives\n2.5 is a number", ["Ruby", "-r: an option", "E. coli lives", "2.5 is a number"]),
        ("✅ Good job! 😊\n👉 **Go on**", ["Good job!", "Go on"]),
        ("**1. Bold title:**\n***Both***\n**a** and **b**", ["Bold title:", "Both", "**a** and **b**"]),
        ("Run:\n```sh\nls now\n```\nThen stop", ["Run:", "Then stop"]),
        ("Run:\n~~~\nls now\n~~~\nThen", ["Run:", "Then"]),
        ("````\n```\nin\n```\nstill in\n````\nout", ["out"]),
        ("1. Do\n\n   ```\n   code here\n   ```\n\n   then this", ["Do", "then this"]),
        ("> ```\n> code here\n> ```\n> said", ["said"]),
        ("Code:\n\n    for x in y:\n        print(x)\n\nafter", ["Code:", "after"]),
        ("```\nnever closed\nat all", []),
        ("```one line``` of code, then text", ["```one line``` of code, then text"]),
        ("| Name | Age |\n|:--|--:|\n| Old\\|man | 9 |\n| `x` |\nafter", ["Name", "Age", "Old\\|man", "`x`", "after"]),
        ("> | A b | c |\n> |---|---|\n> | d | |", ["A b", "c", "d"]),
        ("See\n\n[1]: https://example.org 'the title'\n[^1]: A note.\n[Sam]: Yes\n[Eve]: I do not", ["See", "A note.", "[Sam]: Yes", "[Eve]: I do not"]),
        ("Then\n$$\nx = y\n$$\nso", ["Then", "so"]),
        ("Then \\[\nx = y\n\\] so", ["Then", "so"]),
        ("Then\n\\begin{align}\nx\n\n&= y\n\\end{align}\nso", ["Then", "so"]),
        ("It costs $$ a lot\n\nand $$ more", ["It costs $$ a lot", "and $$ more"]),
        ("one\ftwo\u2028three\x85four", ["one", "two", "three", "four"]),
        ("12:30\n---\n***\n...", []),
        ("\ufeff\n \t\r\n", []),
        ("", []),
    ],
)  # fmt: skip
def test_segments(text: str, segments: list[str]) -> None:
    assert list(split(text).segments) == segments


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("<div>\nraw html\n</div>\n\nText", ["raw html", "Text"]),
        ('<p class="lead">One <b>bold</b> word</p><p>Two</p>', ["One <b>bold</b> word", "Two"]),
        ('<ul>\n<li><a href="x">Home page</a></li>\n</ul>', ["Home page"]),
        ("<div><!-- secret note --><script>let a = b</script>Hi<br>you</div>", ["Hi", "you"]),
        ("<div>Use <code>ls now</code> here &nbsp; <pre>kept text</pre>", ["Use <code>ls now</code> here &nbsp;"]),
        ("<html>\n<script>\nlet a = 1;\n\nlet b = 'Some text';\n</script>\n<p>After</p>", ["After"]),
        ("<Task>\nDo this now.\n</Task>", ["Do this now."]),
        ("<div><b></b></div>\n", []),
        ("Text with <b>bold</b> in it<br>", ["Text with <b>bold</b> in it"]),
    ],
)
def test_html_is_translated_between_its_tags(text: str, segments: list[str]) -> None:
    assert list(split(text).segments) == segments


def test_kinds_say_where_a_segment_stands() -> None:
    text = "# Head\ntext\n- item\n\n  more\n> quote\n> - inner\n\n1) listed\n\n| cell |\n|---|\n| <b> |\n\n<p>tag</p>\n\nEnd\n==="
    document = split(text)
    assert dict(zip(document.segments, document.kinds, strict=True)) == {
        "Head": "heading", "text": "text", "item": "list-item", "more": "list-item", "quote": "quote", "inner": "list-item",
        "listed": "list-item", "cell": "cell", "<b>": "cell", "tag": "html", "End": "heading",
    }  # fmt: skip
    assert split("• by hand\n✅ sign").kinds == ("list-item", "text")


WRAPPED = (
    "Large-scale diffusion-based generative models have led to\n"
    "breakthroughs in text-conditioned high-resolution image\n"
    "synthesis. Starting from random noise, such models"
)


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        (WRAPPED, [WRAPPED]),
        (f"- {WRAPPED}".replace("\n", "\r\n  "), [WRAPPED.replace("\n", "\r\n  ")]),
        ("> " + WRAPPED.replace("\n", "\n> "), WRAPPED.split("\n")),  # the sign stands between
        (WRAPPED.replace("to\n", "to  \n"), [WRAPPED.split("\n")[0], WRAPPED.split("\n", 1)[1]]),
        ("Shall I compare thee to a summer's day?\nthou art more lovely", ["Shall I compare thee to a summer's day?", "thou art more lovely"]),
        ("so much depends upon a red wheel barrow\nglazed with rain", ["so much depends upon a red wheel barrow", "glazed with rain"]),
        ("A line of more than fifty characters that is not full\nor so it seems to be", ["A line of more than fifty characters that is not full\nor so it seems to be"]),
        ("A line of more than fifty characters that is not full\nx " + "is short beside this much longer second line of text" * 2,
         ["A line of more than fifty characters that is not full", "x " + "is short beside this much longer second line of text" * 2]),
        ("Set `a\nb` here", ["Set `a\nb` here"]),
        ("Let \\(a\n= b\\) hold", ["Let \\(a\n= b\\) hold"]),
    ],
)  # fmt: skip
def test_a_sentence_over_soft_breaks_is_one_segment(text: str, segments: list[str]) -> None:
    assert list(split(text).segments) == segments


def test_indented_prose_is_translated_and_indented_code_is_not() -> None:
    prose = "Animals:\n\n    Golden Apple\n    Hay Bale\n\n    They must be at full health before being fed.\n"
    assert len(split(prose).segments) == 4
    for code in (
        "npm init -y",
        "git commit -m 'Add it'",
        "SELECT name\n    FROM users",
        "Foo.bar(x);",
        "if a:\n        return b",
    ):
        assert split(f"Run this:\n\n    {code}\n").segments == ("Run this:",)


def test_lists_ten_deep_are_read_to_the_end() -> None:
    bullets = "".join(f"{'  ' * depth}- level {depth}\n" for depth in range(12)) + f"{'  ' * 12}same item\n"
    assert list(split(bullets).segments) == [f"level {depth}" for depth in range(12)] + ["same item"]
    numbers = "".join(f"{'   ' * depth}{depth + 1}. [x] level {depth}\n" for depth in range(10))
    document = split(numbers)
    assert list(document.segments) == [f"level {depth}" for depth in range(10)]
    assert set(document.kinds) == {"list-item"}
    fenced = f"{bullets}{'  ' * 12}```\n{'  ' * 12}code stays\n{'  ' * 12}```\n"
    assert split(fenced).segments == split(bullets).segments


@pytest.mark.parametrize(
    "unit",
    [">", "> ", "[", "* ", "- > ", "1. ", "a", "a\n", "- a\n", "> a\n", "|", "|a|\n|-|\n", "\t", "\n", "\r", "\0", "`", "```\n",
     "<a\n", "<p>a\n\n", "<div><pre>\n\n", "<!--", "$$\n", "\\[\n", "\\begin{a}\n", "[a]: b\n", "[\n", "**a** ", "\\", "😀",
     "a\u2028", "(a) ", "    a\n", "x" * 60 + " y\n"],
)  # fmt: skip
def test_no_text_stalls_or_overflows(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    document = split(text)
    assert render(document, document.segments) == text


def test_lines_of_a_deep_quote_are_read_once() -> None:
    text = "> " * 50 + "first\n" + "more\n" * 20_000
    assert len(split(text).segments) == 20_001
    ladder = "".join("  " * depth + "- x\n" for depth in range(300))
    assert len(split(ladder).segments) == 300


def test_render_refuses_another_number_of_translations() -> None:
    with pytest.raises(ValueError, match="zip"):
        render(split("a\nb"), ["a"])
