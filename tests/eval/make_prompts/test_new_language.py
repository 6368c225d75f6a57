"""A language is data: a pack and a templates file for Swedish make prompts from Swedish sentences, without any Python."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.make_prompts.documents import read_documents
from eval.make_prompts.make import MadeSet, make_prompts
from kielo.languages import pack as languages

PACK = """\
code: sv
name: Swedish
native_name: svenska
iso639_3: swe
flores: swe_Latn
deepl: SV
langdetect: sv
script: Latin
quotes: ["”", "”"]
ifeval:
  case_language: sv
  constrained_options: ["Mitt svar är ja.", "Mitt svar är nej."]
"""
TEMPLATES = """\
tasks: ["Sammanfatta texten nedan. {instructions}\\n\\n{text}"]
lists: {last: " och "}
instructions:
  "keywords:existence": ["Använd orden {keywords}."]
  "keywords:letter_frequency":
    less than: ["Bokstaven {letter} får förekomma färre än {let_frequency} gånger."]
  "detectable_format:json_format": ["Skriv hela svaret i JSON-format."]
  "detectable_format:constrained_response": ["Svara {options}"]
  "detectable_format:multiple_sections": ["Skriv {num_sections} delar som börjar med {section_spliter} och en siffra."]
  "startend:end_checker": ["Sluta med {end_phrase}"]
  "change_case:english_lowercase": ["Skriv hela svaret med små bokstäver."]
"""
ASKED = {
    "keywords:existence", "keywords:letter_frequency", "detectable_format:json_format", "change_case:english_lowercase",
}  # fmt: skip


@pytest.fixture
def swedish(tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a pack of Swedish, and a text file of Swedish documents."""
    (tmp_path / "prompts").mkdir()
    (tmp_path / "sv.yaml").write_text(PACK, "utf-8")
    (tmp_path / "prompts" / "sv.yaml").write_text(TEMPLATES, "utf-8")
    with gzip.open(shared_data / "flores200" / "swe.devtest.gz", "rt", encoding="utf-8") as stream:
        lines = stream.read().splitlines()[:200]
    blocks = (" ".join(lines[start : start + 5]) for start in range(0, len(lines), 5))
    (tmp_path / "texts.txt").write_text("\n\n".join(blocks), "utf-8")
    monkeypatch.setattr(languages, "PACKS", tmp_path)
    languages.language.cache_clear()
    yield tmp_path
    languages.language.cache_clear()


def made(folder: Path) -> MadeSet:
    pack = languages.language("sv")
    return make_prompts(read_documents(folder / "texts.txt", pack), pack, rows=12)


def test_two_files_make_a_language(swedish: Path) -> None:
    found = made(swedish)
    assert set(found.asked) == ASKED
    assert found.left_out["keywords:frequency"] == "no phrasing in sv.yaml"
    assert found.left_out["detectable_format:constrained_response"] == "no choices in sv.yaml"
    assert found.left_out["startend:end_checker"] == "no end_phrases in sv.yaml"
    assert found.left_out["detectable_format:multiple_sections"] == "no ifeval.section_words in the pack of Swedish"
    texts = [
        each.candidate.prompt.text
        for each in found.rows
        if "keywords:existence" in each.candidate.prompt.instruction_ids
    ]
    assert all("Använd orden ”" in text and "” och ”" in text for text in texts)


def test_a_script_without_capitals_is_asked_for_none(swedish: Path) -> None:
    (swedish / "sv.yaml").write_text(PACK + "  case: caseless\n", "utf-8")
    found = made(swedish)
    assert set(found.asked) == ASKED - {"change_case:english_lowercase"}
    assert found.left_out["change_case:english_lowercase"] == "Swedish is written without capitals"


def test_what_the_pack_calls_unusable_is_not_asked(swedish: Path) -> None:
    (swedish / "sv.yaml").write_text(PACK + '  unusable: {"detectable_format:json_format": "so it is"}\n', "utf-8")
    assert made(swedish).left_out["detectable_format:json_format"] == "so it is"


def test_compat_mode_must_know_the_language_of_case(swedish: Path) -> None:
    (swedish / "sv.yaml").write_text(PACK.replace("case_language: sv", "case_language: en"), "utf-8")
    reason = made(swedish).left_out["change_case:english_lowercase"]
    assert reason == "compat mode takes only answers in 'en' (--for fair asks it)"
