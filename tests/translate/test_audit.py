"""An audit judges a file of translations row by row, and says what is wrong with the file itself in one sentence."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from kielo.errors import SourceError, UsageError
from kielo.records import write_json
from translate.audit import audit_file, totals_text

GOOD = {"id": "good", "source": "Where is the station?", "translation": "Missä asema on?"}
COPIED = {"id": "copied", "source": "How do I build a PC?", "translation": "How do I build a PC?"}


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_rows_totals_and_calibration(tmp_path: Path) -> None:
    blank = {"id": 7, "source": " \n", "translation": "Jotain."}
    nothing = {"id": "nothing", "source": "Hello there", "translation": None}
    number = {"id": "number", "source": "Hello there", "translation": 3}
    found = audit_file(write(tmp_path / "rows.jsonl", GOOD, COPIED, blank, nothing, number), "en", "fi")
    assert found["rows"]["good"] == {"accepted": True, "reasons": [], "notes": [], "details": {}}
    reasons = {name: row["reasons"] for name, row in found["rows"].items() if not row["accepted"]}
    assert reasons == {"copied": ["untranslated"], "7": ["blank-source"], "nothing": ["empty"], "number": ["not-text"]}
    assert "How do I build a PC?" in found["rows"]["copied"]["details"]["untranslated"]
    totals = found["totals"]
    assert (totals["rows"], totals["accepted"], totals["rejected"], totals["accepted_share"]) == (5, 1, 4, 0.2)
    assert totals["reasons"] == {"blank-source": 1, "empty": 1, "not-text": 1, "untranslated": 1}
    assert found["calibration"]["identifier"] == "py3langid" and found["profile"] == "default"
    assert "1 of 5 rows accepted (20.0%)" in totals_text(found)


def test_gzip_profiles_and_engine_columns(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    cut = {**GOOD, "id": "cut", "finish_reason": "length", "logprob": -0.5}
    with gzip.open(path, "wt") as stream:
        stream.write("".join(json.dumps(row) + "\n\n" for row in (GOOD, COPIED, cut)))
    accepted = {
        profile: [row["accepted"] for row in audit_file(path, "en", "fi", profile)["rows"].values()]
        for profile in ("default", "paper")
    }
    assert accepted == {"default": [True, False, False], "paper": [True, True, True]}


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            [GOOD, {"id": "b", "source": "Hello"}],
            r"rows.jsonl, line 2: no 'translation'; .* this one has 'id', 'source'",
        ),
        ([{"prompt": "Hello"}], r"line 1: no 'id'; a row needs id, source and translation"),
        ([GOOD, COPIED, GOOD], r"line 3: the id 'good' is on line 1 already"),
        ([{**GOOD, "id": None}], r"line 1: the id must be a text or a whole number"),
        ([[1, 2]], r"line 1: a JSON object is needed"),
        ([], r"holds no rows"),
    ],
)
def test_a_file_of_another_shape_is_one_sentence(rows: list[Any], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=sentence):
        audit_file(write(tmp_path / "rows.jsonl", *rows), "en", "fi")


def test_an_unknown_language_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--language xx: no language pack"):
        audit_file(write(tmp_path / "rows.jsonl", GOOD), "en", "xx")


def test_odd_characters_can_be_written(tmp_path: Path) -> None:
    odd = {"id": "a\ud800", "source": "Tell me \ud83d about it \x00", "translation": "Kerro \ud800 siitä \x07"}
    found = audit_file(write(tmp_path / "rows.jsonl", odd), "en", "fi")
    write_json(tmp_path / "out.json", found)
    assert list(json.loads((tmp_path / "out.json").read_text("utf-8"))["rows"]) == ["a?"]


def test_the_same_file_gives_the_same_answer(tmp_path: Path) -> None:
    rows = [
        {"id": n, "source": f"Sentence {n} of the list.", "translation": f"Luettelon lause {n}."} for n in range(80)
    ]
    path = write(tmp_path / "rows.jsonl", *rows)
    assert json.dumps(audit_file(path, "en", "fi")) == json.dumps(audit_file(path, "en", "fi"))
