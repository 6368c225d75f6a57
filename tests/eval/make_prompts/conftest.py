"""Real Finnish articles, and prompts made from them once for all tests that only look at them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from eval.make_prompts.documents import Documents, read_documents
from eval.make_prompts.make import MadeSet, make_prompts
from kielo.cli import main
from kielo.languages.pack import language


@pytest.fixture(scope="session")
def articles(shared_data: Path) -> Path:
    return shared_data / "native_fi" / "wikipedia-fi-validation-sample.jsonl.gz"


@pytest.fixture(scope="session")
def finnish(articles: Path) -> Documents:
    return read_documents(articles, language("fi"), "CC-BY-SA-4.0")


@pytest.fixture(scope="session")
def made(finnish: Documents) -> MadeSet:
    return make_prompts(finnish, language("fi"), rows=120, seed=3)


@pytest.fixture
def kielo(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command line; gives the exit code, what it printed and what it complained about."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(each) for each in arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run
