"""The rows of the page: what rejected them, the order, and sentences for files that do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kielo.errors import SourceError
from tests.translate.review.conftest import WriteStep, text_row
from translate.review.rows import Row, read_rows, worst_first


def names(rows: list[Row]) -> list[str]:
    return [f"{rows[place].id} {rows[place].where}" for place in worst_first(rows)]


def test_worst_first(write_step: WriteStep) -> None:
    note = ["length-ratio", "1.9 times", False]
    fatal = ["copy", "all of it", True]
    folder = write_step(
        "set",
        [
            text_row("fine"), text_row("unsure", logprob=-3.0), text_row("silent", logprob=None),
            text_row("repaired", rung="first, samples"), text_row("noted", findings=[note]),
            text_row("twice", findings=[note, note]), text_row("bad", "messages[0]"),
            text_row("bad", "messages[1]", findings=[fatal]), text_row("worse", findings=[fatal, fatal]),
        ],
        [{"id": "pair", "reason": "identical-pair", "where": "record", "detail": "both: Kyllä.", "record": {}}],
    )  # fmt: skip
    assert names(read_rows("set", folder)) == [
        "worse messages[0]", "bad messages[1]", "pair record", "bad messages[0]", "twice messages[0]", "noted messages[0]",
        "repaired messages[0]", "unsure messages[0]", "fine messages[0]", "silent messages[0]",
    ]  # fmt: skip


def test_equal_rows_stay_in_the_order_of_the_data(write_step: WriteStep) -> None:
    folder = write_step("set", [text_row(f"{number}") for number in range(30)])
    assert names(read_rows("set", folder)) == [f"{number} messages[0]" for number in range(30)]


def test_a_text_of_a_rejected_record_says_what_rejected_it(write_step: WriteStep) -> None:
    folder = write_step("set", [text_row("1", "a"), text_row("1", "b", findings=[["copy", "x", True]]), text_row("2")])
    first, second, third = read_rows("set", folder)
    assert (first.passed, first.accepted, first.cause) == (True, False, ("copy", "b", "told"))
    assert (second.passed, second.findings) == (False, (("copy", "x", True),))
    assert (third.accepted, third.cause) == (True, None)


def test_a_failure_that_no_check_found_is_named_with_its_detail(write_step: WriteStep) -> None:
    folder = write_step("set", [text_row("1", translation=None, engine=None, accepted=False, reason="sentinels")])
    (row,) = read_rows("set", folder)
    assert row.findings == (("sentinels", "told", True),)
    assert (row.translation, row.engines) == ("", ("none",))


def test_a_record_rejected_as_a_whole_shows_its_texts(write_step: WriteStep) -> None:
    record = {
        "source": {"id": "1", "language": "en", "prompt": [{"role": "user", "content": "Is it?"}], "chosen": "Yes."},
        "translations": {"prompt[0]": "Onko?", "chosen": "Kyllä."},
    }
    rejection = {"id": "1", "reason": "identical-pair", "where": "record", "detail": "both", "record": record}
    (row,) = read_rows("set", write_step("set", [], [rejection]))
    assert row.source == "prompt[0]\nIs it?\n\nchosen\nYes."
    assert row.translation == "prompt[0]\nOnko?\n\nchosen\nKyllä."
    assert not row.judgeable


def test_arguments_are_shown_and_not_judged(write_step: WriteStep) -> None:
    (row,) = read_rows("set", write_step("set", [text_row("1", "argument", rung="argument", engine="argument")]))
    assert not row.judgeable


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rung": 3}, "rung"), ({"findings": [["copy", "x"]]}, "findings"), ({"findings": {}}, "findings"),
        ({"source": None}, "source"), ({"accepted": "yes"}, "accepted"), ({"logprob": "low"}, "logprob"),
    ],
)  # fmt: skip
def test_rows_of_another_version_give_one_sentence(
    write_step: WriteStep, change: dict[str, object], field: str
) -> None:
    folder = write_step("set", [text_row("1")])
    row = {**text_row("2"), **change}
    with (folder / "translations.jsonl").open("a") as stream:
        stream.write(json.dumps(row) + "\n")
    with pytest.raises(SourceError, match=f"translations.jsonl, line 2: field '{field}' is missing or not"):
        read_rows("set", folder)


def test_a_field_that_is_missing_and_a_missing_file_give_one_sentence(write_step: WriteStep, tmp_path: Path) -> None:
    folder = write_step("set", [text_row("1")])
    (folder / "translations.jsonl").write_text('{"id": "1", "where": "m"}\n')
    with pytest.raises(SourceError, match="line 1: field 'source' is missing"):
        read_rows("set", folder)
    with pytest.raises(SourceError, match="no such file"):
        read_rows("other", tmp_path)


@pytest.mark.parametrize("value", ["NaN", "-Infinity"])
def test_a_log_probability_that_is_no_number_is_none(write_step: WriteStep, value: str) -> None:
    folder = write_step("set", [text_row("1", logprob=-0.5)])
    path = folder / "translations.jsonl"
    path.write_text(path.read_text().replace("-0.5", value))
    (row,) = read_rows("set", folder)
    assert row.logprob is None
