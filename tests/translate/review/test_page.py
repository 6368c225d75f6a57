"""Writing the page: safe to embed, the same each time, and honest about what it leaves out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from kielo.languages.pack import language
from tests.translate.review.conftest import WriteStep, text_row
from translate.review import page
from translate.review.page import write_review

Review = Callable[..., Path]
HOSTILE = [
    "</script><script>x()</script>",
    "<!--<script>",
    "\u2028\u2029",
    "\ud800 alone",
    "\0",
    "&lt;",
    "{{style}}",
    "'\"\\",
]


def embedded(path: Path) -> dict[str, object]:
    found = re.search(r'id="data">(.*?)</script>', path.read_text("utf-8"), re.DOTALL)
    assert found
    data: dict[str, object] = json.loads(found[1])
    return data


def test_texts_come_through_and_none_ends_its_element(review: Review) -> None:
    path = review([text_row(str(place), source=text, translation=text) for place, text in enumerate(HOSTILE)])
    written = path.read_text("utf-8")
    assert written.count("<script") == 2
    assert written.count("</script") == 2
    assert "<!--" not in written
    rows = embedded(path)["rows"]
    assert isinstance(rows, list)
    assert [row["source"] for row in rows] == HOSTILE


def test_a_hostile_title_stays_text(review: Review) -> None:
    written = review([text_row("1")], title="<b>{{script}}\ud800").read_text("utf-8")
    assert "<h1>&lt;b&gt;{{script}}?</h1>" in written


def test_the_same_rows_give_the_same_bytes(review: Review, tmp_path: Path) -> None:
    path = review([text_row(str(number)) for number in range(5)])
    first = path.read_bytes()
    write_review({"set": tmp_path / "translate" / "set"}, path, "Test", language("en"), language("fi"))
    assert path.read_bytes() == first


def test_the_limit_keeps_the_worst_and_counts_the_rest(write_step: WriteStep, tmp_path: Path) -> None:
    rows = [text_row(str(number), findings=[["copy", "x", True]] if number % 4 == 3 else []) for number in range(12)]
    out = tmp_path / "review.html"
    folders = {"set": write_step("set", rows)}
    assert write_review(folders, out, "Test", language("en"), language("fi"), limit=2) == 2
    data = embedded(out)
    assert isinstance(data["rows"], list)
    assert [row["id"] for row in data["rows"]] == ["3", "7"]
    facts = data["facts"]
    assert isinstance(facts, dict)
    assert {name: facts[name] for name in ("texts", "failed", "leftOut", "leftOutRejected")} == {
        "texts": 12, "failed": 3, "leftOut": 10, "leftOutRejected": 1,
    }  # fmt: skip


def test_a_page_holds_a_bounded_number_of_characters(
    write_step: WriteStep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "CHARACTERS", 1000)
    rows = [text_row(str(number), source="s" * 200, translation="t" * 200) for number in range(5)]
    out = tmp_path / "review.html"
    folders = {"set": write_step("set", rows)}
    assert write_review(folders, out, "Test", language("en"), language("fi")) == 2


def test_a_step_without_texts_gives_a_page_without_texts(review: Review) -> None:
    assert embedded(review([]))["rows"] == []
