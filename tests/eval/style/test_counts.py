"""Counts of single answers: what CommonMark makes of them, and what it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.style import MARKS, Style, count


def marks(text: str) -> dict[str, int]:
    found = count(text)
    return {name: getattr(found, name) for name in MARKS[:-2] if getattr(found, name)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("Hyvää päivää", {"paragraphs": 1}),
        ("**Tärkeä** ja __myös__ *tämä* ja _tuo_", {"strong": 2, "em": 2, "paragraphs": 1}),
        ("***molemmat***", {"strong": 1, "em": 1, "paragraphs": 1}),
        ("2 * 3 * 4 ja snake_case_nimi ja ** ei **", {"paragraphs": 1}),
        ("# Yksi\n\n## Kaksi\n\nKaksi\n---\n\n###### Kuusi\n\n####### seitsemän", {"h1": 1, "h2": 2, "h6": 1, "paragraphs": 1}),
        ("#otsikko", {"paragraphs": 1}),
        ("- a\n- b\n  1. c\n  2. d\n- e", {"unordered_lists": 1, "ordered_lists": 1, "unordered_items": 3, "ordered_items": 2}),
        ("- a\n\n- b", {"unordered_lists": 1, "unordered_items": 2, "paragraphs": 2}),
        ("• a\n• b", {"unordered_items": 2, "paragraphs": 1}),
        ("```\n# ei\n**ei**\n- ei\n| ei |\n```", {"code_blocks": 1}),
        ("~~~\n**ei**", {"code_blocks": 1}),
        ("    **ei**", {"code_blocks": 1}),
        ("koodi `**ei**` ja **on**", {"strong": 1, "paragraphs": 1}),
        ("<strong>ei</strong> <h1>ei</h1>\n\n<div>\n**on**\n</div>", {"strong": 1, "paragraphs": 2}),
        ("| a | b |\n|---|---|\n| 1 | **2** |", {"table_rows": 3, "strong": 1, "paragraphs": 1}),
        ("> **lainaus**", {"strong": 1, "paragraphs": 1}),
    ],
)  # fmt: skip
def test_marks_of_an_answer(text: str, expected: dict[str, int]) -> None:
    assert marks(text) == expected


def test_length_in_characters_and_words() -> None:
    found = count("Καλημέρα, **κόσμε**! हिन्दी")
    assert (found.length_characters, found.length_words) == (27, 3)


@given(st.text(alphabet="*_#-+1.•|` \n>a<ä", max_size=60))
def test_no_text_breaks_the_counts(text: str) -> None:
    found = count(text)
    assert found == count(text) and all(getattr(found, name) >= 0 for name in MARKS)
    assert found.length_characters == len(text) and isinstance(found, Style)
