"""Every `kielo` command of README and docs is one that the command line takes, and what they name is there."""

from __future__ import annotations

import argparse
import importlib.util
import re
from pathlib import Path
from typing import NoReturn

import pytest

from kielo.cli import _parse
from kielo.errors import KieloError
from tests.docs.pages import PAGES, ROOT, Code, code, commands

KIELO = [(each, arguments) for each, arguments in commands("kielo") if arguments]
WHOLE = [(each, arguments) for each, arguments in KIELO if each.whole]
SHORTENED = [(each, arguments) for each, arguments in KIELO if not each.whole]
MADE_BY_THE_READER = ("recipes/mine.yaml",)
OUR_MODULE = r"python -m ((?:kielo|benchmarks|tests|translate|align|eval)\b[\w.]*)"


class RefusedError(Exception):
    """What a parser said against a command, and the options that it knows."""

    def __init__(self, said: str, options: frozenset[str]) -> None:
        super().__init__(said)
        self.options = options


@pytest.fixture(autouse=True)
def _told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(parser: argparse.ArgumentParser, message: str) -> NoReturn:
        raise RefusedError(message, frozenset(parser._option_string_actions))

    monkeypatch.setattr(argparse.ArgumentParser, "error", refuse)


def ids(pairs: list[tuple[Code, list[str]]]) -> list[str]:
    return [each.place for each, _ in pairs]


@pytest.mark.parametrize(("_code", "arguments"), WHOLE, ids=ids(WHOLE))
def test_a_command_of_a_block_is_taken_as_it_stands(_code: Code, arguments: list[str]) -> None:
    try:
        _parse(arguments)
    except (RefusedError, KieloError) as error:
        pytest.fail(str(error))
    except SystemExit as ended:  # --help, --version
        assert ended.code == 0


@pytest.mark.parametrize(("_code", "arguments"), SHORTENED, ids=ids(SHORTENED))
def test_a_command_of_a_sentence_has_verbs_and_options_that_exist(_code: Code, arguments: list[str]) -> None:
    try:
        _parse(arguments)
    except KieloError as error:
        pytest.fail(str(error))
    except SystemExit as ended:
        assert ended.code == 0
    except RefusedError as error:
        assert re.search(r"the following arguments are required|expected (one|at least one) argument", str(error)), (
            error
        )
        assert {each for each in arguments if each.startswith("--")} <= error.options


def test_there_are_commands_to_look_at() -> None:
    assert len(WHOLE) > 60
    assert len(SHORTENED) > 30


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_recipes_targets_and_modules_that_code_names_are_there(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    lost = []
    for each in code(page):
        recipes = re.findall(r"\brecipes/[\w/.-]+\.(?:yaml|jsonl)\b", each.text)
        lost += [name for name in recipes if not (ROOT / name).exists() and name not in MADE_BY_THE_READER]
        lost += [name for name in re.findall(r"^make ([\w-]+)(?: |$)", each.text) if name not in targets]
        lost += [name for name in re.findall(OUR_MODULE, each.text) if not importlib.util.find_spec(name)]
    assert not lost
