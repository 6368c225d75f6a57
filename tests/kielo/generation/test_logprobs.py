"""Log-probabilities of completions: the model's own, whatever the batch; from servers in OpenAI's shapes, or not at all."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from kielo.generation.hf import HfGenerator
from kielo.generation.openai import OpenAiGenerator
from kielo.generation.protocol import Completion, Request, Sampling, completion_key, mean_logprob
from kielo.generation.store import CompletionStore
from kielo.records import Message
from tests.kielo.generation.http_server import Answer, Server

SHOTS = "The old house waits and the red river falls.\nThe quiet bird sings and öljy goes home.\n" * 3


def asked(count: int, logprob: bool = True, **sampling: Any) -> list[Request]:
    return [
        Request(f"{SHOTS}The {'small ' * (n % 5)}letter {n}", Sampling(4 + n % 20, **sampling), 0, len(SHOTS), logprob)
        for n in range(count)
    ]


@pytest.fixture(params=["llama", "mamba"])
def engine(request: pytest.FixtureRequest, tiny_model: Callable[[str], Path]) -> HfGenerator:
    """One that shares rows, and one on the slow road of static batches."""
    return HfGenerator(str(tiny_model(request.param)), batch_tokens=3000)


def directly(engine: HfGenerator, request: Request) -> float:
    """What transformers itself says of the tokens that it makes greedily, one prompt at a time."""
    ids = torch.tensor([engine._tokenizer(request.prompt)["input_ids"]])
    made = engine._network.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=request.sampling.max_tokens, do_sample=False
    )
    shares = engine._network(made).logits.log_softmax(-1)[0, ids.shape[1] - 1 : -1]
    return float(shares.gather(-1, made[0, ids.shape[1] :, None]).mean().detach())


def test_it_is_the_mean_over_the_tokens_made(engine: HfGenerator) -> None:
    requests = asked(16)
    found = dict(engine.generate(requests))
    for place in (0, 3, 7, 15):
        logprob = found[place].logprob
        assert logprob is not None and math.isclose(logprob, directly(engine, requests[place]), abs_tol=1e-3)


def test_neither_neighbours_nor_asking_change_anything(engine: HfGenerator) -> None:
    for sampling in ({}, {"temperature": 0.9, "top_p": 0.8}):
        together = dict(engine.generate(asked(12, **sampling) + asked(12, logprob=False, **sampling)))
        for place in range(12):
            ((_, alone),) = engine.generate(asked(12, **sampling)[place : place + 1])
            assert together[place].text == alone.text == together[12 + place].text
            assert math.isclose(together[place].logprob or 1, alone.logprob or 2, abs_tol=1e-3)
            assert together[12 + place].logprob is None


def test_a_sampled_tokens_probability_is_that_before_temperature(tiny_model: Callable[[str], Path]) -> None:
    engine = HfGenerator(str(tiny_model("llama")))
    cold, hot = (Request(SHOTS, Sampling(20, temperature=t), logprob=True) for t in (1e-6, 50.0))
    found = dict(engine.generate([cold, hot, Request(SHOTS, Sampling(20), logprob=True)]))
    assert found[0].logprob == found[2].logprob
    assert (found[1].logprob or 0) < (found[0].logprob or 0) - 1


def test_a_batch_begun_anew_counts_every_token_once(
    tiny_model: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = HfGenerator(str(tiny_model("llama")), batch_tokens=8000)
    wanted, whole, calls = dict(engine.generate(asked(20))), type(engine._forward).__call__, []

    def sometimes_full(self: Any, *given: Any) -> Any:
        calls.append(given)
        if len(calls) == 12:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return whole(self, *given)

    monkeypatch.setattr(type(engine._forward), "__call__", sometimes_full)
    assert dict(engine.generate(asked(20))) == wanted


def test_the_key_does_not_know_it_and_the_store_keeps_it(tmp_path: Path) -> None:
    plain, asking = asked(1, logprob=False)[0], asked(1)[0]
    assert completion_key("m", plain) == completion_key("m", asking)
    given = Completion("text", "stop", 3, 4, logprob=mean_logprob([-0.123456789, -0.3]))
    with CompletionStore(tmp_path) as store:
        store.append("new", given)
    old = {"key": "old", "text": "x", "finish_reason": "stop", "prompt_tokens": 1, "completion_tokens": 1}
    (tmp_path / "0000.jsonl").write_text(json.dumps(old) + "\n", "utf-8")
    with CompletionStore(tmp_path) as store:
        assert store["new"] == given and given.logprob == -0.2117
        assert store["old"].logprob is None


@pytest.mark.parametrize("of_tokens", [[], [math.nan], [-math.inf, -1.0]])
def test_what_is_no_number_is_none(of_tokens: list[float]) -> None:
    assert mean_logprob(of_tokens) is None


def text_reply(**more: Any) -> Answer:
    return 200, {}, json.dumps({"choices": [{"text": "hei", "finish_reason": "stop", **more}]}).encode()


def ask_servers(server: Server, count: int, prompt: Any = "x") -> list[Completion]:
    client = OpenAiGenerator("m", [server.url], "served", concurrency=1, first_wait_seconds=0.01, timeout_seconds=5)
    found = dict(client.generate([Request(prompt, Sampling(5), n, logprob=True) for n in range(count)]))
    return [found[place] for place in range(count)]


def test_both_endpoints_are_asked_and_read(serve: Callable[..., Server]) -> None:
    text = serve(lambda *_: text_reply(logprobs={"token_logprobs": [-1.0, -0.5], "tokens": ["h", "ei"]}))
    assert [each.logprob for each in ask_servers(text, 1)] == [-0.75]
    assert text.bodies[0]["logprobs"] == 1
    choice = {"message": {"content": "hei"}, "finish_reason": "stop",
              "logprobs": {"content": [{"token": "hei", "logprob": -0.25, "top_logprobs": []}]}}  # fmt: skip
    chat = serve(lambda *_: (200, {}, json.dumps({"choices": [choice]}).encode()))
    assert [each.logprob for each in ask_servers(chat, 1, (Message("user", "x"),))] == [-0.25]
    assert chat.bodies[0]["logprobs"] is True


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_that_knows_no_such_field_is_asked_without(
    serve: Callable[..., Server], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve(lambda body, _: (status, {}, b"unknown field logprobs") if "logprobs" in body else text_reply())
    assert [(each.text, each.logprob) for each in ask_servers(server, 4)] == [("hei", None)] * 4
    assert ["logprobs" in body for body in server.bodies] == [True, False, False, False, False]
    assert capsys.readouterr().err.count("gives no log-probabilities") == 1


def test_a_prompt_refused_either_way_leaves_the_field_in(serve: Callable[..., Server]) -> None:
    listed = {"token_logprobs": [-1.0]}
    server = serve(lambda body, _: (400, {}, b"too long") if body["prompt"] == "long" else text_reply(logprobs=listed))
    client = OpenAiGenerator("m", [server.url], "served", concurrency=1, timeout_seconds=5)
    found = dict(client.generate([Request(prompt, Sampling(5), logprob=True) for prompt in ("long", "short")]))
    assert (found[0].finish_reason, found[1].logprob) == ("refused", -1.0)


@pytest.mark.parametrize("listed", [
    None, [], {}, {"token_logprobs": None}, {"token_logprobs": [None, -1.0]}, {"token_logprobs": ["x"]}, {"content": [7]},
    {"token_logprobs": [-(10**400)]}, {"content": [{"logprob": {}}]}, {"token_logprobs": [-math.inf]},
])  # fmt: skip
def test_a_server_that_ignores_it_or_writes_junk_gives_none(
    serve: Callable[..., Server], listed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve(lambda *_: text_reply(logprobs=listed))
    assert [(each.text, each.logprob) for each in ask_servers(server, 3)] == [("hei", None)] * 3
    assert len(server.bodies) == 3
    assert capsys.readouterr().err.count("gives no log-probabilities") == 1
