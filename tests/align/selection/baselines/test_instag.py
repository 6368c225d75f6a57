"""#InsTag's passes against the algorithm written out row by row."""

from __future__ import annotations

from hypothesis import given, settings

from align.selection.baselines import instag
from align.selection.pool import Pool, Wanted
from tests.align.selection.baselines.pools import Free, make_pool, row_labels, tasks


def row_by_row(pool: Pool, wanted: Wanted) -> list[int]:
    labels = pool.labels
    own = [set(labels.numbers[a:b].tolist()) for a, b in zip(labels.starts, labels.starts[1:], strict=False)]
    rest = sorted(range(len(own)), key=lambda row: -len(own[row]))
    free, taken = Free(pool, wanted), []
    while any(own[row] and free.may(row) for row in rest):
        seen: set[int] = set()
        for row in list(rest):
            if own[row] - seen and free.take(row):
                seen |= own[row]
                taken.append(row)
                rest.remove(row)
    return taken + [row for row in rest if free.take(row)]


@given(tasks())
@settings(max_examples=100, deadline=None)
def test_the_picks_are_those_of_the_algorithm(task):
    pool, wanted = task
    assert instag.pick(pool, wanted).rows.tolist() == row_by_row(pool, wanted)


def test_blocks_change_nothing(monkeypatch):
    pool = make_pool(300, 3, labels=20)
    monkeypatch.setattr(instag, "_BLOCK", 7)
    assert instag.pick(pool, Wanted(200)).rows.tolist() == row_by_row(pool, Wanted(200))


def test_rows_without_labels_come_last_in_their_order_and_are_counted():
    pool = Pool(("a", "b", "c", "d"), ("fi",) * 4, labels=row_labels([[], [0], [], [0, 1]], 2))
    picks = instag.pick(pool, Wanted(4))
    assert picks.rows.tolist() == [3, 1, 0, 2] and picks.counts == {"passes": 2, "without_labels": 2}
