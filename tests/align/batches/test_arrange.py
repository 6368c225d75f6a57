"""The arrangement of an optimiser step: every conversation once, within the room, the same rows for any number of processes."""

from __future__ import annotations

import random
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.batches.arrange import Layout, Room, arrange, fewest, footprint, pack
from align.batches.steps import MicroBatches, epoch_order

LENGTHS = st.lists(st.integers(2, 60), min_size=1, max_size=24)
LAYOUTS = st.sampled_from(["padded", "packed", "flat"])


@settings(deadline=None, max_examples=150)
@given(LENGTHS, st.integers(1, 5), st.integers(60, 200), st.integers(1, 6), LAYOUTS, st.integers(0, 3))
def test_every_conversation_once_and_within_the_room(
    lengths: list[int], processes: int, tokens: int, rows: int, layout: Layout, more: int
) -> None:
    room = Room(tokens, rows)
    count = fewest(lengths, processes, room, layout)
    found = arrange(lengths, processes, count + more, room, layout)
    assert sorted(chain.from_iterable(chain.from_iterable(found))) == list(range(len(lengths)))
    assert len({len(of_process) for of_process in found}) == 1, "every process has as many micro-batches"
    assert len(found[0]) <= count + more
    for places in chain.from_iterable(found):
        assert len(places) <= rows
        assert footprint([lengths[place] for place in places], layout) <= tokens or len(places) == 1
    assert found == arrange(lengths, processes, count + more, room, layout)


@settings(deadline=None, max_examples=100)
@given(LENGTHS, st.integers(1, 5), st.integers(60, 200), st.integers(1, 6))
def test_equal_micro_batches(lengths: list[int], processes: int, tokens: int, rows: int) -> None:
    room = Room(tokens, rows)
    found = arrange(lengths, processes, fewest(lengths, processes, room, equal=True), room, equal=True)
    assert sorted(chain.from_iterable(chain.from_iterable(found))) == list(range(len(lengths)))
    for micro_batch in zip(*found, strict=True):
        sizes = {len(places) for places in micro_batch}
        assert len(sizes) == 1 or sizes == {0, 1}


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=30), st.integers(30, 90))
def test_packed_rows_hold_what_fits(lengths: list[int], width: int) -> None:
    rows = pack(lengths, width)
    assert sorted(chain.from_iterable(rows)) == list(range(len(lengths)))
    assert all(sum(lengths[place] for place in row) <= width for row in rows)
    # Two rows that are at most half full would have been one.
    assert sum(2 * sum(lengths[place] for place in row) <= width for row in rows) <= 1


def test_padding_is_the_least_there_is() -> None:
    assert arrange([9, 2, 8, 3], 1, 2, Room(100, 4)) == [[[0, 2], [3, 1]]]
    assert arrange([9, 2, 8, 3], 2, 2, Room(100, 4)) == [[[0], [3]], [[2], [1]]]
    # By hand: of the two cuts of (10, 9, 4, 4, 4) into three, 10 9 | 4 4 4 with one more cut between 10 and 9 pads nothing.
    assert arrange([10, 9, 4, 4, 4], 1, 3, Room(100, 9)) == [[[0], [1], [2, 3, 4]]]


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="do not fit into 1 micro-batches"):
        arrange([50, 50, 50], 1, 1, Room(100, 9))
    assert fewest([50, 50, 50], 1, Room(100, 9)) == 2
    assert fewest([500], 1, Room(100, 9)) == 1, "a conversation longer than the room goes alone"


def test_packed_processes_are_balanced() -> None:
    lengths = [random.Random(3).randint(50, 1000) for _ in range(128)]
    found = arrange(lengths, 4, 4, Room(10**6, 128), "flat")
    loads = [sum(lengths[place] for places in of_process for place in places) for of_process in found]
    assert max(loads) < 1.02 * min(loads)


def test_a_step_holds_the_same_rows_for_any_number_of_processes() -> None:
    lengths = [random.Random(1).randint(5, 90) for _ in range(53)]

    def step(processes: int, layout: Layout, epoch: int, number: int) -> list[int]:
        held: list[int] = []
        for process in range(processes):
            batches = MicroBatches(lengths, 12, 7, Room(200, 12), processes, process)
            batches.layout = layout
            batches.fit(2, layout)
            held += [row for rows in batches.of_step(epoch, number) for row in rows if row != batches.blank]
        return sorted(held)

    for epoch in (0, 1):
        for number in range(5):
            expected = sorted(epoch_order(7, epoch, 53)[12 * number : 12 * number + 12])
            for processes in (1, 2, 4):
                for layout in ("padded", "packed", "flat"):
                    assert step(processes, layout, epoch, number) == expected
    assert epoch_order(7, 0, 53) != epoch_order(7, 1, 53) != epoch_order(8, 1, 53)


@pytest.mark.parametrize(("rows", "equal", "blanks"), [(29, False, 0), (29, True, 3), (26, False, 2), (26, True, 2)])
def test_a_sampler_is_as_long_as_it_says(rows: int, equal: bool, blanks: int) -> None:
    lengths = [random.Random(2).randint(5, 90) for _ in range(rows)]
    samplers = [MicroBatches(lengths, 8, 7, Room(300, 8), 4, process, equal) for process in range(4)]
    assert len({sampler.fit(3) for sampler in samplers}) == 1
    listed = [list(sampler) for sampler in samplers]
    assert {len(micro_batches) for micro_batches in listed} == {len(samplers[0])}
    held = list(chain.from_iterable(chain.from_iterable(listed)))
    assert held.count(rows) == blanks and sorted(held)[:rows] == list(range(rows)), "nothing is repeated"
    for step in range(samplers[0].steps_per_epoch):
        weights = [sampler.weights(0, step) for sampler in samplers]
        assert sum(chain.from_iterable(weights)) == pytest.approx(4 * len(weights[0])), "the mean over all is 1"


def chosen(processes: int, layout: Layout, packing: bool | None = None, overhead: int = 0) -> MicroBatches:
    """Plan steps of 32 conversations of real spread: a few hundred tokens, some of them 1,024."""
    lengths = [min(1024, int(random.Random(number).lognormvariate(5.9, 0.7))) for number in range(320)]
    batches = MicroBatches(lengths, 32, 7, Room(8192, 32 // processes, overhead), processes)
    batches.choose(1, layout, packing)
    return batches


def test_packed_where_that_takes_fewer_tokens() -> None:
    assert chosen(1, "packed").wanted == "padded", "one process finds rows of equal length for every micro-batch"
    assert chosen(8, "packed", overhead=1024).wanted == "packed", "four conversations of eight processes have none"
    assert chosen(8, "packed", False, 1024).wanted == "padded"
    assert chosen(1, "flat").wanted == "padded" and chosen(1, "flat", overhead=1024).wanted == "flat"
    assert chosen(1, "packed", True).wanted == "packed"


def test_more_micro_batches_where_they_save_padding() -> None:
    dear, cheap = chosen(4, "padded", False, 10**6), chosen(4, "padded", False, 0)
    assert dear.accumulation < cheap.accumulation == 8, "as many as conversations, if a pass costs nothing"
    assert cheap.cost("padded") < dear.cost("padded")
    # What was planned for packing has room without it, for models that turn out to mix documents.
    packed = chosen(8, "packed", True)
    assert packed.cost("padded") > packed.cost("packed")


def test_an_epoch_turns_the_order() -> None:
    batches = MicroBatches([5] * 20, 4, 7, Room(100, 4))
    batches.fit(1)
    first = list(batches)
    batches.set_epoch(1)
    assert list(batches) != first and sorted(chain.from_iterable(batches)) == list(range(20))
