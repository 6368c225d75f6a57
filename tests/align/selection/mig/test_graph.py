"""The label graph beside dense cosines, whatever the size of a block; and phi's formulas, the same bits compiled or not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.selection.mig import graph
from align.selection.mig.graph import label_graph
from align.selection.mig.information import form_of
from align.selection.mig.task import rounded
from kielo.errors import SourceError
from kielo.schema.selection import Mig


def dense(vectors: np.ndarray, threshold: float, propagation: float) -> np.ndarray:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    joined = np.where(unit @ unit.T >= threshold, unit @ unit.T, 0) * propagation
    np.fill_diagonal(joined, 1)
    return joined / joined.sum(axis=0)


def as_matrix(found: graph.Graph) -> np.ndarray:
    matrix = np.zeros((found.size, found.size))
    matrix[np.repeat(np.arange(found.size), np.diff(found.starts)), found.columns] = found.weights
    return matrix


@pytest.mark.parametrize("propagation", [0.6, 1.0, 2.0])
def test_the_graph_is_that_of_all_cosines(propagation, monkeypatch) -> None:
    monkeypatch.setattr(graph, "_BLOCK", 16)
    vectors = np.random.default_rng(0).normal(size=(70, 5)).astype(np.float32)
    found = label_graph(vectors, 0.6, propagation)
    assert as_matrix(found) == pytest.approx(dense(vectors.astype(float), 0.6, propagation), rel=1e-12)
    assert 0 < found.edges < 70 * 69 // 2
    mass = np.random.default_rng(1).uniform(size=70)
    assert found.spread(mass) == pytest.approx(mass @ as_matrix(found))


def test_labels_with_the_same_vector_are_joined_at_a_threshold_of_1() -> None:
    vectors = np.random.default_rng(3).normal(size=(40, 300)).astype(np.float32)
    doubled = np.concatenate((vectors, vectors * 3))
    assert label_graph(doubled, 1.0, 1.0).edges == 40


def test_without_propagation_no_label_gives_anything_away() -> None:
    assert as_matrix(label_graph(np.ones((3, 2), np.float32), 0.5, 0.0)).tolist() == np.eye(3).tolist()


@pytest.mark.parametrize("wrong", [0.0, np.nan, np.inf])
def test_a_vector_without_a_direction_is_refused(wrong) -> None:
    vectors = np.ones((3, 2), np.float32)
    vectors[1] = wrong
    with pytest.raises(SourceError, match="the vector of label 1"):
        label_graph(vectors, 0.5, 1.0)


@pytest.mark.parametrize("settings", [Mig(), Mig(exponent=0.37, offset=0.5), Mig(information="exponential", rate=0.2)])
def test_compiled_formulas_give_the_same_bits(settings) -> None:
    pytest.importorskip("numba")
    from align.selection.mig import compiled

    form = form_of(settings)
    phi = (form.power, form.exponent, form.offset, form.rate)
    random = np.random.default_rng(5)
    x = np.concatenate(([0.0], random.uniform(0, 50, 300), random.uniform(0, 1e5, 300))).tolist()
    more = random.uniform(0, 36, len(x)).tolist()
    assert [compiled._slope(phi, each) for each in x] == form.slopes(x)
    assert [compiled._difference(phi, *each) for each in zip(x, more, strict=True)] == form.differences(x, more)


@given(st.floats(0, 1e4), st.floats(1e-3, 1e4), st.sampled_from([Mig(), Mig(information="exponential", rate=1e-3)]))
def test_a_difference_is_that_of_two_values(x: float, more: float, settings: Mig) -> None:
    form = form_of(settings)
    plain = form.value(np.array([x + more])) - form.value(np.array([x]))
    assert form.differences([x], [more])[0] == pytest.approx(plain, rel=1e-5, abs=1e-9)
    assert form.differences([x], [more])[0] <= form.slopes([x])[0] * more * (1 + 1e-12)
    assert form.from_nothing(np.array([more]))[0] == pytest.approx(form.differences([0.0], [more])[0], rel=1e-12)


@given(st.floats(1e-290, 1e290), st.floats(1e-290, 1e290))
def test_rounding_keeps_order_and_all_but_the_last_digits(one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert rounded(np.array([small])) <= rounded(np.array([large]))
    assert rounded(np.array([small]))[0] == pytest.approx(small, rel=2.0**-40)
