"""Signs of fluency: each sees what it is for, and says nothing where it cannot."""

from __future__ import annotations

import gzip
from pathlib import Path
from random import Random

import pytest

from eval.questions import fluency
from eval.response_language.verdicts import OPEN, Piece
from kielo.languages.pack import language

FI = language("fi")


@pytest.fixture
def finnish(shared_data: Path) -> str:
    with gzip.open(shared_data / "flores200/fin.devtest.gz", "rt", encoding="utf-8") as lines:
        return lines.read()


def test_native_text_has_more_usual_trigrams_than_damaged_or_foreign_text(finnish: str, shared_data: Path) -> None:
    rng = Random(0)
    damaged = "".join(rng.choice("aeiklnstuy") if char.isalpha() and rng.random() < 0.05 else char for char in finnish)
    with gzip.open(shared_data / "flores200/est.devtest.gz", "rt", encoding="utf-8") as lines:
        shares = [fluency.usual_share(text, "fi") for text in (finnish, damaged, lines.read())]
    assert [round(share or 0, 2) for share in shares] == [0.9, 0.85, 0.69]


@pytest.mark.parametrize(
    "text, code", [("Tämä on suomea.", None), ("Tämä on suomea.", "xx"), ("这是中文", "zh-cn"), ("12 !", "fi")]
)
def test_without_a_profile_or_letters_there_is_no_share(text: str, code: str | None) -> None:
    assert fluency.usual_share(text, code) is None


def test_letters_of_another_script_are_foreign() -> None:
    assert fluency.foreign_letters("Äiti öinen", FI) == 0.0
    assert fluency.foreign_letters("Мама äiti", FI) == 0.5
    assert fluency.foreign_letters("123", FI) is None


def test_an_alphabet_of_the_pack_is_used_where_there_is_one() -> None:
    pack = FI.model_copy(update={"ifeval": {"alphabet": "abcdeä"}})
    assert fluency.foreign_letters("ABÄ ñ", pack) == 0.25


@pytest.mark.parametrize(
    "text, count",
    [
        ("Hyvää päivää – “niin” se on, naïve café.", 0),
        ("Hyvää päivää".encode().decode("cp1252"), 5),
        ("niin “on”".encode().decode("cp1252", "ignore"), 1),
        ("rikki \ufffd\ufffd", 2),
    ],
)
def test_damage(text: str, count: int) -> None:
    assert fluency.damaged(text) == count


def test_sentences_and_words() -> None:
    assert fluency.sentence_words("Yksi kaksi. Kolme neljä viisi kuusi!\nSeitsemän") == pytest.approx(7 / 3)
    assert fluency.sentence_words("```\ncode()\n```") is None
    assert fluency.different_words(["a"] * 49) is None
    assert fluency.different_words(["a"] * 60) == pytest.approx(0.02)
    assert fluency.different_words([str(n) for n in range(60)]) == 1.0


def pieces(*languages: str) -> list[Piece]:
    return [Piece("x" * 10, 10, name) for name in languages]


def test_target_letters_and_switches_leave_open_pieces_out() -> None:
    mixed = pieces("fi", OPEN, "fi", "en", OPEN, "fi")
    assert fluency.target_letters(mixed, "fi") == 0.75
    assert fluency.switches(mixed) == 2
    assert fluency.target_letters(pieces(OPEN), "fi") is None and fluency.switches([]) == 0
