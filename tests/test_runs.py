"""Whole runs through the command line: killed in the middle, given a benchmark later, on real data."""

from __future__ import annotations

import json
import signal
import time

from tests.command_line import kielo, load, start

TRANSLATION = """\
language: fi
model: pocket
translate:
  engine: {kind: hf, batch_tokens: 2048}
  prompt: {shots: 3, shots_file: pocket}
  datasets:
    oasst2: {kind: conversations, pocket: oasst2, rows: 150}
sft:
  mixes: {all: {shares: {en: 1.0, fi: 1.0}}}
"""


def test_kill_9_during_translation_then_the_same_files(tmp_path):
    recipe = tmp_path / "kill.yaml"
    recipe.write_text(TRANSLATION, "utf-8")
    for place in ("whole", "killed"):
        (tmp_path / place).mkdir()
    kielo("translate", recipe, cwd=tmp_path / "whole")
    killed = tmp_path / "killed"
    process = start("translate", recipe, cwd=killed)
    store = killed / "runs/kill/translate/oasst2/completions"
    deadline = time.monotonic() + 120
    while not sum(path.stat().st_size for path in store.glob("*.jsonl")):
        assert process.poll() is None and time.monotonic() < deadline, "no completion was ever stored"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    folder = killed / "runs/kill/translate/oasst2"
    assert not (folder / "step.json").exists(), "the kill came too late to prove anything"
    kielo("translate", recipe, cwd=killed)
    keys = [
        json.loads(line)["key"] for shard in store.glob("*.jsonl") for line in shard.read_text("utf-8").splitlines()
    ]
    assert len(keys) == len(set(keys)), "no completion was made twice"
    for name in ("accepted.jsonl", "rejected.jsonl", "translations.jsonl"):
        assert (folder / name).read_bytes() == (tmp_path / "whole/runs/kill/translate/oasst2" / name).read_bytes(), name


TUNING = """\
language: fi
model: pocket
translate:
  datasets:
    oasst2: {kind: conversations, pocket: oasst2, rows: 120, translate: false}
sft:
  trainer: {num_train_epochs: 5, global_batch_size: 8, learning_rate: 1e-3, logging_steps: 1, save_steps: 5}
  mixes: {english: {shares: {en: 1.0}}}
"""


def test_kill_9_during_sft_then_the_same_order_and_weights(tmp_path):
    recipe = tmp_path / "kill.yaml"
    recipe.write_text(TUNING, "utf-8")
    for place in ("whole", "killed"):
        (tmp_path / place).mkdir()
    kielo("sft", recipe, cwd=tmp_path / "whole")
    folder = tmp_path / "killed/runs/kill/sft/english"
    process = start("sft", recipe, cwd=tmp_path / "killed")
    deadline = time.monotonic() + 180
    while not list(folder.glob("checkpoints/checkpoint-*/complete.json")):
        assert process.poll() is None and time.monotonic() < deadline, "no checkpoint was ever whole"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (folder / "step.json").exists() and not (folder / "training.json").exists(), "the kill came too late"
    kielo("sft", recipe, cwd=tmp_path / "killed")
    assert load(folder / "step.json")["counts"]["resumed_from_step"] >= 5
    whole = tmp_path / "whole/runs/kill/sft/english"
    metrics = [
        [
            {key: value for key, value in json.loads(line).items() if key != "seconds"}
            for line in (place / "metrics.jsonl").read_text().splitlines()
        ]
        for place in (whole, folder)
    ]
    assert metrics[0] == metrics[1], "the same rows in the same order, step by step"
    assert (folder / "model/model.safetensors").read_bytes() == (whole / "model/model.safetensors").read_bytes()


EVALUATED = """\
language: fi
model: pocket
translate:
  datasets:
    oasst2: {kind: conversations, pocket: oasst2, rows: 24, translate: false}
    ifeval: {kind: ifeval, pocket: ifeval, rows: 4, language: fi}
    open: {kind: questions, pocket: questions, rows: 6, language: fi}
sft:
  trainer: {max_steps: 2, global_batch_size: 8}
  mixes: {english: {shares: {en: 1.0}}}
eval:
  ifeval: {languages: [fi], max_tokens: 8}
"""


def test_a_benchmark_added_after_training_is_answered_and_nothing_is_trained_again(tmp_path):
    recipe, run = tmp_path / "more.yaml", tmp_path / "runs/more"
    recipe.write_text(EVALUATED, "utf-8")
    kielo("run", recipe, cwd=tmp_path)
    cards = ("README.md", "run.json")  # scores go into them
    files = [path for path in (run / "sft").rglob("*") if path.is_file() and path.name not in cards]
    trained = {path: path.stat().st_mtime_ns for path in files}
    answers = (run / "responses/sft/english/ifeval-fi.jsonl").read_bytes()
    recipe.write_text(EVALUATED + "  questions: {open: {max_tokens: 8}}\n", "utf-8")
    said = kielo("run", recipe, cwd=tmp_path)
    made = [line.split("] ")[1].strip() for line in said.splitlines() if line.startswith("[")]
    assert made == [
        "tokens/sft/english", "responses/sft/english", "eval/sft/english/ifeval-fi", "eval/sft/english/open-fi", "report",
    ]  # fmt: skip
    assert trained == {path: path.stat().st_mtime_ns for path in trained}
    assert (run / "responses/sft/english/ifeval-fi.jsonl").read_bytes() == answers
    shards = (run / "responses/sft/english/completions").glob("*.jsonl")
    keys = [json.loads(line)["key"] for shard in shards for line in shard.read_text("utf-8").splitlines()]
    turns = sum(
        len(json.loads(line)["turns"]) for line in (run / "source/open/rows.jsonl").read_text("utf-8").splitlines()
    )
    assert len(keys) == len(set(keys)) == 4 + turns
    assert load(run / "tokens/sft/english/step.json")["fields"]["eval"]["benchmarks"] == [
        "source/ifeval",
        "source/open",
    ]


REAL = """\
language: fi
model: pocket
translate:
  engine: null
  memory: {{file: {data}/oasst/oasst1_validation_en_fi.jsonl.gz, source: text_en, target: text_fi}}
  datasets:
    oasst1: {{kind: conversations, local: {data}/oasst/oasst1_validation_en_fi.jsonl.gz, fields: {{text: text_en}}}}
    ranked: {{kind: preferences, local: {data}/oasst/oasst1_validation_en_fi.jsonl.gz, fields: {{text: text_en}}}}
    ifeval: {{kind: ifeval, local: {data}/ifeval/input_data.jsonl, translate: false}}
sft:
  trainer: {{learning_rate: 1e-3, max_steps: 8, global_batch_size: 16, max_length: 512}}
  mixes:
    en-fi-100pct: {{shares: {{en: 1.0, fi: 1.0}}}}
dpo:
  start: sft/en-fi-100pct
  trainer: {{learning_rate: 1e-4, max_steps: 6, global_batch_size: 16, max_length: 512}}
  runs:
    dpo-fi: {{data: {{ranked: [fi]}}}}
eval:
  models: [dpo/dpo-fi]
  ifeval: {{languages: [en], max_tokens: 32}}
"""


def test_real_data_through_every_stage(shared_data, tmp_path):
    recipe = tmp_path / "real.yaml"
    recipe.write_text(REAL.format(data=shared_data), "utf-8")
    said = kielo("run", recipe, cwd=tmp_path)
    run = tmp_path / "runs/real"
    source = load(run / "source/oasst1/step.json")["counts"]
    assert source["rows_read"] == 2022
    assert load(run / "source/ranked/step.json")["counts"]["records"] == 1026
    for name in ("oasst1", "ranked"):
        counts = load(run / f"translate/{name}/step.json")["counts"]
        print(name, counts)
        translated = counts["records"] - counts["rejected"]["task-changed"]
        assert counts["accepted"] / translated > 0.85, counts
    scores = load(run / "eval/dpo/dpo-fi/ifeval-en/scores.json")
    assert len(scores["prompts"]) == 541
    assert len((run / "responses/dpo/dpo-fi/ifeval-en.jsonl").read_text("utf-8").splitlines()) == 541
    assert "index.html" in said
