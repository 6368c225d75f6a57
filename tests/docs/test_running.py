"""Every command block of README and docs is run on small files made here, or says here what it needs and where else it is tried."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kielo.cli import main
from tests.docs.pages import ROOT, Code, commands

ELSEWHERE = {
    "run": "trains: tests/test_end_to_end.py on the pocket world, tests/kielo/miniature in miniature",
    "translate": "a model or minutes: tests/test_end_to_end.py",
    "sft": "a model or minutes: tests/test_end_to_end.py",
    "dpo": "a model or minutes: tests/test_end_to_end.py",
    "eval recipes/": "a model or minutes: tests/test_end_to_end.py",
    "report": "a run: tests/test_end_to_end.py",
    "check recipes/fi-poro-34b.yaml --model": "the model itself: tests/align/probes",
    "publish": "a run, or a network: tests/translate/publish, tests/align/publish, tests/kielo/sharing",
    "analyse": "runs: tests/eval/analyse",
    "eval style all=": "a run: tests/eval/style",
    "eval similarity all=": "a run: tests/eval/similarity",
    "eval compare A=runs": "a run: tests/eval/statistics",
    "eval preference-rates": "a judge's scores: tests/eval/preference_rates",
    "eval judgements": "a judge's judgements: tests/eval/judge",
    "eval judge ": "a server: tests/eval/judge",
    "eval make-prompts": "documents: tests/eval/make_prompts",
    "select mig": "vectors of labels: tests/align/selection",
    "probe": "the model itself: tests/translate/probe",
    "chat": "a tuned model: tests/eval/chat",
    "compare": "tuned models: tests/eval/chat",
    "completion": "the package shtab: tests/kielo/test_completion.py",
    "import": "a handbook file: tests/kielo/test_handbook.py",
    "language new": "writes a pack: tests/kielo/packs",
    "language check": "exit code 1 while a pack is unfinished, and its texts: tests/kielo/packs",
    "profile new": "answers at the keyboard: tests/kielo/cluster",
    "doctor": "a cluster: tests/kielo/cluster",
    "preflight": "a cluster: tests/kielo/cluster",
    "prefetch": "a network: tests/kielo/cluster",
    "plan RECIPE": "a profile of one's own: tests/kielo/cluster",
    "submit": "a cluster: tests/kielo/cluster",
    "status": "a cluster: tests/kielo/cluster",
    "logs": "a cluster: tests/kielo/cluster",
    "cancel": "a cluster: tests/kielo/cluster",
    "resubmit": "a cluster: tests/kielo/cluster",
}
"""How a command begins -> what it needs that is not here, and the tests that run its verb."""
WHOLE = [(each, given) for each, given in commands("kielo") if each.whole]
RUN = list({tuple(given): (each, given) for each, given in WHOLE if not " ".join(given).startswith((*ELSEWHERE,))}.values())  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small file under every name that the pages use, and the recipes beside them."""
    made = tmp_path_factory.mktemp("docs")
    (made / "recipes").symlink_to(ROOT / "recipes")
    prompts = [
        _prompt(1, "Write about lakes without commas.", "punctuation:no_comma"),
        _prompt(2, "Write in small letters about rivers.", "change_case:english_lowercase"),
    ]
    answers = [{**each, "response": "Suomessa on paljon järviä ja jokia joissa on kalaa."} for each in prompts]
    for name in ("ifeval.jsonl", "ifeval-fi.jsonl", "ifeval_fi.jsonl", "input_data.jsonl"):
        _write(made / name, prompts)
    for name in ("answers.jsonl", "answers.jsonl.gz", "more.jsonl.gz", "a.jsonl", "b.jsonl", "c.jsonl"):
        _write(made / name, answers)
    _write(made / "pairs.jsonl", [{"id": "1", "source": "The lake is deep.", "translation": "Järvi on syvä."}])
    _write(made / "pool.jsonl", [_row(number) for number in range(1000)])
    for name in "abc":
        answered = ["--responses", str(made / f"{name}.jsonl"), "--json", str(made / f"{name}.json")]
        assert main(["eval", "score", "--prompts", str(made / "ifeval.jsonl"), "--language", "en", *answered]) == 0
    return made


def _prompt(key: int, text: str, instruction: str) -> dict[str, Any]:
    return {"key": key, "prompt": text, "instruction_id_list": [instruction], "kwargs": [{}]}


def _row(number: int) -> dict[str, Any]:
    turns = [
        {"role": "user", "content": " ".join(str(number * factor) for factor in range(3, 9))},
        {"role": "assistant", "content": "It is deep."},
    ]
    return {"id": str(number), "labels": ["lakes"], "score": 1.0, "messages": turns}


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)


@pytest.mark.parametrize(("_code", "arguments"), RUN, ids=[each.place for each, _ in RUN])
def test_a_command_goes_through(_code: Code, arguments: list[str], folder: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(folder)
    assert main(arguments) == 0, capsys.readouterr().err


def test_no_reason_stands_for_nothing() -> None:
    given = [" ".join(arguments) for _, arguments in WHOLE]
    assert [begin for begin in ELSEWHERE if not any(each.startswith(begin) for each in given)] == []
    named = {word.strip(",") for reason in ELSEWHERE.values() for word in reason.split() if word.startswith("tests/")}
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert len(RUN) > 10
