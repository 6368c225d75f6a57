"""Recipes that say other than a run was made with: settings count; licences, moved files and newer versions' keys do not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from kielo.errors import UsageError
from kielo.plan import make_plan
from kielo.recipe.reading import load
from kielo.records import write_json, write_jsonl
from kielo.run_folder import RECORD, RunFolder
from kielo.sharing.drift import refuse_drifted

RECIPE = """\
name: small
language: fi
model: pocket
translate:
  prompt: {shots: 3, shots_file: pocket}
  datasets:
    talks: {kind: conversations, local: rows.jsonl}
sft:
  trainer: {learning_rate: 1e-3}
  mixes: {all: {shares: {en: 1.0, fi: 1.0}}}
"""
STEPS = ("source/talks", "translate/talks", "mix/all", "sft/all")


@pytest.fixture
def compare(write_recipe, tmp_path: Path) -> Callable[..., None]:
    """Record the steps of the recipe above as made, and compare another recipe with them."""
    for folder in ("", "elsewhere"):
        write_jsonl(tmp_path / folder / "rows.jsonl", [{"messages": []}])
    run = RunFolder(tmp_path / "run")
    for step in make_plan(load(write_recipe(text=RECIPE))):
        record = {"kind": step.kind, "fields": dict(step.settings), "outputs": {}, "sizes": {}}
        write_json(run.folder(step.name) / RECORD, record)

    def call(old: str, new: str) -> None:
        assert old in RECIPE
        refuse_drifted(load(write_recipe(text=RECIPE.replace(old, new))), run, STEPS)

    return call


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: small", "name: small"),
        ("rows.jsonl}", "rows.jsonl, licence: MIT}"),
        ("rows.jsonl}", "rows.jsonl, translate: true, fields: {}}"),
        ("rows.jsonl}", "./elsewhere/rows.jsonl}"),
        ("rows.jsonl}", "rows.jsonl, expected: {fi: 3}}"),
    ],
)
def test_what_changes_no_result_passes(compare, old, new) -> None:
    compare(old, new)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("shots: 3", "shots: 2", "translate/talks was made with other settings .*prompt.shots: 3 -> 2"),
        ("rows.jsonl}", "rows.jsonl, fields: {messages: turns}}", "source/talks was made with other settings"),
        ("fi: 1.0}", "fi: 0.5}", "mix/all was made with other settings"),
        ("1e-3}", "1e-3, weight_decay: 0.1}", r"sft/all was made with other settings .*weight_decay: \(absent\) -> 0.1"),
        ("{all: ", "{other: ", "the recipe does not make sft/all any more"),
    ],
)  # fmt: skip
def test_what_would_make_the_card_untrue_is_refused(compare, old, new, said) -> None:
    with pytest.raises(UsageError, match=said):
        compare(old, new)


def test_a_key_that_an_older_version_did_not_write_is_no_change(compare, tmp_path) -> None:
    path = tmp_path / "run/translate/talks" / RECORD
    record = json.loads(path.read_text("utf-8"))
    del record["fields"]["translate"]["sentinels"]
    write_json(path, record)
    compare("name: small", "name: small")
