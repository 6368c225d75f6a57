"""The names of labels, one a line, and their vectors: which labels of a pool count, and how near they are."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from align.selection.vector_file import read_vectors
from kielo.errors import SourceError, at


@dataclass(frozen=True)
class LabelNames:
    """Labels by number, as in their file."""

    names: tuple[str, ...]
    vectors: NDArray[np.float32] | None = None
    """L x D"""
    file: Path | None = None


def read_label_names(path: Path, vectors: Path | None = None) -> LabelNames:
    """Read the names, composed (NFC), and a vector for each where there is a file of them.

    Raises:
        SourceError: a file is missing, a name is blank or stands twice, or there is not one vector a name.
    """
    try:
        lines = [line.removesuffix("\r") for line in path.read_bytes().decode("utf-8-sig").split("\n")]
    except (FileNotFoundError, IsADirectoryError) as error:
        raise SourceError(f"{path}: no such file; write the labels' names into one, one a line.") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not UTF-8 at byte {error.start}; convert the file with iconv.") from error
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise SourceError(f"{path}: it names no labels, so there is no label graph; write one name a line.")
    names = tuple(unicodedata.normalize("NFC", line) for line in lines)
    _check(path, names)
    found = None if vectors is None else read_vectors(vectors, len(names), f"labels in {path}")
    return LabelNames(names, found, path)


def _check(path: Path, names: Sequence[str]) -> None:
    first: dict[str, int] = {}
    for line, name in enumerate(names, 1):
        if not name.strip():
            raise SourceError(f"{at(path, line)}: a blank line; every line is the name of one vector.")
        if first.setdefault(name, line) != line:
            raise SourceError(f"{at(path, line)}: '{name}' stands in line {first[name]} already; names must differ.")


def own_names(labels: Iterable[Sequence[str] | None]) -> LabelNames:
    """Name the labels of a pool itself, in the order of their letters."""
    return LabelNames(tuple(sorted({label for row in labels for label in row or ()})))


def nearest_name(label: str, names: LabelNames) -> str | None:
    """Find the name that is spelled most like a label, if any is."""
    return next(iter(difflib.get_close_matches(label, names.names, 1)), None)
