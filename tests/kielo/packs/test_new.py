"""Drafts of packs: what standard data and a text give, what is left to a speaker, and what stops them."""

from __future__ import annotations

import errno
import gzip
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kielo import strict_yaml
from kielo.errors import RecipeError, SourceError, UsageError
from kielo.languages.pack import Language, codes, language, pack_file
from kielo.packs.check import check_pack
from kielo.packs.command import add_arguments, run
from kielo.packs.draft import make_draft, named, pack_text
from kielo.packs.standards import deepl_codes, standard
from kielo.packs.text import Text, letter_shares, read_text
from kielo.text_table import clean
from tests.kielo.packs.conftest import parsed


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packs of the user's own."""
    monkeypatch.setenv("KIELO_PACKS", str(tmp_path))
    return tmp_path


def new(*given: object) -> int | None:
    return run(parsed(add_arguments, "new", *given))


def errors(code: str) -> list[str]:
    return [each.key for each in check_pack(code) if each.weight == "error"]


def test_a_draft_from_standard_data_lacks_what_only_a_speaker_knows(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new("sma")
    pack = language("sma")
    assert (pack.name, pack.iso639_3, pack.flores, pack.script) == ("Southern Sami", "sma", "sma_Latn", "Latin")
    assert (pack.plurals, pack.direction, pack.deepl) == (("one", "two", "other"), "ltr", None)
    assert errors("sma") == ["ifeval.constrained_options"]
    said = capsys.readouterr().out
    assert "sma: cannot be used yet: 1 error." in said and "kielo language check sma" in said


def test_a_filled_draft_can_be_used(own: Path) -> None:
    new("ka")
    path = own / "ka.yaml"
    text = path.read_text("utf-8")
    assert language("ka").ifeval["case"] == "caseless"
    assert text.count("constrained_options: []") == 1
    path.write_text(
        text.replace("constrained_options: []", 'constrained_options: ["დიახ.", "არა.", "შეიძლება."]'), "utf-8"
    )
    assert errors("ka") == []
    path.write_text(
        text.replace("constrained_options: []", 'constrained_options: ["Diakh.", "Ara.", "Sheidzleba."]'), "utf-8"
    )
    assert errors("ka") == ["ifeval.constrained_options"], "Latin letters in a Georgian pack"


def test_right_to_left_and_a_macrolanguage_come_from_the_data(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new("ar")
    pack = language("ar")
    assert (pack.direction, pack.script, pack.flores, pack.quotes) == ("rtl", "Arabic", "arb_Arab", ("”", "“"))
    assert "'ar' means Standard Arabic (arb) by custom" in capsys.readouterr().out


def test_a_text_gives_letters_length_and_who_knows_the_language(own: Path, shared_data: Path) -> None:
    flores = shared_data / "flores200"
    new(
        "fo",
        "--text",
        flores / "fao.devtest.gz",
        "--english",
        flores / "eng.devtest.gz",
        "--source",
        "FLORES-200: a # in it",
    )
    drafted = language("fo")
    own.joinpath("fo.yaml").unlink()
    language.cache_clear()
    shipped = language("fo")
    assert drafted.length_ratio == shipped.length_ratio and drafted.identified == shipped.identified
    assert drafted.origins["letters"] == "FLORES-200: a # in it"
    assert {letter: drafted.ifeval["letters"][letter] for letter in shipped.ifeval["letters"]} == shipped.ifeval[
        "letters"
    ]


def test_other_breaks_of_unicode_and_marks_of_windows_move_no_line(tmp_path: Path) -> None:
    own, english = tmp_path / "own", tmp_path / "english"
    own.write_bytes(("\ufeff" + "Hetta er\u2028ein setningur.\r\n" * 20).encode())
    english.write_text("This is a sentence.\n" * 20, "utf-8")
    text = read_text(own, english)
    assert text.lines == ["Hetta er\u2028ein setningur."] * 20 and len(text.english) == 20


def test_a_text_of_another_language_is_said(own: Path, shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new("fo", "--text", shared_data / "flores200" / "fin.devtest.gz")
    assert "lines for Faroese, most others for 'fi'; see that the text is in Faroese" in capsys.readouterr().out


def test_letters_of_finnish_are_those_of_the_pack(shared_data: Path) -> None:
    counted = letter_shares(read_text(shared_data / "flores200" / "fin.devtest.gz"))
    known = language("fi").ifeval["letters"]
    assert counted == {letter: known[letter] for letter in counted}


def test_a_language_without_a_code_is_named_by_the_user(own: Path) -> None:
    with pytest.raises(UsageError, match="have no name of 'qaa'; give --name"):
        new("qaa")
    new("qaa", "--name", "Quenya: high", "--native-name", "כן", "--script", "Hebrew")
    assert (language("qaa").name, language("qaa").flores) == ("Quenya: high", "qaa_Hebr")
    assert "direction" in errors("qaa"), "Hebrew letters run from right to left"


@given(name=st.text(min_size=1), source=st.text(min_size=1))
@example(name="null", source="x\nscript: Greek")
@example(name="1e5", source="#")
@example(name="a: b # c", source="'\"")
def test_a_draft_reads_back_whatever_its_names_are(name: str, source: str) -> None:
    try:
        found = named(replace(standard("fo"), name=name), None, name, None)
    except UsageError as error:
        assert "control character" in str(error)
        return
    text = Text(Path("text"), ["Hetta er ein setningur."] * 20)
    drafted = make_draft(found, replace(text), source)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "fo.yaml"
        path.write_text(pack_text(drafted), "utf-8")
        values, _ = strict_yaml.load(path)
    assert (values["name"], values["native_name"], values["script"]) == (name, name, "Latin")
    assert Language(**values).origins["letters"] == clean(source)


def test_a_text_of_another_script_is_refused(own: Path, tmp_path: Path) -> None:
    (tmp_path / "uz.txt").write_text("Бу ўзбек тилидаги гап.\n" * 30, "utf-8")
    with pytest.raises(
        UsageError, match=r"mostly Cyrillic letters, and Uzbek is written in Latin.*a code with its script"
    ):
        new("uz", "--text", tmp_path / "uz.txt")
    new("uz-Cyrl", "--text", tmp_path / "uz.txt")
    assert (language("uz-Cyrl").script, language("uz-Cyrl").native_name) == ("Cyrillic", "ўзбекча")


@pytest.mark.parametrize(
    ("content", "english", "said"),
    [
        (b"one\ntwo\n", None, "2 lines; a language shows in 20"),
        (b"\xff\xfe\n" * 30, None, "not UTF-8 at byte 0"),
        (gzip.compress(b"a b c\n" * 30)[:-9], None, "cannot be read|ends early"),
        (b"1 2 3\n" * 30, None, "no letters"),
        (b"a b\n" * 30, b"word\n" * 29, "29 lines beside 30"),
    ],
)
def test_texts_that_tell_nothing_are_one_sentence(
    own: Path, tmp_path: Path, content: bytes, english: bytes | None, said: str
) -> None:
    (tmp_path / "text").write_bytes(content)
    (tmp_path / "english").write_bytes(english or b"")
    options = ("--english", tmp_path / "english") if english else ()
    with pytest.raises(SourceError, match=said):
        new("smj", "--text", tmp_path / "text", *options)
    assert not (own / "smj.yaml").exists()


def test_what_is_there_is_never_overwritten(own: Path) -> None:
    new("smj")
    before = (own / "smj.yaml").read_bytes()
    with pytest.raises(UsageError, match="is there already; `kielo language check smj`"):
        new("smj")
    assert (own / "smj.yaml").read_bytes() == before
    with pytest.raises(UsageError, match="--english says how long"):
        new("smn", "--english", "x")
    with pytest.raises(UsageError, match="'no' is Norwegian"):
        new("no")


def test_an_own_pack_stands_in_for_the_shipped_one(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shipped = pack_file("da.yaml").read_text("utf-8")
    (own / "da.yaml").write_text(shipped.replace("name: Danish", "name: Rigsdansk"), "utf-8")
    assert language("da").name == "Rigsdansk" and "fi" in codes()
    run(parsed(add_arguments, "list", "--json"))
    listed = {row["code"]: row for row in json.loads(capsys.readouterr().out)}
    assert (
        not listed["da"]["shipped"]
        and listed["fi"]["shipped"]
        and listed["fi"]["verified"] == {"by": None, "parts": []}
    )
    run(parsed(add_arguments, "list"))
    assert "Rigsdansk" in capsys.readouterr().out


def test_a_pack_that_cannot_be_read_hides_no_other(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own / "ug.yaml").write_text("code: ug\n", "utf-8")
    assert run(parsed(add_arguments, "list")) == 1
    said = capsys.readouterr()
    assert "Finnish" in said.out and "ug.yaml: name: field required; `kielo language check ug` says" in said.err


def test_a_folder_of_packs_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KIELO_PACKS", str(tmp_path / "none"))
    with pytest.raises(RecipeError, match="KIELO_PACKS=.*no such folder"):
        language("fi")


def test_the_table_of_deepl_is_its_librarys(monkeypatch: pytest.MonkeyPatch) -> None:
    deepl = pytest.importorskip("deepl", reason="deepl is not installed")
    own = {value.upper() for name, value in vars(deepl.Language).items() if name.isupper()}
    assert own <= deepl_codes() or deepl.__version__ != "1.32.0"
    assert standard("nb").deepl == "NB" and standard("ku").deepl == "KMR"
    assert standard("sr").deepl == standard("sr-Cyrl").deepl == "SR" and standard("zh-Hant").deepl == "ZH-HANT"
    assert standard("sr-Latn").deepl is None, "nothing says which script its SR is in but the usual one"


@pytest.mark.parametrize("code", ["bn", "or", "mni", "nqo"])
def test_letters_of_a_draft_are_of_its_own_script(own: Path, code: str) -> None:
    """CLDR and Unicode call some scripts differently: Bangla and Bengali."""
    new(code)
    assert errors(code) == ["ifeval.constrained_options"]


def test_the_code_of_flores_is_found_by_the_language() -> None:
    known = {code: standard(code).flores for code in ("fil", "ku", "fa", "zh-Hant", "lv", "et", "ak")}
    assert known == {
        "fil": "tgl_Latn", "ku": "kmr_Latn", "fa": "pes_Arab", "zh-Hant": "zho_Hant", "lv": "lvs_Latn", "et": "est_Latn", "ak": "aka_Latn"
    }  # fmt: skip


def test_a_link_to_nothing_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "packs").symlink_to("nowhere")
    with pytest.raises(UsageError, match="this is a link to nothing; name a folder"):
        new("fy", "--out", tmp_path / "packs")


def test_a_full_disk_leaves_no_half_pack(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def full(path: Path, mode: str = "r", **named: Any) -> IO[Any]:
        if mode != "x":
            return opened(path, mode, **named)
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OSError, match="No space left"):
        new("fy")
    assert not (own / "fy.yaml").exists()
