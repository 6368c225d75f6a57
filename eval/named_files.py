"""Files of several models on one command line, as `NAME=FILE`: the name stands for the model in all tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from kielo.errors import UsageError


def named_file(text: str) -> tuple[str | None, Path]:
    """Read `NAME=FILE` or `FILE`; what is a file as a whole has no name in front."""
    name, equals, file = text.partition("=")
    return (name, Path(file)) if equals and name and not Path(text).exists() else (None, Path(text))


def named_files(given: Sequence[str]) -> dict[str, Path]:
    """Give files by name: the one that is given, or the file's own without its ending.

    Raises:
        UsageError: two have one name.
    """
    named = [(name or _stem(path), path) for name, path in map(named_file, given)]
    twice = [name for name, count in Counter(name for name, _ in named).items() if count > 1]
    if twice:
        raise UsageError(f"two files are called '{twice[0]}'; give them names: NAME=FILE.")
    return dict(named)


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".jsonl")
