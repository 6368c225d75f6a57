"""The contract that every engine keeps, run on each: hf, a real HTTP server, and with `make test-vllm` real vLLM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kielo.errors import GenerationError
from kielo.generation.hf import HfGenerator
from kielo.generation.protocol import Completion, Request, Sampling
from kielo.generation.store import CompletionStore, complete
from kielo.records import Message

SHOTS = "The old house waits and the red river falls.\nThe quiet bird sings and öljy goes home.\n" * 3


def prompts(count: int, max_tokens: int = 24, **sampling: Any) -> list[Request]:
    return [
        Request(
            f"{SHOTS}The {'small ' * (n % 5)}letter {n}", Sampling(max_tokens, **sampling), shared_prefix=len(SHOTS)
        )
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def reference(tiny_model: Callable[[str], Path]) -> HfGenerator:
    """The hf engine with room for one row: no batch, and no prefix (the tests of hf hold it to transformers' generate)."""
    return HfGenerator(str(tiny_model("llama")), batch_tokens=1)


def said_by(reference: HfGenerator, requests: list[Request]) -> list[Completion]:
    found = dict(reference.generate([Request(request.prompt, request.sampling) for request in requests]))
    return [found[place] for place in range(len(requests))]


def agree(found: Sequence[Completion], wanted: Sequence[Completion], limit: int = 24) -> bool:
    """Compare; where the end token is the last one that the limit allows, servers call that a stop or a length."""
    edge = [completion.completion_tokens == limit for completion in wanted]
    return [replace(a, finish_reason="stop") if at_edge else a for a, at_edge in zip(found, edge, strict=True)] == [
        replace(b, finish_reason="stop") if at_edge else b for b, at_edge in zip(wanted, edge, strict=True)
    ]


def test_greedy_text_is_the_models_alone_and_in_any_company(engine: Any, reference: HfGenerator) -> None:
    requests = prompts(24)
    pairs = list(engine.generator.generate(requests))
    assert sorted(place for place, _ in pairs) == list(range(24))
    found = dict(pairs)
    wanted = said_by(reference, requests)
    assert agree([found[place] for place in range(24)], wanted)
    assert agree([next(iter(engine.generator.generate([request])))[1] for request in requests[:3]], wanted[:3])
    assert {completion.finish_reason for completion in wanted} <= {"length", "stop"}
    assert len({completion.text for completion in wanted}) > 12


def test_a_stop_string_ends_the_text_and_is_not_in_it(engine: Any, reference: HfGenerator) -> None:
    requests, wanted = [], []
    for request, whole in zip(prompts(60), said_by(reference, prompts(60)), strict=True):
        marks = [whole.text[place : place + 2] for place in (4, 9) if "\ufffd" not in whole.text[: place + 3]]
        if marks and all(len(mark) == 2 for mark in marks):
            requests.append(Request(request.prompt, Sampling(24, stop=tuple(marks)), shared_prefix=len(SHOTS)))
            wanted.append(whole.text[: min(whole.text.index(mark) for mark in marks)])
    assert len(requests) > 4
    found = dict(engine.generator.generate(requests))
    assert [found[place].text for place in range(len(requests))] == wanted
    assert {completion.finish_reason for completion in found.values()} == {"stop"}
    assert all(completion.completion_tokens < 24 for completion in found.values())


def test_the_end_token_stops_and_the_limit_is_a_length(engine: Any, reference: HfGenerator) -> None:
    requests = prompts(24)
    found = dict(engine.generator.generate(requests))
    wanted = said_by(reference, requests)
    assert agree([found[place] for place in range(24)], wanted)
    reasons = [completion.finish_reason for completion in wanted]
    assert reasons.count("stop") > 2 and reasons.count("length") > 2
    assert all(found[place].completion_tokens == 24 for place in range(24) if found[place].finish_reason == "length")


def test_sampling_is_by_the_request_alone(engine: Any) -> None:
    if not engine.samples_by_request:
        pytest.skip("this server does not sample by the request's seed")
    requests = prompts(10, temperature=1.0, top_p=0.95)
    first = dict(engine.generator.generate(requests))
    backwards = dict(engine.generator.generate(requests[::-1]))
    assert [first[place].text for place in range(10)] == [backwards[9 - place].text for place in range(10)]
    again = [Request(request.prompt, request.sampling, replicate=1) for request in requests]
    other = dict(engine.generator.generate(again))
    greedy = dict(engine.generator.generate(prompts(10)))
    assert sum(first[place].text == other[place].text for place in range(10)) < 2
    assert sum(first[place].text == greedy[place].text for place in range(10)) < 2


def test_messages_go_through_the_models_chat_template(engine: Any, reference: HfGenerator) -> None:
    turns = (
        Message("system", "Ole lyhyt."),
        Message("user", "The old house?"),
        Message("assistant", "waits"),
        Message("user", "Ja öljy?"),
    )
    requests = [Request(turns, Sampling(16)), Request(turns[1:2], Sampling(16))]
    found = dict(engine.generator.generate(requests))
    assert agree([found[0], found[1]], said_by(reference, requests), 16)
    assert found[0].prompt_tokens > found[1].prompt_tokens > 8


def test_a_prompt_beyond_the_context_is_an_error_and_harms_no_other(engine: Any, reference: HfGenerator) -> None:
    if not engine.refuses_long_prompts:
        pytest.skip("this server does not know its model's context")
    requests = [Request("old house " * 900, Sampling(8)), *prompts(3)]
    found = dict(engine.generator.generate(requests))
    assert found[0].finish_reason == "refused" and "1024" in str(found[0].error)
    assert agree([found[place] for place in (1, 2, 3)], said_by(reference, prompts(3)))


def test_nothing_asked_is_nothing_given(engine: Any) -> None:
    assert list(engine.generator.generate([])) == []


def test_stopping_to_listen_leaves_the_engine_usable(engine: Any) -> None:
    results = engine.generator.generate(prompts(20))
    next(iter(results))
    results.close()
    assert len(list(engine.generator.generate(prompts(2)))) == 2


def test_a_run_through_the_store_is_the_run_without(engine: Any, tmp_path: Path, reference: HfGenerator) -> None:
    requests = prompts(12)
    with CompletionStore(tmp_path) as store:
        complete(engine.generator, requests[::2], store, "half")
    with CompletionStore(tmp_path) as store:
        found = complete(engine.generator, requests + requests[:2], store, "all")
        assert agree(found, said_by(reference, requests + requests[:2]))
        assert len(store) == 12


def test_given_text_is_measured_or_refused_in_one_sentence(engine: Any, reference: HfGenerator) -> None:
    request = Request("The old house waits.\n\n", Sampling(1), given="The red river falls.")
    if engine.name == "serve":
        with pytest.raises(GenerationError, match="given text|refuses the smallest request"):
            list(engine.generator.generate([request]))
        return
    ((_, found),) = engine.generator.generate([request])
    ((_, wanted),) = reference.generate([request])
    assert found.logprob == pytest.approx(wanted.logprob, abs=2e-3)
    assert found.completion_tokens == wanted.completion_tokens
