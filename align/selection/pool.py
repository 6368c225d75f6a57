"""What a selection method is handed, the pool, and what it gives back; every method in this folder is `(pool, wanted, settings) -> Picks`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RowLabels:
    """The labels of N rows over L names, as compressed rows: row i has `numbers[starts[i]:starts[i + 1]]`, each once, ascending."""

    names: tuple[str, ...]
    starts: Ints
    """N + 1"""
    numbers: Ints
    vectors: NDArray[np.float32] | None = None
    """L x D, of the names, for the label graph."""


@dataclass(frozen=True)
class Pool:
    """Rows to select from; what a method does not need may be None."""

    ids: tuple[str, ...]
    languages: tuple[str, ...]
    """Of each row."""
    lengths: Ints | None = None
    """Characters of all answers of each row."""
    labels: RowLabels | None = None
    scores: Floats | None = None
    """N, from 0 (the translation's quality is in it)."""
    embeddings: NDArray[np.float32] | None = None
    """N x D, of length 1."""
    ifd: Floats | None = None
    """N: instruction-following difficulty; above 1 the prompt does not help."""


@dataclass(frozen=True)
class Wanted:
    """How much is to be selected."""

    size: int
    budgets: Mapping[str, int] = field(default_factory=dict)
    """Rows by language, adding up to size; empty: no limits."""
    seed: int = 0


@dataclass(frozen=True)
class Picks:
    """What was selected."""

    rows: Ints
    """Numbers of rows of the pool, in the order picked."""
    counts: Mapping[str, Any] = field(default_factory=dict)
    """What the method has to say, as JSON values."""
