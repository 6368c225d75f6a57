"""Scripts of languages: those that one language's texts mix are one."""

from __future__ import annotations

import pytest

from kielo.languages.scripts import script_names, script_of


@pytest.mark.parametrize("name", ["Japanese", "Hiragana", "KATAKANA"])
def test_japanese_texts_mix_three_scripts(name: str) -> None:
    assert {script_of(char) for char in "日ひヒ"} <= script_names(name)
    assert script_of("한") not in script_names(name)


def test_other_scripts_stand_alone() -> None:
    assert script_names("Han") == {"CJK", ""} and script_names("Latin") == {"LATIN", ""}
