"""Arguments of `kielo language`, and packs of the user's own that leave nothing behind."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import pytest

from kielo.languages.pack import language


def parsed(add: Callable[[argparse.ArgumentParser], None], *given: object) -> argparse.Namespace:
    """Parse arguments as the command line does."""
    parser = argparse.ArgumentParser()
    add(parser)
    return parser.parse_args([str(each) for each in given])


@pytest.fixture(autouse=True)
def _packs_are_read_anew() -> Iterator[None]:
    language.cache_clear()
    yield
    language.cache_clear()
