"""What identifiers look at: prose without code, addresses, formulas and lists of names."""

from __future__ import annotations

import pytest

from eval.response_language.readable import LONGEST_PIECE, letters, pieces, readable

PROSE = "Tämä lause on suomea ja jää jäljelle."


def kept(text: str) -> str:
    return " ".join(readable(text).split())


@pytest.mark.parametrize(
    "around",
    [
        "```python\nprint('in English')\n```\n{}",
        "~~~\nfor row in rows: pass\n~~~\n{}",
        "{}\n```\nreturn the_list",
        "{} https://example.org/some/english/words",
        "{} www.example.org/words",
        "{} `the value`",
        "<div class='some words'>{}</div>",
        "$$ \\frac{{words}}{{here}} $$ {}",
        "{} write.to@example.org",
        "{} find_common_elements",
        "{} kthSmallest",
        "{} len(the list)",
    ],
)
def test_code_and_addresses_are_left_out(around: str) -> None:
    assert kept(around.format(PROSE)) == PROSE


def test_a_fence_of_plain_text_stays_and_one_of_code_does_not() -> None:
    letter = "Hei [nimi],\n\nkiitos viestistäsi, palaan siihen huomenna aamulla.\n"
    assert "palaan siihen" in readable(f"```\n{letter}```")
    assert "palaan siihen" in readable(f"```text\n{letter}```")
    assert "Check if the" not in readable("```\n# Check if the element is present in the list\nx = 1\n```")


def test_of_json_the_texts_are_judged_and_not_the_keys() -> None:
    inner = '{"description": "Punainen talo", "items": [{"name": "vene"}, 3, null]}'
    for text in (inner, f"```json\n{inner}\n```", f"```\n{inner}\n```"):
        assert kept(text) == "Punainen talo vene"
    assert kept('{"Date": 3, "High": [1, 2]}') == ""
    assert kept('Tässä:\n{\n"description": "Punainen talo"\n}') == 'Tässä: { "Punainen talo" }'


def test_json_of_thousands_of_brackets_is_read_as_text() -> None:
    assert readable("[" * 100_000)


def test_capitals_are_folded_and_names_keep_theirs() -> None:
    assert readable("HELSINKI ON SUOMEN PÄÄKAUPUNKI. Turku ei ole.") == "helsinki on suomen pääkaupunki. Turku ei ole."


def test_a_title_in_angle_brackets_is_no_tag() -> None:
    assert "Kesän muistot" in readable("<<Kesän muistot>>\n\nOli kesä.")


@pytest.mark.parametrize(
    "text",
    ["a" * 300_000, "a.b" * 90_000 + "@", "\\(" * 90_000, "`" * 90_000, "<a " * 90_000, "$$" * 90_001, "f(" * 90_000],
)
def test_a_loop_of_signs_does_not_hang(text: str) -> None:
    assert sum(size for _, size in pieces(readable(text))) <= len(text)


def test_short_neighbours_are_put_together_and_long_sentences_cut() -> None:
    assert list(pieces("- omena\n- banaani")) == [("- omena - banaani", 12)]
    long = " ".join(["sanoja"] * 60) + "."
    parts = list(pieces(long))
    assert " ".join(part for part, _ in parts) == long and len(parts) == 4
    assert all(size == letters(part) <= LONGEST_PIECE for part, size in parts)


@pytest.mark.parametrize(
    "text",
    [
        "Adamson Emerson\nDieter Zetsche",
        "2022-01-01,155.28,148.50",
        "a = (3/4)x^3 - e^(2x) + sin(pi*x)",
        "a, b, c, d, e, f",
        "return mergedArray;",
        "for col in mat2:",
    ],
)
def test_names_data_formulas_and_code_show_no_language(text: str) -> None:
    assert list(pieces(text)) == []


@pytest.mark.parametrize(
    "text, count", [("Äiti on 3", 6), ("日本語", 9), ("한국", 6), ("हिन्दी", 6), ("", 0), ("123 !?", 0), ("“ok” – €", 2)]
)
def test_letters_are_counted_with_their_marks(text: str, count: int) -> None:
    assert letters(text) == count
