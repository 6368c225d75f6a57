"""Language packs: each is whole and consistent; shots translate without their answers standing in the source."""

from __future__ import annotations

import pytest

from kielo.errors import RecipeError, SourceError
from kielo.languages import pack as languages
from kielo.languages.codes import usual_member
from kielo.languages.pack import codes, language, read_shots, shots_of


@pytest.mark.parametrize("code", codes())
def test_a_pack_is_whole(code):
    pack = language(code)
    assert pack.code == code
    assert pack.flores.split("_")[0] in (pack.iso639_3, usual_member(code))
    assert len(pack.ifeval["constrained_options"]) == 3


@pytest.mark.parametrize("code", [code for code in codes() if shots_of(code).is_file()])
def test_shots_are_pairs_of_several_kinds(code):
    shots = read_shots(shots_of(code))
    assert len(shots) >= 8
    assert len({shot.kind for shot in shots}) >= 4
    assert all(shot.source != shot.target and "\n" not in shot.source + shot.target for shot in shots)
    assert len({shot.source for shot in shots}) == len(shots)


def test_another_code_of_a_language_is_explained():
    with pytest.raises(
        RecipeError,
        match=r"no language pack recipes/languages/fin\.yaml; 'fin' is the ISO 639-3 code of Finnish; write 'fi'",
    ):
        language("fin")


def test_a_language_without_a_pack_is_told_how_to_get_one():
    with pytest.raises(RecipeError, match=r"`kielo language new sma` makes one for Southern Sami; there are .*fi"):
        language("sma")


def test_a_malformed_pack_names_its_line(tmp_path, monkeypatch):
    (tmp_path / "xx.yaml").write_text("code: xx\nname: Xish\nnative_name: X\nquote: y\n")
    monkeypatch.setattr(languages, "PACKS", tmp_path)
    with pytest.raises(RecipeError, match=r"xx\.yaml, line"):
        language("xx")


def test_a_pack_is_called_after_its_code(tmp_path, monkeypatch):
    (tmp_path / "xx.yaml").write_text("name: Xish\ncode: xy\n")
    monkeypatch.setattr(languages, "PACKS", tmp_path)
    with pytest.raises(RecipeError, match=r"xx\.yaml, line 2: code 'xy' in the pack of 'xx'"):
        language("xx")


def test_malformed_shots_are_named(tmp_path):
    path = tmp_path / "xx.shots.jsonl"
    path.write_text('{"source": "a", "target": "b"}\n{"source": "a"}\n')
    with pytest.raises(SourceError, match=r"line 2: target: field required"):
        read_shots(path)
    path.write_text("\n")
    with pytest.raises(SourceError, match="holds no shots"):
        read_shots(path)
