"""Builds the folder of a finished run with made-up but plausible numbers, so that the report has something to show."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kielo.plan import Step, Workplace, make_plan
from kielo.recipe.reading import load
from kielo.schema import Recipe
from tests.eval import fixture_scores as scores

RECIPE = """
description: The paper's mixes, ablations and preference runs.
language: fi
model: example/base-34b
seed: 7
translate:
  datasets:
    oasst2: {kind: conversations, hub: example/oasst2}
    helpsteer2: {kind: preferences, hub: example/helpsteer2}
    ifeval: {kind: ifeval, hub: example/ifeval}
    mt-bench: {kind: questions, hub: example/mt-bench}
    held-out: {kind: sentences, hub: example/sentences}
sft:
  mixes:
    en-fi-Xpct: {shares: {en: 1.0, fi: X}, X: [0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0]}
  runs:
    prompt-masking: {mix: en-fi-100pct, loss_on: assistant}
    neftune: {mix: en-fi-100pct, neftune_noise_alpha: 5}
dpo:
  start: sft/en-fi-100pct
  runs:
    dpo-en: {data: {helpsteer2: [en]}}
    dpo-fi: {data: {helpsteer2: [fi]}}
    dpo-both: {data: {helpsteer2: [en, fi]}}
eval:
  ifeval: {languages: [en, fi]}
  questions:
    mt-bench: {languages: [fi]}
  judge:
    engines: [{kind: openai, model: example/judge, urls: ["http://judge.example/v1"]}]
    modes: [pairwise, single]
  translation: held-out
"""


@dataclass
class Built:
    """A run folder and what a report step on it is handed."""

    recipe: Recipe
    plan: list[Step]
    folder: Path

    @property
    def place(self) -> Workplace:
        step = self.plan[-1]
        return Workplace(step, self.recipe, self.folder / "report", {name: self.folder / name for name in step.inputs})


def build(folder: Path, text: str = RECIPE, name: str = "finnish-34b", prompts: int = 510) -> Built:
    """Write a run folder for a recipe: every step complete, numbers drawn from fixed seeds."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(text, "utf-8")
    recipe = load(path)
    built = Built(recipe, make_plan(recipe), folder)
    asked = scores.instructions(prompts)
    for number, step in enumerate(built.plan[:-1]):
        _write_step(built, step, _fill(built, step, asked), 12.5 + 61.0 * number)
    return built


def _write_step(built: Built, step: Step, counts: Mapping[str, Any], seconds: float) -> None:
    record = {
        "name": step.name, "kind": step.kind, "fingerprint": "0" * 64,
        "fields": {**step.settings, "inputs": dict.fromkeys(step.inputs, "0" * 16), "versions": {package: "1.2.3" for package in step.versions}},
        "outputs": {}, "sizes": {}, "counts": counts, "attempts": 1, "wall_seconds": seconds, "finished": "2026-01-02T03:04:05Z",
        "surroundings": {"commit": "0123456789abcdef0123456789abcdef01234567", "uncommitted": "", "python": "3.11.9", "machine": "x86_64", "user": "kielo"},
    }  # fmt: skip
    _dump(built.folder / step.name / "step.json", record)


def _dump(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), "utf-8")


def _fill(built: Built, step: Step, asked: Sequence[tuple[str, ...]]) -> dict[str, Any]:
    """Write what a step of this kind leaves behind; returns its counts."""
    if step.kind == "responses":
        return _responses(built, step, asked)
    if step.kind in ("ifeval-scores", "question-scores", "judge"):
        return _scored(built, step, asked)
    if step.kind == "translation-quality":
        document = _quality()
        _dump(built.folder / step.name / "scores.json", document)
        return {name: document[name] for name in ("chrf", "bleu", "exact", "sentences")}
    if step.kind == "mix":
        return _mixed(step)
    if step.kind == "tokens":
        return _tokens(built, step)
    if step.kind in ("sft", "dpo"):
        (tokens,) = (name for name in step.inputs if name.startswith("tokens/"))
        return _trained(_tokens(built, _step(built, tokens)))
    if step.kind == "select":
        return _selected(step)
    if step.kind == "regenerate":
        return {"accepted": 4012, "rejected": {"wrong_language": 51}}
    if step.kind == "translate":
        return {
            "accepted": 4126,
            "rejected": {"wrong_language": 41, "length_ratio": 160, "code_changed": 72},
            "texts": 20110,
            "from_memory": 12,
            "from_engine": 19870,
            "copied": 228,
            "accepted_without_repair": 3905,
            "rungs": {
                "first": {"asked": 61022, "passed": 58310}, "shots": {"asked": 4120, "passed": 2015},
                "samples": {"asked": 1514, "passed": 902}, "split": {"asked": 612, "passed": 301},
            },
            "task_changes": {"grammar": {"around": 12, "skip": 3}, "rhyme": {"skip": 41}},
        }  # fmt: skip
    return {"records": 4399}


def _step(built: Built, name: str) -> Step:
    return next(step for step in built.plan if step.name == name)


SELECTING = RECIPE.replace(
    "  runs:\n    prompt-masking",
    """    few: {shares: {en: 1.0, fi: 1.0}, select: {method: [random, mig], size: [400, 1000, 4000], languages: [fi], near_duplicates: {}, missing: skip}}
  runs:
    prompt-masking""",
    1,
)
"""The recipe with an axis of selections: few-random-400 ... few-mig-4000."""


def _selected(step: Step) -> dict[str, Any]:
    ((_, select),) = step.settings["select"].items()
    size, codes = select["size"], select["languages"]
    of_mig = {
        "information": {"picks": 0.8 * size, "pool": 5000.0, "random": 0.6 * size},
        "labels": {"in_pool": 210, "in_picks": size // 20, "covered": size // 20 / 210},
        "overlap_with_random": 0.091,
    }
    return {
        "method": select["method"], "rows": size,
        "languages": {code: {"available": 4126, "pool": 4027, "selected": size // len(codes)} for code in codes},
        "missing": {"no labels": 12}, "near_duplicates": {"rows": 4114, "groups": 60, "left_out": dict.fromkeys(codes, 87 // len(codes))},
        "picks": of_mig if select["method"] == "mig" else {}, "shared_with_random": 1.0 if select["method"] == "random" else 0.093,
        "translation_quality": {"pool": 0.905, "selected": 0.912},
    }  # fmt: skip


def _mixed(step: Step) -> dict[str, Any]:
    ((_, mix),) = step.settings["sft"]["mixes"].items()
    sources: dict[str, dict[str, dict[str, int]]] = {}
    for part in mix["takes"]:
        for dataset in part["datasets"]:
            there = {code: _selected_rows(step, code) for code in {**part["shares"], **part["rows"]}}
            rows = {code: round(there[code] * share) for code, share in part["shares"].items() if share} | part["rows"]
            sources[dataset] = {
                code: {"rows": number, "available": there[code], "repeated": max(0, number - there[code])}
                for code, number in rows.items()
            }
    return {"rows": 1, "languages": _added(sources), "sources": sources}


def _selected_rows(step: Step, code: str) -> int:
    """Count a mix's rows to take of a language: all of them, or those that were selected."""
    if code not in step.settings.get("selected", []):
        return 4399
    return int(step.inputs[0].rpartition("-")[2])


def _added(sources: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Add the counts of all data sets up by language."""
    added: dict[str, Any] = {}
    for languages in sources.values():
        for code, counts in languages.items():
            before = added.setdefault(code, dict.fromkeys(counts, 0) | {"dropped": {}})
            before |= {key: before[key] + value for key, value in counts.items() if key != "dropped"}
            before["dropped"] |= counts.get("dropped", {})
    return added


def _tokens(built: Built, step: Step) -> dict[str, Any]:
    if "sft" in step.settings:
        mixed = _mixed(_step(built, step.inputs[0]))["sources"]
        rows = {name: {code: of["rows"] for code, of in languages.items()} for name, languages in mixed.items()}
    else:
        rows = {name: dict.fromkeys(codes, 4126) for name, codes in step.settings["dpo"]["data"].items()}
    each = {"en": 1.31, "fi": 2.08}
    sources = {
        name: {
            code: {
                "rows": number - 2, "tokens": 545 * number, "loss_tokens": 523 * number, "truncated": number // 119,
                "words": 200 * number, "tokens_per_word": each[code], "dropped": {"no_answer": 2},
            }
            for code, number in languages.items()
        }
        for name, languages in rows.items()
    }  # fmt: skip
    found = {"fi": {"near": 3, "source": 14}} if "fi" in _added(sources) and step.settings["eval"]["benchmarks"] else {}
    total = sum(of["rows"] for languages in sources.values() for of in languages.values())
    return {"languages": _added(sources), "sources": sources, "overlap": found, "rows": total, "added_tokens": 2}


def _trained(tokens: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "languages": tokens["languages"],
        "rows": tokens["rows"],
        "steps": 105,
        "train_loss": {"first": 1.8342, "last": 0.9127},
        "tokens_per_second": 18123.4,
        "device": "cuda",
    }


def _quality() -> dict[str, Any]:
    worst = [
        {
            "id": "held-out/00007",
            "chrf": 21.4,
            "source": "The cat sat down.",
            "reference": "Kissa istuutui.",
            "translation": "Koira juoksi <b>pois</b>.",
        }
    ]
    return {
        "chrf": 58.31, "chrfpp": 54.12, "bleu": 24.07, "bleu_char": 61.44, "exact": 31, "sentences": 988,
        "intervals": {"chrf": [57.2, 59.4], "chrfpp": [53.0, 55.2], "bleu": [22.9, 25.2], "bleu_char": [60.1, 62.8]},
        "signature": {name: f"nrefs:1|metric:{name}|version:2.6.0" for name in ("chrf", "chrfpp", "bleu", "bleu_char")},
        "worst": worst,
    }  # fmt: skip


def _responses(built: Built, step: Step, asked: Sequence[tuple[str, ...]]) -> dict[str, Any]:
    model, counts = step.name.partition("/")[2], {}
    for name, each in step.settings["eval"]["benchmarks"].items():
        code = name.rpartition("-")[2]
        ifeval = each["kind"] == "ifeval"
        rows = scores.ifeval_answers(model, code, asked) if ifeval else scores.question_answers(model, code)
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        path = built.folder / step.name / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines), "utf-8")
        counts[name] = {"answers": len(rows), "finish_reasons": {"stop": len(rows)}}
    return counts


def _scored(built: Built, step: Step, asked: Sequence[tuple[str, ...]]) -> dict[str, Any]:
    settings = step.settings["eval"]
    if step.kind == "judge":
        judge = settings["judge"]
        document = scores.judgements(judge["models"], judge["baseline"], judge["benchmark"], judge["language"])
    else:
        model = step.inputs[0].partition("/")[2]
        names = (model, settings["benchmark"], settings["language"], settings["source_language"])
        ifeval = step.kind == "ifeval-scores"
        document = scores.ifeval_scores(*names, asked) if ifeval else scores.question_scores(*names)
    _dump(built.folder / step.name / "scores.json", document)
    return {}
