"""The identifiers answers can be judged by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from eval.response_language import line_verdict, open_identifier
from kielo.errors import RecipeError, UsageError
from kielo.languages import Language, language

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
