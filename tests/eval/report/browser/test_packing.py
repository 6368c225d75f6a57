"""What goes into the page for the browser: everything, cut where it is too long, and the same bytes each time."""

from __future__ import annotations

import base64
import json
import re
import shutil
import zlib
from pathlib import Path
from typing import Any

import pytest

from eval.report.browser import packing
from eval.report.browser.answers import browser
from eval.report.browser.packing import LONGEST, SHORTEST, Cut, cut_at, pack
from eval.report.collect import Run, collect
from eval.report.document import Report, Section
from eval.report.page import write_page
from kielo.errors import SourceError
from tests.eval.fixture_run import Built
from tests.eval.report.browser.conftest import ATTACKS, PROMPTS


def unpack(data: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(data)).decode("utf-8", "surrogatepass"))
    return document


@pytest.fixture
def copied(built: Built, tmp_path: Path) -> Built:
    """A copy of the run, to break."""
    shutil.copytree(built.folder, tmp_path / "run")
    return Built(built.recipe, built.plan, tmp_path / "run")


def test_every_model_prompt_and_verdict_is_there(run: Run) -> None:
    found = browser(run)
    assert found and [each.name for each in found.benchmarks] == ["ifeval-en", "ifeval-fi", "mt-bench-fi"]
    document = unpack(found.benchmarks[1].data)
    assert document["models"] == list(run.models) and len(document["prompts"]) == PROMPTS
    for place, model in enumerate(run.models):
        one = run.evaluation(model, "fi")
        assert one
        for prompt, row in zip(document["prompts"], one.document["prompts"], strict=True):
            answer = prompt["answers"][place]
            assert answer["fair"]["strict"] == "".join("01"[passed] for passed in row["fair"]["strict"])
            assert len(answer["differences"]) == len(row["differences"])
            assert answer["spoken"][0]["language"] == row["language"]


def test_no_answer_becomes_markup_and_the_bytes_are_the_same_each_time(built: Built) -> None:
    pages = []
    for _ in range(2):
        found = browser(collect(built.recipe, built.place.inputs))
        assert found
        pages.append(write_page(Report("Test", "", (), (), (Section("answers", "Answers", (found,)),))))
    assert pages[0] == pages[1]
    assert pages[0].count("<script") == pages[0].count("</script") == 4
    assert "pwned" not in pages[0] and "loooong" not in pages[0]


def test_texts_are_cut_to_fit_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cut_at([10, 10**6]) == LONGEST
    monkeypatch.setattr(packing, "CHARACTERS", 10_000)
    assert SHORTEST < cut_at([4000] * 5) <= 2000
    assert cut_at([4000] * 1000) == SHORTEST
    cut = Cut(4)
    assert [cut.answer("12345"), cut.answer("1234")] == [["1234", 1], ["1234"]]
    assert (cut.texts, cut.cut, cut.shown("12345")) == (2, 1, "1234…")


def test_half_a_surrogate_pair_comes_through() -> None:
    assert unpack(pack({"text": ATTACKS[4] + "ä"})) == {"text": ATTACKS[4] + "ä"}


def test_answers_that_are_gone_are_said(copied: Built) -> None:
    (copied.folder / "responses/sft/neftune/ifeval-fi.jsonl").unlink()
    found = browser(collect(copied.recipe, copied.place.inputs))
    assert found and any("answers of 1 evaluation" in note for note in found.notes)
    assert "sft/neftune" not in unpack(found.benchmarks[1].data)["models"]


@pytest.mark.parametrize(("file", "line"), [
    ("responses/sft/neftune/ifeval-fi.jsonl", '{"key": 1}'), ("judge/mt-bench-fi/judgements.jsonl", '{"key": 81}'),
])  # fmt: skip
def test_a_damaged_file_is_named_with_its_line(copied: Built, file: str, line: str) -> None:
    path = copied.folder / file
    path.write_text(f"{line}\n", "utf-8")
    with pytest.raises(SourceError, match=re.escape(f"{path}, line 1")):
        browser(collect(copied.recipe, copied.place.inputs))
