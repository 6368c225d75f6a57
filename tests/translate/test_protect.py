"""Masked spans come back exactly once or not at all."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.protect import protect, restore

PIECES = [
    "`",
    "``",
    "$",
    "$$",
    "⟦",
    "⟧",
    "⟦1⟧",
    "{x}",
    "%s",
    "<b>",
    "<<",
    ">>",
    "https://a.b/c",
    "](",
    ")",
    "a",
    " ",
    "\\(",
    "\\)",
    "1",
]


@given(st.one_of(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.text(max_size=60)))
def test_restore_undoes_protect(text: str) -> None:
    protected = protect(text)
    assert restore(protected.text, protected.spans) == text


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Use `print` and ``a`b`` now", ["`print`", "``a`b``"]),
        ("See https://en.wikipedia.org/wiki/X_(Y). Bye", ["https://en.wikipedia.org/wiki/X_(Y"]),
        ("Mail me@example.org or www.example.org/a?b=1!", ["me@example.org", "www.example.org/a?b=1"]),
        (r"Let $x^2 + y$ and \(z\) be $n$", ["$x^2 + y$", r"\(z\)", "$n$"]),
        ("It costs $5 and $10, or US$5 or A$ 6", []),
        (
            "Dear {name}, %s of [FIRST NAME] <br/> {{slot}} [name]",
            ["{name}", "%s", "[FIRST NAME]", "<br/>", "{{slot}}"],
        ),
        ("A title such as <<poem of joy>>", ["<<", ">>"]),
        ("[the text](http://a.b/c) and ![an image](img.png)", ["http://a.b/c", "img.png"]),
        ("3 < 4 and 5 > 2, 100% sure", []),
    ],
)
def test_what_is_protected(text: str, spans: list[str]) -> None:
    assert list(protect(text).spans) == spans


def test_literals_are_whole_words() -> None:
    protected = protect("war, a warning, War", ("war",))
    assert (protected.text, protected.spans) == ("⟦1⟧, a warning, War", ("war",))


@pytest.mark.parametrize("text", ["⟦1⟧", "⟦1⟧ ⟦1⟧ ⟦2⟧", "⟦1⟧ ⟦2⟧ ⟦3⟧", "⟦1⟧ ⟦2", "⟦1⟧ ⟦2⟧ ⟧", "nothing"])
def test_a_sentinel_lost_doubled_or_torn_is_noticed(text: str) -> None:
    assert restore(text, ("`a`", "`b`")) is None


def test_sentinels_may_change_places_and_take_blanks() -> None:
    assert restore("⟦2⟧ ennen ⟦ 1 ⟧", ("`a`", "`b`")) == "`b` ennen `a`"


@pytest.mark.parametrize("text", ["<!--" * 20_000, "`" * 40_000, r"\(" * 20_000, "a" * 40_000])
def test_no_text_stalls_a_run(text: str) -> None:
    start = time.process_time()
    protect(text)
    assert time.process_time() - start < 4
