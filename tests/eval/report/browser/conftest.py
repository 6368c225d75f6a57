"""Fixtures of the tests of the report's page: a finished run, the page of its answers alone, and pages opened in Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from eval.report.browser.answers import browser as answers_of
from eval.report.collect import Run, collect
from eval.report.document import Report, Section
from eval.report.page import write_page
from tests import chromium
from tests.eval.fixture_run import RECIPE, Built, build

PROMPTS = 60
SMALL = RECIPE.replace("X: [0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0]", "X: [0, 1.0]")
ATTACKS = [
    "<img src=x onerror='window.pwned=1'>", "</script><script>window.pwned=1</script>", "<!--<script>window.pwned=1//",
    "\u2028window.pwned=1\u2029", "\ud800 alone\0", "{{options}}", "<svg onload=window.pwned=1>", "${window.pwned=1}",
    "\u202eevil\u202c", "loooong" * 15_000, "", "javascript:window.pwned=1",
]  # fmt: skip


class Opened(chromium.Opened):
    """A report in the browser."""

    @property
    def count(self) -> str:
        """What the page says of how many prompts it shows."""
        return str(self.page.locator("#browse-count").inner_text())

    @property
    def title(self) -> str:
        return str(self.page.locator("#browse-title").inner_text())

    @property
    def keys(self) -> list[str]:
        """The keys in the list, in their order."""
        return list(self.page.locator("#browse-prompts .key").all_inner_texts())

    def choose(self, name: str, value: str) -> None:
        self.page.locator(f"#browse-{name}").select_option(value)

    def ready(self) -> Opened:
        self.page.locator("#browse-title").wait_for()
        return self


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    built = build(tmp_path_factory.mktemp("browsed"), SMALL, prompts=PROMPTS)
    _judge(built)
    _measure(built)
    _attack(built)
    return built


@pytest.fixture(scope="session")
def run(built: Built) -> Run:
    return collect(built.recipe, built.place.inputs)


@pytest.fixture(scope="session")
def page_file(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with nothing but the browser."""
    found = answers_of(run)
    assert found
    report = Report("Test", "Lead.", (), (), (Section("answers", "Answers", (found,)),))
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(write_page(report), "utf-8")
    return path


@pytest.fixture
def open_page(open_in_browser: Callable[..., Opened], page_file: Path) -> Callable[..., Opened]:
    """Open the page; after the test, nothing may have failed in it or been asked of the network."""
    return partial(open_in_browser, page_file, kind=Opened)


def _attack(built: Built) -> None:
    """Have the last model answer the first prompts with what could become markup, or break the page."""
    path = built.folder / "responses/dpo/dpo-both/ifeval-fi.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for row, attack in zip(rows, ATTACKS, strict=False):
        row |= {"response": attack, "prompt": row["prompt"] + attack[:80], "finish_reason": "length"}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def _judge(built: Built) -> None:
    """Have every model win the first turn of the first question, and write down what the judge said of it."""
    folder = built.folder / "judge/mt-bench-fi"
    document = json.loads((folder / "scores.json").read_text("utf-8"))
    first = document["questions"][0]
    others = [model for model in document["models"] if model != document["baseline"]]
    for model in others:
        first["models"][model]["pairwise"]["outcome"] = "win"
        first["models"][model]["single"]["rating"] = 7.0
    (folder / "scores.json").write_text(json.dumps(document), "utf-8")
    said = {
        "mode": "pairwise",
        "judge": "example/judge",
        "key": first["key"],
        "turn": 1,
        "first": "model",
        "result": "win",
    }
    lines = [json.dumps({**said, "model": model, "judgement": f"Better: {ATTACKS[0]} [[A]]"}) for model in others]
    (folder / "judgements.jsonl").write_text("\n".join(lines), "utf-8")


def _measure(built: Built) -> None:
    """Measure the answers to the first question, turn by turn; the second turn's is in English."""
    for path in built.folder.glob("eval/*/*/mt-bench-fi/scores.json"):
        document = json.loads(path.read_text("utf-8"))
        turn = {
            "language": "target",
            "characters": 1234,
            "repeated_ngrams": 0.25,
            "loop": False,
            "earlier_answer": None,
        }
        document["questions"][0]["turns"] = [turn, {**turn, "language": "source", "loop": True}]
        told = {"langdetect": "fi", "folded": "fi", "lines": "target", "evidence": "fi 40 letters"}
        other = {"langdetect": "en", "folded": "en", "lines": "source", "evidence": "en 10 letters"}
        document["response_language"]["by_prompt"] |= {"81/1": told, "81/2": other}
        path.write_text(json.dumps(document), "utf-8")
