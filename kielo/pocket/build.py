"""Builds the pocket base model from its seed: python -m kielo.pocket.build OUT writes tokenizer, weights and build.json."""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import time
from collections.abc import Iterator
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from typing import Any, TypeAlias

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from kielo.pocket.corpus import Document, documents
from kielo.pocket.datasets import SOURCE, TARGET, parallel_rows, shots_rows
from kielo.pocket.grammar import world

END, PAD, CHAT_START, CHAT_END = "<|endoftext|>", "<|pad|>", "<|im_start|>", "<|im_end|>"
SENTINELS = [f"⟦{number}⟧" for number in range(1, 10)]
SEED, VOCABULARY, STEPS = 7, 1536, 1200
SHAPES = (
    (16, 192),
    (16, 192),
    (16, 192),
    (6, 512),
)  # windows x tokens of the steps in turn: short is fast, long teaches long prompts
PEAK_MUON, PEAK_ADAMW, WARMUP_STEPS = 2e-2, 3e-3, 40
IGNORED = -100

Model: TypeAlias = Any  # LlamaForCausalLM and its tokenizer are only partly typed
WordPieces: TypeAlias = Any
Batch = tuple[torch.Tensor, torch.Tensor]  # token ids, labels: windows x tokens


def train_tokenizer(seed: int) -> WordPieces:
    """Train a byte-level BPE on the corpus; the translator's sentinels are single tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(SENTINELS), special_tokens=[END, PAD, CHAT_START, CHAT_END], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )  # fmt: skip
    tokenizer.train_from_iterator((document.text for document in islice(documents(seed + 1), 8000)), trainer)
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in SENTINELS])
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        clean_up_tokenization_spaces=False,
        model_max_length=1024,
    )


def _encode(backend: Tokenizer, batch: list[Document], end: int) -> Iterator[tuple[int, int]]:
    """Give (token, label) for every token of the documents, each ended by a trained end token."""
    for document, encoding in zip(batch, backend.encode_batch([d.text for d in batch]), strict=True):
        for token, (start, _) in zip(encoding.ids, encoding.offsets, strict=True):
            yield token, token if any(first <= start < last for first, last in document.spans) else IGNORED
        yield end, end


def batches(tokenizer: WordPieces, seed: int) -> Iterator[Batch]:
    """Pack the corpus into windows of tokens and labels, without end."""
    source = documents(seed)
    buffer: list[tuple[int, int]] = []
    for windows, length in cycle(SHAPES):
        while len(buffer) < windows * length:
            buffer += _encode(tokenizer.backend_tokenizer, list(islice(source, 32)), tokenizer.eos_token_id)
        pairs = torch.tensor(buffer[: windows * length]).view(windows, length, 2)
        buffer = buffer[windows * length :]
        yield pairs[..., 0].contiguous(), pairs[..., 1].contiguous()


def new_model(tokenizer: WordPieces) -> Model:
    """Make an untrained Llama; heads of 32 because serving engines on CPU need at least that."""
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=128, intermediate_size=384, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=4, head_dim=32, max_position_embeddings=1024, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    return LlamaForCausalLM(config)


def rate(step: int, steps: int) -> float:
    """Give the share of the peak learning rate: a warm-up, then a cosine to a fiftieth."""
    progress = max(0.0, (step - WARMUP_STEPS) / max(1, steps - WARMUP_STEPS))
    return min(1.0, (step + 1) / WARMUP_STEPS) * (0.02 + 0.98 * (1 + math.cos(math.pi * progress)) / 2)


def optimizers_of(model: Model) -> list[torch.optim.Optimizer]:
    """Make Muon for the matrices inside the layers (a quarter fewer steps than AdamW alone, measured) and AdamW for the rest."""
    matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
    inside = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in inside]
    return [
        torch.optim.Muon([{"params": matrices, "peak": PEAK_MUON}], weight_decay=0.05),
        torch.optim.AdamW([{"params": others, "peak": PEAK_ADAMW}], betas=(0.9, 0.95), weight_decay=0.0),
    ]


def pretrain(model: Model, tokenizer: WordPieces, steps: int, seed: int) -> float:
    """Train on the packed corpus; gives the mean loss of the last 50 steps."""
    optimizers = optimizers_of(model)
    losses: list[float] = []
    started = time.perf_counter()
    model.train()
    for step, (tokens, labels) in enumerate(islice(batches(tokenizer, seed), steps)):
        wanted = labels[:, 1:] != IGNORED
        hidden = model.model(input_ids=tokens, use_cache=False).last_hidden_state[:, :-1]
        loss = torch.nn.functional.cross_entropy(model.lm_head(hidden[wanted]), labels[:, 1:][wanted])
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * rate(step, steps)
            optimizer.step()
            optimizer.zero_grad()
        losses.append(loss.item())
        if step % 50 == 49:
            print(
                f"step {step + 1}/{steps} loss {sum(losses[-50:]) / 50:.4f} {time.perf_counter() - started:.0f} s",
                flush=True,
            )
    return sum(losses[-50:]) / len(losses[-50:])


@torch.no_grad()
def translate(model: Model, tokenizer: WordPieces, lines: list[str], seed: int = 1) -> list[str]:
    """Translate lines greedily with three fixed shots, as the translator does."""
    names = world().languages
    shots = "".join(
        f"{names[SOURCE]}: {s['source']}\n{names[TARGET]}: {s['target']}\n\n" for s in shots_rows(5, seed)[:5:2]
    )
    tokenizer.padding_side = "left"
    result: list[str] = []
    for start in range(0, len(lines), 100):
        prompts = [f"{shots}{names[SOURCE]}: {line}\n{names[TARGET]}:" for line in lines[start : start + 100]]
        inputs = tokenizer(prompts, return_tensors="pt", padding=True, return_token_type_ids=False)
        output = model.generate(**inputs, do_sample=False, max_new_tokens=120, stop_strings=["\n"], tokenizer=tokenizer)
        texts = tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        result += [text.split("\n")[0].strip() for text in texts]
    return result


def measure(model: Model, tokenizer: WordPieces) -> dict[str, float]:
    """Translate 200 held-out sentences: chrF and the share that is right to the letter."""
    import sacrebleu

    rows = parallel_rows(200, seed=1)
    targets = [row["target"] for row in rows]
    hypotheses = translate(model.eval(), tokenizer, [row["source"] for row in rows])
    exact = sum(h == t for h, t in zip(hypotheses, targets, strict=True)) / len(targets)
    return {"chrf": round(sacrebleu.corpus_chrf(hypotheses, [targets]).score, 2), "exact_match_share": exact}


def build(out: Path, steps: int = STEPS, seed: int = SEED) -> dict[str, Any]:
    """Train tokenizer and model from the seed and write them, in bf16, with build.json beside them."""
    torch.manual_seed(seed)
    tokenizer = train_tokenizer(seed)
    model = new_model(tokenizer)
    loss = pretrain(model, tokenizer, steps, seed)
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    model.generation_config = GenerationConfig(**ends)  # type: ignore[no-untyped-call]
    model = model.to(torch.bfloat16)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    record = {
        "seed": seed, "steps": steps, "tokens": sum(windows * length for windows, length in islice(cycle(SHAPES), steps)), "loss": round(loss, 4),
        "parameters": model.num_parameters(), "held_out_sentences": measure(model.float(), tokenizer),
        "versions": {name: version(name) for name in ("torch", "transformers", "tokenizers")},
        "sha256": {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in ("model.safetensors", "tokenizer.json")},
    }  # fmt: skip
    (out / "build.json").write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    return record


def main() -> None:
    """Build into the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    print(json.dumps(build(arguments.out, arguments.steps), indent=2))


if __name__ == "__main__":
    main()
