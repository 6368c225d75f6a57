"""Each check finds its fault in a small example, and lets a harmless relative pass."""

from __future__ import annotations

import time

import pytest

from kielo.errors import RecipeError
from kielo.languages.pack import Shot, language
from translate.checks import Checker, Direction, Item, make_checker


@pytest.fixture(scope="module")
def checker(direction: Direction) -> Checker:
    return make_checker(direction)


LIST = "Things to buy:\n\n- milk\n- bread\n- butter\n\nThat is all."
CODE = "Run this:\n\n```python\ndef total(values):\n    return sum(values)  # all\n```\n\nIt adds."
FAULTY = [
    ("How are you today?", " ", "empty"),
    ("How do I build a PC?", "How do I build a PC?", "untranslated"),
    ("Tell me more. I like it because the syntax is easy to read.", "Kerro lisää. I like it because the syntax is easy to read.", "untranslated"),
    ("Kerro", "Das ist eine Übersetzung in die falsche Sprache, und zwar ein ganzer Satz.", "wrong-language"),
    ("Write something short about the sea and its many colours.", "Kirjoita jotain lyhyttä 关于海的 ja sen monista väreistä.", "script"),
    ("The meeting begins at 10:30 and ends at 12:45.", "Kokous alkaa kello 10.30 ja päättyy kello 13.45.", "numbers"),
    ("See https://example.org/a/b for more about this.", "Katso lisää tästä: https://example.org/a.", "spans"),
    ("Run `ls -l` there.", "Aja `ls` siellä.", "spans"),
    ("See the page for more.", "Katso lisää sivulta https://made.up/x.", "spans"),
    (LIST, "Ostettavaa:\n\nmaitoa\nleipää\nvoita\n\nSiinä kaikki.", "structure"),
    (LIST, "Ostettavaa:\n- maitoa\n- leipää\n- voita\nSiinä kaikki.", "paragraphs"),
    (LIST, "Ostettavaa: - maitoa - leipää - voita Siinä kaikki.", "lines"),
    (CODE, CODE.replace("values", "arvot").replace("Run this", "Aja tämä").replace("It adds", "Se laskee"), "code"),
    (CODE, "Aja tämä:\n\ndef total(values):\n    return sum(values)  # all\n\nSe laskee.", "structure"),
    ("| a | b |\n|---|---|\n| one | two |", "| a | b |\n|---|---|\n| yksi kaksi |", "structure"),
    ("**Note**: keep it dry.", "Huomautus: pidä kuivana.", "structure"),
    ("What is the capital of Finland?", "Suomen pääkaupunki on Helsinki.", "question"),
    ("The train leaves the station every morning at nine.", "Juna lähtee asemalta joka aamu yhdeks", "truncated"),
    ("It rained all day in the city.", "Kaupungissa satoi koko päivän.<|im_end|>", "prompt-leak"),
    ("It rained all day in the city.", "Kaupungissa satoi koko päivän.\nEnglish: Hello", "prompt-leak"),
    ("It rained all day in the city.", "Tässä on käännös:\n\nKaupungissa satoi koko päivän.", "preamble"),
    ("Two things: rain and wind.", "Käännös: Kaksi asiaa: sade ja tuuli.", "preamble"),
    ("It rained all day in the city.", "```\nKaupungissa satoi koko päivän.\n```", "wrapped"),
    ("The girl is tall.", "TyttÃ¶ on pitkÃ¤.", "encoding"),
    ("The girl is tall.", "Tytt&ouml; on pitk&auml;.", "encoding"),
    ("One.\nTwo.", "Yksi.\\nKaksi.", "encoding"),
    ("That was funny.", "Se oli hauskaa ha ha ha ha ha ha.", "repetition"),
    ("That was funny.", "Se oli hauskaaaaaaa.", "repetition"),
    ("Ok", "Tämä on aivan liian pitkä käännös sanalle, joka on niin lyhyt kuin se on", "length-ratio"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "translation", "check"), FAULTY)
def test_a_fault_is_found_and_fatal(source: str, translation: str, check: str, checker: Checker) -> None:
    assert check in {finding.check for finding in checker.findings(Item(source, translation)) if finding.fatal}


GERMAN = "Als Fan von Gin empfehle ich gerne eine Mischung aus Tonic Water und Gin; du kannst sie je nach Geschmack variieren."
HARMLESS = [
    ("Rick and Morty", "Rick and Morty"),
    ("The bank closes at 3 p.m. on Fridays.", "Pankki sulkeutuu perjantaisin kello 15."),
    ("It cost 1,234,567 dollars in the 15th century.", "Se maksoi 1 234 567 dollaria 1400-luvulla."),
    ("row row row your boat gently down the stream", "souda souda souda venettä hiljaa virtaa pitkin"),
    ("English: a language", "English: kieli"),
    (GERMAN, GERMAN),
    ("Say 你好 to greet someone.", "Tervehdi sanomalla 你好."),
    (LIST, "Ostettavaa:\n\n- maitoa\n- leipää\n- voita\n\nSiinä kaikki."),
    (CODE, CODE.replace("Run this", "Aja tämä").replace("It adds", "Se laskee").replace("# all", "# kaikki")),
    ("Bread, milk, butter, cheese and jam", "Leipää, maitoa, voita, juustoa ja hilloa"),
]


@pytest.mark.parametrize(("source", "translation"), HARMLESS)
def test_a_harmless_relative_passes(source: str, translation: str, checker: Checker) -> None:
    assert not [finding for finding in checker.findings(Item(source, translation)) if finding.fatal]


def test_two_weak_signs_are_enough_together(checker: Checker) -> None:
    renamed = Item("Dear [NAME], welcome here!", "Hyvä [NIMI], tervetuloa tänne!")
    colon = Item("These things are red:", "Nämä asiat ovat punaisia.")
    for item in (renamed, colon):
        assert [finding.fatal for finding in checker.findings(item)] == [False]
    both = checker.findings(Item("Dear [NAME], these things are red:", "Hyvä [NIMI], nämä asiat ovat punaisia."))
    assert [finding.fatal for finding in both] == [True, True]


def test_the_token_limit_is_fatal_and_a_low_probability_a_note(checker: Checker) -> None:
    cut = checker.findings(Item("A day.", "Päivä.", finish_reason="length"))
    assert [(finding.check, finding.fatal) for finding in cut] == [("truncated", True)]
    items = [
        Item(f"Sentence number {number}.", f"Lause numero {number}.", "stop", -number / 100) for number in range(200)
    ]
    unlikely = checker.calibrated(items).findings(items[-1])
    assert ("low-probability", False) in {(finding.check, finding.fatal) for finding in unlikely}


def test_a_shot_in_the_translation_is_a_leak(direction: Direction) -> None:
    shots = (Shot(source="Where is the old library?", target="Missä se vanha kirjasto on?"),)
    asked = make_checker(Direction(direction.source, direction.target, shots))
    said = Item("Hello, my friend", "Hei. Missä se vanha kirjasto on?")
    assert "prompt-leak" in {finding.check for finding in asked.findings(said)}
    own = Item("Where is the old library?", "Missä se vanha kirjasto on?")
    assert not any(finding.fatal for finding in asked.findings(own))


def test_a_line_is_not_asked_for_structure(checker: Checker) -> None:
    item = Item("- milk", "maitoa")
    assert "structure" not in {finding.check for finding in checker.findings(item, "segment")}


def test_profiles_differ(direction: Direction) -> None:
    copied = Item("How do I build a PC?", "How do I build a PC?")
    wordy = Item("Hello there", "Hei sinä siellä kaukana")
    verdicts = {
        name: [
            any(finding.fatal for finding in make_checker(direction, name).findings(item)) for item in (copied, wordy)
        ]
        for name in ("default", "paper")
    }
    assert verdicts == {"default": [True, False], "paper": [False, True]}


def test_an_unknown_profile_is_one_sentence(direction: Direction) -> None:
    with pytest.raises(RecipeError, match="no profile 'loose'; there are default, strict, paper"):
        make_checker(direction, "loose")


def test_a_language_that_the_identifier_does_not_know_is_said() -> None:
    unknown = language("fi").model_copy(update={"code": "tlh", "iso639_3": "tlh", "langdetect": None})
    checker = make_checker(Direction(language("en"), unknown))
    assert checker.calibration["identifier"] == "none: py3langid does not know both 'en' and 'tlh'"
    assert not any(finding.fatal for finding in checker.findings(Item("Speak!", "yIjatlh jay'")))


@pytest.mark.parametrize("identifier", ["py3langid", "langdetect"])
def test_identifiers_agree_on_plain_cases(identifier: str, direction: Direction) -> None:
    checker = make_checker(direction, identifier=identifier)
    left = "Kerro siitä: this is the way in which we have always done it in the past, and so on."
    found = checker.findings(Item("Tell me about it: they have their own way of doing things, and we have ours.", left))
    assert {"mixed-language", "wrong-language"} & {finding.check for finding in found}
    fine = Item("Where did you put the keys of the car?", "MIHIN LAITOIT NE AUTON AVAIMET EILEN?")
    assert not any(finding.fatal for finding in checker.findings(fine))


@pytest.mark.parametrize(
    "unit",
    ["a", "1 ", "f(x", "x?y", "```\n", "| ", "**a", "\\", "<", "\ud800", "\x00", "日本", "🙂", "مرحبا ", "- a\n"],
)
def test_long_and_odd_texts_neither_crash_nor_stall(unit: str, checker: Checker) -> None:
    text = (unit * 100_000)[:100_000]
    start = time.process_time()
    for item in (Item(text, text), Item("Hello there.", text), Item(text, "Hei.")):
        checker.findings(item)
    assert time.process_time() - start < 20  # quadratic work would take minutes
