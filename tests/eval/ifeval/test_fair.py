"""Fair mode: what is right in the answer's language passes, by rules that the English ones fail; and what is wrong still fails."""

from __future__ import annotations

import gzip
import unicodedata
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from eval.ifeval.checkers import Context
from eval.ifeval.feasible import prove
from eval.ifeval.registry import COMPAT, FAIR, instructions, open_context
from eval.ifeval.rules import LanguageRules
from kielo.languages.pack import language

UPPER, LOWER = "change_case:english_capital", "change_case:english_lowercase"
LETTER, FREQUENT, EXISTS = "keywords:letter_frequency", "keywords:frequency", "keywords:existence"
FORBIDDEN, SENTENCES, WORDS = "keywords:forbidden_words", "length_constraints:number_sentences", "length_constraints:number_words"  # fmt: skip
FIRST, POSTSCRIPT, BULLETS = "length_constraints:nth_paragraph_first_word", "detectable_content:postscript", "detectable_format:number_bullet_lists"  # fmt: skip
OPTION, SECTIONS, TITLE = "detectable_format:constrained_response", "detectable_format:multiple_sections", "detectable_format:title"  # fmt: skip
REPEAT, END, QUOTED, COMMA = "combination:repeat_prompt", "startend:end_checker", "startend:quotation", "punctuation:no_comma"  # fmt: skip
CAPITALS, LANGUAGE = "change_case:capital_word_frequency", "language:response_language"


def context(mode: str, code: str = "fi") -> Context:
    return open_context(mode, LanguageRules.from_pack(code, language(code).ifeval), "sentencex")


CONTEXTS = {(mode, code): context(mode, code) for mode in ("compat", "fair") for code in ("en", "fi", "da", "es")}


def verdicts(name: str, values: dict[str, Any], response: str, code: str = "fi") -> tuple[bool, bool]:
    """Judge in compat mode by the English rules, which the harness has for all languages, and fairly by those of the language."""
    compat = COMPAT[name].check(response, values, CONTEXTS["compat", "en"])
    return compat, FAIR[name].check(response, values, CONTEXTS["fair", code])


@pytest.fixture(scope="module")
def paragraphs(shared_data: Path) -> list[str]:
    """202 real Finnish paragraphs of five sentences."""
    lines = gzip.open(shared_data / "flores200/fin.devtest.gz", "rt", encoding="utf-8").read().splitlines()
    return [" ".join(lines[at : at + 5]) for at in range(0, 1010, 5)]


@pytest.mark.parametrize(
    ("name", "write", "by_the_paper"), [(UPPER, str.upper, 52), (LOWER, str.lower, 0)], ids=("capitals", "small")
)
def test_finnish_in_one_case_follows_the_case_checks(
    paragraphs: list[str], name: str, write: Any, by_the_paper: int
) -> None:
    texts = [write(paragraph) for paragraph in paragraphs]
    assert len(texts) == 202
    assert sum(FAIR[name].check(text, {}, CONTEXTS["fair", "fi"]) for text in texts) == 202
    assert sum(COMPAT[name].check(text, {}, CONTEXTS["compat", "fi"]) for text in texts) == by_the_paper
    assert not any(FAIR[name].check(paragraph, {}, CONTEXTS["fair", "fi"]) for paragraph in paragraphs)


# Right in Finnish, wrong to the English rules.
FINNISH: list[tuple[str, dict[str, Any], str]] = [
    (QUOTED, {}, "”Näin vastaan.”"),
    (QUOTED, {}, "»Näin vastaan.»\n"),
    (QUOTED, {}, "“Näin vastaan.”"),
    (OPTION, {}, "Vastaukseni on ehkä."),
    (OPTION, {}, "Harkitsin pitkään. ”Vastaukseni on kyllä.”"),
    (OPTION, {}, "**VASTAUKSENI ON EI**"),
    (OPTION, {}, "Vastaukseni on kyllä \n\nSillä sataa."),
    (POSTSCRIPT, {"postscript_marker": "P.S."}, "Terveisin Oona\n\nPS: Tuo kahvia."),
    (POSTSCRIPT, {"postscript_marker": "P.S."}, "Terveisin Oona\n\n**JK.** Tuo kahvia."),
    (POSTSCRIPT, {"postscript_marker": "P.S."}, "Terveisin Oona\n\nJ.K. Tuo kahvia."),
    (POSTSCRIPT, {"postscript_marker": "P.P.S"}, "PS: Tuo kahvia.\nPPS: Ja maitoa."),
    (LETTER, {"letter": "ö", "let_frequency": 3, "let_relation": "at least"}, unicodedata.normalize("NFD", "Öö, löylyä!")),
    (LETTER, {"letter": "a", "let_frequency": 1, "let_relation": "less than"}, unicodedata.normalize("NFD", "tämä")),
    (EXISTS, {"keywords": ("kirja", "katu")}, "Kadun varrella myytiin kirjoja."),
    (EXISTS, {"keywords": ("sieni",)}, "Metsästä löytyi sientä."),
    (EXISTS, {"keywords": ("pöytä",)}, unicodedata.normalize("NFD", "Se on pöydällä, pöytä.")),
    (FREQUENT, {"keyword": "kissa", "frequency": 3, "relation": "at least"}, "Kissoillemme, kissan ja kissoja."),
    (FREQUENT, {"keyword": "talo", "frequency": 2, "relation": "less than"}, "Talous kasvoi: talo myytiin."),
    (SENTENCES, {"num_sentences": 2, "relation": "less than"}, "Asuin mm. Turussa ja ns. vanhassa talossa."),
    (SENTENCES, {"num_sentences": 2, "relation": "less than"}, "Ks. Kalevala ja vrt. Kanteletar."),
    (SENTENCES, {"num_sentences": 3, "relation": "less than"}, "1. Keitä vesi.\n2. Lisää tee."),
    (WORDS, {"num_words": 3, "relation": "less than"}, "EU:n jäsenmaat."),
    (FIRST, {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "kesä"}, "Yksi.\n\n”Kesä on täällä.”"),
    (FIRST, {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "kesä"}, "Yksi.\n\n**Kesä**: se on täällä."),
    (FIRST, {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "kesä"}, "Yksi.\n\n\n\nKesä on täällä."),
    (BULLETS, {"num_bullets": 2}, "• maitoa\n• kahvia"),
    (BULLETS, {"num_bullets": 2}, "Ostin:\n– maitoa\n– kahvia\n\n---\n"),
    (SECTIONS, {"section_spliter": "Osio", "num_sections": 2}, "1. osio\nmaito\n2. osio\nkahvi"),
    (SECTIONS, {"section_spliter": "Osio", "num_sections": 2}, "**OSIO 1**\nmaito\n**OSIO 2**\nkahvi"),
    (SECTIONS, {"section_spliter": "Osio", "num_sections": 1}, "Jakso 1: maito"),
    (TITLE, {}, "**«Kevään merkit»**\n\nLumi sulaa."),
    (REPEAT, {"prompt_to_repeat": 'Mitä "talo" tarkoittaa?'}, "”Mitä  ”talo” tarkoittaa?” Se on rakennus."),
    (END, {"end_phrase": "Onko muuta kysyttävää?"}, "Näin.\n\n”Onko muuta kysyttävää?”"),
    (END, {"end_phrase": "Siinä kaikki"}, "Kiitos, siinä kaikki."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "response"), FINNISH)
def test_what_is_right_in_finnish_fails_under_the_english_rules_alone(
    name: str, values: dict[str, Any], response: str
) -> None:
    assert verdicts(name, values, response) == (False, True)


# Wrong in Finnish, right to the English rules.
WRONG: list[tuple[str, dict[str, Any], str]] = [
    (FORBIDDEN, {"forbidden_words": ("talo",)}, "Asumme talossa."),
    (FREQUENT, {"keyword": "talo", "frequency": 2, "relation": "at least"}, "Talous ja talousarvio."),
    (COMMA, {}, "Maitoa، kahvia、 teetä，"),
    (OPTION, {}, "My answer is yes."),
    (SECTIONS, {"section_spliter": "osa", "num_sections": 1}, "Vitosa 5"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "response"), WRONG)
def test_what_is_wrong_in_finnish_passes_under_the_english_rules_alone(
    name: str, values: dict[str, Any], response: str
) -> None:
    assert verdicts(name, values, response) == (True, False)


# Right in any language: fair is not severe.
BOTH: list[tuple[str, dict[str, Any], str]] = [
    (BULLETS, {"num_bullets": 3}, "* **Maito**: litra\n  - **Kahvi**\n* tee"), (TITLE, {}, "# <<Kevät>>"), (QUOTED, {}, '"Näin."'),
    (POSTSCRIPT, {"postscript_marker": "P.S."}, "Hei. P.S. Tuo kahvia."), (OPTION, {}, "My answer is yes."), (END, {"end_phrase": "Loppu."}, "Se on loppu."),
    (FIRST, {"num_paragraphs": 1, "nth_paragraph": 1, "first_word": "kesä"}, "Kesä tuli."), (REPEAT, {"prompt_to_repeat": "Mitä?"}, "Mitä? Sitä."),
    (SECTIONS, {"section_spliter": "Osio", "num_sections": 2}, "Osio 1\nOsio 2"), (EXISTS, {"keywords": ("talo",)}, "Talo."), (UPPER, {}, "THIS IS AN ANSWER IN ENGLISH ABOUT THE WEATHER"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "response"), BOTH)
def test_what_is_right_everywhere_is_right_in_both(name: str, values: dict[str, Any], response: str) -> None:
    assert verdicts(name, values, response, "en" if name == OPTION else "fi") == (True, True)


# Wrong in any language: fair is not lenient.
NEITHER: list[tuple[str, dict[str, Any], str]] = [
    (UPPER, {}, "MELKEIN KOKONAAn"), (UPPER, {}, "1234 !"), (LOWER, {}, "Melkein kokonaan"), (LOWER, {}, "一二三"),
    (QUOTED, {}, "”Näin vastaan."), (QUOTED, {}, "””"), (QUOTED, {}, "Näin ”vastaan.”"),
    (OPTION, {}, "Vastaukseni on ehkäpä kyllä."), (POSTSCRIPT, {"postscript_marker": "P.S."}, "Pelaan PS5:llä."),
    (POSTSCRIPT, {"postscript_marker": "P.P.S"}, "P.S. Tuo kahvia."),
    (LETTER, {"letter": "ä", "let_frequency": 2, "let_relation": "at least"}, "aaaä"),
    (EXISTS, {"keywords": ("koira",)}, "Kissat nukkuivat."),
    (FIRST, {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "kesä"}, "Yksi.\n\nKesällä on lämmin."),
    (BULLETS, {"num_bullets": 2}, "• maitoa\n• kahvia\n• teetä"), (BULLETS, {"num_bullets": 1}, "*Huom* ja\n---\n* * *\n**Lihava**"), (TITLE, {}, "Hän sanoi «hei» ja lähti."), (TITLE, {}, "<< >>"),
    (REPEAT, {"prompt_to_repeat": "Mitä se on?"}, "Toki! Mitä se on?"), (END, {"end_phrase": "Siinä kaikki"}, "Siinä kaikki. Paitsi tämä."),
    (SENTENCES, {"num_sentences": 2, "relation": "less than"}, "Ostin leipää jne. Sitten menin kotiin."), (COMMA, {}, "3,5 kiloa"), (CAPITALS, {"capital_frequency": 2, "capital_relation": "at least"}, "NATO ja Eu"),
    (LANGUAGE, {"language": "fi"}, "1234 !?".replace("1", "x y z ")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "response"), NEITHER)
def test_what_is_wrong_in_any_language_stays_wrong(name: str, values: dict[str, Any], response: str) -> None:
    assert FAIR[name].check(response, values, CONTEXTS["fair", "fi"]) is False


@pytest.mark.parametrize(
    ("code", "name", "values", "response"),
    [
        ("da", QUOTED, {}, "»Sådan er det.«"),
        ("da", FREQUENT, {"keyword": "hus", "frequency": 1, "relation": "less than"}, "Hans hustru kom."),
        ("da", OPTION, {}, "Mit svar er måske."),
        ("es", QUOTED, {}, "«Así es.»"),
        ("es", POSTSCRIPT, {"postscript_marker": "P.D."}, "Un abrazo\n\nPD: trae café."),
        ("es", LETTER, {"letter": "a", "let_frequency": 3, "let_relation": "at least"}, "Así será, mamá"),
        ("es", EXISTS, {"keywords": ("luz",)}, "Las luces brillan."),
        ("en", QUOTED, {}, "“So it is.”"),
        ("en", EXISTS, {"keywords": ("city",)}, "Two cities."),
    ],
)
def test_other_packs(code: str, name: str, values: dict[str, Any], response: str) -> None:
    assert verdicts(name, values, response, code) == (False, True)


def test_a_letter_with_a_mark_is_its_base_letter_only_outside_the_alphabet() -> None:
    values = {"letter": "a", "let_frequency": 2, "let_relation": "at least"}
    assert FAIR[LETTER].check("mamá", values, CONTEXTS["fair", "es"])
    assert not FAIR[LETTER].check("tämä", values, CONTEXTS["fair", "fi"])
    assert FAIR[LETTER].check("#a#", {**values, "letter": "#"}, CONTEXTS["fair", "fi"]), "no letter is drawn at random"


def test_every_verdict_of_the_other_types_is_compats(shared_data: Path) -> None:
    same = {name for name in COMPAT if name not in {each[0] for each in FINNISH + WRONG + NEITHER}}
    assert same == {
        "length_constraints:number_paragraphs", "detectable_content:number_placeholders",
        "detectable_format:number_highlighted_sections", "detectable_format:json_format", "combination:two_responses",
    }  # fmt: skip


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("code", ["fi", "en", "da", "es", "de", "sv", "hi"])
def test_the_asked_language_is_found_whatever_its_case(code: str, upper: bool) -> None:
    text = {
        "fi": "Tämä on suomenkielinen vastaus, jossa kerrotaan pohjoisen säästä ja talven tulosta.",
        "en": "This is an answer in English that tells you about the weather in the north.",
        "da": "Dette er et svar på dansk, som handler om vejret i de nordlige egne og om vinteren.",
        "es": "Esta es una respuesta en español que cuenta cómo es el tiempo en el norte del país.",
        "de": "Dies ist eine Antwort auf Deutsch, die vom Wetter im Norden und vom Winter erzählt.",
        "sv": "Det här är ett svar på svenska som handlar om vädret i norr och om vinterns ankomst.",
        "hi": "यह हिंदी में एक उत्तर है जो उत्तर के मौसम और सर्दियों के आने के बारे में बताता है।",
    }
    written = {name: each.upper() if upper else each for name, each in text.items()}
    found = {
        name for name, each in written.items() if FAIR[LANGUAGE].check(each, {"language": code}, CONTEXTS["fair", "fi"])
    }
    assert found == {code}


@pytest.mark.parametrize("name", sorted(FAIR))
def test_a_hostile_answer_of_100_kb_is_judged_at_once(name: str) -> None:
    values = {
        "keywords": ("a b",), "forbidden_words": ("a b",), "keyword": "a b", "relation": "at least", "frequency": 1, "letter": "ä",
        "let_frequency": 1, "let_relation": "at least", "language": "fi", "num_sentences": 1, "num_words": 1, "num_paragraphs": 1,
        "nth_paragraph": 1, "first_word": "a", "num_placeholders": 1, "postscript_marker": "P.S.", "num_bullets": 1, "num_highlights": 1,
        "section_spliter": "Osio", "num_sections": 1, "prompt_to_repeat": "a", "end_phrase": "a", "capital_relation": "at least", "capital_frequency": 1,
    }  # fmt: skip
    read = {field: values[field] for field in FAIR[name].fields}
    for mode, text in product(
        ("compat", "fair"),
        (
            "<<" * 50_000,
            "*_" * 50_000,
            "\n" * 100_000 + "x",
            "1" * 100_000,
            "a " * 50_000,
            "[" * 20_000,
            "P. " * 30_000,
            "** " * 30_000,
        ),
    ):
        instructions(mode)[name].check(text, read, CONTEXTS[mode, "fi"])


@pytest.mark.parametrize("write", [str.lower, str.upper])
def test_sentences_are_counted_alike_in_any_case(paragraphs: list[str], write: Any) -> None:
    def counted(texts: list[str]) -> int:
        return sum(map(CONTEXTS["fair", "fi"].tokenizer.count_sentences, texts))

    assert counted([write(paragraph) for paragraph in paragraphs]) == pytest.approx(counted(paragraphs), rel=0.03)


PROVABLE: list[tuple[tuple[str, dict[str, Any]], ...]] = [
    ((LOWER, {}), (EXISTS, {"keywords": ("kirja", "katu")}), (SENTENCES, {"num_sentences": 4, "relation": "at least"})),
    ((UPPER, {}), (WORDS, {"num_words": 60, "relation": "at least"}), (COMMA, {})),
    ((LETTER, {"letter": "ä", "let_frequency": 12, "let_relation": "at least"}), (QUOTED, {}), (TITLE, {})),
    ((FREQUENT, {"keyword": "talo", "frequency": 3, "relation": "at least"}), (FORBIDDEN, {"forbidden_words": ("kissa",)})),
    ((OPTION, {}), (END, {"end_phrase": "Siinä kaikki."}), (CAPITALS, {"capital_frequency": 5, "capital_relation": "at least"})),
    ((FIRST, {"num_paragraphs": 3, "nth_paragraph": 2, "first_word": "kesä"}), (POSTSCRIPT, {"postscript_marker": "JK."})),
]  # fmt: skip


@pytest.mark.parametrize("asked", PROVABLE)
def test_an_answer_that_follows_all_is_built_by_the_fair_checkers_too(
    asked: tuple[tuple[str, dict[str, Any]], ...],
) -> None:
    context = CONTEXTS["fair", "fi"]
    proof = prove([(name, FAIR[name], values) for name, values in asked], context, "fi")
    assert proof.answer, proof.failing
    assert all(FAIR[name].check(proof.answer, values, context) for name, values in asked)


def test_what_excludes_itself_has_no_proof() -> None:
    asked = [
        (EXISTS, {"keywords": ("talo",)}),
        (FORBIDDEN, {"forbidden_words": ("talossa",)}),
        (FORBIDDEN, {"forbidden_words": ("talo",)}),
    ]
    proof = prove([(name, FAIR[name], values) for name, values in asked], CONTEXTS["fair", "fi"], "fi")
    assert proof.answer is None and FORBIDDEN in proof.failing
