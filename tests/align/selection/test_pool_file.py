"""Pools, label names and vectors as files: what is read, what a row may lack, and every mistake as one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from align.selection.label_names import LabelNames, nearest_name, read_label_names
from align.selection.pool_file import read_pool
from align.selection.vector_file import read_vectors
from kielo.errors import SourceError

NAMES = LabelNames(("matematiikka", "runot", "käännös", "αριθμός"), file=Path("names.txt"))
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(*rows: Any) -> Path:
        lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
        (tmp_path / "pool.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        return tmp_path / "pool.jsonl"

    return written


def test_a_pool_is_read(write: Write) -> None:
    decomposed = "ka\u0308a\u0308nno\u0308s"
    file = read_pool(
        write(
            {"id": "a", "labels": ["runot", "matematiikka", "runot"], "score": 4, "language": "fi"},
            {"id": 7, "labels": ["αριθμός", decomposed, "taruja"], "score": 2.5},
            {"id": "c", "labels": [], "score": 0},
        ),
        ("labels", "scores"), names=NAMES,
    )  # fmt: skip
    pool, labels = file.pool, file.pool.labels
    assert labels is not None and pool.scores is not None and file.labels_written is not None
    assert (pool.ids, file.ids, pool.languages) == (("a", "7", "c"), ("a", 7, "c"), ("fi", "", ""))
    assert (labels.starts.tolist(), labels.numbers.tolist()) == ([0, 2, 4, 4], [0, 1, 2, 3])
    assert file.labels_written.tolist() == [3, 2, 0]
    assert pool.scores.tolist() == [4.0, 2.5, 0.0]
    assert file.unknown_labels == (("taruja", 1),)
    assert file.missing == {}


def test_without_names_the_labels_are_those_of_the_pool(write: Write) -> None:
    labels = read_pool(write({"id": "a", "labels": ["b", "a"]}, {"id": "b", "labels": ["b"]}), ("labels",)).pool.labels
    assert labels is not None
    assert (labels.names, labels.numbers.tolist()) == (("a", "b"), [0, 1, 1])


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e25])
def test_vectors_have_length_1_however_long_they_were(write: Write, tmp_path: Path, scale: float) -> None:
    written = np.array([[3.0, 4.0], [-1.0, 0.0]], np.float32) * np.float32(scale)
    np.save(tmp_path / "e.npy", written)
    pool = read_pool(write({"id": "a"}, {"id": "b"}), (), embeddings=tmp_path / "e.npy").pool
    np.testing.assert_allclose(pool.embeddings, [[0.6, 0.8], [-1, 0]], rtol=1e-6)


def test_half_a_character_and_endless_digits_are_refused_in_one_short_sentence(write: Write) -> None:
    with pytest.raises(SourceError, match="line 1: the row holds half a character"):
        read_pool(write('{"id": "\\ud800"}'), ())
    with pytest.raises(SourceError, match='line 1: "score" is 1000') as caught:
        read_pool(write('{"id": "a", "score": 1' + "0" * 400 + "}"), ("scores",))
    assert len(str(caught.value)) < 250


def test_a_folder_is_no_file_of_names(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file; write the labels' names"):
        read_label_names(tmp_path)


ROWS = (
    {"id": "a", "labels": ["runot"], "score": 5, "length": 10},
    {"id": "b", "labels": None, "score": 3, "length": 20},
    {"id": "c", "labels": ["runot"], "length": 30},
)


def test_rows_that_lack_something_are_refused(write: Write) -> None:
    with pytest.raises(SourceError, match="line 2: row 'b' has no labels; give it, or say --missing"):
        read_pool(write(*ROWS), ("labels", "scores"), names=NAMES)
    assert read_pool(write(*ROWS), ("lengths",)).missing == {}


def test_rows_that_lack_something_are_left_out(write: Write, tmp_path: Path) -> None:
    np.save(tmp_path / "e.npy", np.array([[3.0, 4.0], [0.0, 1.0], [1.0, 0.0]], np.float32))
    file = read_pool(write(*ROWS), ("labels", "scores", "lengths"), "skip", NAMES, tmp_path / "e.npy")
    assert file.pool.ids == ("a",)
    assert file.missing == {"labels": 1, "score": 1}
    assert file.pool.lengths is not None and file.pool.lengths.tolist() == [10]
    assert file.pool.embeddings is not None and file.pool.embeddings.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)]]  # fmt: skip


def test_rows_that_lack_something_are_given_the_minimum(write: Write) -> None:
    file = read_pool(write(*ROWS), ("labels", "scores"), "minimum", NAMES)
    assert file.pool.scores is not None and file.pool.labels is not None
    assert file.pool.scores.tolist() == [5, 3, 3]
    assert file.pool.labels.starts.tolist() == [0, 1, 1, 2]
    assert file.missing == {"labels": 1, "score": 1}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ('{"id": "b", "labels": [], "score": NaN}', '"score" is nan; it must be a finite number'),
        ('{"id": "b", "labels": [], "score": Infinity}', '"score" is inf'),
        ('{"id": "b", "labels": [], "score": -0.5}', '"score" is -0.5'),
        ('{"id": "b", "labels": [], "score": 1' + 400 * "0" + "}", '"score" is 1'),
        ('{"id": "b", "labels": [], "score": true}', '"score" must be a number, this is bool'),
        ('{"id": "b", "labels": [], "score": "4"}', '"score" must be a number, this is str'),
        ('{"id": "b", "labels": "runot", "score": 1}', '"labels" must be a list of texts'),
        ('{"id": "b", "labels": [3], "score": 1}', '"labels" must be a list of texts'),
        ('{"id": "a", "labels": [], "score": 1}', "the id 'a' stands in line 1 already"),
        ('{"labels": [], "score": 1}', '"id" must be a text or a whole number'),
        ('{"id": true, "labels": [], "score": 1}', '"id" must be a text or a whole number'),
        ('{"id": "b", "labels": [], "score": 1, "language": 3}', '"language" must be a code'),
        ('["b"]', "a JSON object is needed"),
    ],
)
@pytest.mark.parametrize("missing", ["refuse", "minimum"])
def test_a_wrong_row_is_named(write: Write, row: str, says: str, missing: Any) -> None:
    with pytest.raises(SourceError, match="pool.jsonl, line 2") as error:
        read_pool(write({"id": "a", "labels": ["runot"], "score": 1}, row), ("labels", "scores"), missing, NAMES)
    assert says in str(error.value)


def test_a_pool_that_leaves_nothing_is_refused(write: Write) -> None:
    with pytest.raises(SourceError, match="it holds no rows"):
        read_pool(write(), ("scores",))
    with pytest.raises(SourceError, match="all 1 rows lack score"):
        read_pool(write({"id": "a"}), ("scores",), "skip")
    with pytest.raises(SourceError, match='no row has a "score"'):
        read_pool(write({"id": "a"}), ("scores",), "minimum")


def test_names_of_another_pool_are_refused(write: Write) -> None:
    with pytest.raises(SourceError, match="none of its 2 labels stands in names.txt"):
        read_pool(write({"id": "a", "labels": ["x", "y"]}), ("labels",), names=NAMES)


def test_names_are_read_with_a_vector_each(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_bytes("\ufeffmatematiikka\r\nka\u0308a\u0308nno\u0308s\u2028toinen\n\n".encode())
    np.save(tmp_path / "e.npy", np.ones((2, 3)))
    names = read_label_names(tmp_path / "names.txt", tmp_path / "e.npy")
    assert names.names == ("matematiikka", "käännös\u2028toinen")
    assert names.vectors is not None and (names.vectors.shape, names.vectors.dtype) == ((2, 3), np.float32)
    assert nearest_name("matematikka", names) == "matematiikka"
    assert nearest_name("x", names) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "names no labels, so there is no label graph"),
        (b"\n\n", "names no labels"),
        (b"a\n\nb\n", "line 2: a blank line"),
        (b"a\nb\na\n", "line 3: 'a' stands in line 1 already"),
        (b"a\n\xff\n", "not UTF-8 at byte 2"),
    ],
)
def test_wrong_names_are_refused(tmp_path: Path, text: bytes, says: str) -> None:
    (tmp_path / "names.txt").write_bytes(text)
    with pytest.raises(SourceError, match=says):
        read_label_names(tmp_path / "names.txt")
    with pytest.raises(SourceError, match="no such file"):
        read_label_names(tmp_path / "other.txt")


@pytest.mark.parametrize(
    ("vectors", "says"),
    [
        (np.ones((3, 4)), "3 vectors for 2 labels in names.txt"),
        (np.ones(2), "a matrix of decimal numbers is needed, this is 2 of float64"),
        (np.ones((2, 0)), "a matrix of decimal numbers is needed, this is 2 x 0"),
        (np.ones((2, 3), np.int64), "this is 2 x 3 of int64"),
        (np.array([[1.0, 2], [np.nan, 1]]), "vector 1 \\(from 0\\) is not finite"),
        (np.array([[1e300, 2], [3, 1]]), "vector 0 \\(from 0\\) is not finite"),
        (np.array([[1.0, 2], [0, 0]]), "vector 1 \\(from 0\\) is zero"),
        (np.array([[1.0, "x"], [0, 0]], object), "not a .npy file of numbers"),
    ],
)
def test_wrong_vectors_are_refused(tmp_path: Path, vectors: np.ndarray, says: str) -> None:
    np.save(tmp_path / "e.npy", vectors, allow_pickle=True)
    with pytest.raises(SourceError, match=says):
        read_vectors(tmp_path / "e.npy", 2, "labels in names.txt")


def test_files_that_hold_no_array_are_refused(tmp_path: Path) -> None:
    (tmp_path / "e.npy").write_bytes(b"")
    np.save(tmp_path / "whole.npy", np.ones((50, 4)))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "whole.npy").read_bytes()[:300])
    np.savez(tmp_path / "several.npz", a=np.ones(3))
    for name, says in {"e.npy": "not a .npy file", "cut.npy": "not a .npy file", "several.npz": "an archive", "no.npy": "no such file"}.items():  # fmt: skip
        with pytest.raises(SourceError, match=says):
            read_vectors(tmp_path / name, 50, "rows")
