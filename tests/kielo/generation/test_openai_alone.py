"""Whose fault a failure is: a request that fails alone costs itself, a server that fails everything ends the run."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from kielo.errors import GenerationError
from kielo.generation.openai import OpenAiGenerator
from kielo.generation.protocol import Request, Sampling
from tests.kielo.generation.http_server import Answer, Server, well

Serve = Callable[..., Server]
OOPS: Answer = (500, {}, b"cuda error")


def engine(*urls: str, **settings: Any) -> OpenAiGenerator:
    return OpenAiGenerator("m", urls, "served", **{"first_wait_seconds": 0.01, "timeout_seconds": 5.0, **settings})


def ask(count: int) -> list[Request]:
    return [Request(f"prompt {number}", Sampling(7)) for number in range(count)]


def failing(fault: Answer, *ends: str) -> Callable[[dict[str, Any], int], Answer]:
    return lambda body, _: fault if body["prompt"].endswith(ends) else well(body["prompt"])


def test_a_request_that_always_fails_is_refused_when_all_others_are_done(serve: Serve) -> None:
    server = serve(failing(OOPS, "7"))
    pairs = list(engine(server.url, concurrency=2, attempts=3).generate(ask(30)))
    assert sorted(place for place, _ in pairs) == list(range(30))
    refused = [(place, each) for place, each in pairs if each.finish_reason != "stop"]
    assert sorted(place for place, _ in refused) == [7, 17, 27] == sorted(place for place, _ in pairs[-3:])
    assert {(each.finish_reason, each.error) for _, each in refused} == {
        ("refused", "answered 500 cuda error (tried 3 times)")
    }
    assert sum(body["prompt"] == "prompt 7" for body in server.bodies) == 6


def test_one_that_succeeds_in_the_end_is_not_refused(serve: Serve) -> None:
    sent: list[str] = []

    def answer(body: dict[str, Any], _: int) -> Answer:
        sent.append(body["prompt"])
        return OOPS if body["prompt"] == "prompt 2" and sent.count("prompt 2") < 4 else well(body["prompt"])

    found = dict(engine(serve(answer).url, concurrency=2, attempts=3).generate(ask(9)))
    assert {completion.finish_reason for completion in found.values()} == {"stop"}


def test_the_last_request_of_a_resumed_run_is_judged_by_the_smallest_one(serve: Serve) -> None:
    """Nothing else is left to ask, so nothing else can be completed meanwhile."""
    server = serve(failing(OOPS, "0"))
    ((_, only),) = engine(server.url, attempts=2).generate(ask(1))
    assert only.finish_reason == "refused"
    assert [body for body in server.bodies if body["prompt"] == "Hello"][0]["max_tokens"] == 1


def test_nothing_is_refused_because_a_server_went_down_at_the_end(serve: Serve) -> None:
    server = serve(lambda body, number: OOPS if number >= 8 else well(body["prompt"]))
    given = []
    with pytest.raises(
        GenerationError, match="500 cuda error .*nothing else was completed; run the same command again"
    ):
        for pair in engine(server.url, concurrency=1, attempts=2).generate(ask(9)):
            given.append(pair)
    assert len(given) == 8 and {completion.finish_reason for _, completion in given} == {"stop"}


def test_a_server_that_refuses_everything_ends_the_run(serve: Serve) -> None:
    server = serve(lambda *_: (400, {}, b'{"error": {"message": "model not loaded"}}'))
    with pytest.raises(
        GenerationError, match="400 model not loaded, and refuses the smallest request, too; check `serv"
    ):
        list(engine(server.url).generate(ask(5)))


def test_a_failure_alone_does_not_make_the_others_wait(serve: Serve) -> None:
    """Between two attempts of the failing request the server goes on completing the others."""

    def answer(body: dict[str, Any], _: int) -> Answer:
        time.sleep(0.05 if body["prompt"] == "prompt 1" else 0.005)
        return failing(OOPS, " 1")(body, 0)

    server = serve(answer)
    found = dict(engine(server.url, concurrency=4, attempts=2, first_wait_seconds=0.2).generate(ask(60)))
    assert found[1].finish_reason == "refused"
    first, second = [place for place, body in enumerate(server.bodies) if body["prompt"] == "prompt 1"][:2]
    assert second - first > 12


def test_too_many_requests_are_never_held_against_one(serve: Serve) -> None:
    """A server that takes one request at a time says 429 to the others far more often than `attempts`."""
    free = threading.Lock()

    def answer(body: dict[str, Any], _: int) -> Answer:
        if not free.acquire(blocking=False):
            return 429, {}, b"slow down"
        try:
            time.sleep(0.002)
            return well(body["prompt"])
        finally:
            free.release()

    server = serve(answer)
    found = dict(engine(server.url, concurrency=8, attempts=3, first_wait_seconds=0.01).generate(ask(60)))
    assert {completion.finish_reason for completion in found.values()} == {"stop"}
    assert max(Counter(body["prompt"] for body in server.bodies).values()) > 3


def test_one_that_is_always_told_to_wait_is_left_for_another_run(serve: Serve) -> None:
    server = serve(failing((429, {}, b"slow down"), " 3"))
    with pytest.raises(
        GenerationError, match="429 slow down .*run the same command again when the server has more room"
    ):
        list(engine(server.url, attempts=2).generate(ask(9)))


def test_one_that_hangs_costs_itself(serve: Serve) -> None:
    def answer(body: dict[str, Any], _: int) -> Answer:
        if body["prompt"] == "prompt 3":
            time.sleep(0.6)
        return well(body["prompt"])

    found = dict(engine(serve(answer).url, attempts=1, timeout_seconds=0.2).generate(ask(8)))
    assert [place for place in found if found[place].finish_reason == "refused"] == [3]
    assert "no answer in 0.2 seconds" in str(found[3].error)


def test_a_broken_server_of_the_list_loses_no_request(serve: Serve) -> None:
    broken, sound = serve(lambda *_: OOPS), serve(lambda body, _: well(body["prompt"]))
    found = dict(engine(broken.url, sound.url, concurrency=4, attempts=2).generate(ask(60)))
    assert {completion.finish_reason for completion in found.values()} == {"stop"} and len(found) == 60


def test_what_the_content_filter_stops_is_refused_at_once(serve: Serve) -> None:
    stopped = json.dumps({"choices": [{"text": "half of", "finish_reason": "content_filter"}]}).encode()
    server = serve(failing((200, {}, stopped), "1"))
    found = dict(engine(server.url).generate(ask(3)))
    assert (found[1].finish_reason, found[1].text) == ("refused", "") and "content filter" in str(found[1].error)
    assert len(server.bodies) == 3
