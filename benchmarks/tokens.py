"""Times the step `tokens` beside TRL's own preparation and a bare call of the tokenizer: `python -m benchmarks.tokens`.

Work: real conversations (the threads of OASST1, English and Finnish), repeated with every tenth word exchanged so that no
two are alike, and a byte-level BPE of 128,000 entries trained on real text. Each contender has a process of its own, which
tells its seconds (without imports) and its peak memory. TRL is asked for the same masks, which its template must mark.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align import prepare
from align.tokens.masks import IGNORED
from benchmarks.tokenizer import byte_level_tokenizer
from kielo.errors import at
from kielo.plan import Step, Workplace
from kielo.recipe.reading import load
from kielo.records import Conversation, Message, from_json, read_jsonl, write_records
from kielo.schema import CHAT_TEMPLATES, Recipe

_DATA = Path(os.environ.get("KIELO_SHARED_DATA", "../shared/data"))
_TREES = "oasst/oasst1_validation_en_fi.jsonl.gz"
_EXCHANGED = 0.1
_MAX_SECONDS, _MAX_MIB, _OF = 60, 2048, 20_000
_RECIPE = """\
language: fi
model: ./model
translate:
  datasets: {oasst: {kind: conversations, pocket: oasst2}}
sft:
  mixes: {both: {shares: {en: 1, fi: 1}}}
"""
# What TRL needs to know of ChatML to find the answers; it writes the same text as recipes/chat_templates/chatml.jinja.
_MARKED = """\
{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\\n' }}
{%- if message['role'] == 'assistant' -%}
{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\\n' }}
{%- else -%}
{{ message['content'] + '<|im_end|>' + '\\n' }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant' + '\\n' }}{%- endif -%}"""


@dataclass(frozen=True)
class Made:
    """What a contender made, and how long that took."""

    seconds: float
    tokens: int
    trained: int
    peak_mib: float = 0.0


def main() -> int:
    """Run the benchmark; the exit status says whether the targets were met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--conversations", type=int, default=_OF)
    parser.add_argument("--vocabulary", type=int, default=128_000)
    parser.add_argument("--output", type=Path, help="write the table there, as Markdown")
    parser.add_argument("--contender", choices=_CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        found = _CONTENDERS[options.contender](options.folder)
        print(json.dumps({**vars(found), "peak_mib": _peak_mib()}))
        return 0
    if options.folder:
        _prepare(options.folder, options.conversations, options.vocabulary)
        return 0
    size = ["--conversations", str(options.conversations), "--vocabulary", str(options.vocabulary)]
    with tempfile.TemporaryDirectory() as folder:
        # A process begins with its parent's peak, so the large work is done by children.
        _child("--folder", folder, *size)
        made = {name: Made(**json.loads(_child("--folder", folder, "--contender", name))) for name in _CONTENDERS}
    table, met = _table(made, options.conversations, options.vocabulary)
    print(table)
    if options.output:
        options.output.write_text(table, "utf-8")
    return 0 if met else 1


def _child(*arguments: str) -> str:
    """Run a part of the benchmark in a process of its own; returns the last line it says."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true"}
    command = [sys.executable, "-m", "benchmarks.tokens", *arguments]
    said = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True).stdout
    return said.splitlines()[-1] if said else ""


def _peak_mib() -> float:
    """Ask the system for the most memory of this process, or of the largest it started."""
    kib = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(kib / 1024, 1)


def _prepare(folder: Path, count: int, vocabulary: int) -> None:
    """Write the tokenizer, a model of no size, and the conversations."""
    from transformers import LlamaConfig, LlamaForCausalLM

    talks = list(_threads())
    words = sorted({word for talk in talks for message in talk.messages for word in message.content.split()})
    tokenizer = byte_level_tokenizer([*_texts(), *words], vocabulary, bos_token="<s>", eos_token="</s>")
    tokenizer.save_pretrained(folder / "model")
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
        max_position_embeddings=8192,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder / "model")
    rng = random.Random(0)
    varied = (_varied(talks[number % len(talks)], number, words, rng) for number in range(count))
    write_records(folder / "mix" / "train.jsonl", varied)
    (folder / "speed.yaml").write_text(_RECIPE, "utf-8")
    assert len(tokenizer) == vocabulary, f"the texts make but {len(tokenizer)} entries"


def _threads() -> Iterator[Conversation]:
    """Read every thread from its first message to an answer without a reply, in both languages."""
    with gzip.open(_DATA / _TREES, "rt", encoding="utf-8") as stream:
        rows = {row["message_id"]: row for row in map(json.loads, stream)}
    answered = {row["parent_id"] for row in rows.values()}
    for row in rows.values():
        if row["role"] != "assistant" or row["message_id"] in answered:
            continue
        turns = [row]
        while turns[0]["parent_id"] in rows:
            turns.insert(0, rows[turns[0]["parent_id"]])
        if turns[0]["role"] == "assistant":
            continue  # the question was deleted
        for code in ("en", "fi"):
            roles = ("user" if turn["role"] == "prompter" else "assistant" for turn in turns)
            messages = [Message(role, turn[f"text_{code}"]) for role, turn in zip(roles, turns, strict=True)]  # type: ignore[arg-type]
            yield Conversation(f"oasst/{row['message_id']}", code, tuple(messages))


def _varied(talk: Conversation, number: int, words: list[str], rng: random.Random) -> Conversation:
    """Exchange some words, or the tokenizer would have seen most of the text before."""
    messages = []
    for message in talk.messages:
        parts = message.content.split(" ")
        parts = [rng.choice(words) if rng.random() < _EXCHANGED else part for part in parts]
        messages.append(Message(message.role, " ".join(parts)))
    return Conversation(f"oasst/{number:06d}", talk.language, tuple(messages))


def _texts() -> Iterator[str]:
    """Read whatever text lies with the data, in many languages: a vocabulary of this size needs it."""
    for file in sorted((*_DATA.rglob("*.gz"), *_DATA.rglob("*.jsonl"))):
        with gzip.open(file, "rt") if file.suffix == ".gz" else file.open(encoding="utf-8") as stream:
            yield from stream


def _step(folder: Path) -> Made:
    """Make the step, as a plan would."""
    _loaded(folder, _MARKED)  # imports are not timed
    recipe: Recipe = load(folder / "speed.yaml")
    settings = {
        "eval": {"overlap": "report", "benchmarks": []},
        "sft": {"loss_on": "assistant", "over_length": "cut", "trainer": {"max_length": None}},
    }
    made = folder / "tokens"
    made.mkdir()
    place = Workplace(Step("tokens", "tokens", settings, ("mix/m",)), recipe, made, {"mix/m": folder / "mix"})
    start = time.perf_counter()
    counts = prepare.run(place).counts["languages"].values()
    seconds = time.perf_counter() - start
    return Made(seconds, sum(each["tokens"] for each in counts), sum(each["loss_tokens"] for each in counts))


def _loaded(folder: Path, template: str) -> tuple[Any, list[dict[str, Any]]]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder / "model"))
    tokenizer.add_tokens(["<|im_start|>", "<|im_end|>"], special_tokens=True)
    tokenizer.chat_template, tokenizer.pad_token = template, tokenizer.eos_token
    file = folder / "mix" / "train.jsonl"
    rows = (from_json("conversations", row, at(file, number)) for number, row in read_jsonl(file))
    turns = [[vars(message) for message in row.messages] for row in rows if isinstance(row, Conversation)]
    return tokenizer, [{"messages": each} for each in turns]


def _trl(folder: Path, processes: int | None) -> Made:
    """Let TRL make the same tokens and masks, when its trainer is built; reading the rows is not timed."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    tokenizer, rows = _loaded(folder, _MARKED)
    model = AutoModelForCausalLM.from_pretrained(str(folder / "model"))
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    arguments = SFTConfig(
        output_dir=str(folder / "trl"), assistant_only_loss=True, max_length=8192, use_cpu=True, bf16=False,
        report_to="none", dataset_num_proc=processes,
    )  # fmt: skip
    dataset = Dataset.from_list(rows)
    start = time.perf_counter()
    trainer = SFTTrainer(model=model, args=arguments, train_dataset=dataset, processing_class=tokenizer)
    seconds = time.perf_counter() - start
    columns = trainer.train_dataset.column_names
    mask = "labels" if "labels" in columns else "assistant_masks"
    trained = sum(
        sum(value not in (0, IGNORED) for value in row) if mask == "labels" else sum(row)
        for row in trainer.train_dataset[mask]
    )
    return Made(seconds, sum(map(len, trainer.train_dataset["input_ids"])), trained)


def _bare(folder: Path) -> Made:
    """Tokenise the rendered texts and do nothing else: no rendering, no masks, nothing read or written."""
    tokenizer, rows = _loaded(folder, (CHAT_TEMPLATES / "chatml.jinja").read_text("utf-8"))
    texts = [tokenizer.apply_chat_template(row["messages"], tokenize=False) for row in rows]
    start, tokens = time.perf_counter(), 0
    for first in range(0, len(texts), 256):
        batch = tokenizer(texts[first : first + 256], add_special_tokens=False, return_attention_mask=False)
        tokens += sum(map(len, batch["input_ids"]))
    return Made(time.perf_counter() - start, tokens, 0)


_CONTENDERS: dict[str, Callable[[Path], Made]] = {
    "the step": _step,
    "TRL, one process": lambda folder: _trl(folder, None),
    "TRL, a process per core": lambda folder: _trl(folder, os.cpu_count()),
    "the tokenizer alone": _bare,
}


def _table(made: dict[str, Made], count: int, entries: int) -> tuple[str, bool]:
    ours = made["the step"]
    limit = _MAX_SECONDS * count / _OF
    lines = [
        f"{count:,} conversations, a tokenizer of {entries:,} entries, {os.cpu_count()} cores.", "",
        "| contender | seconds | million tokens/s | trained tokens | peak MiB | seconds / the step's |",
        "|---|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    lines += [
        f"| {name} | {each.seconds:.1f} | {each.tokens / each.seconds / 1e6:.2f} | {each.trained:,} | {each.peak_mib:,.0f} | {each.seconds / ours.seconds:.2f} |"
        for name, each in made.items()
    ]
    met = ours.seconds <= limit and ours.peak_mib <= _MAX_MIB
    lines.append(
        f"\nTarget: {limit:.0f} s and {_MAX_MIB:,} MiB at most: {'met' if met else 'missed'} ({ours.seconds:.1f} s, {ours.peak_mib:,.0f} MiB)."
    )
    return "\n".join(lines) + "\n", met


if __name__ == "__main__":
    sys.exit(main())
