"""Thoughts taken off answers: what is left is the answer, letter for letter."""

from __future__ import annotations

import pytest

from eval.thinking import strip_thinking


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>Hm.</think>Vastaus.", "Vastaus."),
        ("<Think>Hm.</THINK>Vastaus.<think>cut", "Vastaus."),
        ("Hm.</think>Vastaus.", "Vastaus."),
        ("İİİİİİ düşünüyorum.</think>Cevap budur.", "Cevap budur."),  # İ is two characters in small letters
        ("Cevap: İ <think>", "Cevap: İ"),
        ("", ""),
    ],
)
def test_what_is_left_is_the_answer(text: str, left: str) -> None:
    assert strip_thinking(text) == left
