"""MIG's picks beside those of dense matrices written from the formula, by both paths: gains, norms, forms, graphs, ties, budgets."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.selection.mig import method, pick, scan
from align.selection.pool import Pool, Wanted
from kielo.errors import SourceError, UsageError
from kielo.schema.selection import Mig
from tests.align.selection.mig.pools import Dense, make_pool, random_pool, row_labels

compiled = pytest.param("numba", marks=pytest.mark.skipif(find_spec("numba") is None, reason="numba is not installed"))
PATHS = ["numpy", compiled]
FORMS = [{}, {"exponent": 0.5, "offset": 0.1}, {"exponent": 1.0}, {"information": "exponential", "rate": 0.02}]


def picked(pool: Pool, size: int, chosen: Mig, path: str = "numpy", **budgets: int) -> list[int]:
    return pick(pool, Wanted(size, budgets), chosen, path=path).rows.tolist()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("gain", ["linear", "true"])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("graph", [{"threshold": 0.5}, {"threshold": 0.85, "propagation": 0.6}, {"propagation": 0.0}])
@pytest.mark.parametrize("form", FORMS)
def test_the_picks_are_those_of_the_formula(form, graph, norm, gain, path) -> None:
    chosen = Mig(gain=gain, norm=norm, **graph, **form)
    pool = random_pool(300, 40, seed=7)
    assert picked(pool, 120, chosen, path) == Dense(pool, chosen).picks(120)


@pytest.mark.parametrize("path", PATHS)
def test_far_more_rows_than_are_hot(path, monkeypatch) -> None:
    monkeypatch.setattr(scan, "_NEAR", 60)
    monkeypatch.setattr(scan, "_HOT", 20)
    pool = random_pool(1000, 60, seed=3)
    for gain in ("linear", "true"):
        chosen = Mig(threshold=0.6, gain=gain)
        assert picked(pool, 250, chosen, path) == Dense(pool, chosen).picks(250)


@pytest.mark.parametrize("path", PATHS)
def test_of_equals_the_first_row_is_picked(path) -> None:
    vectors = np.eye(4)
    alike = make_pool([[0, 1], [2, 3], [0, 1], [2, 3]] * 3, [6.0] * 12, vectors)
    assert picked(alike, 12, Mig(), path) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert picked(alike, 12, Mig(gain="true"), path) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]


@pytest.mark.parametrize("path", PATHS)
def test_sums_in_another_order_do_not_decide_between_equals(path) -> None:
    # Rows 0 and 1 give the same three amounts, to labels in another order: 0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1.
    filled = [[0], [1], [2], [3], [4], [5]]
    scores = [1.7, 5.3, 11.9, 11.9, 5.3, 1.7]
    pool = make_pool([[3, 4, 5], [0, 1, 2], *filled], [1e-3, 1e-3, *scores], np.eye(6))
    assert picked(pool, 8, Mig(), path)[-2:] == [0, 1]
    other = make_pool([[0, 1, 2], [3, 4, 5], *filled], [1e-3, 1e-3, *scores], np.eye(6))
    assert picked(other, 8, Mig(), path)[-2:] == [0, 1]


@pytest.mark.parametrize("path", PATHS)
def test_rows_that_gain_nothing_come_last_by_their_number(path) -> None:
    pool = make_pool([[], [0], [], [1], [0]], [9.0, 0.0, 5.0, 2.0, 1.0], np.eye(2))
    picks = pick(pool, Wanted(5), Mig(), path=path)
    assert picks.rows.tolist() == [3, 4, 0, 1, 2]
    assert picks.counts["picks_without_gain"] == 3
    assert picks.counts["rows_without_labels"] == {"pool": 2, "picks": 2}


@pytest.mark.parametrize("path", PATHS)
def test_what_is_full_to_the_last_bit_gains_nothing(path) -> None:
    # With a rate of 1, exp(-x) is 0 beyond 746: then rows are taken by their number.
    pool = make_pool([[0]] * 5, [10.0, 900.0, 30.0, 20.0, 900.0], np.eye(1))
    assert picked(pool, 5, Mig(information="exponential"), path) == [1, 0, 2, 3, 4]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("gain", ["linear", "true"])
def test_a_full_language_is_passed_over(gain, path) -> None:
    pool = random_pool(200, 30, seed=11)
    languages = tuple(np.random.default_rng(1).choice(["fi", "en", "et"], 200, p=[0.2, 0.6, 0.2]).tolist())
    pool = Pool(pool.ids, languages, labels=pool.labels, scores=pool.scores)
    budgets = {"fi": 25, "en": 40, "et": 0}
    chosen = Mig(threshold=0.6, gain=gain)
    free, dense, expected = dict(budgets), Dense(pool, chosen), []
    while len(expected) < 65:
        gains = dense.gains()
        gains[expected] = -1
        gains[[row for row, code in enumerate(languages) if not free[code]]] = -1
        expected.append(int(gains.argmax()))
        free[languages[expected[-1]]] -= 1
        dense.take(expected[-1])
    assert picked(pool, 65, chosen, path, **budgets) == expected


@st.composite
def pools(draw: st.DrawFn) -> tuple[Pool, Mig, int]:
    names = draw(st.integers(1, 8))
    rows = draw(st.lists(st.lists(st.integers(0, names - 1), max_size=5), min_size=2, max_size=40))
    rows[0] = [0]
    scores = draw(st.lists(st.sampled_from([0.0, 1.0, 4.0, 6.0, 12.5, 36.0]), min_size=len(rows), max_size=len(rows)))
    angles = draw(st.lists(st.integers(0, 11), min_size=names, max_size=names))
    vectors = np.array([[np.cos(angle / 2), np.sin(angle / 2)] for angle in angles])
    chosen = Mig(
        threshold=draw(st.sampled_from([0.4, 0.85, 1.0])), propagation=draw(st.sampled_from([0.0, 0.5, 1.0, 2.0])),
        norm=draw(st.booleans()), gain=draw(st.sampled_from(["linear", "true"])), **draw(st.sampled_from(FORMS)),
    )  # fmt: skip
    return make_pool(rows, scores, vectors), chosen, draw(st.integers(1, len(rows)))


@settings(max_examples=150, deadline=None)
@given(pools())
def test_every_pick_gains_as_much_as_any_row_and_both_paths_agree(drawn: tuple[Pool, Mig, int]) -> None:
    pool, chosen, size = drawn
    picks = picked(pool, size, chosen)
    dense, left, of = Dense(pool, chosen), list(range(len(pool.ids))), row_labels(pool)
    assert pool.scores is not None
    scores = pool.scores.tolist()
    for row in picks:
        gains = dense.gains()
        best = max(gains[other] for other in left)
        # The dense difference of two sums loses digits; apart from that nothing gains more, and no earlier row of the same labels and score is left.
        assert gains[row] >= best * (1 - 1e-9) - 1e-12
        same = [other for other in left if of[other] == of[row] and scores[other] == scores[row]]
        assert same[0] == row
        left.remove(row)
        dense.take(row)
    if find_spec("numba") is not None:
        assert picked(pool, size, chosen, "numba") == picks


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["linear", "true"]), st.booleans())
def test_random_scores_leave_one_order(seed: int, gain: str, norm: bool) -> None:
    pool, chosen = random_pool(60, 12, seed), Mig(threshold=0.7, gain=gain, norm=norm)
    assert picked(pool, 40, chosen) == Dense(pool, chosen).picks(40)


def test_norm_divides_by_labels_as_often_as_they_are_written() -> None:
    pool = make_pool([[0, 0, 0], [1, 2]], [9.0, 8.0], np.eye(3))
    chosen = Mig(norm=True)
    assert picked(pool, 1, chosen) == [0]
    assert pick(pool, Wanted(1), chosen, labels_written=np.array([3, 2])).rows.tolist() == [1]


def test_without_numba_large_selections_are_the_same(monkeypatch) -> None:
    pool = random_pool(30, 5, seed=1)
    expected = picked(pool, 5, Mig())
    monkeypatch.setattr(method, "_WORTH_COMPILING", {"linear": 3, "true": 3})
    monkeypatch.setattr(method, "find_spec", lambda _name: None)
    monkeypatch.setitem(sys.modules, "align.selection.mig.compiled", None)
    assert pick(pool, Wanted(5), Mig()).rows.tolist() == expected


@pytest.mark.parametrize("path", PATHS)
def test_a_label_passes_information_to_its_neighbour(path) -> None:
    # Labels 0 and 1 have a cosine of 0.95, label 2 stands alone; A is [[1, 0.95], [0.95, 1]] / 1.95 for the first two.
    # At first the slope is the same everywhere, so the score decides: row 0. Then label 1 holds 10 * 0.95 / 1.95 = 4.87
    # and row 1 gains some 9.9 * 0.8 * 5^-0.2 = 5.7, row 2 still 6 * 0.8 * (1e-6)^-0.2 = 76.
    vectors = np.array([[1, 0, 0], [0.95, np.sqrt(1 - 0.95**2), 0], [0, 0, 1]])
    pool = make_pool([[0], [1], [2]], [10.0, 9.9, 6.0], vectors)
    assert picked(pool, 3, Mig(), path) == [0, 2, 1]
    assert picked(pool, 3, Mig(propagation=0.0), path) == [0, 1, 2]
    assert picked(pool, 3, Mig(threshold=0.96), path) == [0, 1, 2]


def test_the_report_measures_picks_pool_and_random_rows() -> None:
    pool, chosen = random_pool(400, 40, seed=5), Mig(threshold=0.8)
    picks = pick(pool, Wanted(50), chosen)
    dense = Dense(pool, chosen)
    for row in picks.rows:
        dense.take(row)
    counts = picks.counts
    assert counts["information"]["picks"] == pytest.approx(dense.information(dense.held).sum())
    everything = dense.information(dense.gives.sum(axis=0)).sum()
    assert counts["information"]["pool"] == pytest.approx(everything)
    assert counts["information"]["random"] < counts["information"]["picks"] < counts["information"]["pool"]
    assert 0 < counts["overlap_with_random"] < 0.5
    touched = {label for row in picks.rows for label in row_labels(pool)[row]}
    assert counts["labels"]["in_picks"] == len(touched)
    assert counts["labels"]["reached_by_picks"] == np.count_nonzero(dense.held)
    assert counts["languages"] == {"fi": {"pool": 400, "picks": 50, "share": 1.0}}
    assert counts["settings"] == {"threshold": 0.8, "propagation": 1.0, "norm": False, "gain": "linear", "information": "power", "exponent": 0.8, "offset": 1e-6}  # fmt: skip


def test_the_path_changes_nothing_in_the_report() -> None:
    pytest.importorskip("numba")
    pool = random_pool(200, 30, seed=2)
    ways = [pick(pool, Wanted(60), Mig(threshold=0.7), path=path).counts for path in ("numpy", "numba")]
    assert ways[0] == ways[1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"scores": np.array([1.0, np.nan])}, "row 'r1' has the score nan"),
        ({"scores": np.array([-1.0, 1.0])}, "row 'r0' has the score -1"),
        ({"scores": np.array([1.0, np.inf])}, "row 'r1' has the score inf"),
    ],
)
def test_scores_that_are_none_are_refused(change, says) -> None:
    pool = make_pool([[0], [1]], [1.0, 1.0], np.eye(2))
    with pytest.raises(SourceError, match=says):
        pick(Pool(pool.ids, pool.languages, labels=pool.labels, **change), Wanted(1), Mig())


def test_what_cannot_be_selected_is_refused() -> None:
    pool = make_pool([[0], [1]], [1.0, 1.0], np.eye(2))
    with pytest.raises(SourceError, match="3 rows are to be selected and there are 2"):
        picked(pool, 3, Mig())
    with pytest.raises(SourceError, match="2 'sv' rows are to be selected and there are 0"):
        picked(pool, 2, Mig(), sv=2)
    with pytest.raises(SourceError, match="the label graph is empty"):
        picked(make_pool([[], []], [1.0, 1.0], np.zeros((0, 2))), 1, Mig())
    with pytest.raises(SourceError, match="no row of the pool has a label"):
        picked(make_pool([[], []], [1.0, 1.0], np.eye(2)), 1, Mig())
    bare = make_pool([[0], [1]], [1.0, 1.0], np.eye(2))
    assert bare.labels is not None
    bare = replace(bare, labels=replace(bare.labels, vectors=None))
    with pytest.raises(UsageError, match="labels are joined by their vectors"):
        picked(bare, 1, Mig())
    assert picked(bare, 1, Mig(propagation=0.0)) == [0]
