"""Times the generation engines side by side, in one run: `python -m benchmarks.generation [--vllm PYTHON]`.

Work: one few-shot prefix of about 460 tokens, 100 texts behind it, greedy, at most 64 new tokens. Every engine must say
the same. Rates are output tokens per second, the best of several rounds in which the engines take turns, since other
work on the machine disturbs single ones.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.tokenizer import byte_level_tokenizer
from kielo.generation.engines import open_generator
from kielo.generation.hf import HfGenerator
from kielo.generation.openai import OpenAiGenerator
from kielo.generation.protocol import Completion, Request, Sampling
from kielo.generation.server_process import ServerProcess
from kielo.models import POCKET
from kielo.schema import Engine
from tests.ports import free_port

_TEXTS, _PREFIX_TOKENS, _NEW_TOKENS = 100, 460, 64
_BATCH_TOKENS = 65536  # all hundred rows at once, for every batched engine
_PLACES = "house river letter bird teacher road lake winter bread song window boat forest stone market bridge".split()
_DEEDS = "waits sings falls burns returns sleeps shines breaks grows moves".split()


@dataclass(frozen=True)
class Contender:
    """One way to complete all requests; gives the texts and the number of tokens made."""

    name: str
    run: Callable[[], tuple[list[str], int]]


def main() -> int:
    """Run the benchmark; the exit status says whether the targets were met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, help="model folder; default: the pocket base")
    parser.add_argument("--vllm", help="Python of an environment with vLLM: measure it, too, server against offline")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, help="write the table there, as Markdown")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or (
            POCKET if (POCKET / "config.json").is_file() else random_model(Path(folder) / "model")
        )
        table, met = compare(str(model), options.vllm, options.rounds, Path(folder))
    print(table)
    if options.output:
        options.output.write_text(table, "utf-8")
    return 0 if met else 1


def compare(model: str, vllm: str | None, rounds: int, logs: Path) -> tuple[str, bool]:
    """Let all contenders take turns and write the table of their rates and ratios."""
    with contextlib.ExitStack() as stack:
        contenders = [*in_process(model), *stack.enter_context(transformers_server(model, logs))]
        best, texts = rates(contenders, rounds)
        if vllm:
            found, more = stack.enter_context(vllm_rates(model, vllm, rounds, logs))
            best, texts = best | found, texts | more
    ratios = [
        ("hf, shared prefix", "one prompt at a time", 5.0), ("hf, shared prefix", "static batches, generate", 1.5),
        ("hf, shared prefix", "hf, no prefix", 1.5), ("HTTP, transformers serve", "generate_batch, in process", 0.9),
        ("HTTP, vLLM server", "vLLM server, all in one request", 0.9), ("HTTP, vLLM server", "vLLM, offline", 0.9),
    ]  # fmt: skip
    rows = [(a, b, best[a] / best[b], target) for a, b, target in ratios if a in best and b in best]
    same = {
        name: sum(x == y for x, y in zip(said, texts["one prompt at a time"], strict=True))
        for name, said in texts.items()
    }
    return write_table(model, best, same, rows), all(ratio >= target for *_, ratio, target in rows)


def rates(contenders: Sequence[Contender], rounds: int) -> tuple[dict[str, float], dict[str, list[str]]]:
    """Measure output tokens per second: each contender once per round, its best round counts."""
    best: dict[str, float] = {}
    texts: dict[str, list[str]] = {}
    for _ in range(rounds):
        for contender in contenders:
            start = time.perf_counter()
            texts[contender.name], tokens = contender.run()
            best[contender.name] = max(best.get(contender.name, 0.0), tokens / (time.perf_counter() - start))
    return best, texts


def requests(tokenizer: Any) -> list[Request]:
    """Make the prompts: pairs of a text and its answer, then a text of its own for each request."""
    deeds = [f"The {place} {deed}." for deed in _DEEDS for place in _PLACES]
    shots, count = "", 0
    while len(tokenizer(shots)["input_ids"]) < _PREFIX_TOKENS:
        shots += f"English: {deeds[count]}\nAnswer: {deeds[-1 - count]}\n\n"
        count += 1
    asked = [" ".join(deeds[(7 * n + k) % len(deeds)] for k in range(1 + n % 4)) for n in range(_TEXTS)]
    return [
        Request(f"{shots}English: {text}\nAnswer:", Sampling(_NEW_TOKENS), shared_prefix=len(shots)) for text in asked
    ]


def collected(pairs: Iterator[tuple[int, Completion]]) -> tuple[list[str], int]:
    """Put completions into the order of their requests; count their tokens."""
    found = dict(pairs)
    return [found[place].text for place in range(len(found))], sum(
        completion.completion_tokens for completion in found.values()
    )


def in_process(model: str) -> list[Contender]:
    """The hf engine with and without the shared prefix, and transformers as it is used without one."""
    engine = HfGenerator(model, dtype="float32", batch_tokens=_BATCH_TOKENS)
    asked = requests(engine._tokenizer)
    plain = [Request(request.prompt, request.sampling) for request in asked]
    return [
        Contender("one prompt at a time", lambda: transformers_generate(engine, plain, 1)),
        Contender("static batches, generate", lambda: transformers_generate(engine, plain, _TEXTS)),
        Contender("hf, no prefix", lambda: collected(engine.generate(plain))),
        Contender("hf, shared prefix", lambda: collected(engine.generate(asked))),
    ]


def transformers_generate(engine: HfGenerator, asked: list[Request], size: int) -> tuple[list[str], int]:
    """Complete with `model.generate`, in batches of prompts sorted by length, left-padded."""
    import torch

    ids = engine._tokenizer([request.prompt for request in asked])["input_ids"]
    order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
    made: dict[int, list[int]] = {}
    for start in range(0, len(order), size):
        places = order[start : start + size]
        width = max(len(ids[place]) for place in places)
        fed = torch.tensor([[0] * (width - len(ids[place])) + ids[place] for place in places])
        mask = torch.tensor([[0] * (width - len(ids[place])) + [1] * len(ids[place]) for place in places])
        out = engine._network.generate(
            fed, attention_mask=mask, max_new_tokens=_NEW_TOKENS, do_sample=False, pad_token_id=0
        )
        made |= {place: up_to_end(row[width:], engine) for place, row in zip(places, out.tolist(), strict=True)}
    texts = [read(engine, ids[place], made[place]) for place in range(len(ids))]
    return texts, sum(map(len, made.values()))


def up_to_end(tokens: list[int], engine: HfGenerator) -> list[int]:
    """Keep what was made up to and with the end token; the rest is padding."""
    end = next((place + 1 for place, token in enumerate(tokens) if token in engine._end_tokens), len(tokens))
    return tokens[:end]


def read(engine: HfGenerator, prompt: list[int], made: list[int]) -> str:
    """Write tokens as text, as the engines do."""
    return engine._reader.text(prompt, [token for token in made if token not in engine._end_tokens]).rstrip("\ufffd")


@contextlib.contextmanager
def transformers_server(model: str, logs: Path) -> Iterator[list[Contender]]:
    """`transformers serve` with continuous batching over HTTP, and the same continuous batching in this process."""
    port, program = free_port(), str(Path(sys.executable).with_name("transformers"))
    command = [program, "serve", model, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32",
               "--continuous-batching", *(f"--cb-{name.replace('_', '-')}={value}" for name, value in _CONTINUOUS.items())]  # fmt: skip
    server = ServerProcess(command, f"http://127.0.0.1:{port}/health", logs / "serve.log")
    try:
        server.wait_healthy(120)
        client = OpenAiGenerator("benchmark", [f"http://127.0.0.1:{port}/v1"], model, concurrency=_TEXTS)
        engine = HfGenerator(model, dtype="float32")
        asked = requests(engine._tokenizer)
        yield [
            Contender("generate_batch, in process", lambda: generate_batch(engine, asked)),
            Contender("HTTP, transformers serve", lambda: collected(client.generate(asked))),
        ]
    finally:
        server.stop()


_CONTINUOUS: Mapping[str, Any] = {"block_size": 32, "num_blocks": 4096, "max_batch_tokens": 256}


def generate_batch(engine: HfGenerator, asked: list[Request]) -> tuple[list[str], int]:
    """Complete by transformers' continuous batching, as `transformers serve` does behind its HTTP."""
    from transformers import ContinuousBatchingConfig, GenerationConfig

    ids = engine._tokenizer([request.prompt for request in asked])["input_ids"]
    settings = GenerationConfig(
        max_new_tokens=_NEW_TOKENS, do_sample=False, eos_token_id=sorted(engine._end_tokens), use_cache=False
    )  # type: ignore[no-untyped-call]
    batching = ContinuousBatchingConfig(**_CONTINUOUS)
    outputs = engine._network.generate_batch(
        ids, generation_config=settings, continuous_batching_config=batching, persistent_manager=True
    )
    made = [
        list(outputs[name].generated_tokens) for name in sorted(outputs, key=lambda name: int(name.rpartition("_")[2]))
    ]
    return [read(engine, prompt, tokens) for prompt, tokens in zip(ids, made, strict=True)], sum(map(len, made))


@contextlib.contextmanager
def vllm_rates(
    model: str, python: str, rounds: int, logs: Path
) -> Iterator[tuple[dict[str, float], dict[str, list[str]]]]:
    """vLLM's own rate without HTTP, in a process of its own, and then its server's through the HTTP engine."""
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    tokenizer_of = HfGenerator(model, dtype="float32")
    asked = requests(tokenizer_of._tokenizer)
    (logs / "prompts.json").write_text(json.dumps([request.prompt for request in asked]), "utf-8")
    arguments = [model, str(logs / "prompts.json"), str(logs / "offline.json"), str(_NEW_TOKENS), str(rounds)]
    with (logs / "offline.log").open("wb") as log:
        subprocess.run([python, "-c", _OFFLINE, *arguments], check=True, stdout=log, stderr=log)
    offline: Mapping[str, Any] = json.loads((logs / "offline.json").read_text("utf-8"))
    engine = Engine(
        kind="vllm-server", command=(python,), dtype="float32", concurrency=_TEXTS, extra_args=("--enforce-eager",)
    )
    with open_generator(engine, model, None, logs) as generator:
        contenders = [
            Contender("HTTP, vLLM server", lambda: collected(generator.generate(asked))),
            Contender("vLLM server, all in one request", lambda: one_request(generator, model, asked)),
        ]
        best, texts = rates(contenders, 2 * rounds)
    said = [text.rstrip("\ufffd") for text in offline["texts"]]
    yield {"vLLM, offline": offline["rate"], **best}, {"vLLM, offline": said, **texts}


def one_request(generator: Any, model: str, asked: list[Request]) -> tuple[list[str], int]:
    """Hand a vLLM server all prompts at once: what it can do over HTTP with a client that does nothing."""
    (url,) = generator._servers
    body = {
        "model": model,
        "prompt": [request.prompt for request in asked],
        "max_tokens": _NEW_TOKENS,
        "temperature": 0,
    }
    reply = httpx.post(f"{url}/completions", json=body, timeout=600, trust_env=False).json()
    choices = sorted(reply["choices"], key=lambda choice: choice["index"])
    return [choice["text"].rstrip("\ufffd") for choice in choices], reply["usage"]["completion_tokens"]


_OFFLINE = """
import json, sys, time
from pathlib import Path
if __name__ == "__main__":
    from vllm import LLM, SamplingParams
    model, prompts, output, tokens, rounds = sys.argv[1:]
    llm = LLM(model, dtype="float32", enforce_eager=True, generation_config="vllm", disable_log_stats=True)
    asked, best = json.loads(Path(prompts).read_text("utf-8")), 0.0
    for _ in range(2 * int(rounds)):
        start = time.perf_counter()
        made = llm.generate(asked, SamplingParams(temperature=0.0, max_tokens=int(tokens)), use_tqdm=False)
        best = max(best, sum(len(one.outputs[0].token_ids) for one in made) / (time.perf_counter() - start))
    Path(output).write_text(json.dumps({"rate": best, "texts": [one.outputs[0].text for one in made]}), "utf-8")
"""


def random_model(folder: Path) -> Path:
    """Make a small random Llama with a tokenizer of its own, for a checkout without the pocket base."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    texts = [f"English: The {place} {deed}.\nAnswer:" for place in _PLACES for deed in _DEEDS]
    named = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>"}
    tokenizer = byte_level_tokenizer(texts, 2000, **named)
    tokenizer.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
        max_position_embeddings=2048, initializer_range=0.3, bos_token_id=0, eos_token_id=1, pad_token_id=1, tie_word_embeddings=False,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def write_table(
    model: str, best: Mapping[str, float], same: Mapping[str, int], ratios: Sequence[tuple[str, str, float, float]]
) -> str:
    """Write the rates, the agreement of the texts, and the ratios against their targets."""
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    lines = [
        f"Model {Path(model).parent.name}/{Path(model).name}, float32, {os.cpu_count()} CPU cores, OMP_NUM_THREADS {threads}.",
        "",
        "| engine | output tokens/s | texts as one prompt at a time |",
        "|---|---:|---:|",
    ]
    lines += [f"| {name} | {rate:,.0f} | {same[name]}/{_TEXTS} |" for name, rate in best.items()]
    lines += ["", "| ratio | measured | target | met |", "|---|---:|---:|---|"]
    lines += [
        f"| {a} / {b} | {ratio:.2f} | {target:g} | {'yes' if ratio >= target else 'no'} |"
        for a, b, ratio, target in ratios
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
