"""An exported task inside lm-evaluation-harness itself, on the stored answers of a real model, and what it writes read back."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from eval.harness.export import export_task
from eval.harness.task import METRICS, Scoring, load_docs, share_of_instructions, to_doc
from eval.ifeval.registry import MODES
from eval.ifeval.rows import read_prompts, read_responses
from eval.ifeval.rules import LanguageRules
from eval.ifeval.score import Scores, score
from kielo.cli import main
from kielo.errors import UsageError
from kielo.languages.pack import language
from kielo.records import Prompt, read_jsonl, write_json

MODEL = "deepseek-ai__deepseek-llm-7b-chat"
FINNISH = Prompt(
    "ifeval/7", "fi", 7, "Kirjoita {{ runo }} ilman pilkkua, ja lopuksi PS: moi.",
    ("punctuation:no_comma", "detectable_content:postscript"), ({}, {"postscript_marker": "PS:"}),
)  # fmt: skip


def english(shared_data: Path) -> tuple[Path, Path]:
    folder = shared_data / "ifeval"
    return folder / "input_data_key2785_one_placeholder.jsonl", folder / f"responses/{MODEL}.jsonl.gz"


def scored(prompts: Path, answers: Path, mode: str) -> Scores:
    rules = LanguageRules.from_pack("en", language("en").ifeval)
    sentences = "sentencex" if mode == "compat" else None
    return score(read_prompts(prompts, "en", mode), read_responses(answers), rules, mode, sentences)


def test_the_harness_prints_the_same_totals(shared_data: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("lm_eval") is None:
        pytest.skip("lm_eval is not installed (extra: dev)")
    prompts, answers = english(shared_data)
    for mode in MODES:
        options = ["--language", "en", "--mode", mode, *(["--sentences", "sentencex"] if mode == "compat" else [])]
        assert main(["eval", "export-task", "--prompts", str(prompts), "--out", str(tmp_path / "task"), *options]) == 0
    tasks = [f"kielo_ifeval_en_{mode}" for mode in MODES]
    stored = defaultdict(list)
    for answer in read_responses(answers):
        stored[answer.prompt].append(answer.text)
    write_json(tmp_path / "answers.json", stored)
    stdout = run_harness(tmp_path, tasks)
    (results,) = (tmp_path / "out").rglob("results_*.json")
    printed = json.loads(results.read_text("utf-8"))["results"]
    for mode, task in zip(MODES, tasks, strict=True):
        (samples,) = (tmp_path / "out").rglob(f"samples_{task}_*.jsonl")
        ours = scored(prompts, answers, mode)
        assert [printed[task][f"{name},none"] for name in METRICS] == shares(ours)
        assert all(f"|{share:.4f}|" in stdout for share in shares(ours))
        # What the harness logged is a responses file for us, and its verdicts are ours one by one.
        assert scored(prompts, samples, mode).verdicts == ours.verdicts
        logged = {row["doc"]["key"]: row for _, row in read_jsonl(samples)}
        for verdict in ours.verdicts:
            assert logged[verdict.key]["inst_level_strict_acc"] == list(verdict.strict)
            assert logged[verdict.key]["inst_level_loose_acc"] == list(verdict.loose)


def run_harness(folder: Path, tasks: list[str]) -> str:
    """Run the tasks in `folder/task` on `folder/answers.json`, as a command of its own without network; give what it prints."""
    command = ["--model", "stored", "--model_args", f"answers={folder / 'answers.json'}", "--tasks", ",".join(tasks)]
    command += ["--include_path", str(folder / "task"), "--output_path", str(folder / "out"), "--log_samples"]
    program = str(Path(__file__).with_name("stored_answers.py"))
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hf")}
    ran = subprocess.run(
        [sys.executable, program, "run", *command], cwd=folder, env=offline, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return ran.stdout


def shares(scores: Scores) -> list[float]:
    """Give the totals as the harness does, in the order of METRICS."""
    found = scores.totals
    prompts, instructions = (found.prompt_strict, found.prompt_loose), (found.inst_strict, found.inst_loose)
    pairs = zip(prompts, instructions, strict=True)
    return [share for p, i in pairs for share in (p / found.prompts, i / found.instructions)]


@pytest.mark.parametrize("mode", MODES)
def test_a_task_s_verdicts_are_the_scorer_s(shared_data: Path, mode: str) -> None:
    prompts, answers = english(shared_data)
    ours = scored(prompts, answers, mode)
    scoring = Scoring("en", mode, "sentencex")
    for prompt, answer, verdict in list(
        zip(read_prompts(prompts, "en", mode), ours.matching.answers, ours.verdicts, strict=True)
    )[::9]:
        found = scoring.metrics(to_doc(prompt), answer.text or "")
        expected = (all(verdict.strict), list(verdict.strict), all(verdict.loose), list(verdict.loose))
        assert tuple(found[name] for name in METRICS) == expected


def test_a_task_can_be_carried_elsewhere_and_its_prompts_are_whole(tmp_path: Path) -> None:
    export_task(tmp_path / "here", "kielo_fi", [FINNISH], Scoring("fi", "compat", "sentencex"), 99)
    (tmp_path / "here").rename(tmp_path / "there")
    spec = importlib.util.spec_from_file_location("kielo_fi", tmp_path / "there/kielo_fi.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (doc,) = module.docs(version=1.0)["test"]
    assert doc["prompt"] == FINNISH.text and doc["key"] == 7
    assert module.process_results(doc, ["Moi vaan.\nPS: moi"])["inst_level_strict_acc"] == [True, True]
    assert module.process_results(doc, ["Moi, vaan. PS: moi"])["inst_level_strict_acc"] == [False, True]
    assert module.process_results(doc, [""])["prompt_level_loose_acc"] is False
    assert module.instructions([[True, False], [True]]) == 2 / 3 == share_of_instructions([[True], [True, False]])
    assert str(tmp_path) not in "".join(
        path.read_text("utf-8") for path in (tmp_path / "there").iterdir() if path.is_file()
    )
    assert "max_gen_toks: 99" in (tmp_path / "there/kielo_fi.yaml").read_text("utf-8")


def test_mixed_arguments_come_back_as_they_were(shared_data: Path, tmp_path: Path) -> None:
    prompts = read_prompts(english(shared_data)[0], "en")
    export_task(tmp_path, "kielo_en", prompts, Scoring("en", "compat", "sentencex"), 1280)
    docs = load_docs(tmp_path / "kielo_en.jsonl")["test"]
    assert [json.loads(doc["arguments"]) for doc in docs] == [list(map(dict, prompt.arguments)) for prompt in prompts]


@pytest.mark.parametrize("name", ["Kielo", "1task", "a-b", "../a", "", "a" * 81])
def test_a_name_that_is_no_module_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="--name"):
        export_task(tmp_path, name, [FINNISH], Scoring("fi", "compat", "sentencex"), 99)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--language", "xx"], "--language xx"), (["--max-tokens", "0"], "at least one token"),
        (["--mode", "fair", "--sentences", "punkt"], "--sentences: fair mode"), (["--out", __file__], "this is a file"), (["--out", f"{__file__}/x"], "test_task.py is a file; name a folder"), (["--name", "A B"], "--name A B"),
    ],
)  # fmt: skip
def test_what_cannot_be_exported_is_said(shared_data: Path, tmp_path: Path, capsys, options, said) -> None:
    given = ["--prompts", str(english(shared_data)[0]), "--language", "en", "--mode", "compat"]
    assert main(["eval", "export-task", *given, "--out", str(tmp_path / "task"), *options]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "task").exists()


def test_a_task_never_overwrites_its_prompts(shared_data: Path, tmp_path: Path, capsys) -> None:
    prompts = tmp_path / "kielo_ifeval_en_compat.jsonl"
    prompts.write_bytes(english(shared_data)[0].read_bytes())
    before = prompts.read_bytes()
    given = ["--prompts", str(prompts), "--language", "en", "--mode", "compat", "--out", str(tmp_path)]
    assert main(["eval", "export-task", *given]) == 2
    assert "is an input" in capsys.readouterr().err and prompts.read_bytes() == before
