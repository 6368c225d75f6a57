"""Fixtures of the generation tests: tiny random models with a tokenizer of their own, and the engines under one contract."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kielo.generation.engines import open_generator
from kielo.generation.protocol import Generator
from kielo.generation.server_process import ServerProcess
from kielo.schema import Engine
from tests.kielo.generation.http_server import serving
from tests.ports import free_port

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SENTENCES = [f"The {a} {b} {c} and Ääniä öljy yössä {i}.\n" for i, (a, b, c) in enumerate(
    (a, b, c) for a in ("old", "red", "small", "quiet") for b in ("house", "river", "letter", "bird", "teacher")
    for c in ("waits", "sings", "falls", "is here", "goes home"))]  # fmt: skip


def build_tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    specials = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", *(f"<end{number}>" for number in range(6))]
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>")
    fast.chat_template = CHATML
    return fast


def architectures() -> dict[str, tuple[type[Any], dict[str, Any]]]:
    import transformers as t

    llama = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2,
             "num_key_value_heads": 1, "max_position_embeddings": 1024, "tie_word_embeddings": False}  # fmt: skip
    gpt = {"n_embd": 64, "n_layer": 2, "n_head": 2}
    return {
        "llama": (t.LlamaConfig, llama),
        "mistral-window": (t.MistralConfig, {**llama, "sliding_window": 12}),
        "gemma3": (
            t.Gemma3TextConfig,
            {**llama, "head_dim": 32, "sliding_window": 12, "layer_types": ["sliding_attention", "full_attention"]},
        ),
        "qwen3": (t.Qwen3Config, {**llama, "head_dim": 32}),
        "bloom": (t.BloomConfig, {"hidden_size": 64, "n_layer": 2, "n_head": 2}),
        "gpt2": (t.GPT2Config, {**gpt, "n_positions": 1024}),
        "mamba": (t.MambaConfig, {"hidden_size": 64, "num_hidden_layers": 2, "state_size": 8}),
    }


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make (once) a random model of an architecture: its greedy output is diverse, so that equal output means something."""
    made: dict[str, Path] = {}

    def make(name: str = "llama") -> Path:
        if name not in made:
            made[name] = build_model(name, tmp_path_factory.mktemp(name))
        return made[name]

    return make


def build_model(name: str, folder: Path) -> Path:
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    tokenizer = build_tokenizer()
    config_class, settings = architectures()[name]
    config = config_class(
        vocab_size=len(tokenizer), bos_token_id=0, eos_token_id=1, pad_token_id=1, initializer_range=0.3, **settings
    )
    model = AutoModelForCausalLM.from_config(config)
    model.generation_config.eos_token_id = [1, *range(4, 10)]  # so that random output ends by itself now and then
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@dataclass(frozen=True)
class EngineUnderTest:
    """An engine on the tiny Llama, and what its server is known not to do."""

    name: str
    generator: Generator
    samples_by_request: bool
    refuses_long_prompts: bool


@pytest.fixture(
    scope="session",
    params=["hf", "transformers serve", pytest.param("vllm-server", marks=pytest.mark.vllm)],
)
def engine(
    request: pytest.FixtureRequest, tiny_model: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EngineUnderTest]:
    """Every engine on one model: in this process, over HTTP, and (where it is installed) real vLLM."""
    model, logs = str(tiny_model("llama")), tmp_path_factory.mktemp("step") / "logs"
    if request.param == "hf":
        with open_generator(Engine(kind="hf"), model, None, logs) as generator:
            yield EngineUnderTest("hf", generator, samples_by_request=True, refuses_long_prompts=True)
    elif request.param == "vllm-server":
        with open_generator(vllm_engine(), model, None, logs) as generator:
            yield EngineUnderTest("vllm-server", generator, samples_by_request=True, refuses_long_prompts=True)
    else:
        server, url = start_transformers_serve(model, logs / "serve.log")
        try:
            with open_generator(Engine(kind="openai", urls=(url,), concurrency=8), model, None, logs) as generator:
                # Its seed is one for the whole server, and it samples only where the model's own settings say so.
                yield EngineUnderTest("serve", generator, samples_by_request=False, refuses_long_prompts=False)
        finally:
            server.stop()


def start_transformers_serve(model: str, log: Path) -> tuple[ServerProcess, str]:
    """Start transformers' own OpenAI-compatible server on a model, and wait until it answers."""
    port = free_port()
    program = str(Path(sys.executable).with_name("transformers"))
    command = [
        program,
        "serve",
        model,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--device",
        "cpu",
        "--dtype",
        "float32",
    ]
    server = ServerProcess(command, f"http://127.0.0.1:{port}/health", log, {**os.environ, "OMP_NUM_THREADS": "1"})
    server.wait_healthy(120)
    return server, f"http://127.0.0.1:{port}/v1"


@pytest.fixture(scope="session")
def vllm_settings() -> Callable[..., Engine]:
    """Make the settings of real vLLM; skips where it is not installed."""
    return vllm_engine


def vllm_engine(**settings: Any) -> Engine:
    """Settings for real vLLM on a CPU: the Python of `make test-vllm`, no compiling, little memory."""
    if os.environ.get("KIELO_TEST_VLLM") != "1":
        pytest.skip("needs vLLM: make test-vllm")
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    extra = ("--enforce-eager", "--max-model-len", "1024", "--no-enable-chunked-prefill")
    command = (os.environ["KIELO_VLLM_PYTHON"],)
    return Engine(
        kind="vllm-server", command=command, dtype="float32", extra_args=extra, startup_seconds=300, **settings
    )


serve = pytest.fixture(serving)
