"""The marks on fixed spans: where they are in UTF-16 units, and which have an equal on the other side."""

from __future__ import annotations

import pytest

from translate.review.marks import Mark, compare


def marked(text: str, marks: list[Mark]) -> list[tuple[str, bool]]:
    units = text.encode("utf-16-le", "surrogatepass")
    return [(units[2 * mark.start : 2 * mark.stop].decode("utf-16-le"), mark.shared) for mark in marks]


def test_what_the_other_side_lacks_is_marked_on_both_sides() -> None:
    source, translation = "See `ls` and {name} at https://a.fi/x.", "Katso `ls` ja {nimi}: https://a.fi/x."
    left, right = compare(source, translation)
    assert marked(source, left) == [("`ls`", True), ("{name}", False), ("https://a.fi/x", True)]
    assert marked(translation, right) == [("`ls`", True), ("{nimi}", False), ("https://a.fi/x", True)]


def test_each_span_has_one_partner() -> None:
    source, translation = "`a` `a` `a`", "`a` `a`"
    left, right = compare(source, translation)
    assert [mark.shared for mark in left] == [True, True, False]
    assert [mark.shared for mark in right] == [True, True]


def test_offsets_count_as_a_browser_does() -> None:
    source = "😀😀 `a` 😀 `b😀`"
    left, _ = compare(source, "")
    assert marked(source, left) == [("`a`", False), ("`b😀`", False)]


def test_code_blocks_are_marked_whole() -> None:
    source = "Run this:\n\n```sh\nls -l\n```\n\nThen `pwd`."
    translation = source.replace("Run this", "Aja tämä").replace("Then", "Sitten")
    left, right = compare(source, translation)
    assert [shared for _, shared in marked(source, left)] == [True, True]
    assert "ls -l" in marked(source, left)[0][0]
    assert marked(translation, right)[1] == ("`pwd`", True)


def test_plain_text_has_no_marks() -> None:
    assert compare("How are you? (5 > 3)", "Mitä kuuluu? (5 > 3)") == ([], [])


@pytest.mark.parametrize("unit", ["`", "```\n", "{", "$", "a\n    ", "\ud800", "<", "⟦"])
def test_long_texts_are_marked_within_their_bounds(unit: str) -> None:
    text = unit * (20_000 // len(unit))
    left, right = compare(text, text)
    assert all(0 <= mark.start < mark.stop <= len(text) for mark in (*left, *right))
