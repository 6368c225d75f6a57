"""A language is data: the `ifeval:` part of packs, what is wrong with one, the matchers, and languages added by a file alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eval.ifeval.document import score_document
from eval.ifeval.lint import lint_prompt
from eval.ifeval.matchers import open_matcher
from eval.ifeval.registry import open_context
from eval.ifeval.rows import Answer
from eval.ifeval.rules import LanguageRules
from eval.ifeval.unicode_words import count_words, words
from kielo.errors import MissingExtraError, RecipeError
from kielo.languages import pack as languages
from kielo.languages.pack import codes, language
from kielo.records import Prompt

LEAST = {"case_language": "en", "constrained_options": ["Yes."]}


def rules(code: str = "xx", **keys: Any) -> LanguageRules:
    return LanguageRules.from_pack(code, {**LEAST, **keys})


@pytest.mark.parametrize(
    ("pack", "named"),
    [
        ({"case_language": "en"}, "ifeval.constrained_options is missing"),
        ({"constrained_options": ["a"]}, "ifeval.case_language is missing"),
        (LEAST | {"quote": "x"}, r"ifeval.quote is not a key; the keys are case_language, .*quotes"),
        (LEAST | {"quotes": [["“"]]}, r"ifeval.quotes.0.1"),
        (LEAST | {"quotes": []}, "ifeval.quotes"),
        (LEAST | {"constrained_options": []}, "ifeval.constrained_options"),
        (LEAST | {"constrained_options": ["a", 1]}, "ifeval.constrained_options.1: input should be a valid string; this is 1"),
        (LEAST | {"case_language": False}, "ifeval.case_language: input should be a valid string; this is False"),
        (LEAST | {"case": "upper"}, "ifeval.case: input should be 'cased' or 'caseless'"),
        (LEAST | {"letters_per_word": 0}, "ifeval.letters_per_word"),
        (LEAST | {"matcher": {"kind": "stemmer"}}, "ifeval.matcher.kind: input should be 'exact', 'prefix' or 'voikko'"),
        (LEAST | {"matcher": {"kind": "prefix", "ending": []}}, "ifeval.matcher.ending is not a key; the keys are kind, shortest"),
        (LEAST | {"matcher": {"kind": "exact", "shortest": 4}}, "ifeval.matcher: shortest does nothing for the matcher 'exact'"),
        (LEAST | {"matcher": {"kind": "prefix", "endings": [["n"]], "longest": 4}}, "longest does nothing beside endings"),
    ],
)  # fmt: skip
def test_a_malformed_pack_is_named(pack: dict[str, Any], named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        LanguageRules.from_pack("xx", pack)


@pytest.mark.parametrize("code", codes())
def test_every_pack_gives_rules_of_its_own(code: str) -> None:
    of = LanguageRules.from_pack(code, language(code).ifeval)
    assert of.alphabet and of.constrained_options and of.matcher.kind == "prefix"
    assert set(of.alphabet) >= set("aeiou") and of.alphabet == of.alphabet.lower()
    assert language(code).quotes in of.quotes


def test_what_a_pack_leaves_out_is_free_of_language() -> None:
    least = rules()
    assert least.cased and least.matcher.kind == "exact" and least.sentences == "xx"
    assert ("„", "“") in least.quotes and ("P.S.", "PS") in least.postscript_markers


FINNISH = LanguageRules.from_pack("fi", language("fi").ifeval)
FORMS = {
    "kissa": "kissan kissaa kissassa kissoille kissojen kissammekin", "vesi": "veden vettä vedessä vesien", "katu": "kadun katua kaduilla",
    "ihminen": "ihmisen ihmistä ihmisille", "kukka": "kukan kukkia kukissa", "kaupunki": "kaupungin kaupunkeja kaupungeissa",
    "hyvyys": "hyvyyden hyvyyttä", "rikas": "rikkaan rikkaita", "kaunis": "kauniin kauniita", "huone": "huoneen huonetta huoneissa",
    "lumi": "lumen lunta lumessa", "vanhempi": "vanhemman vanhempia", "Suomi": "Suomen Suomessa", "linja-auto": "linja-autoon linja-autoilla",
}  # fmt: skip
OTHERS = {"talo": "talous taloudenhoito", "kana": "kanava kanada", "kissa": "kissankello", "ilo": "ilotulitus"}


@pytest.mark.parametrize("keyword", FORMS)
def test_finnish_forms_of_a_keyword_are_found(keyword: str) -> None:
    forms = FORMS[keyword].split()
    assert {form: open_matcher(FINNISH)(keyword, form.upper()) for form in forms} == dict.fromkeys(forms, 1)


@pytest.mark.parametrize("keyword", OTHERS)
def test_other_words_that_begin_alike_are_not(keyword: str) -> None:
    assert open_matcher(FINNISH)(keyword, OTHERS[keyword]) == 0


def test_several_words_make_a_keyword_each_in_its_form() -> None:
    assert open_matcher(FINNISH)("vanha talo", "Vanhan\ntalon ovi ja vanhoissa taloissa; vanha ja talo") == 2


def test_a_keyword_without_letters_is_found_as_it_is() -> None:
    count = open_matcher(FINNISH)
    assert (count("#hei", "#hei, #hei!"), count("C++", "C++ ja C"), count("100 %", "100 % varma")) == (2, 1, 1)


def test_a_stem_is_never_shorter_than_the_pack_allows() -> None:
    english = open_matcher(LanguageRules.from_pack("en", language("en").ifeval))
    assert (english("the", "This thing, these and the"), english("city", "cities"), english("dog", "Dogs’ dog's")) == (
        1,
        1,
        2,
    )


def test_the_exact_matcher_finds_whole_words_alone() -> None:
    count = open_matcher(rules())
    assert (count("talo", "Talo, talon"), count("don't", "Don’t")) == (1, 1)


def test_a_prefix_without_endings_takes_so_many_letters() -> None:
    count = open_matcher(rules(matcher={"kind": "prefix", "shortest": 3, "longest": 2}))
    assert (count("talo", "talon talossa"), count("ja", "jan ja")) == (1, 1)


def test_a_lemmatiser_that_is_not_installed_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "libvoikko", None)
    with pytest.raises(MissingExtraError, match=r"the matcher voikko needs its package: pip install 'kielo\[voikko\]'"):
        open_matcher(rules("fi", matcher={"kind": "voikko"}))


def test_voikko_finds_what_prefixes_cannot() -> None:
    pytest.importorskip("libvoikko", reason="libvoikko is not installed")
    try:
        count = open_matcher(rules("fi", matcher={"kind": "voikko"}))
    except MissingExtraError as error:
        pytest.skip(str(error))
    assert (count("juosta", "Juoksin, juoksen ja juostiin"), count("sana", "hän sanoi sanoja")) == (3, 1)
    assert count("vanha talo", "vanhassa talossa, talossa vanhassa") == 1


def test_words_are_those_of_unicode() -> None:
    assert words("EU:n, don’t, 3.14, linja-auto ___ हिन्दी") == ["EU:n", "don’t", "3.14", "linja", "auto", "हिन्दी"]
    assert count_words("我喜欢读书 Kielo", rules(letters_per_word=1.6)) == 4


GEORGIAN = """\
code: ka
name: Georgian
native_name: ქართული
iso639_3: kat
flores: kat_Geor
deepl: null
langdetect: null
script: Georgian
quotes: ["„", "“"]
ifeval:
  case_language: en
  case: caseless
  constrained_options: ["ჩემი პასუხია: დიახ.", "ჩემი პასუხია: არა.", "ჩემი პასუხია: შეიძლება."]
  alphabet: აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ
  quotes: [["„", "“"], ["«", "»"]]
  postscript_markers: [[P.S., "პ.ს.", პს]]
  section_words: [[ნაწილი, თავი]]
  abbreviations: [ე.ი., მაგ.]
  matcher:
    kind: prefix
    stems: {ი: [""], ა: [""], ე: [""]}
    endings: [[ებ], [ი, მა, ს, ის, ით, ად, ა, ში, ზე, თან, დან]]
"""
GREEK = """\
code: el
name: Greek
native_name: ελληνικά
iso639_3: ell
flores: ell_Grek
deepl: EL
langdetect: el
script: Greek
quotes: ["«", "»"]
ifeval:
  case_language: en
  constrained_options: ["Η απάντησή μου είναι ναι.", "Η απάντησή μου είναι όχι.", "Η απάντησή μου είναι ίσως."]
  alphabet: αβγδεζηθικλμνξοπρσςτυφχψω
  postscript_markers: [[P.S., "Υ.Γ.", ΥΓ]]
  matcher: {kind: prefix, stems: {ος: [""], α: [""], ο: [""]}, endings: [[ος, ου, ο, ε, οι, ων, ους, α, ας, ες]]}
"""


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The packs of Georgian and Greek in a folder of their own: files, and no Python."""
    for name, text in (("ka", GEORGIAN), ("el", GREEK), ("en", (languages.PACKS / "en.yaml").read_text("utf-8"))):
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    monkeypatch.setattr(languages, "PACKS", tmp_path)
    language.cache_clear()
    yield
    language.cache_clear()


def scored(code: str, *asked: tuple[str, dict[str, Any], str]) -> dict[str, Any]:
    prompts = [
        Prompt(f"ifeval/{at}", code, at, f"prompt {at}", (name,), (values,))
        for at, (name, values, _) in enumerate(asked)
    ]
    answers = [Answer(prompt.text, text, prompt.key) for prompt, (_, _, text) in zip(prompts, asked, strict=True)]
    return score_document(prompts, answers, language(code), language("en"), "sentencex")


def test_georgian_is_added_by_its_file(added: None) -> None:
    text = "ძაღლები სახლში ცხოვრობენ და ღამით ხმამაღლა ყეფენ."
    document = scored(
        "ka",
        ("startend:quotation", {}, f"„{text}“"),
        ("keywords:existence", {"keywords": ["სახლი", "ძაღლი"]}, text),
        ("keywords:letter_frequency", {"letter": "ღ", "let_frequency": 3, "let_relation": "at least"}, text),
        ("detectable_content:postscript", {"postscript_marker": "P.S."}, f"{text}\n\nპ.ს. {text}"),
        ("detectable_format:constrained_response", {}, "ჩემი პასუხია: დიახ."),
        ("detectable_format:multiple_sections", {"section_spliter": "ნაწილი", "num_sections": 2}, "ნაწილი 1\nთავი 2"),
        ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "less than"}, f"მაგ. {text}"),
        ("change_case:english_capital", {}, text),
        ("change_case:english_lowercase", {}, text),
        ("change_case:capital_word_frequency", {"capital_frequency": 9, "capital_relation": "less than"}, text),
    )
    assert [row["fair"]["strict"][0] for row in document["prompts"]] == [True] * 7 + [False] * 3
    assert document["meaningless"] == {
        "change_case:capital_word_frequency": 1, "change_case:english_capital": 1, "change_case:english_lowercase": 1,
    }  # fmt: skip
    assert document["prompts"][0]["language"] == "target"
    assert document["response_language"]["langdetect"] is None, "langdetect does not know Georgian"


def test_the_linter_names_what_a_script_without_case_cannot_mean(added: None) -> None:
    rules = LanguageRules.from_pack("ka", language("ka").ifeval)
    prompt = Prompt("ifeval/1", "ka", 1, "prompt", ("change_case:english_capital", "punctuation:no_comma"), ({}, {}))
    report = lint_prompt(prompt, None, language("ka"), open_context("compat", rules, "sentencex"))
    found = [(each.check, each.instruction) for each in report.findings if each.severity == "error"]
    assert found == [("without-case", "change_case:english_capital")]


def test_greek_is_added_by_its_file(added: None) -> None:
    text = "Ο σκύλος κοιμάται στο μεγάλο σπίτι του παππού."
    document = scored(
        "el",
        ("change_case:english_capital", {}, text.upper()),
        ("change_case:english_lowercase", {}, text.lower()),
        ("startend:quotation", {}, f"«{text}»"),
        ("keywords:existence", {"keywords": ["σκύλος"]}, "Οι φίλοι των σκύλων."),
        ("detectable_content:postscript", {"postscript_marker": "P.S."}, f"{text}\n\nΥ.Γ. {text}"),
        (
            "keywords:letter_frequency",
            {"letter": "α", "let_frequency": 4, "let_relation": "at least"},
            "Καλά, μαμά μου.",
        ),
    )
    assert [row["fair"]["strict"][0] for row in document["prompts"]] == [True] * 6
    assert [row["compat"]["strict"][0] for row in document["prompts"]] == [False] * 6
    assert document["meaningless"] == {}
