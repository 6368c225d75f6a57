"""What the check of a pack finds: every fault is put into a sound pack and must be named with file, key and fix."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from kielo.errors import RecipeError
from kielo.languages.pack import PACKS, codes, language
from kielo.packs.check import check_pack
from kielo.packs.command import add_arguments, run
from kielo.packs.findings import Finding
from kielo.packs.text import read_text
from tests.kielo.packs.conftest import parsed

Faulty = Callable[..., list[Finding]]


@pytest.fixture
def faulty(tmp_path: Path) -> Faulty:
    """Check the Faroese pack with texts replaced; each old text must occur."""

    def check(*changes: tuple[str, str]) -> list[Finding]:
        text = (PACKS / "fo.yaml").read_text("utf-8")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        (tmp_path / "fo.yaml").write_text(text, "utf-8")
        return check_pack("fo", tmp_path)

    return check


@pytest.mark.parametrize("code", codes())
def test_every_shipped_pack_can_be_used(code: str) -> None:
    assert [each.sentence() for each in check_pack(code) if each.weight == "error"] == []


@pytest.mark.parametrize("code", codes())
def test_no_shipped_pack_says_more_than_is_known(code: str) -> None:
    """Nobody has vouched for one; whoever does writes a name."""
    verified = language(code).verified
    assert verified is not None and (verified.by is not None) == bool(verified.parts)


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ("code: fo", "code: fao", "code", "'fao' in the pack of 'fo'"),
        ("script: Latin", "script: Cyrillic", "script", "Faroese is usually written in Latin; write Latin"),
        ("føroyskt", "фарерский", "native_name", "Cyrillic letters in a pack whose script is Latin"),
        ("aábdðe", "абвгдеёжзийклмнопрстуфхцчшщъыьэюяабвгдеёжзийклмнопрстуфхцчшщъыьэюя" * 5, "ifeval.alphabet", "Cyrillic letters"),
        ("iso639_3: fao", "iso639_3: fin", "iso639_3", "ISO 639-3 has 'fao' for Faroese; write fao"),
        ("flores: fao_Latn", "flores: fin_Latn", "flores", "FLORES-200 has 'fao_Latn'"),
        ("flores: fao_Latn", "flores: fao", "flores", "pattern"),
        ("verified: {by: null, parts: []}", "verified: Marjun", "verified", "is no mapping of keys to values"),
        ("langdetect: null", "langdetect: fo", "langdetect", "langdetect has no 'fo'"),
        ("direction: ltr", "direction: rtl", "direction", "run the other way; write ltr"),
        ("direction: ltr", "direction: up", "direction", "ltr"),
        ("plurals: [one, other]", "plurals: [other, one]", "plurals", "end with 'other'"),
        ('quotes: ["“", "”"]', 'quotes: ["‹", "›"]', "ifeval.quotes", "lack the pack's own pair"),
        ("case_language: en", "case_language: en\n  case: caseless", "ifeval.case", "write case: cased"),
        ("case_language: en", "case_language: fo", "ifeval.case_language", "write en"),
        ('"Mítt svar er nei.", ', "", "ifeval.constrained_options", "2 different answers; write three"),
        ("a: 10", "a: 30", "ifeval.letters", "of 100 letters; count them again"),
        ("by: null, parts: []", "by: null, parts: [ifeval]", "verified.parts", "vouched for by nobody"),
        ("by: null, parts: []", "by: Jógvan, parts: []", "verified.parts", "nothing that was read"),
        ("by: null, parts: []", "by: null, parts: [all]", "verified.parts.0", "input should be"),
        ("deepl: null", "deepl: FI", "deepl", "'FI' is another language's: DeepL would translate into that; write null"),
        ("identified: {py3langid: 0.995}", "identified: {py3langid: 99.5}", "identified.py3langid", "less than or equal to 1"),
        ("identified: {py3langid: 0.995}", "identified: {nobody: 0.9}", "identified.nobody", "is no identifier"),
        ("length_ratio: 1.02", "length_ratio: .nan", "length_ratio", "valid number"),
        ("length_ratio: 1.02", "length_ratio: 102", "length_ratio", "less than or equal to 20"),
        ("name: Faroese", 'name: ""', "name", "at least 1 character"),
        ("native_name: føroyskt", 'native_name: "a\\nb"', "native_name", "match pattern"),
        ('quotes: ["“", "”"]', 'quotes: ["", ""]', "quotes.0", "at least 1 character"),
        ("by: null, parts: []", 'by: "", parts: [ifeval]', "verified.by", "at least 1 character"),
        ("name: Faroese", "nam: Faroese", "nam", "is not a key; the keys are code, name"),
        ("\nifeval:", "\nifeval: {}\nifevl:", "ifevl", "is not a key"),
    ],
)  # fmt: skip
def test_a_fault_is_an_error_with_its_place_and_fix(faulty: Faulty, old: str, new: str, key: str, said: str) -> None:
    found = [each for each in faulty((old, new)) if each.weight == "error"]
    (named,) = [each for each in found if each.key == key]
    assert named.line is not None and named.file.endswith("fo.yaml")
    assert said in named.sentence()


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("  section_words: [[Partur], [Kapittul], [Brot]]\n", "", "ifeval.section_words"),
        ("identified: {py3langid: 0.995}", "identified: {}", "identified"),
        ("identified: {py3langid: 0.995}", "identified: {py3langid: 0.5}", "identified"),
        ("alphabet: aábd", "alphabet: aáb", "ifeval.letters"),
        ("plurals: [one, other]", "plurals: [one, two, other]", "plurals"),
        ("langdetect: null", "langdetect: da", "langdetect"),
    ],
)
def test_what_is_missing_is_to_be_done_and_stops_nobody(faulty: Faulty, old: str, new: str, key: str) -> None:
    before = {each.key for each in faulty() if each.weight == "todo"}
    after = faulty((old, new))
    assert key not in before
    assert key in {each.key for each in after if each.weight == "todo"}
    assert not [each for each in after if each.weight == "error"]


def test_files_beside_the_pack_are_looked_at(faulty: Faulty, tmp_path: Path) -> None:
    shots = [
        {"source": "A cat.", "target": "A cat."},
        {"source": "A dog.", "target": "Ein\nhundur."},
        {"source": "A", "target": "кот"},
    ]
    (tmp_path / "fo.shots.jsonl").write_text("\n".join(map(json.dumps, shots)), "utf-8")
    (tmp_path / "phrases").mkdir()
    (tmp_path / "phrases" / "fo.yaml").write_text("labels: [Týðing]\nlabel: []\n", "utf-8")
    said = {(Path(each.file).name, each.line, each.key): each.problem for each in faulty() if each.weight == "error"}
    assert said == {
        ("fo.shots.jsonl", 1, "target"): "the source untranslated",
        ("fo.shots.jsonl", 2, "target"): "holds a line break, where a prompt's example ends",
        ("fo.shots.jsonl", 3, "target"): "Cyrillic letters in a pack whose script is Latin",
        ("fo.yaml", None, "label"): "is not a key",
        ("fo.yaml", None, "labels"): "is no list of phrases in small letters",
    }  # fmt: skip


def test_shots_are_still_to_be_written_in_every_pack_but_finnish() -> None:
    lacking = {
        code for code in codes() if any(each.key == "shots" and each.weight == "todo" for each in check_pack(code))
    }
    assert lacking == set(codes()) - {"fi"}


@pytest.fixture
def flores(shared_data: Path) -> Path:
    return shared_data / "flores200"


def test_a_text_in_another_script_is_found(tmp_path: Path) -> None:
    file = tmp_path / "ru.txt"
    file.write_text("Это предложение на русском языке.\n" * 30, "utf-8")
    (found,) = [each for each in check_pack("fo", None, read_text(file)) if each.key == "script"]
    assert (found.weight, found.problem.startswith("0% of the letters")) == ("error", True)


def test_quotation_marks_of_a_text_are_looked_for_in_the_pack(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("Hann segði 「ja」 og fór.\n" * 3 + "Hann fór.\n" * 30, "utf-8")
    (found,) = [each for each in check_pack("fo", None, read_text(file)) if each.key == "ifeval.quotes"]
    assert "「 」, which quotes something in 3 lines" in found.problem


def test_a_text_of_its_language_agrees_with_a_pack(flores: Path) -> None:
    text = read_text(flores / "fao.devtest.gz", flores / "eng.devtest.gz")
    found = {each.key: each for each in check_pack("fo", None, text)}
    assert found["identified.py3langid"].weight == "note"
    assert not {"length_ratio", "ifeval.alphabet", "script"} & set(found)


def test_a_text_says_what_to_write_where_nothing_was_measured(flores: Path, tmp_path: Path) -> None:
    lines = (PACKS / "fo.yaml").read_text("utf-8").partition("  letters:")[0].splitlines(keepends=True)
    (tmp_path / "fo.yaml").write_text("".join(line for line in lines if not line.startswith("identified:")), "utf-8")
    text = read_text(flores / "fao.devtest.gz")
    fixes = {each.key: each.fix for each in check_pack("fo", tmp_path, text)}
    assert "identified" not in fixes and fixes["identified.py3langid"] == "write identified: {py3langid: 0.995}"
    written = yaml.safe_load(fixes["ifeval.letters"].removeprefix("write "))["letters"]
    known = language("fo").ifeval["letters"]  # without the letters of foreign names
    assert {letter: written[letter] for letter in known} == pytest.approx(known, abs=0.02)
    without = {each.key: each.fix for each in check_pack("fo", tmp_path)}
    assert "--text" in without["identified"] and "--text" in without["ifeval.letters"]


def test_letters_of_another_language_are_not_to_be_written(flores: Path, tmp_path: Path) -> None:
    pack = (PACKS / "mt.yaml").read_text("utf-8").partition("  letters:")[0]
    (tmp_path / "mt.yaml").write_text(pack, "utf-8")
    fixes = {each.key: each.fix for each in check_pack("mt", tmp_path, read_text(flores / "eus.devtest.gz"))}
    assert not fixes["ifeval.letters"].startswith("write")


def test_a_text_of_another_language_does_not(flores: Path) -> None:
    text = read_text(flores / "eus.devtest.gz", flores / "eng.devtest.gz")
    found = {each.key: each for each in check_pack("mt", None, text) if each.weight == "todo"}
    assert "for Maltese, most others for 'eu'" in found["identified.py3langid"].problem


def test_the_verb_ends_with_1_where_a_pack_cannot_be_used(
    faulty: Faulty, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    faulty(("langdetect: null", "langdetect: fo"))
    assert run(parsed(add_arguments, "check", "fo")) == 0
    monkeypatch.setenv("KIELO_PACKS", str(tmp_path))
    capsys.readouterr()
    assert run(parsed(add_arguments, "check", "fo", "--json")) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["usable"] is False
    assert [each["key"] for each in document["findings"] if each["weight"] == "error"] == ["langdetect"]
    assert document["findings"][0]["file"] == str(tmp_path / "fo.yaml")


def test_phrases_that_are_no_yaml_are_named(faulty: Faulty, tmp_path: Path) -> None:
    (tmp_path / "phrases").mkdir()
    (tmp_path / "phrases" / "fo.yaml").write_text("labels: [", "utf-8")
    assert [(each.key, each.file) for each in faulty() if each.weight == "error"] == [
        ("phrases", str(tmp_path / "phrases/fo.yaml"))
    ]


def test_a_code_without_a_pack_is_explained() -> None:
    with pytest.raises(RecipeError, match="'no' is Norwegian, which is 2 languages"):
        run(parsed(add_arguments, "check", "no"))


def test_a_pack_that_cannot_be_read_is_no_other_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped one does not stand in for a folder or a broken link of its name."""
    monkeypatch.setenv("KIELO_PACKS", str(tmp_path))
    (tmp_path / "fo.yaml").mkdir()
    (found,) = check_pack("fo")
    assert found.sentence() == f"{tmp_path / 'fo.yaml'}: file: a folder; give the path of a YAML file in it; mend it."
    (tmp_path / "da.yaml").symlink_to("nowhere")
    with pytest.raises(RecipeError, match=r"da\.yaml: no such file"):
        language("da")
