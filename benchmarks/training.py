"""Times fine-tuning side by side, in one run: `python -m benchmarks.training [--part sft|dpo] [--device cuda --model-size 1b]`.

Work: the best threads of OASST1, English and Finnish, cut at 1,024 tokens, all tokens trained, on a Llama of random
weights. Rates count the tokens of the conversations, not padding, over the seconds of `trainer.train()`: those of the
processor on a CPU, where other work may go on, and those of the clock on a GPU. Contenders take turns and the best round
counts.
1. TRL: SFTTrainer with the settings of ours and the same rows in the same order, in its default layout (rows padded to
   the longest of each micro-batch of 8); its losses must be ours to 1e-3.
2. handbook: an alignment-handbook YAML as users run it. Of its keys, TRL 1.16 knows no `warmup_ratio`, `max_seq_length`,
   `torch_dtype` or `dataset_mixer`; under `accelerate launch` they vanish, so there is no warm-up, 1,024 tokens and
   32-bit weights; `gradient_checkpointing` and micro-batches of 4, as it says; another order of rows.
3. ours: `align.sft`, length-grouped, and packed where the model keeps documents apart.

`--part dpo`: three betas with one reference pass for all, against one run whose reference goes along with every step. An
epoch is three steps, so that `--steps 15` are the paper's five epochs.
MFU: 6 operations a token and parameter (the embedding table counts once, as output layer), and 6 times the width per
layer and token of its document before it; what gradient checkpointing computes again is not counted.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.oasst import best_threads, ranked_pairs
from benchmarks.tokenizer import byte_level_tokenizer

_MAX_LENGTH, _SEED = 1024, 7
_SIZES: Mapping[str, Mapping[str, Any]] = {
    "small": {"hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 4, "num_attention_heads": 4, "vocab_size": 8192},
    "medium": {"hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 4, "num_attention_heads": 8, "vocab_size": 8192},
    "1b": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
           "num_key_value_heads": 8, "vocab_size": 128256},
}  # fmt: skip
_PEAK_TFLOPS = {"H100": 989.0, "H200": 989.0, "A100": 312.0, "MI250X": 191.5, "MI300X": 1307.0}  # bf16, dense
_AIM, _SAME, _SWEEP_AIM = 2.0, 1e-3, 2.4
_BETAS, _EPOCH_STEPS = (0.01, 0.05, 0.1), 3


@dataclass(frozen=True)
class Run:
    """One training: seconds, tokens of conversations, the loss of every step, the most memory of the device."""

    seconds: float
    tokens: int
    losses: tuple[float, ...]
    peak_gib: float | None

    @property
    def rate(self) -> float:
        """Tokens per second."""
        return self.tokens / self.seconds


@dataclass(frozen=True)
class Setting:
    """What all contenders share."""

    model: str
    device: str
    trainer: Mapping[str, Any]
    rounds: int


def main() -> int:
    """Run the benchmark; the exit status says whether the aims were met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", choices=("sft", "dpo"), default="sft")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--model-size", choices=_SIZES, default="small")
    parser.add_argument("--attention", help="attn_implementation of transformers; default: the model's own")
    parser.add_argument("--global-batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--output", type=Path, help="write the table there, as Markdown")
    options = parser.parse_args()
    if options.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # before torch looks
    with tempfile.TemporaryDirectory() as folder:
        trainer = {
            "global_batch_size": options.global_batch_size, "max_steps": options.steps, "learning_rate": 1e-3,
            "logging_steps": 1, "save_steps": 10**6, "lr_scheduler_type": "cosine", "warmup_ratio": 0.1,
        }  # fmt: skip
        if options.attention:
            trainer["attn_implementation"] = options.attention
        model = make_model(Path(folder) / "model", options.model_size)
        setting = Setting(str(model), options.device, trainer, options.rounds)
        table, met = (compare_sft if options.part == "sft" else compare_dpo)(setting, Path(folder))
    print(table)
    if options.output:
        options.output.write_text(table, "utf-8")
    return 0 if met else 1


def make_model(folder: Path, size: str) -> Path:
    """Make a Llama of random weights, and a tokenizer trained on the threads."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(_SEED)
    texts = (message.content for thread in best_threads() for message in thread.messages)
    special = ("<pad>", "</s>", "<|im_start|>", "<|im_end|>")
    tokenizer = byte_level_tokenizer(texts, 8000, special, eos_token="</s>", pad_token="<pad>")
    tokenizer.save_pretrained(folder)
    config = LlamaConfig(
        **_SIZES[size], max_position_embeddings=_MAX_LENGTH, bos_token_id=1, eos_token_id=1, pad_token_id=0,
        tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def write_job(setting: Setting, folder: Path, kind: Literal["sft", "dpo"], **changes: Any) -> Any:
    """Write the tokens and the job.json of a training as the steps before it do."""
    from align.preferences.pairs import Wanted as WantedPairs
    from align.preferences.pairs import tokenise_pairs
    from align.prepare import SUMMARY, Prepared
    from align.tokens.chat import load_chat
    from align.tokens.masks import Wanted, tokenise
    from align.tokens.tally import Tally
    from align.tokens.token_file import TOKENIZER, TOKENS, write_tokens
    from align.training.job import Job
    from align.training.job import write_job as write
    from kielo.records import write_json
    from kielo.schema import CHAT_TEMPLATES

    tokens, tally = folder.parent / f"tokens-{kind}", Tally()
    chat = load_chat(setting.model, None, (CHAT_TEMPLATES / "chatml.jinja").read_text("utf-8"))
    tokens.mkdir(parents=True, exist_ok=True)
    rows: Any = (
        tokenise(best_threads(), chat, Wanted("all", _MAX_LENGTH, "cut"), tally)
        if kind == "sft"
        else tokenise_pairs(
            ranked_pairs()[: _EPOCH_STEPS * setting.trainer["global_batch_size"]],
            chat,
            WantedPairs(_MAX_LENGTH, ("over-length",)),
            tally,
        )
    )
    written = write_tokens(tokens / TOKENS, rows)
    chat.tokenizer.save_pretrained(tokens / TOKENIZER)
    prepared = Prepared(
        kind=kind, loss_on="all", accept=(), stop_token_id=chat.stop_token_id, added_token_ids=chat.added_token_ids,
        rows=written.rows, longest_row=written.longest, data=written.digest, counts=tally.by_language,
        sources=tally.by_source,
    )  # fmt: skip
    write_json(tokens / SUMMARY, dataclasses.asdict(prepared))
    folder.mkdir(parents=True, exist_ok=True)
    job = Job(
        kind=kind, model=setting.model, revision=None, model_identity="random", seed=_SEED, trainer=setting.trainer,
        lora=None, neftune_noise_alpha=None, beta=0.05 if kind == "dpo" else None, stop_token_id=chat.stop_token_id,
        added_token_ids=chat.added_token_ids, rows=written.rows, longest_row=written.longest, data=written.digest,
        tokens=str(tokens), reference=None, counts={}, folder=folder,
    )  # fmt: skip
    job = dataclasses.replace(job, **changes)
    write(job)
    return job


def timed(setting: Setting, trainer: Any) -> Run:
    """Train, watching the time and the device's memory."""
    import torch

    on_gpu = setting.device == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    clock = time.perf_counter if on_gpu else time.process_time
    start = clock()
    trainer.train()
    seconds = clock() - start
    rows = [row for row in trainer.state.log_history if "loss" in row]
    peak = torch.cuda.max_memory_allocated() / 2**30 if on_gpu else None
    return Run(seconds, int(rows[-1]["num_tokens"]), tuple(float(row["loss"]) for row in rows), peak)


def ours(job: Any, build: Callable[[], Any]) -> Any:
    """Make the trainer of `align.sft` or `align.dpo`, as the step does."""
    from align.machine import this_machine
    from align.training.stopping import StopRequest
    from align.training.trainer import make_trainer

    return make_trainer(job, this_machine(), build, StopRequest(job.folder)).trainer


def trl(job: Any, in_our_order: bool, **changes: Any) -> Any:
    """Make TRL's SFTTrainer for the same tokens."""
    from transformers import AutoTokenizer, PrinterCallback
    from trl import SFTConfig, SFTTrainer

    from align.batches.steps import epoch_order
    from align.machine import this_machine
    from align.tokens.token_file import TOKENIZER, TOKENS, read_tokens
    from align.training.arguments import trainer_arguments, weights_dtype
    from align.training.weights import load_model

    machine = this_machine()
    tokenizer = AutoTokenizer.from_pretrained(Path(job.tokens) / TOKENIZER)
    dataset = read_tokens(Path(job.tokens) / TOKENS)
    if in_our_order:
        orders = (epoch_order(job.seed, epoch, job.rows) for epoch in range(_epochs(job)))
        dataset = dataset.select([row for order in orders for row in order])
    given = {**trainer_arguments(job, machine), "save_strategy": "no", "output_dir": str(job.folder), **changes}
    model = load_model(job, tokenizer, weights_dtype(job, machine))
    trainer = SFTTrainer(model, SFTConfig(**given), train_dataset=dataset, processing_class=tokenizer)
    trainer.remove_callback(PrinterCallback)
    return trainer


def _epochs(job: Any) -> int:
    needed: int = -(-job.trainer["max_steps"] * job.trainer["global_batch_size"] // job.rows)
    return needed


def compare_sft(setting: Setting, folder: Path) -> tuple[str, bool]:
    """Let the contenders take turns; write their rates, losses and ratios."""
    from align import sft

    size = setting.trainer["global_batch_size"]
    padded = {"per_device_train_batch_size": 8, "gradient_accumulation_steps": size // 8}
    handbook = {
        "per_device_train_batch_size": 4, "gradient_accumulation_steps": size // 4, "gradient_checkpointing": True,
        "gradient_checkpointing_kwargs": {"use_reentrant": False}, "warmup_steps": 0, "max_length": _MAX_LENGTH,
    }  # fmt: skip
    count = iter(range(10**6))

    def fresh(**changes: Any) -> Any:
        trainer = {**setting.trainer, **changes}
        return write_job(setting, folder / "runs" / str(next(count)), "sft", trainer=trainer)

    contenders: dict[str, Callable[[], Any]] = {
        "TRL, padded": lambda: trl(fresh(), True, train_sampling_strategy="sequential", **padded),
        "handbook YAML": lambda: trl(fresh(), False, **handbook),
        "ours, length-grouped": lambda: ours(fresh(packing=False), sft._trainer),
        "ours, packed": lambda: ours(fresh(packing=True), sft._trainer),
    }
    best: dict[str, Run] = {}
    for _ in range(setting.rounds):
        for name, make in contenders.items():
            run = timed(setting, make())
            best[name] = max(best.get(name, run), run, key=lambda each: each.rate)
    return write_sft(setting, best, flops_per_token(setting.model, fresh()))


def flops_per_token(model: str, job: Any) -> float:
    """Count the operations that training needs for a token of these conversations, on average."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from align.tokens.token_file import TOKENS, read_tokens

    config: Any = AutoConfig.from_pretrained(model)
    build: Any = AutoModelForCausalLM
    with torch.device("meta"):
        parameters = sum(value.numel() for value in build.from_config(config).parameters())
    lengths = [len(ids) for ids in read_tokens(Path(job.tokens) / TOKENS)["input_ids"]]
    before = sum(length * length for length in lengths) / sum(lengths)
    return float(6 * parameters + 6 * config.num_hidden_layers * config.hidden_size * before)


def write_sft(setting: Setting, best: Mapping[str, Run], flops: float) -> tuple[str, bool]:
    """Write the rates, and the ratios and losses against their aims."""
    import torch

    name = torch.cuda.get_device_name() if setting.device == "cuda" else "CPU"
    peak = next((value for key, value in _PEAK_TFLOPS.items() if key in name), None)
    reference = best["TRL, padded"]
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    lines = [
        f"{name}, OMP_NUM_THREADS {threads}; {len(reference.losses)} steps of {setting.trainer['global_batch_size']} "
        f"conversations, {reference.tokens:,} tokens; {flops / 1e9:,.2f} GFLOP a token.",
        "",
        "| contender | tokens/s | loss, first and last | largest difference to TRL's losses | peak GiB | MFU |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for contender, run in best.items():
        same_rows = contender != "handbook YAML"
        apart = f"{_apart(run, reference):.1e}" if same_rows else "other rows"
        memory = f"{run.peak_gib:.1f}" if run.peak_gib is not None else ""
        share = f"{run.rate * flops / (peak * 1e12):.1%}" if peak else ""
        lines.append(
            f"| {contender} | {run.rate:,.0f} | {run.losses[0]:.4f}, {run.losses[-1]:.4f} | {apart} | {memory} | {share} |"
        )
    rates = {contender: run.rate for contender, run in best.items() if contender.startswith("ours")}
    fastest = max(rates, key=rates.__getitem__)
    ratios = [(f"{fastest} / {peer}", rates[fastest] / best[peer].rate) for peer in ("TRL, padded", "handbook YAML")]
    lines += ["", "| ratio | measured | aim | met |", "|---|---:|---:|---|"]
    lines += [f"| {what} | {ratio:.2f} | {_AIM:g} | {_yes(ratio >= _AIM)} |" for what, ratio in ratios]
    same = all(_apart(best[contender], reference) <= _SAME for contender in rates)
    return "\n".join(lines) + "\n", same and all(ratio >= _AIM for _, ratio in ratios)


def _apart(run: Run, other: Run) -> float:
    return max(abs(one - two) for one, two in zip(run.losses, other.losses, strict=True))


def _yes(met: bool) -> str:
    return "yes" if met else "no"


def compare_dpo(setting: Setting, folder: Path) -> tuple[str, bool]:
    """Time a sweep of three betas with one reference pass, and one run that asks its reference at every step."""
    from align import dpo, reference
    from align.training.job import JOB

    def once(name: str, **changes: Any) -> float:
        return timed(setting, ours(write_job(setting, folder / "runs" / name, "dpo", **changes), dpo._trainer)).seconds

    clock = time.perf_counter if setting.device == "cuda" else time.process_time
    seconds: dict[str, float] = {}
    for number in range(setting.rounds):
        found = {"one run, reference along": once(f"along-{number}")}
        scored = write_job(setting, folder / "runs" / f"reference-{number}", "dpo", beta=None)
        start = clock()
        reference.score(scored.folder / JOB)  # with the loading of the model, which is little
        found["reference pass"] = clock() - start
        for beta in _BETAS:
            made = once(f"beta-{beta:g}-{number}", beta=beta, reference=str(scored.folder))
            found[f"run with beta {beta:g}, cached"] = made
        seconds = {name: min(value, seconds.get(name, value)) for name, value in found.items()}
    one = seconds["one run, reference along"]
    ratio = (sum(seconds.values()) - one) / one
    epochs = setting.trainer["max_steps"] / _EPOCH_STEPS
    lines = [
        f"{epochs:g} epochs.",
        "",
        "| part | seconds |",
        "|---|---:|",
        *(f"| {name} | {value:.1f} |" for name, value in seconds.items()),
    ]
    lines += [
        "", "| ratio | measured | aim | met |", "|---|---:|---:|---|",
        f"| sweep of three / one run | {ratio:.2f} | {_SWEEP_AIM:g} | {_yes(ratio <= _SWEEP_AIM)} |",
    ]  # fmt: skip
    return "\n".join(lines) + "\n", ratio <= _SWEEP_AIM


if __name__ == "__main__":
    sys.exit(main())
