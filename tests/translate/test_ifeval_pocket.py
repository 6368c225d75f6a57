"""The pocket IFEval prompts through source and translate steps by the pocket model: the linter finds nothing to correct."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from eval.ifeval.lint import lint_file
from kielo.models import POCKET
from tests.translate.conftest import pocket_recipe

RECIPE = pocket_recipe(
    "ifeval: {kind: ifeval, pocket: ifeval, rows: 12}",
    "oasst2: {kind: conversations, pocket: oasst2, rows: 3, translate: false}",
)


@pytest.mark.skipif(not POCKET.is_dir(), reason="the pocket base model has not been made yet")
def test_a_set_localised_by_the_pocket_model_lints_clean_and_takes_over_a_reviewed_argument(
    write_recipe: Callable[..., Path], run_steps: Callable[..., dict[str, Mapping[str, Any]]], tmp_path: Path
) -> None:
    counts = run_steps(write_recipe(text=RECIPE))["translate/ifeval"]
    assert counts["accepted"] >= 0.9 * counts["records"]
    report = lint_file(tmp_path / "translate" / "ifeval" / "accepted.jsonl", "fi", tokenizer="sentencex")
    document = report.to_json()
    assert document["literal"]["arguments"] > 0
    assert document["literal"]["missing"] == document["severities"]["error"] == 0
    assert document["feasible"]["proved"] == counts["accepted"]
    header, *lines = (tmp_path / "translate" / "ifeval" / "arguments.tsv").read_text("utf-8").splitlines()
    source, _, *rest = lines[0].split("\t")
    (tmp_path / "mine.tsv").write_text(f"{header}\n" + "\t".join([source, "omenapuu", *rest]) + "\n", "utf-8")
    again = run_steps(write_recipe(text=RECIPE.replace("rows: 12", "rows: 12, arguments: mine.tsv")))[
        "translate/ifeval"
    ]
    assert again["accepted"] == counts["accepted"]
    written = (tmp_path / "translate" / "ifeval" / "accepted.jsonl").read_text("utf-8")
    assert written.count("omenapuu") >= 2
    assert f"{source}\tomenapuu\t" in (tmp_path / "translate" / "ifeval" / "arguments.tsv").read_text("utf-8")
