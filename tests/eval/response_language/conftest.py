"""FLORES sentences, and packs of languages that have none."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.response_language import Identifier, open_identifier
from kielo.languages.pack import Language, language


@pytest.fixture(scope="session")
def sentences(shared_data: Path) -> Callable[[str], list[str]]:
    """Read the FLORES sentences of a language."""

    def read(code: str) -> list[str]:
        with gzip.open(shared_data / f"flores200/{code}.devtest.gz", "rt", encoding="utf-8") as lines:
            return [line.strip() for line in lines]

    return read


@pytest.fixture(scope="session")
def identifier() -> Identifier:
    return open_identifier()


@pytest.fixture(scope="session")
def pack() -> Callable[..., Language]:
    """Make a pack of what identifiers need, for languages that have none."""

    def make(code: str, iso639_3: str, langdetect: str | None = None, script: str = "Latin") -> Language:
        changes = {"code": code, "iso639_3": iso639_3, "langdetect": langdetect, "script": script}
        return language("en").model_copy(update=changes)

    return make
