"""Log-probabilities of given text and of options: as the model itself says them, whatever the batch; servers echo them, or say they cannot."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from kielo.errors import GenerationError
from kielo.generation.hf import HfGenerator
from kielo.generation.openai import OpenAiGenerator
from kielo.generation.protocol import Completion, Request, Sampling, completion_key
from kielo.generation.store import CompletionStore, complete
from kielo.records import Message
from tests.kielo.generation.http_server import Answer, Server

PROMPT = "The old house waits.\n\n"
TEXTS = [
    "The red river falls.",
    "Ääniä yössä öljy sings and goes home.",
    "x",
    "The quiet bird " * 12,
    "A letter is here.",
]


def given(text: str, prompt: str = PROMPT) -> Request:
    return Request(prompt, Sampling(1), given=text)


@pytest.fixture(params=["llama", "mamba", "bloom", "mistral-window"])
def engine(request: pytest.FixtureRequest, tiny_model: Callable[[str], Path]) -> HfGenerator:
    return HfGenerator(str(tiny_model(request.param)), batch_tokens=400)


def directly(engine: HfGenerator, request: Request) -> tuple[float, int]:
    """What the model says of one text alone, without padding or cache."""
    prompt = engine._tokenizer(request.prompt)["input_ids"]
    tokens = engine._tokenizer(request.given, add_special_tokens=False)["input_ids"]
    first = max(1, len(prompt))
    whole = torch.tensor([prompt + tokens])
    with torch.no_grad():
        shares = engine._network(whole, use_cache=False).logits.log_softmax(-1)[0, first - 1 : -1]
    of_tokens = shares.gather(-1, whole[0, first:, None])
    return float(of_tokens.mean()), len(of_tokens)


def test_every_text_is_read_as_if_it_were_alone(engine: HfGenerator) -> None:
    requests = [
        given(text, prompt) for text in TEXTS for prompt in (PROMPT, "", PROMPT * 5) if (text, prompt) != ("x", "")
    ]
    found = dict(engine.generate(requests))
    for place, request in enumerate(requests):
        logprob, count = directly(engine, request)
        assert found[place].completion_tokens == count
        assert found[place].logprob == pytest.approx(logprob, abs=2e-4)
        assert found[place].text == ""


def test_made_and_given_texts_go_together_and_one_that_is_too_long_alone_is_refused(
    tiny_model: Callable[[str], Path],
) -> None:
    engine = HfGenerator(str(tiny_model("llama")))
    requests = [Request(PROMPT, Sampling(3)), given("The bird " * 800), given(TEXTS[0])]
    found = dict(engine.generate(requests))
    assert found[0].completion_tokens == 3 and found[0].logprob is None
    assert found[1].finish_reason == "refused" and "context 1024" in str(found[1].error)
    assert found[2].finish_reason == "stop" and found[2].logprob == pytest.approx(
        directly(engine, requests[2])[0], abs=2e-4
    )


def test_an_empty_text_has_no_log_probability(tiny_model: Callable[[str], Path]) -> None:
    ((_, found),) = HfGenerator(str(tiny_model("llama"))).generate([given("")])
    assert found.logprob is None and found.completion_tokens == 0


def test_a_text_is_given_after_a_text() -> None:
    with pytest.raises(ValueError, match="messages have no such place"):
        Request((Message("user", "Hello"),), Sampling(1), given="you")


def test_the_store_keeps_each_text_apart_and_makes_none_twice(
    tiny_model: Callable[[str], Path], tmp_path: Path
) -> None:
    engine = HfGenerator(str(tiny_model("llama")))
    requests = [given(text) for text in TEXTS]
    assert len({completion_key("m", each) for each in (*requests, Request(PROMPT, Sampling(1)))}) == len(TEXTS) + 1
    with CompletionStore(tmp_path) as store:
        first = complete(engine, requests, store, "given")
    engine.close()
    with CompletionStore(tmp_path) as store:
        assert complete(engine, requests, store, "given") == first


def echoing(engine: HfGenerator) -> Callable[[dict[str, Any], int], Answer]:
    """A server that echoes as vLLM does, by a model that is really asked."""

    def answer(body: dict[str, Any], _: int) -> Answer:
        tokens = engine._tokenizer(body["prompt"])["input_ids"]
        with torch.no_grad():
            shares = engine._network(torch.tensor([tokens])).logits.log_softmax(-1)[0]
        listed = [None, *shares[:-1].gather(-1, torch.tensor(tokens)[1:, None])[:, 0].tolist(), -0.5]
        choice: dict[str, Any] = {"text": "z", "finish_reason": "length"}
        if body.get("echo"):
            choice = {"text": body["prompt"] + "z", "logprobs": {"token_logprobs": listed}, "finish_reason": "length"}
        usage = {"prompt_tokens": len(tokens), "completion_tokens": 1}
        return 200, {}, json.dumps({"choices": [choice], "usage": usage}).encode()

    return answer


def test_a_server_that_echoes_says_the_same_as_the_model_in_this_process(
    tiny_model: Callable[[str], Path], serve: Callable[..., Server]
) -> None:
    engine = HfGenerator(str(tiny_model("llama")))
    server = serve(echoing(engine))
    requests = [given(text, prompt) for text in (TEXTS[0], TEXTS[1], TEXTS[4]) for prompt in (PROMPT, "")]
    found, wanted = (dict(each.generate(requests)) for each in (OpenAiGenerator("m", [server.url], "m"), engine))
    for place in range(len(requests)):
        assert found[place].logprob == pytest.approx(wanted[place].logprob, abs=2e-4)
        assert found[place].completion_tokens == wanted[place].completion_tokens


@pytest.mark.parametrize(
    "reply",
    [{"text": "z"}, {"text": "z", "logprobs": {"token_logprobs": [-1.0, float("nan"), -0.5]}}, {"logprobs": {"token_logprobs": [None]}}],
    ids=["no echo", "no number", "nothing echoed"],
)  # fmt: skip
def test_a_server_that_does_not_echo_is_one_sentence(reply: dict[str, Any], serve: Callable[..., Server]) -> None:
    choice = {"text": "z", "finish_reason": "length", **reply}
    content = json.dumps({"choices": [choice], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}).encode()
    server = serve(lambda body, _: (200, {}, content))
    engine = OpenAiGenerator("m", [server.url], "m", attempts=2, first_wait_seconds=0.01)
    with pytest.raises(
        GenerationError, match="no log-probabilities of a given text; use engine kind hf or vllm-server"
    ):
        list(engine.generate([given(TEXTS[0])]))


def test_options_have_the_models_own_probabilities_of_coming_first(engine: HfGenerator) -> None:
    options = tuple("123456")
    requests = [Request(f"{PROMPT}{end}", Sampling(4), options=options) for end in ("Grade:", "How many? ")]
    found = dict(engine.generate(requests))
    for place, request in enumerate(requests):
        with torch.no_grad():
            tokens = torch.tensor([engine._tokenizer(request.prompt)["input_ids"]])
            shares = engine._network(tokens).logits[0, -1].softmax(-1)
        for option in options:
            spellings = {token for token in range(len(shares)) if engine._tokenizer.decode([token]).strip() == option}
            assert spellings
            assert found[place].options[option] == pytest.approx(float(shares[list(spellings)].sum()), abs=1e-4)
    plain = dict(engine.generate([Request(request.prompt, request.sampling) for request in requests]))
    assert [found[place].text for place in (0, 1)] == [plain[place].text for place in (0, 1)]
    assert plain[0].options is None


def test_options_are_stored(tmp_path: Path) -> None:
    made = Completion("4", "stop", 1, 1, options={"4": 0.9, "5": 0.1})
    with CompletionStore(tmp_path) as store:
        store.append("key", made)
    assert CompletionStore(tmp_path)["key"] == made


@pytest.mark.parametrize("chat", [True, False])
def test_servers_list_options_in_the_shapes_of_both_endpoints(chat: bool, serve: Callable[..., Server]) -> None:
    listed = {"4": math.log(0.5), " 4": math.log(0.25), "5": math.log(0.125), "the": math.log(0.1)}
    content = [
        {
            "token": "4",
            "logprob": math.log(0.5),
            "top_logprobs": [{"token": t, "logprob": p} for t, p in listed.items()],
        }
    ]
    logprobs = (
        {"content": content} if chat else {"tokens": ["4"], "token_logprobs": [math.log(0.5)], "top_logprobs": [listed]}
    )
    said = {"message": {"content": "4"}} if chat else {"text": "4"}
    reply = {
        "choices": [{**said, "finish_reason": "stop", "logprobs": logprobs}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    }
    server = serve(lambda body, _: (200, {}, json.dumps(reply).encode()))
    prompt: Any = (Message("user", "Grade."),) if chat else "Grade:"
    ((_, found),) = OpenAiGenerator("m", [server.url], "m").generate(
        [Request(prompt, Sampling(2), options=("4", "5", "6"))]
    )
    assert found.options == {"4": 0.75, "5": 0.125, "6": 0.0}
    assert server.bodies[0]["top_logprobs" if chat else "logprobs"] == 20
