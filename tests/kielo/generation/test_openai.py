"""The openai engine against servers that misbehave: real HTTP on this machine, with every fault a server list can have."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from kielo.errors import GenerationError
from kielo.generation.openai import OpenAiGenerator
from kielo.generation.openai_messages import BadReply, completion_of, sentence_of
from kielo.generation.protocol import Request, Sampling, completion_key, seed_of
from kielo.records import Message
from tests.kielo.generation.http_server import Answer, Server, well


def engine(*urls: str, **settings: Any) -> OpenAiGenerator:
    return OpenAiGenerator("m", urls, "served", **{"first_wait_seconds": 0.01, "timeout_seconds": 5.0, **settings})


def ask(count: int) -> list[Request]:
    return [Request(f"prompt {number}", Sampling(7)) for number in range(count)]


def test_only_the_fields_that_matter_are_sent(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    server = serve(
        lambda body, _: (
            200,
            {},
            json.dumps({"choices": [{"message": {"content": None}, "text": "x", "finish_reason": "stop"}]}).encode(),
        )
    )
    greedy, sampled = (
        ask(1)[0],
        Request((Message("user", "Hei"),), Sampling(9, temperature=0.5, top_p=0.9, stop=("\n",))),
    )
    found = dict(engine(server.url + "/").generate([greedy, sampled]))
    bodies = dict(zip(server.paths, server.bodies, strict=True))
    assert bodies["/v1/completions"] == {"model": "served", "max_tokens": 7, "temperature": 0.0, "prompt": "prompt 0"}
    assert bodies["/v1/chat/completions"] == {
        "model": "served", "max_tokens": 9, "temperature": 0.5, "top_p": 0.9, "stop": ["\n"],
        "seed": seed_of(completion_key("m", sampled)), "messages": [{"role": "user", "content": "Hei"}],
    }  # fmt: skip
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer secret"}
    assert found[1].text == "" and found[1].finish_reason == "stop"


def test_requests_under_way_are_bounded_and_spread(serve: Callable[..., Server]) -> None:
    def slow(body: dict[str, Any], _: int) -> Answer:
        time.sleep(0.02)
        return well(body["prompt"])

    first, second = serve(slow), serve(slow)
    found = dict(engine(first.url, second.url, concurrency=4).generate(ask(80)))
    assert [found[number].text for number in range(80)] == [f"PROMPT {number}" for number in range(80)]
    assert 2 <= first.most <= 4 and 2 <= second.most <= 4
    assert min(len(first.bodies), len(second.bodies)) > 25


@pytest.mark.parametrize("fault", [None, (429, {"Retry-After": "0"}, b"slow down"), (500, {}, b"oops"), (503, {}, b"")])
def test_passing_faults_are_sent_again(serve: Callable[..., Server], fault: Answer) -> None:
    server = serve(lambda body, number: fault if number % 3 == 0 else well(body["prompt"]))
    found = dict(engine(server.url, concurrency=2).generate(ask(12)))
    assert [found[number].text for number in range(12)] == [f"PROMPT {number}" for number in range(12)]
    assert len(server.bodies) > 12


def test_a_dead_server_of_the_list_is_left_out(serve: Callable[..., Server]) -> None:
    server = serve(lambda body, _: well(body["prompt"]))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
    found = dict(engine(dead, server.url, concurrency=4, first_wait_seconds=0.05).generate(ask(40)))
    assert len(found) == 40 and len(server.bodies) == 40


@pytest.mark.parametrize(("fault", "words"), [
    (None, "cannot be reached"), ((502, {}, b"<html>bad gateway</html>"), "answered 502 <html>bad gateway</html>"),
])  # fmt: skip
def test_a_lasting_fault_names_the_server(serve: Callable[..., Server], fault: Answer, words: str) -> None:
    server = serve(lambda *_: fault)
    with pytest.raises(GenerationError) as caught:
        list(engine(server.url, attempts=3).generate(ask(3)))
    assert server.url in str(caught.value) and words in str(caught.value) and "3 times" in str(caught.value)
    assert len(server.bodies) <= 12


def test_what_came_before_the_end_was_given(serve: Callable[..., Server]) -> None:
    server = serve(lambda body, number: well(body["prompt"]) if number < 5 else None)
    given = []
    with pytest.raises(GenerationError):
        for pair in engine(server.url, attempts=2, concurrency=1).generate(ask(20)):
            given.append(pair)
    assert [place for place, _ in given] == [0, 1, 2, 3, 4]


def test_silence_is_a_timeout(serve: Callable[..., Server]) -> None:
    server = serve(lambda *_: time.sleep(1.0))
    with pytest.raises(GenerationError, match="no answer in 0.2 seconds"):
        list(engine(server.url, attempts=2, timeout_seconds=0.2).generate(ask(1)))


@pytest.mark.parametrize("status", [401, 402, 403, 404, 456])
def test_a_refusal_of_everything_stops_at_once_without_the_key(
    serve: Callable[..., Server], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    server = serve(lambda *_: (status, {}, b'{"error": {"message": "no\\nmore"}}'))
    with pytest.raises(GenerationError, match=f"answered {status} no; (check|its quota)") as caught:
        list(engine(server.url).generate(ask(50)))
    assert "secret" not in str(caught.value) and len(server.bodies) <= 50


def test_a_password_in_the_url_is_not_shown(serve: Callable[..., Server]) -> None:
    server = serve(lambda *_: (404, {}, b""))
    with pytest.raises(GenerationError) as caught:
        list(engine(server.url.replace("http://", "http://me:secret@")).generate(ask(1)))
    assert "secret" not in str(caught.value)


def test_a_refusal_of_one_request_is_its_error(serve: Callable[..., Server]) -> None:
    long = b'{"object": "error", "message": "maximum context length is 8 tokens' + b"!" * 5000 + b'"}'
    server = serve(lambda body, _: (400, {}, long) if body["prompt"].endswith("1") else well(body["prompt"]))
    found = dict(engine(server.url).generate(ask(3)))
    assert [found[place].finish_reason for place in range(3)] == ["stop", "refused", "stop"]
    assert "400 maximum context length is 8 tokens" in str(found[1].error) and len(str(found[1].error)) < 300


def test_a_key_that_a_server_repeats_is_not_passed_on(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "abc-789-secret")
    said = b'{"error": {"message": "bad key abc-789-secret"}}'
    server = serve(lambda body, _: (400, {}, said) if body["prompt"] == "prompt 0" else well("x"))
    ((_, refused),) = engine(server.url).generate(ask(1))
    assert "bad key ***" in str(refused.error)
    with pytest.raises(GenerationError, match=r"bad key \*\*\*"):
        list(engine(serve(lambda *_: (401, {}, said)).url).generate(ask(1)))


def test_the_time_limit_is_for_the_whole_answer() -> None:
    """A server that sends a byte now and then never runs into a limit of single reads."""
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(100):
                connection.sendall(b" ")
                time.sleep(0.1)

    threading.Thread(target=drip, daemon=True).start()
    with pytest.raises(GenerationError, match="no answer in 0.5 seconds"):
        list(
            engine(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", timeout_seconds=0.5, attempts=1).generate(ask(1))
        )
    listener.close()


@pytest.mark.parametrize("content", [
    b"", b"not json", b"[]", b"{}", b"null", b'{"choices": []}', b'{"choices": [7]}', b'{"choices": [{"text": 7}]}', b"\xff\xfe",
    b'{"choices": [{"text": "x", "finish_reason": "unheard of"}]}', b"[" * 200_000,
    b'{"choices": [{"text": "' + b"x" * 17 * 2**20 + b'", "finish_reason": "stop"}]}',
])  # fmt: skip
def test_a_reply_that_is_none_is_counted_and_ends_the_run_or_costs_one_request(
    serve: Callable[..., Server], content: bytes
) -> None:
    always = serve(lambda *_: (200, {}, content))
    with pytest.raises(GenerationError) as caught:
        list(engine(always.url).generate(ask(1)))
    assert always.url in str(caught.value) and len(str(caught.value)) < 500
    server = serve(lambda body, _: (200, {}, content) if body["prompt"] == "prompt 1" else well(body["prompt"]))
    client = engine(server.url)
    found = dict(client.generate(ask(3)))
    assert [found[place].finish_reason for place in range(3)] == ["stop", "refused", "stop"]
    assert client.bad_replies == 2 and server.url not in str(found[1].error)


def test_half_characters_cannot_enter_our_files() -> None:
    reply = b'{"choices": [{"text": "a\\ud83db \\ud83d\\ude00", "finish_reason": "length"}], "usage": {"prompt_tokens": -3, "completion_tokens": "x"}}'
    completion = completion_of(reply, ask(1)[0])
    assert completion.text == "a\ufffdb \U0001f600" and (completion.prompt_tokens, completion.completion_tokens) == (
        0,
        0,
    )


def test_the_stop_string_is_cut_whatever_the_server_leaves() -> None:
    request = Request("x", Sampling(5, stop=("\n",)))
    reply = b'{"choices": [{"text": "one\\ntwo", "finish_reason": "length"}]}'
    assert (completion_of(reply, request).text, completion_of(reply, request).finish_reason) == ("one", "stop")
    with pytest.raises(BadReply, match="finish_reason is 'tool_calls'"):
        completion_of(b'{"choices": [{"text": "one", "finish_reason": "tool_calls"}]}', request)


@pytest.mark.parametrize(("content", "sentence"), [
    (b'{"error": {"message": "too long\\nmore"}}', "too long"), (b'{"detail": [{"msg": "field required"}]}', "field required"),
    (b'{"detail": "Not Found"}', "Not Found"), (b"plain\x1b[31m words\n", "plain [31m words"), (b"", ""), (b'{"error": null}', '{"error": null}'),
])  # fmt: skip
def test_the_servers_sentence(content: bytes, sentence: str) -> None:
    assert sentence_of(content) == sentence


@pytest.mark.parametrize("url", ["localhost:8000/v1", "ftp://host/v1", "http://", ""])
def test_a_base_url_must_be_one(url: str) -> None:
    with pytest.raises(GenerationError, match="base URL"):
        engine(url)


def test_a_recovered_server_gets_the_requests_that_its_forerunner_had(serve: Callable[..., Server]) -> None:
    """Eight requests fail with the first server; one look brings the second, however many attempts one request may have."""
    broken, sound = serve(lambda *_: None), serve(lambda body, _: well(body["prompt"]))
    looks: list[str] = []

    def recover(url: str) -> str | None:
        looks.append(url)
        time.sleep(0.1)
        return sound.url if url == broken.url else None

    found = dict(engine(broken.url, concurrency=8, attempts=1, recover=recover).generate(ask(30)))
    assert len(found) == 30 and looks == [broken.url]


def test_a_server_that_cannot_be_recovered_ends_the_run(serve: Callable[..., Server]) -> None:
    def recover(url: str) -> str | None:
        raise GenerationError("it died 4 times")

    with pytest.raises(GenerationError, match="it died 4 times"):
        list(engine(serve(lambda *_: None).url, recover=recover).generate(ask(3)))


def test_a_server_that_does_not_say_why_it_ended_is_believed_by_its_count() -> None:
    request = Request("x", Sampling(8))
    for tokens, reason in ((3, "stop"), (8, "length")):
        reply = json.dumps({"choices": [{"text": "one"}], "usage": {"completion_tokens": tokens}}).encode()
        assert completion_of(reply, request).finish_reason == reason


def test_a_reply_far_beyond_what_was_asked_for_is_none() -> None:
    reply = json.dumps({"choices": [{"text": "x" * 100_000, "finish_reason": "stop"}]}).encode()
    with pytest.raises(BadReply, match="100000 characters where 8 tokens were asked for"):
        completion_of(reply, Request("x", Sampling(8)))


@pytest.mark.parametrize("key", ["sk-one\nsecret", "sk-sécret", "sk secret"])
def test_a_key_that_cannot_be_one_is_refused_before_anything_is_sent(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(GenerationError, match="OPENAI_API_KEY holds") as caught:
        OpenAiGenerator("m", ["http://127.0.0.1:9/v1"], "m")
    assert "secret" not in str(caught.value) and "cret" not in str(caught.value)
