"""Fixtures of the prompting tests: the pack's shots, the pocket world's, and the pocket model behind a completion store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from kielo.generation.protocol import Completion, Generator, Request
from kielo.generation.store import CompletionStore, complete
from kielo.languages.pack import Shot, language, read_shots, shots_of
from kielo.models import model_path
from kielo.pocket import datasets as pocket
from translate.checks import Direction
from translate.prompting.prompter import Format, Prompter
from translate.prompting.shots import POCKET_POOL
from translate.prompting.trial import Complete


@pytest.fixture(scope="session")
def pack() -> tuple[Shot, ...]:
    return tuple(read_shots(shots_of("fi")))


@pytest.fixture(scope="session")
def pocket_pool() -> tuple[Shot, ...]:
    rows = pocket.rows("shots", POCKET_POOL, 0)
    return tuple(Shot(**row | {"kind": row["kind"].replace("_", "-")}) for row in rows)


@pytest.fixture(scope="session")
def en_fi() -> Direction:
    return Direction(language("en"), language("fi"))


@pytest.fixture(scope="session")
def prompter_of(en_fi: Direction) -> Callable[..., Prompter]:
    """Make an English-Finnish prompter of some shots."""

    def make(shots: Sequence[Shot], form: Format = "names", count: int = 5) -> Prompter:
        return Prompter(form, tuple(shots), count, en_fi.source, en_fi.target, 3.0)

    return make


@pytest.fixture(scope="session")
def pocket_model() -> Iterator[Generator]:
    from kielo.generation.hf import HfGenerator

    generator = HfGenerator(model_path("pocket"))
    yield generator
    generator.close()


class Counted:
    """Completes through a store, and counts what the model was asked for."""

    def __init__(self, model: Generator, store: CompletionStore) -> None:
        self.model, self.store = model, store

    def __call__(self, requests: Sequence[Request]) -> Sequence[Completion]:
        return complete(self.model, requests, self.store, "prompting")


@pytest.fixture
def pocket_complete(pocket_model: Generator, tmp_path: Path) -> Iterator[Complete]:
    with CompletionStore(tmp_path / "completions") as store:
        yield Counted(pocket_model, store)


@pytest.fixture
def no_model() -> Complete:
    """What answers nothing: everything must be in place without a model."""

    def refuse(requests: Sequence[Request]) -> Sequence[Completion]:
        raise AssertionError(f"{len(requests)} requests were made")

    return refuse
