"""Codes that mean another language, several, or none are explained from standard data, in one sentence."""

from __future__ import annotations

import re

import pytest

from kielo.errors import UsageError
from kielo.languages.codes import iso639_3, meaning, members, same_language, usual_member


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("no", r"'no' is Norwegian, which is 2 languages: Norwegian Bokmål \(nb\), Norwegian Nynorsk \(nn\); write the code"),
        ("fin", "'fin' is the ISO 639-3 code of Finnish; write 'fi'"),
        ("sme", "'sme' is the ISO 639-3 code of Northern Sami; write 'se'"),
        ("kmr", "'kmr' is Northern Kurdish, the one of the languages called Kurdish that 'ku' means by custom; write 'ku'"),
        ("ekk", "Standard Estonian.* write 'et'"),
        ("lvs", "Standard Latvian.* write 'lv'"),
        ("arb", "Standard Arabic.* write 'ar'"),
        ("iw", "'iw' is an old or other code of Hebrew; write 'he'"),
        ("in", "'in' is an old or other code of Indonesian; write 'id'"),
        ("sh", "write 'sr-Latn'"),
        ("FI", "'FI' is no language code; write 'fi'"),
        ("zh_hant_tw", "write 'zh-Hant-TW'"),
        ("Faroese", "Faroese is 'fo'"),
        ("xx", "no language has the code 'xx'"),
        ("../fi", "no language code; a code is two or three small letters"),
        ("", "no language code"),
        ("a", "'a' is no language code; a code is two or three small letters"),
        ("und", "'und' stands for 'Unknown language', which is no single language"),
        ("smi", "'smi' stands for 'Sami languages', which is no single language"),
    ],
)  # fmt: skip
def test_what_a_code_means_instead_is_said(code: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        meaning(code)


@pytest.mark.parametrize(
    ("code", "name", "note"),
    [
        ("fi", "Finnish", None),
        ("nb", "Norwegian Bokmål", "languages called Norwegian"),
        ("ku", "Kurdish", r"means Northern Kurdish \(kmr\) by custom; Kurdish is also Central Kurdish \(ckb\)"),
        ("ckb", "Central Kurdish", "languages called Kurdish"),
        ("zh", "Chinese", "means Mandarin Chinese .* and 9 more"),
        ("et", "Estonian", r"also Võro \(vro\)"),
        ("qaa", None, None),
        ("sr-Latn", "Serbian", None),
    ],
)
def test_a_code_that_is_usable_may_still_be_taken_for_others(code: str, name: str | None, note: str | None) -> None:
    found = meaning(code)
    assert found.name == name
    if note:
        assert found.note is not None
        assert re.search(note, found.note), found.note


def test_three_letters_and_the_language_that_is_meant() -> None:
    assert [iso639_3(code) for code in ("fo", "se", "lv", "qaa", "sr-Latn")] == ["fao", "sme", "lav", "qaa", "srp"]
    assert usual_member("lv") == "lvs" and usual_member("no") is None and members("fi") == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ekk", "est", True), ("cmn", "zho", True), ("lvs", "lav", True), ("arb", "ara", True), ("swh", "swa", True), ("tgl", "fil", True),
        ("vro", "est", False), ("nno", "nob", False), ("prs", "pes", False), ("ckb", "kmr", False), ("hbs", "srp", False), ("qaa", "qab", False),
    ],
)  # fmt: skip
def test_codes_of_one_language_meet(one: str, other: str, same: bool) -> None:
    assert (same_language(one) == same_language(other)) is same
