"""The hf engine against transformers' own generation, one prompt at a time: same text, whatever the batch and architecture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from kielo.errors import GenerationError, RecipeError
from kielo.generation.hf import HfGenerator
from kielo.generation.hf_sampling import choose
from kielo.generation.protocol import Request, Sampling, cut
from kielo.records import Message

SENTENCES = [f"The {a} {b} waits {i} and öljy.\n" for i, (a, b) in enumerate((a, b) for a in ("old", "red", "small", "quiet") for b in ("house", "river", "letter", "bird", "teacher"))]  # fmt: skip
SHOTS = "".join(SENTENCES[:8])


def requests_sharing_a_prefix(count: int = 40, **sampling: Any) -> list[Request]:
    """Prompts of many lengths behind one prefix, some ending within it or in the middle of a character's token."""
    ends = [SENTENCES[i % 20][: 1 + i * 5 % 23] for i in range(count)]
    return [
        Request(SHOTS + end, Sampling(max_tokens=3 + i * 7 % 15, **sampling), shared_prefix=len(SHOTS))
        for i, end in enumerate(ends)
    ]


def one_at_a_time(engine: HfGenerator, request: Request) -> str:
    """What transformers' generate says, as the tokens' text."""
    ids = torch.tensor([engine._tokenizer(request.prompt)["input_ids"]])
    made = engine._network.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=request.sampling.max_tokens, do_sample=False
    )
    kept = [token for token in made[0, ids.shape[1] :].tolist() if token not in engine._end_tokens]
    return engine._reader.text(ids[0].tolist(), kept).rstrip("\ufffd")


@pytest.fixture(params=["llama", "mistral-window", "gemma3", "qwen3", "bloom", "gpt2", "mamba"])
def engine(request: pytest.FixtureRequest, tiny_model: Callable[[str], Path]) -> HfGenerator:
    return HfGenerator(str(tiny_model(request.param)), batch_tokens=1500)


def test_every_architecture_says_what_it_says_one_prompt_at_a_time(engine: HfGenerator) -> None:
    requests = requests_sharing_a_prefix()
    found = dict(engine.generate(requests))
    assert sorted(found) == list(range(len(requests)))
    assert [found[i].text for i in range(12)] == [one_at_a_time(engine, request) for request in requests[:12]]
    assert len({completion.text for completion in found.values()}) > 10


def test_recurrent_models_are_told_apart_by_trying(
    tiny_model: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert not HfGenerator(str(tiny_model("mamba"))).shares_rows
    assert "mamba" in capsys.readouterr().err
    assert HfGenerator(str(tiny_model("bloom"))).shares_rows
    assert capsys.readouterr().err.count("cannot share") == 0


def test_a_model_that_positions_by_column_is_found_out(tiny_model: Callable[[str], Path]) -> None:
    from kielo.generation.hf_probe import rows_agree

    engine = HfGenerator(str(tiny_model("llama")))
    engine._forward.takes_positions = False  # as if its forward could not be told where a row begins
    assert not rows_agree(engine._forward, engine._network)


@pytest.fixture(scope="module")
def llama(tiny_model: Callable[[str], Path]) -> HfGenerator:
    return HfGenerator(str(tiny_model("llama")))


def test_shared_prefix_is_only_a_hint(llama: HfGenerator) -> None:
    requests = requests_sharing_a_prefix()
    plain = [Request(request.prompt, request.sampling) for request in requests]
    nearly = [Request(request.prompt, request.sampling, shared_prefix=len(SHOTS) - 3) for request in requests]
    wanted = dict(llama.generate(plain))
    assert dict(llama.generate(requests)) == wanted
    assert dict(llama.generate(nearly)) == wanted
    assert dict(llama.generate(plain[:10] + requests[10:25] + nearly[25:])) == wanted


@pytest.mark.parametrize("batch_tokens", [1, 400, 3000])
def test_batch_size_does_not_matter(llama: HfGenerator, batch_tokens: int) -> None:
    requests = requests_sharing_a_prefix(20) + requests_sharing_a_prefix(20, temperature=1.0, top_p=0.9)
    wanted = dict(llama.generate(requests))
    small = HfGenerator(llama._tokenizer.name_or_path, batch_tokens=batch_tokens)
    assert dict(small.generate(requests)) == wanted


def test_sampling_is_by_the_request_and_follows_the_shares() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0, -1.0]]).repeat(4000, 1)
    draws = [(row + 0.5) / 4000 for row in range(4000)]
    shares = logits[0].softmax(-1)
    plain = choose(logits, [Sampling(1, temperature=1.0)] * 4000, draws)
    assert torch.allclose(plain.bincount(minlength=4) / 4000, shares, atol=2e-3)
    nucleus = choose(logits, [Sampling(1, temperature=1.0, top_p=0.8)] * 4000, draws)
    kept = torch.tensor([0.0, shares[1], shares[2], 0.0])
    assert torch.allclose(nucleus.bincount(minlength=4) / 4000, kept / kept.sum(), atol=2e-3)
    assert choose(logits[:2], [Sampling(1), Sampling(1, temperature=1e-9)], [0.99, 0.99]).tolist() == [2, 2]


def test_context_is_a_limit_for_prompts_and_completions(llama: HfGenerator) -> None:
    words = "old house " * 900
    requests = [Request(words[:size], Sampling(max_tokens=50)) for size in (40, 9000, 60)]
    found = dict(llama.generate(requests))
    assert found[1].finish_reason == "refused"
    assert found[1].error == f"prompt of {found[1].prompt_tokens} tokens exceeds context 1024"
    assert found[0].finish_reason == "length" or found[0].completion_tokens < 50
    tokens = llama._tokenizer(words)["input_ids"][:1000]
    edge = dict(llama.generate([Request(llama._tokenizer.decode(tokens), Sampling(max_tokens=50))]))[0]
    assert edge.prompt_tokens + edge.completion_tokens <= 1024


def test_out_of_memory_halves_the_batch_and_loses_nothing(
    llama: HfGenerator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The device's memory is played by a limit on rows times columns, raised as torch does."""
    requests = requests_sharing_a_prefix(30)
    wanted = dict(llama.generate(requests))
    whole = type(llama._forward).__call__

    def limited(self: Any, tokens: Any, mask: Any, layers: Any) -> Any:
        if mask.numel() > 1300:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return whole(self, tokens, mask, layers)

    engine = HfGenerator(llama._tokenizer.name_or_path, batch_tokens=8000)
    monkeypatch.setattr(type(llama._forward), "__call__", limited)
    pairs = list(engine.generate(requests))
    assert len(pairs) == len(requests) and dict(pairs) == wanted
    assert engine.batch_tokens == 2000 or engine.batch_tokens == 1000
    assert "batch_tokens 4000" in capsys.readouterr().err


def test_what_fits_nowhere_is_said(llama: HfGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.")

    engine = HfGenerator(llama._tokenizer.name_or_path)
    monkeypatch.setattr(type(llama._forward), "__call__", full)
    with pytest.raises(GenerationError, match="not even one request"):
        list(engine.generate(requests_sharing_a_prefix(2)))


def test_messages_need_a_chat_template(llama: HfGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llama._tokenizer, "chat_template", None)
    with pytest.raises(GenerationError, match="need a chat template and this model has none"):
        list(llama.generate([Request((Message("user", "Hei"),), Sampling(5))]))


def test_a_folder_without_a_model_is_a_user_error(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(RecipeError, match=str(tmp_path)):
        HfGenerator(str(tmp_path))


@pytest.mark.parametrize(("text", "stop", "cut_text", "stopped"), [
    ("abcabc", ("c",), "ab", True), ("abc", ("x",), "abc", False), ("abc", (), "abc", False),
    ("one\n\ntwo", ("\n\n", "ne"), "o", True), ("", ("a",), "", False),
    ("a\ufffdb\ufffd", (), "a\ufffdb", False), ("a\ufffdbc", ("b",), "a\ufffd", True),
])  # fmt: skip
def test_cut_is_at_the_first_stop(text: str, stop: tuple[str, ...], cut_text: str, stopped: bool) -> None:
    assert cut(text, stop) == (cut_text, stopped)
