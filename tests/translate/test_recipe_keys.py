"""Every key of `translate:` does what it says: the pocket model translates the same rows with and without it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from kielo.errors import RecipeError
from kielo.models import POCKET
from kielo.plan import make_plan
from kielo.recipe.reading import load
from kielo.records import read_jsonl
from tests.translate.conftest import pocket_recipe

RunSteps = Callable[..., dict[str, Mapping[str, Any]]]
Write = Callable[..., Path]
pytestmark = pytest.mark.skipif(not POCKET.is_dir(), reason="the pocket base model has not been made yet")
RECIPE = pocket_recipe("talks: {kind: conversations, local: talks.jsonl}")
TALKS = [
    (
        "Where is the cat?",
        "The cat is in the house.\n\n```python\n# The dog likes rice.\nx = 1\n```\n\nThe cat likes rice.",
    ),
    ("Write a poem about the dog that rhymes.", "The dog is small."),
    ("Where is the boy?", "The boy is in the house."),
]


@pytest.fixture
def translated(
    write_recipe: Write, run_steps: RunSteps, tmp_path: Path
) -> Callable[..., tuple[Mapping[str, Any], list[Any]]]:
    rows = [
        {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]}
        for asked, said in TALKS
    ]
    (tmp_path / "talks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")

    def run(*keys: str) -> tuple[Mapping[str, Any], list[Any]]:
        text = RECIPE.replace("  prompt:", "".join(f"  {key}\n" for key in keys) + "  prompt:")
        counts = run_steps(write_recipe(text=text))["translate/talks"]
        return counts, [row for _, row in read_jsonl(tmp_path / "translate/talks/accepted.jsonl")]

    return run


def said(rows: list[Any], place: int = 0) -> str:
    return str(rows[place]["messages"][1]["content"])


def test_code_is_kept_or_its_comments_are_translated(translated: Any) -> None:
    _, kept = translated()
    assert "```python\n# The dog likes rice.\nx = 1\n```" in said(kept)
    _, opened = translated("code: comments")
    assert "# The dog likes rice." not in said(opened)
    assert "\nx = 1\n```" in said(opened)


def test_rows_whose_task_a_translation_would_change(translated: Any) -> None:
    counts, rows = translated()
    assert (counts["rejected"], counts["task_changes"]) == ({"task-changed": 1}, {"rhyme": {"skip": 1}})
    counts, rows = translated("task_changes: {rhyme: keep}")
    kept = next(row for row in rows if row["language"] == "en")
    assert [turn["content"] for turn in kept["messages"]] == list(TALKS[1])
    assert counts["accepted"] == 3
    counts, rows = translated("task_changes: {all: translate}")
    assert {row["language"] for row in rows} == {"fi"} and len(rows) == 3


def test_glossary_terms_stand_as_they_are_given(translated: Any, tmp_path: Path) -> None:
    (tmp_path / "terms.tsv").write_text("The boy\tPOJU\n", "utf-8")
    _, rows = translated("glossary: terms.tsv")
    assert "POJU" in said(rows, -1)


def test_verdicts_of_a_reviewer_are_honoured(translated: Any, tmp_path: Path) -> None:
    lines = [
        "id\twhere\tsource\tverdict\ttranslation\tcomment",
        "talks/00002\tmessages[1]\tThe boy is in the house.\tedit\tPoika on kotona.\t",
        "talks/00000\tmessages[0]\tWhere is the cat?\treject\t\tclumsy",
    ]
    (tmp_path / "seen.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    counts, rows = translated("verdicts: seen.tsv")
    assert [row["id"] for row in rows] == ["talks/00002"]
    assert said(rows) == "Poika on kotona."
    assert counts["rejected"] == {"reviewer": 1, "task-changed": 1}
    assert counts["verdicts"] == {"applied": 2, "stale": 0, "unused": 0}


def test_a_verdict_that_no_file_can_hold_rejects_its_text(translated: Any, tmp_path: Path) -> None:
    lines = [
        "id\twhere\tsource\tverdict\ttranslation\tcomment",
        "talks/00002\tmessages[1]\tThe boy is in the house.\tedit\tPoika \\ud800 on kotona.\t",
    ]
    (tmp_path / "seen.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    counts, _ = translated("verdicts: seen.tsv")
    assert counts["rejected"] == {"encoding": 1, "task-changed": 1}


def test_a_prompt_is_chosen_on_held_out_shots(translated: Any) -> None:
    counts, _ = translated()
    assert counts["engines"]["hf"]["prompt"] == {"format": "names", "shots": 3}
    assert counts["engines"]["hf"]["sentinels"]["sentinels"] == "brackets"


def test_without_rungs_a_failure_rejects_its_record(translated: Any) -> None:
    counts, _ = translated("repair: {rungs: []}", "sentinels: words")
    assert list(counts["rungs"]) == ["first"]
    assert counts["accepted"] == counts["accepted_without_repair"]


@pytest.mark.parametrize(
    "key",
    [
        "checks: strict", "identifier: langdetect", "code: comments", "protect_numbers: true", "max_tokens_ratio: 2.0",
        "repair: {samples: 2}", "task_changes: {rhyme: keep}", "sentinels: tags",
    ],
)  # fmt: skip
def test_every_key_stands_in_the_fingerprint(write_recipe: Write, key: str) -> None:
    def settings(text: str) -> Mapping[str, Any]:
        path = write_recipe(text=text.replace("local: talks.jsonl", "pocket: oasst2"))
        return next(step.settings for step in make_plan(load(path)) if step.kind == "translate")

    assert settings(RECIPE) != settings(RECIPE.replace("  prompt:", f"  {key}\n  prompt:"))


def test_files_of_one_name_do_not_hide_each_other(write_recipe: Write, tmp_path: Path) -> None:
    for folder, line in (("a", "dog\tkoira\n"), ("b", "id\twhere\tsource\tverdict\ttranslation\tcomment\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "fi.tsv").write_text(line, "utf-8")
    text = RECIPE.replace("  prompt:", "  glossary: a/fi.tsv\n  verdicts: b/fi.tsv\n  prompt:").replace(
        "local: talks.jsonl", "pocket: oasst2"
    )

    def settings() -> Mapping[str, Any]:
        return next(step.settings for step in make_plan(load(write_recipe(text=text))) if step.kind == "translate")

    before = settings()
    (tmp_path / "a" / "fi.tsv").write_text("dog\thauva\n", "utf-8")
    assert settings() != before


def test_two_engines_that_are_one_are_refused(write_recipe: Write) -> None:
    text = RECIPE.replace("  prompt:", "  engine: [{kind: hf}, {kind: hf}]\n  prompt:").replace(
        "local: talks.jsonl", "pocket: oasst2"
    )
    with pytest.raises(RecipeError, match="the second adds nothing"):
        load(write_recipe(text=text))


def test_an_unknown_rule_is_named_with_the_nearest(write_recipe: Write, capsys: pytest.CaptureFixture[str]) -> None:
    from kielo.cli import main

    text = RECIPE.replace("  prompt:", "  task_changes: {rime: keep}\n  prompt:").replace(
        "local: talks.jsonl", "pocket: oasst2"
    )
    assert main(["check", str(write_recipe(text=text))]) == 2
    assert "no rule 'rime'" in capsys.readouterr().err
