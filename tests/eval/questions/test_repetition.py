"""Repetition: n-grams, the longest repeated stretch, loops at the end, echoes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.questions.repetition import echo_share, longest_repeat, loop_at_end, repeated_share, words_of


def slow_longest(words: list[str]) -> int:
    """Find the longest repeated stretch by looking at all pairs."""
    found = 0
    for one in range(len(words)):
        for other in range(one + 1, len(words)):
            size = 0
            while other + size < len(words) and words[one + size] == words[other + size]:
                size += 1
            found = max(found, size)
    return found


@given(st.lists(st.sampled_from("abc"), max_size=30))
def test_the_longest_repeat_is_that_of_all_pairs(words: list[str]) -> None:
    assert longest_repeat(words) == slow_longest(words)


def test_a_long_loop_is_measured_in_time() -> None:
    assert longest_repeat(["ja", "sitten"] * 50_000) == 99_998


@pytest.mark.parametrize(
    "text, share",
    [
        ("yksi kaksi kolme", None),
        ("yksi kaksi kolme neljä viisi", 0.0),
        ("yksi kaksi kolme neljä yksi kaksi kolme neljä", 0.2),
        ("joo " * 13, 0.9),
    ],
)
def test_repeated_ngrams(text: str, share: float | None) -> None:
    assert repeated_share(words_of(text)) == pytest.approx(share)


@pytest.mark.parametrize(
    "text, unit",
    [
        ("Alku. " + "Kiitos paljon! " * 8, "kiitos paljon"),
        ("Alku. " + "Kiitos paljon! " * 8 + "Kiito", "kiitos paljon"),
        ("Tämä on pitkä lause, jossa on monta eri sanaa, ja se sanotaan kolmesti. " * 3, None),
        ("aaaa" * 20, "a"),
        ("Ha" * 30, "Ha"),
        ("哈哈哈" * 15, "哈"),
        ("Kiitos. Kiitos. Kiitos.", ""),
        ("Tässä on vastaus, eikä mitään sanota kahdesti.", ""),
        ("Kiitos paljon! " * 8 + "Ja sitten vastaus loppui aivan toisiin sanoihin.", ""),
        ("", ""),
        ("1. omena\n2. omena\n3. omena", ""),
    ],
)
def test_loops_at_the_end(text: str, unit: str | None) -> None:
    found = loop_at_end(text)
    assert found == unit if unit is not None else found.startswith("tämä on pitkä")


def test_an_echo_is_the_other_text_s_words_in_their_order() -> None:
    question = words_of("Kirjoita lyhyt runo meren jäästä ja tuulesta.")
    answer = words_of("Kirjoita lyhyt runo meren jäästä: jää lepää nyt.")
    assert echo_share(answer, question) == pytest.approx(5 / 8)
    assert echo_share(words_of("meren jäästä ja tuulesta runo"), question) == 0.0
    assert echo_share(question, question) == 1.0
    assert echo_share([], question) is None
