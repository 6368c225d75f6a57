"""Vectors as numpy's .npy files hold them, checked before a selection stands on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kielo.errors import SourceError

_WHOLE_BLOCK = 65_536


def read_vectors(path: Path, rows: int, of: str) -> NDArray[np.float32]:
    """Read a matrix of one vector for each of `rows` things, which `of` names (`labels in names.txt`).

    Raises:
        SourceError: there is no such file, it is no matrix of finite numbers, a vector is zero, or it has another number of rows.
    """
    vectors = _loaded(path)
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or not vectors.shape[1]:
        shape = " x ".join(map(str, vectors.shape)) or "one number"
        raise SourceError(f"{path}: a matrix of decimal numbers is needed, this is {shape} of {vectors.dtype}.")
    if len(vectors) != rows:
        raise SourceError(
            f"{path}: {len(vectors)} vectors for {rows} {of}; make both files from the same list, in the same order."
        )
    for start in range(0, rows, _WHOLE_BLOCK):
        _check(path, vectors[start : start + _WHOLE_BLOCK], start)
    return vectors.astype(np.float32, copy=False)


def of_length_1(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring vectors to length 1; the squares of single precision would be zero or infinite where numbers are tiny or huge."""
    scaled = np.empty_like(vectors)
    for start in range(0, len(vectors), _WHOLE_BLOCK):
        block = vectors[start : start + _WHOLE_BLOCK].astype(np.float64)
        scaled[start : start + _WHOLE_BLOCK] = block / np.linalg.norm(block, axis=1, keepdims=True)
    return scaled


def _loaded(path: Path) -> NDArray[np.generic]:
    if not path.is_file():
        raise SourceError(f"{path}: no such file; name a .npy file of vectors.")
    try:
        loaded = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:  # pickled objects, cut short, or of another kind
        raise SourceError(f"{path}: not a .npy file of numbers ({error}); write it with numpy.save.") from error
    if not isinstance(loaded, np.ndarray):
        raise SourceError(f"{path}: an archive of arrays; save the one array with numpy.save.")
    return loaded


def _check(path: Path, block: NDArray[np.generic], start: int) -> None:
    with np.errstate(over="ignore"):
        numbers = block.astype(np.float32, copy=False)
    for wrong, what in (
        (~np.isfinite(numbers).all(axis=1), "is not finite (NaN or infinite)"),
        (~numbers.any(axis=1), "is zero and has no direction"),
    ):
        if wrong.any():
            row = start + int(np.flatnonzero(wrong)[0])
            raise SourceError(f"{path}: vector {row} (from 0) {what}; embed that text again, or leave its row out.")
