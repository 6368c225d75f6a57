"""The completion scripts: every verb and option in them, names looked up by the shell alone, and no name ever run."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kielo.completion import SHELLS, script, whole_parser
from kielo.verbs.eval_tools import TOOLS as EVAL_TOOLS
from tests.command_line import ROOT

TAB = """
source "$1"; shift
complete_with=$(complete -p kielo | sed 's/.*-F \\([^ ]*\\).*/\\1/')
COMP_WORDS=(kielo "$@"); COMP_CWORD=$#; COMP_LINE="kielo $*"; COMP_POINT=${#COMP_LINE}; COMPREPLY=()
$complete_with kielo "${!#}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("scripts")
    for shell in SHELLS:
        (folder / shell).write_text(script(shell), "utf-8")
    return {shell: folder / shell for shell in SHELLS}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a recipe, a run, and a run whose name is a trap."""
    for name in ("recipes", "runs/small/sft/mixed/model", "runs/small/dpo/both", "runs/small/eval/sft/mixed/ifeval-fi"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "runs/small/sft/$(touch trapped)").mkdir()
    (tmp_path / "recipes/mine.yaml").write_text("", "utf-8")
    return tmp_path


def tab(scripts: dict[str, Path], place: Path, *words: str) -> list[str]:
    """Press TAB in bash behind these words."""
    command = ["bash", "--norc", "-c", TAB, "tab", str(scripts["bash"]), *words]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, timeout=60)
    assert not done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["sub"], {"submit"}),
        (["run", "--dry"], {"--dry-run"}),
        (["run", "recipes/m"], {"recipes/mine.yaml"}),
        (["run", "recipes/mine.yaml", "--only", "sft/"], {"sft/mixed"}),
        (["run", "recipes/mine.yaml", "--redo", "eval/"], {"eval/sft", "eval/sft/mixed"}),
        (["analyse", "--js"], {"--json"}),
        (["eval", "similar"], {"similarity"}),
        (["eval", "score", "--pro"], {"--prompts"}),
        (["eval", "compare", "--mode", ""], {"compat", "fair"}),
        (["eval", "recipes/mine.yaml", "--dry"], {"--dry-run"}),
        (["select", "near"], {"near-duplicates"}),
        (["select", "mig", "--pro"], {"--propagation"}),
        (["profile", "ne"], {"new"}),
    ],
)
def test_bash_completes(scripts: dict[str, Path], place: Path, words: list[str], offered: set[str]) -> None:
    assert set(tab(scripts, place, *words)) >= offered
    assert not (place / "trapped").exists()


def test_models_are_those_of_the_runs(scripts: dict[str, Path], place: Path) -> None:
    text = f"{scripts['bash'].read_text('utf-8')}\n_kielo_models ''\n_kielo_runs runs/\n"
    done = subprocess.run(["bash", "--norc", "-c", text], cwd=place, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["base", "dpo/both", "sft/mixed", "runs/small", "runs/small"], (
        "no other spelling, which would be a second choice"
    )
    assert not (place / "trapped").exists(), "the name of a folder was run"


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts_are_sound(scripts: dict[str, Path], shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    subprocess.run([shell, "-n", str(scripts[shell])], check=True, timeout=60)


def test_tools_are_offered_in_place_of_a_recipe_and_not_behind_one(scripts: dict[str, Path], place: Path) -> None:
    assert tab(scripts, place, "eval", "recipes/mine.yaml", "flo") == []


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("eval score --pro", "--prompts"), ("eval recipes/mine.yaml --dry", "--dry-run"), ("eval flo", "floors"), ("eval recipes/mine.yaml flo", "")],
)  # fmt: skip
def test_fish_completes(scripts: dict[str, Path], place: Path, typed: str, offered: str) -> None:
    if shutil.which("fish") is None:
        pytest.skip("no fish here")
    command = ["fish", "--no-config", "-c", f"source {scripts['fish']}; complete -C 'kielo {typed}'"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split("\t")[0].strip() == offered


@pytest.mark.parametrize("shell", SHELLS)
def test_every_option_is_in_the_script(scripts: dict[str, Path], shell: str) -> None:
    text = scripts[shell].read_text("utf-8")
    parsers, wanted = [whole_parser()], set(EVAL_TOOLS)
    for parser in parsers:
        for action in parser._actions:
            wanted.update(option.lstrip("-") for option in action.option_strings if action.help != argparse.SUPPRESS)
            if isinstance(action, argparse._SubParsersAction):
                wanted.update(action.choices)
                parsers += action.choices.values()
    assert len(wanted) > 100 and [each for each in sorted(wanted) if each not in text] == []


def test_making_a_script_loads_no_torch() -> None:
    code = (
        "import sys; from kielo.completion import script; script('bash');"
        "print([m for m in ('torch', 'transformers', 'datasets', 'trl') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
