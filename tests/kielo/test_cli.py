"""The command line: what it costs, what it says to mistakes, and that nothing heavy is loaded for a look at a plan."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kielo.cli import STAGE_VERBS, main

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "transformers", "trl", "datasets", "vllm", "sacrebleu", "nltk")


def python(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, env=environment, timeout=300
    )


@pytest.mark.parametrize("verb", ["check", "plan", "status"])
def test_looking_loads_nothing_heavy(verb, write_recipe, tmp_path):
    code = f"import sys; from kielo.cli import main; assert main([{verb!r}, {str(write_recipe())!r}]) == 0; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = python("-c", code, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr
    assert not (tmp_path / "runs").exists(), "looking makes no folders"


def test_help_lists_every_verb():
    done = python("-m", "kielo.cli", "--help")
    assert done.returncode == 0
    for verb in ("check", "plan", "run", "status", *STAGE_VERBS):
        assert f"\n    {verb}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "nothing.yaml"], "nothing.yaml: no such file"),
        (["run", "RECIPE", "--only", "sft/en-fi-10pct"], "no step 'sft/en-fi-10pct' in this plan; did you mean"),
        (["run", "RECIPE", "--redo", "tarnslate"], "no step 'tarnslate' in this plan"),
        (["mix", "RECIPE", "--only", "mix"], "which is not complete; run it first"),
        (["run", "RECIPE", "--limit", "0"], "'0' is no positive whole number"),
        (["rnu", "RECIPE"], "there is no verb 'rnu'; did you mean 'run'?"),
        (["stat", "RECIPE"], "there is no verb 'stat'; did you mean 'status'?"),
        (["recipes/pocket.yaml"], "there is no verb 'recipes/pocket.yaml'; known here: analyse, audit, cancel"),
        (["step", "RECIPE", "mix", "--servers", "0"], "'0' is no positive whole number"),
        (
            ["eval", "score", "--prompts", "a.jsonl", "--responses", "b.jsonl", "--language", "en"],
            "a.jsonl: no such file",
        ),
        (
            ["eval", "score", "--prompts", "a.jsonl", "--responses", "b.jsonl", "--language", "xx"],
            "--language xx: no language pack",
        ),
        (["eval", "score", "--prompts", "a\udcff.jsonl"], "is not UTF-8"),
        (["eval", "flors"], "no tool and no recipe 'flors'; did you mean 'floors'?"),
        (["eval", "nothing.yaml"], "nothing.yaml: no such file"),
    ],
)
def test_a_mistake_is_a_sentence_and_exit_code_2(arguments, sentence, write_recipe, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = str(write_recipe())
    try:
        code = main([recipe if argument == "RECIPE" else argument for argument in arguments])
    except SystemExit as stopped:  # argparse's own way out
        code = stopped.code
    said = capsys.readouterr().err
    assert code == 2
    assert sentence in said
    assert "Traceback" not in said


def test_dry_run_lists_and_makes_nothing(write_recipe, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["sft", str(write_recipe()), "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "waiting   sft/neftune" in lines
    assert not any("dpo" in line for line in lines)
    assert not (tmp_path / "runs").exists()


def test_a_namesake_package_is_refused(tmp_path, write_recipe):
    foreign = tmp_path / "site" / "translate"
    foreign.mkdir(parents=True)
    (foreign / "__init__.py").write_text("")
    code = f"import sys; sys.path.insert(0, {str(foreign.parent)!r}); from kielo.cli import main; sys.exit(main(['check', {str(write_recipe())!r}]))"
    done = python("-c", code, cwd=tmp_path)
    assert done.returncode == 2
    assert "the package 'translate' found first is" in done.stderr


def test_a_tracker_that_lacks_is_told_before_anything_is_spent(write_recipe, tmp_path, monkeypatch, capsys):
    recipe = write_recipe(("sft:\n", "sft:\n  trainer: {report_to: trackio}\n"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("align.training.reporting.find_spec", lambda name: None)
    assert main(["check", str(recipe)]) == 0
    told = "sft.trainer.report_to: trackio is not installed; pip install trackio"
    assert f"here {told}" in capsys.readouterr().out
    assert (
        main(["run", str(recipe)]) == 2 and main(["submit", str(recipe), "--profile", "generic-cuda", "--dry-run"]) == 2
    )
    assert capsys.readouterr().err.count(told) == 2 and not list(tmp_path.glob("runs/*/source"))
    assert main(["run", str(recipe), "--only", "source", "--dry-run"]) == 0
