"""Long texts are cut at sentence ends and lose nothing, whatever stands in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kielo.languages.pack import language
from translate.prompting.pieces import LONGEST_PIECE, pieces_of, sentences_of

EN = language("en")


@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_sentences_joined_are_the_text(text: str) -> None:
    assert "".join(sentences_of(text, EN)) == text


@given(st.text("aB.?! \n\r\t⟦1⟧\"'()\ud800\u2028é", max_size=80))
def test_sentences_of_marks_and_blanks_joined_are_the_text(text: str) -> None:
    assert "".join(sentences_of(text, EN)) == text


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello there. How are you?  Fine!\n\nYes. ", ["Hello there. ", "How are you?  ", "Fine!\n\n", "Yes. "]),
        ("Dr. Smith saw 3.5 km. He ran.", ["Dr. Smith saw 3.5 km. ", "He ran."]),
        ("1. Boil it. 2. Eat it.", ["1. Boil it. ", "2. Eat it."]),
        ("Half \ud800 a sign. Whole.", ["Half \ud800 a sign. ", "Whole."]),
        ("...", ["..."]),
        ("", [""]),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, sentences: list[str]) -> None:
    assert sentences_of(text, EN) == sentences


@pytest.mark.parametrize("text", ["A bee. " * 15_000, "x" * 100_000, "." * 100_000, "word " * 20_000, " " * 100_000])
def test_pieces_of_a_long_text_are_bounded_and_joined_are_the_text(text: str) -> None:
    pieces = pieces_of(text, EN)
    assert "".join(pieces) == text
    assert max(map(len, pieces)) <= LONGEST_PIECE


def test_pieces_end_with_sentences() -> None:
    pieces = pieces_of("The bee sees a flower. " * 200, EN)
    assert all(piece.endswith("flower. ") for piece in pieces)
    assert len(pieces) == 4
