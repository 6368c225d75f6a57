"""The edges of each checker: what lm-evaluation-harness says of them, quirks included."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from eval.ifeval import words
from eval.ifeval.checkers import Context
from eval.ifeval.registry import COMPAT
from eval.ifeval.rules import LanguageRules
from eval.ifeval.score import loose_variants
from eval.ifeval.words import choose_tokenizer
from kielo.errors import UsageError
from kielo.languages.pack import codes, language

ENGLISH_TEXT = "this is a plain english sentence about the weather in the northern countries"
CASES: list[tuple[str, dict[str, Any], str, bool]] = [
    ("keywords:existence", {"keywords": ("talo", "puu")}, "Puussa on TALOVAHTI", True),
    ("keywords:existence", {"keywords": ("a.c",)}, "abc", True),
    ("keywords:existence", {"keywords": ("talo", "puu")}, "talo", False),
    ("keywords:frequency", {"keyword": " talo ", "frequency": 2, "relation": "at least"}, "Talous ja talo", True),
    ("keywords:frequency", {"keyword": "talo", "frequency": 2, "relation": "less than"}, "Talous ja talo", False),
    ("keywords:forbidden_words", {"forbidden_words": ("talo",)}, "Asumme talossa", True),
    ("keywords:forbidden_words", {"forbidden_words": ("talo",)}, "Tuo TALO!", False),
    ("keywords:letter_frequency", {"letter": "A", "let_frequency": 3, "let_relation": "at least"}, "aAä a", True),
    ("keywords:letter_frequency", {"letter": "ä", "let_frequency": 2, "let_relation": "at least"}, "Ää", True),
    ("keywords:letter_frequency", {"letter": "#", "let_frequency": 1, "let_relation": "at least"}, "abc", False),
    ("keywords:letter_frequency", {"letter": "a", "let_frequency": 1, "let_relation": "less than"}, "a", False),
    ("language:response_language", {"language": "fi"}, "Tämä on suomenkielinen lause säästä.", True),
    ("language:response_language", {"language": "en"}, "Tämä on suomenkielinen lause säästä.", False),
    ("language:response_language", {"language": "fi"}, "1234 !?", True),
    ("length_constraints:number_sentences", {"num_sentences": 3, "relation": "at least"}, "One. Two! Three?", True),
    ("length_constraints:number_sentences", {"num_sentences": 3, "relation": "less than"}, "One. Two! Three?", False),
    ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "less than"}, "A title\n\nand a line", True),
    ("length_constraints:number_words", {"num_words": 4, "relation": "at least"}, "don't stop-me", True),
    ("length_constraints:number_words", {"num_words": 4, "relation": "less than"}, "don't stop-me", False),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a\n***\nb", True),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "***a***b***", True),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a***\n\n***b", False),
    ("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Kesä"},
     "Yksi.\n\n\"KESÄ, se on", True),
    ("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "kesä"},
     "Yksi.\n\n**Kesä** on", False),
    ("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "b"},
     "a\n\n\n\nb", False),
    ("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 1, "nth_paragraph": 2, "first_word": "a"},
     "a\n\n ", False),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[] and [a b]", True),
    ("detectable_content:number_placeholders", {"num_placeholders": 1}, "[a\nb]", False),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "end\n\np. s. more", True),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "end\n\nPS: more", False),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "P. P.S and more", True),
    ("detectable_content:postscript", {"postscript_marker": "JK."}, "jk: more", True),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "* a\n  - b\n** c\n• d", True),
    ("detectable_format:number_bullet_lists", {"num_bullets": 1}, "*\n* b", True),
    ("detectable_format:number_bullet_lists", {"num_bullets": 1}, "*", False),
    ("detectable_format:constrained_response", {}, "Well: \"My answer is maybe.\"", True),
    ("detectable_format:constrained_response", {}, "my answer is yes.", False),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "**bold**", False),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 1}, "**bold**", True),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 1}, "* *", False),
    ("detectable_format:multiple_sections", {"section_spliter": " Osio ", "num_sections": 2}, "Osio 1 a Osio2", True),
    ("detectable_format:multiple_sections", {"section_spliter": "Osio", "num_sections": 1}, "OSIO 1, 1. osio", False),
    ("detectable_format:json_format", {}, "```json\n{\"a\": [1]}\n```", True),
    ("detectable_format:json_format", {}, "Here: {\"a\": 1}", False),
    ("detectable_format:json_format", {}, "[" * 100_000, False),
    ("detectable_format:title", {}, "text <<a title>> text", True),
    ("detectable_format:title", {}, "<< >> «otsikko»", False),
    ("combination:two_responses", {}, "******one******two******", True),
    ("combination:two_responses", {}, "same\n******\nsame", False),
    ("combination:two_responses", {}, "one************two", False),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Write A poem. "}, " write a poem. Roses", True),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Write a poem."}, "Sure! Write a poem.", False),
    ("startend:end_checker", {"end_phrase": " The End"}, "and so... the end\"\n", True),
    ("startend:end_checker", {"end_phrase": "The End"}, "the end.", False),
    ("startend:quotation", {}, "\"a\"\n", True),
    ("startend:quotation", {}, "”a”", False),
    ("startend:quotation", {}, "\"", False),
    ("change_case:capital_word_frequency", {"capital_frequency": 2, "capital_relation": "at least"}, "A-B it U.S.", True),
    ("change_case:capital_word_frequency", {"capital_frequency": 1, "capital_relation": "less than"}, "Abc, aBC", True),
    ("change_case:capital_word_frequency", {"capital_frequency": 3, "capital_relation": "at least"}, "A-B it U.S.", False),
    ("change_case:english_capital", {}, ENGLISH_TEXT.upper(), True),
    ("change_case:english_capital", {}, ENGLISH_TEXT, False),
    ("change_case:english_lowercase", {}, ENGLISH_TEXT, True),
    ("change_case:english_lowercase", {}, "tämä on suomenkielinen lause pohjoisen säästä", False),
    ("punctuation:no_comma", {}, "a、 b; c", True),
    ("punctuation:no_comma", {}, "a, b", False),
]  # fmt: skip


def context(code: str) -> Context:
    return Context(LanguageRules.from_pack(code, language(code).ifeval), choose_tokenizer(code, "sentencex"))


@pytest.mark.parametrize(("name", "values", "response", "followed"), CASES)
def test_checker(name: str, values: dict[str, Any], response: str, followed: bool) -> None:
    assert COMPAT[name].check(response, values, context("en")) is followed


def test_every_type_has_cases_both_ways() -> None:
    seen = {(name, followed) for name, _, _, followed in CASES}
    assert seen == {(name, followed) for name in COMPAT for followed in (True, False)}
    assert len(COMPAT) == 25


def test_finnish_options_come_from_the_pack() -> None:
    check = COMPAT["detectable_format:constrained_response"].check
    assert check("No, vastaus: Vastaukseni on ehkä.", {}, context("fi"))
    assert not check("My answer is maybe.", {}, context("fi"))


def test_the_paper_s_finnish_rules_demand_english_lower_case() -> None:
    check = COMPAT["change_case:english_lowercase"].check
    assert not check("tämä on suomenkielinen lause pohjoisen säästä", {}, context("fi"))
    assert check(ENGLISH_TEXT, {}, context("fi"))


@pytest.mark.parametrize("code", codes())
def test_every_pack_gives_rules(code: str) -> None:
    assert context(code).rules.constrained_options


def test_loose_variants() -> None:
    assert loose_variants("*a*\nb\nc") == ["b\nc", "*a*\nb", "b", "a\nb\nc", "a\nb"]
    assert loose_variants("one line") == []
    assert loose_variants("") == []


def test_sentencex_sees_sentences_in_quotes_and_no_boundary_in_a_line_break() -> None:
    count = choose_tokenizer("en", "sentencex").count_sentences
    assert count('"One. Two. Three."') == 3
    assert count("A heading\n\nOne sentence\nover lines.") == 1
    assert choose_tokenizer("fi", "sentencex").count_sentences("Asuin mm. Turussa ja ns. vanhassa talossa.") == 1


def test_without_punkt_s_data_sentencex_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    nltk_data = pytest.importorskip("nltk.data", reason="nltk is not installed")
    monkeypatch.setattr(nltk_data, "path", [])
    words._punkt.cache_clear()
    assert choose_tokenizer("en").name == "sentencex"
    with pytest.raises(UsageError, match="punkt_tab model 'english' is not at hand"):
        choose_tokenizer("en", "punkt")


@pytest.mark.parametrize("name", ["punkt_tab", "punkt_tab.zip"])
def test_punkt_s_data_are_looked_for_without_importing_nltk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    exists = os.path.exists
    monkeypatch.delitem(sys.modules, "nltk.data", raising=False)
    monkeypatch.setattr(os.path, "exists", lambda path: str(path).startswith(str(tmp_path)) and exists(path))
    monkeypatch.setenv("NLTK_DATA", f"/nowhere{os.pathsep}{tmp_path}")
    assert not words._may_be_at_hand()
    (tmp_path / "tokenizers" / name).mkdir(parents=True)
    assert words._may_be_at_hand()


def test_unknown_tokenizer_is_refused() -> None:
    with pytest.raises(UsageError, match="spacy"):
        choose_tokenizer("en", "spacy")
