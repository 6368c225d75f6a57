"""Checks catch injected faults and let real translations pass; the shares on real data are printed (pytest -s)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from kielo.languages import Shot, language
from translate import checks
from translate.checks import CHECKS, Direction, check_all

Pairs = Callable[[str], list[tuple[str, str]]]
LEAST_PASSING = {"flores": 0.995, "newstest": 0.995, "oasst": 0.94}
"""oasst: DeepL by way of DOCX loses list markers and code, which the checks are there to say."""


@pytest.mark.parametrize(("name", "least"), LEAST_PASSING.items())
def test_real_translations_pass(name: str, least: float, real_pairs: Pairs, direction: Direction) -> None:
    pairs = real_pairs(name)[:1000]
    failed = [[reason for reason, _ in check_all(source, target, direction)] for source, target in pairs]
    passed = sum(not reasons for reasons in failed) / len(pairs)
    print(f"{name}: {passed:.2%} of {len(pairs)} pass; failures {dict(Counter(sum(failed, [])))}")
    assert passed >= least


def loop(source: str, target: str) -> str:
    return target + " " + " ".join([" ".join(target.split()[-6:])] * 5)


def copied(source: str, target: str) -> str:
    return source


def quarter(source: str, target: str) -> str:
    return target[: len(target) // 4]


def leaked(source: str, target: str) -> str:
    return f"{target} English: next"


def empty(source: str, target: str) -> str:
    return " "


def other_language(source: str, target: str) -> str:
    return "Das ist eine Übersetzung in die falsche Sprache, und zwar ein ganzer langer Satz davon, der nicht stimmt."


@pytest.mark.parametrize(
    ("fault", "reason", "least"),
    [
        (loop, "repetition", 1.0), (copied, "untranslated", 1.0), (copied, "wrong-language", 0.97), (quarter, "length-ratio", 0.95),
        (leaked, "prompt-leak", 1.0), (empty, "empty", 1.0), (other_language, "wrong-language", 1.0),
    ],
)  # fmt: skip
def test_injected_faults_are_found(
    fault: Callable[[str, str], str], reason: str, least: float, real_pairs: Pairs, direction: Direction
) -> None:
    pairs = random.Random(0).sample([pair for pair in real_pairs("flores") if len(pair[1].split()) >= 12], 100)
    found = sum(CHECKS[reason](source, fault(source, target), direction) is not None for source, target in pairs)
    print(f"{fault.__name__}: {reason} finds {found} of {len(pairs)}")
    assert found >= least * len(pairs)


@pytest.mark.parametrize(
    ("source", "translation", "reason"),
    [
        ("# A\n\n- one\n- two\n- three\n- four", "# A\n\nyksi kaksi kolme neljä", "structure"),
        ("```\ncode\n```", "```\ncode", "structure"),
        ("See [it](http://a.b)", "Katso sitä http://a.b", "structure"),
        ("Run `ls -l` there", "Aja `ls` siellä", "span-lost"),
        ("Dear [FIRST NAME], hello", "Hyvä [ETUNIMI], hei", "span-lost"),
        ("Ok", "Tämä on aivan liian pitkä käännös sanalle, joka on niin lyhyt kuin se on", "length-ratio"),
    ],
)
def test_single_faults(source: str, translation: str, reason: str, direction: Direction) -> None:
    assert reason in dict(check_all(source, translation, direction))


def test_source_relative_checks_allow_what_the_source_has(direction: Direction) -> None:
    chorus = "row row row your boat and " * 8
    assert checks.repetition(chorus, "souda souda souda venettä ja " * 8, direction) is None
    assert checks.prompt_leak("English: a language", "English: kieli", direction) is None
    assert checks.untranslated("Rick and Morty", "Rick and Morty", direction) is None


def test_code_is_not_read_as_language(direction: Direction) -> None:
    code = "```\nfor every item in the list print the item and then go on with the next one\n```"
    assert checks.wrong_language(code, code, direction) is None


def test_a_shot_in_the_output_is_a_leak(direction: Direction) -> None:
    shots = (Shot(source="Where is the library?", target="Missä kirjasto on nyt?"),)
    asked = Direction(direction.source, direction.target, shots)
    assert checks.prompt_leak("Hello", "Hei. Missä kirjasto on nyt?", asked)
    assert checks.prompt_leak("Where is the library?", "Missä kirjasto on nyt?", asked) is None


def test_a_language_that_langdetect_does_not_know_is_not_guessed() -> None:
    unknown = language("fi").model_copy(update={"langdetect": None})
    assert (
        checks.wrong_language("x", "this is plain English text all the way", Direction(language("en"), unknown)) is None
    )


def test_detection_is_the_same_every_time(direction: Direction) -> None:
    text = "Tämä on lause, and this is another one"
    assert len({str(checks._languages(text)) for _ in range(5)}) == 1


def test_capitals_are_read_as_well(real_pairs: Pairs, direction: Direction) -> None:
    pairs = real_pairs("flores")[:100]
    assert sum(checks.wrong_language(source, target.upper(), direction) is not None for source, target in pairs) <= 1
    assert sum(checks.wrong_language(source, source.upper(), direction) is not None for source, _ in pairs) >= 95
