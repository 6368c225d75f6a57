"""The identifiers answers can be judged by."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from eval.response_language import line_verdict, open_identifier
from kielo.errors import RecipeError, UsageError
from kielo.languages.identification import fasttext_label
from kielo.languages.pack import Language, language
from translate.checks.identification import make_identifier

FINNISH = "Tämä vastaus on suomeksi, ja siinä kerrotaan pohjoisen säästä ja meren jäästä."
ENGLISH = "This answer is in English and talks about the weather in the north of the country."
SWEDISH = "Det här svaret är på svenska och handlar om vädret i norra delen av landet just nu."


@pytest.mark.parametrize("name", ["py3langid", "langdetect", "lingua"])
def test_identifiers_agree_on_plain_answers(name: str) -> None:
    if name == "lingua":
        pytest.importorskip("lingua")
    identifier = open_identifier(name)
    assert identifier.name == name
    for text, verdict in (
        (FINNISH, "target"),
        (ENGLISH, "source"),
        (SWEDISH, "other"),
        (f"{FINNISH}\n{ENGLISH}", "mixed"),
    ):
        for form in (text, text.upper()):
            found = line_verdict(form, language("fi"), language("en"), identifier)
            assert found.verdict == verdict, (name, found)


def test_labels_are_the_identifiers_own(pack: Callable[..., Language]) -> None:
    bokmal = pack("nb", "nob", "no")
    assert open_identifier("py3langid").label(bokmal) == "no"
    assert open_identifier("langdetect").label(bokmal) == "no"
    assert open_identifier("langdetect").label(pack("is", "isl")) is None


def test_a_wrong_name_or_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no identifier 'fasttext'; choose one of py3langid"):
        open_identifier("fasttext")
    with pytest.raises(RecipeError, match="glotlid needs its fastText model"):
        open_identifier("glotlid", tmp_path / "model.bin")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("et", {"ekk_Latn": 0.7, "est_Latn": 0.2, "vro_Latn": 0.1}),
        ("lv", {"lvs_Latn": 0.9, "ltg_Latn": 0.1}),
        ("fi", {"fin_Latn": 0.9, "krl_Latn": 0.1}),
    ],
)
def test_codes_of_glotlid_and_flores_mean_one_language(
    code: str, said: dict[str, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = SimpleNamespace(predict=lambda text, k: ([f"__label__{each}" for each in said], list(said.values())))
    fasttext = ModuleType("fasttext")
    monkeypatch.setattr(fasttext, "load_model", lambda path: model, raising=False)
    monkeypatch.setitem(sys.modules, "fasttext", fasttext)
    file = tmp_path / "model.bin"
    file.touch()
    identifier = open_identifier("glotlid", file)
    label = identifier.label(language(code))
    assert label is not None
    look = identifier.look("words", [label])
    assert look is not None and look.best == label and look.scores == pytest.approx((0.9,))
    found, _ = make_identifier("glotlid", language("en"), language(code), file)
    assert found is not None and found.leaning(["words"]).to_source == pytest.approx((-1.0,))


def test_chinese_is_found_whichever_characters_a_model_tells() -> None:
    assert len({fasttext_label(code) for code in ("zho_Hans", "zho_Hant", "cmn_Hani", "cmn_Hans")}) == 1
    assert fasttext_label("yue_Hant") != fasttext_label("zho_Hant")
