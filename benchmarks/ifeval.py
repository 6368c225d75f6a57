"""Times the scoring of stored answers to IFEval beside lm-evaluation-harness on the same answers: `python -m benchmarks.ifeval`.

Needs lm_eval 0.4.13 with nltk, langdetect and immutabledict in the environment, and punkt_tab where NLTK looks ($NLTK_DATA).
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import os
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.ifeval.rows import Answer, read_prompts
from eval.ifeval.rules import LanguageRules
from eval.ifeval.score import score
from kielo.languages.pack import language
from kielo.records import Prompt

_DATA = Path(os.environ.get("KIELO_SHARED_DATA", "../shared/data")) / "ifeval"
_PROMPTS = _DATA / "input_data_key2785_one_placeholder.jsonl"
_AIMS = {"compat, punkt": 3.0, "compat, sentencex": 3.0, "fair": 1.0}
Way = Callable[[Sequence[str]], int]
"""Scores one text per prompt, strict and loose, and gives the number of instructions followed (strict)."""


def main() -> int:
    """Print the table; the exit status says whether every aim is met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each way scores each file; the fastest counts")
    rounds = parser.parse_args().rounds
    rows = [json.loads(line) for line in _PROMPTS.read_text("utf-8").splitlines()]
    ways = {"lm_eval": _harness(rows), **_ours(read_prompts(_PROMPTS, "en"))}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for file in sorted((_DATA / "responses").glob("*.jsonl.gz")):
        texts = _answers(file, rows)
        for name, found in _timed(ways, texts, rounds).items():
            seconds[name].append(found)
    return _print(seconds)


def _answers(file: Path, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        by_prompt = {row["prompt"]: row["response"] or "" for row in map(json.loads, lines)}
    return [by_prompt[row["prompt"]] for row in rows]


def _timed(ways: Mapping[str, Way], texts: Sequence[str], rounds: int) -> dict[str, float]:
    """Time every way in turn, round after round, and keep the fastest of each: other work on the machine only adds."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            best[name] = min(best[name], _seconds(way, texts))
    return best


def _seconds(way: Way, texts: Sequence[str]) -> float:
    """Time a way in a process of its own, which has the models that are loaded here but has seen none of these texts."""
    with multiprocessing.get_context("fork").Pool(1, _keep, (way,)) as pool:
        return pool.apply(_score, (texts,))


_kept: list[Way] = []


def _keep(way: Way) -> None:
    _kept.append(way)


def _score(texts: Sequence[str]) -> float:
    started = time.perf_counter()
    _kept[0](texts)
    return time.perf_counter() - started


def _harness(rows: Sequence[Mapping[str, Any]]) -> Way:
    from langdetect import DetectorFactory
    from lm_eval.tasks.ifeval.utils import process_results

    def way(texts: Sequence[str]) -> int:
        DetectorFactory.seed = 0
        random.seed(0)
        found = [process_results(dict(row), [text]) for row, text in zip(rows, texts, strict=True)]
        return sum(sum(each["inst_level_strict_acc"]) for each in found)

    way([row["prompt"] for row in rows])
    return way


def _ours(prompts: Sequence[Prompt]) -> dict[str, Way]:
    rules = LanguageRules.from_pack("en", language("en").ifeval)

    def made(mode: str, sentences: str | None) -> Way:
        def way(texts: Sequence[str]) -> int:
            answers = [Answer(prompt.text, text, prompt.key) for prompt, text in zip(prompts, texts, strict=True)]
            return score(prompts, answers, rules, mode, sentences).totals.inst_strict

        way([prompt.text for prompt in prompts])
        return way

    return {
        "compat, punkt": made("compat", "punkt"), "compat, sentencex": made("compat", "sentencex"),
        "fair": made("fair", None),
    }  # fmt: skip


def _print(seconds: Mapping[str, Sequence[float]]) -> int:
    floor = sum(seconds["lm_eval"])
    print("| way | seconds for 541 answers (7 models: median, all) | lm_eval's time / its own | aim |")
    print("|---|---:|---:|---:|")
    for name, found in seconds.items():
        aim = f"{_AIMS[name]:.1f}" if name in _AIMS else "-"
        print(f"| {name} | {statistics.median(found):.2f}, {sum(found):.2f} | {floor / sum(found):.1f} | {aim} |")
    return 0 if all(floor / sum(seconds[name]) >= aim for name, aim in _AIMS.items()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
