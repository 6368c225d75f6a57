"""Order and saturation: prefix groups together, the longest first, and no request waits for a slow one beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kielo.generation.hf import HfGenerator
from kielo.generation.openai import OpenAiGenerator
from kielo.generation.order import groups_of, prefix_text, work_order
from kielo.generation.protocol import Completion, Request, Sampling
from kielo.generation.store import CompletionStore, complete
from kielo.records import Message
from tests.kielo.generation.http_server import Answer, Server, well

PROMPTS = st.tuples(st.sampled_from(["", "aa", "bbb"]), st.integers(0, 9), st.integers(1, 3))


@given(st.lists(PROMPTS, max_size=20))
def test_groups_stand_together_and_the_longest_comes_first(drawn: list[tuple[str, int, int]]) -> None:
    requests = [Request(prefix + "x" * size, Sampling(most), shared_prefix=len(prefix)) for prefix, size, most in drawn]
    ordered = [requests[place] for place in work_order(requests)]
    assert sorted(work_order(requests)) == list(range(len(requests)))
    changes = sum(prefix_text(a) != prefix_text(b) for a, b in zip(ordered, ordered[1:], strict=False))
    assert changes == max(0, len({prefix_text(request) for request in requests}) - 1)
    for one, after in zip(ordered, ordered[1:], strict=False):
        if prefix_text(one) == prefix_text(after):
            assert (len(one.prompt), one.sampling.max_tokens) >= (len(after.prompt), after.sampling.max_tokens)
    if ordered:
        assert len(ordered[0].prompt) == max(len(request.prompt) for request in requests)
    assert groups_of(ordered) == sorted(groups_of(ordered))


def test_messages_have_a_length_and_no_group() -> None:
    long = Request((Message("user", "x" * 9), Message("assistant", "y" * 9)), Sampling(5))
    short = Request((Message("user", "x" * 9),), Sampling(9), shared_prefix=4)
    assert work_order([short, long, short]) == [1, 0, 2]


class Listening:
    """An engine that remembers how it was asked."""

    model = "m"

    def __init__(self) -> None:
        self.asked: list[list[Any]] = []

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        self.asked.append([request.prompt for request in requests])
        return ((place, Completion(str(request.prompt), "stop", 1, 1)) for place, request in enumerate(requests))

    def close(self) -> None:
        pass


def test_the_store_hands_everything_over_at_once_in_that_order(tmp_path: Path) -> None:
    engine = Listening()
    texts = ["a", "bb", "c" * 9, "bb", "d" * 4]
    with CompletionStore(tmp_path) as store:
        found = complete(engine, [Request(text, Sampling(5)) for text in texts], store, "test")
    assert [completion.text for completion in found] == texts
    assert engine.asked == [["c" * 9, "d" * 4, "bb", "a"]]


def test_over_http_nobody_waits_for_a_slow_one(serve: Callable[..., Server], tmp_path: Path) -> None:
    """The longest is among the first and held until all others were answered: sent last, or in batches, nothing would end."""
    others, slow_came = threading.Semaphore(0), threading.Event()

    def answer(body: dict[str, Any], _: int) -> Answer:
        if body["prompt"].startswith("slow"):
            slow_came.set()
            assert all(others.acquire(timeout=20) for _ in range(40))
        else:
            assert slow_came.wait(timeout=20)
            others.release()
        return well(body["prompt"])

    server = serve(answer)
    engine = OpenAiGenerator("m", [server.url], "served", concurrency=3, timeout_seconds=30)
    requests = [Request(f"quick {number}", Sampling(5)) for number in range(40)]
    with CompletionStore(tmp_path) as store:
        complete(engine, [*requests, Request("slow " * 9, Sampling(5))], store, "test")
    assert len(server.bodies) == 41 and server.most <= 3


def test_in_process_short_rows_come_and_go_beside_a_long_one(tiny_model: Callable[[str], Path]) -> None:
    """Room for six rows: many more than six finish before the one that is long."""
    engine = HfGenerator(str(tiny_model("llama")), batch_tokens=6 * 250)
    endless = [Request(f"The old house {number} ", Sampling(200)) for number in range(40)]
    found = dict(engine.generate(endless))
    long = next(request for place, request in enumerate(endless) if found[place].completion_tokens > 80)
    short = [Request(f"The red river {number}", Sampling(3)) for number in range(30)]
    order = [place for place, _ in engine.generate([long, *short])]
    assert order.index(0) > 20
