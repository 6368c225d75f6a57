"""Builds the folder of a finished run with made-up but plausible numbers, so that the report has something to show."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kielo.plan import Step, Workplace, make_plan
from kielo.recipe import load
from kielo.schema import Recipe

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
  translation: held-out
"""
# Accuracy in English, in Finnish, and the share of answers in Finnish.
RATES = {
    "sft/en-fi-0pct": (0.364, 0.334, 0.475), "sft/en-fi-10pct": (0.400, 0.327, 0.900), "sft/en-fi-20pct": (0.377, 0.286, 0.935),
    "sft/en-fi-40pct": (0.392, 0.309, 0.963), "sft/en-fi-60pct": (0.392, 0.330, 0.949), "sft/en-fi-80pct": (0.386, 0.338, 0.963),
    "sft/en-fi-100pct": (0.400, 0.345, 0.957), "sft/prompt-masking": (0.398, 0.326, 0.963), "sft/neftune": (0.381, 0.327, 0.965),
    "dpo/dpo-en": (0.436, 0.367, 0.947), "dpo/dpo-fi": (0.418, 0.360, 0.955), "dpo/dpo-both": (0.447, 0.378, 0.955),
}  # fmt: skip
TYPES = {
    "change_case:english_lowercase": 89, "combination:repeat_prompt": 61, "detectable_content:number_placeholders": 51,
    "detectable_format:title": 155, "keywords:existence": 160, "length_constraints:number_words": 142,
    "punctuation:no_comma": 60, "startend:end_checker": 65,
}  # fmt: skip
EASE = {
    "keywords": 0.18,
    "punctuation": 0.2,
    "startend": 0.05,
    "combination": -0.22,
    "change_case": -0.14,
    "length_constraints": 0.02,
}


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
    asked = _instructions(prompts)
    for number, step in enumerate(built.plan[:-1]):
        _write_step(built, step, _fill(built, step, asked), 12.5 + 61.0 * number)
    return built


def _write_step(built: Built, step: Step, counts: Mapping[str, Any], seconds: float) -> None:
    record = {
        "name": step.name, "kind": step.kind, "fingerprint": "0" * 64,
        "fields": {**step.settings, "inputs": {}, "versions": {package: "1.2.3" for package in step.versions}},
        "outputs": {}, "sizes": {}, "counts": counts, "attempts": 1, "wall_seconds": seconds, "finished": "2026-01-02T03:04:05Z",
        "surroundings": {"commit": "0123456789abcdef0123456789abcdef01234567", "uncommitted": "", "python": "3.11.9", "machine": "x86_64", "user": "kielo"},
    }  # fmt: skip
    _dump(built.folder / step.name / "step.json", record)


def _dump(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), "utf-8")


def _fill(built: Built, step: Step, asked: Sequence[tuple[str, ...]]) -> dict[str, Any]:
    """Write what a step of this kind leaves behind; returns its counts."""
    if step.kind == "eval":
        return _evaluation(built, step, asked)
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


def _mixed(step: Step) -> dict[str, Any]:
    ((_, mix),) = step.settings["sft"]["mixes"].items()
    sources: dict[str, dict[str, dict[str, int]]] = {}
    for part in mix["takes"]:
        for dataset in part["datasets"]:
            rows = {code: round(4399 * share) for code, share in part["shares"].items() if share} | part["rows"]
            sources[dataset] = {
                code: {"rows": number, "available": 4399, "repeated": max(0, number - 4399)}
                for code, number in rows.items()
            }
    return {"rows": 1, "languages": _added(sources), "sources": sources}


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
        "chrf": 58.31, "bleu": 24.07, "exact": 31, "sentences": 988,
        "signature": {"chrf": "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0", "bleu": "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"},
        "worst": worst,
    }  # fmt: skip


def _instructions(prompts: int) -> list[tuple[str, ...]]:
    draw, names = random.Random(1), [name for name, count in TYPES.items() for _ in range(count)]
    return [tuple(draw.sample(names, 1 + number % 2)) for number in range(prompts)]


def _evaluation(built: Built, step: Step, asked: Sequence[tuple[str, ...]]) -> dict[str, Any]:
    model, code = step.inputs[0], step.settings["eval"]["language"]
    english, finnish, spoken = RATES.get(re.sub(r"-seed-\d+$", "", model), (0.4, 0.3, 0.8))
    rate = english if code == built.recipe.source_language else finnish + 0.03
    rows, verdicts = [], []
    for number, ids in enumerate(asked):
        shared, own = random.Random(f"{code} {number}"), random.Random(f"{model} {code} {number}")
        ease = shared.random() * 0.7 + own.random() * 0.3
        strict = [ease < rate + EASE.get(name.partition(":")[0], 0) + own.uniform(-0.1, 0.1) for name in ids]
        verdicts.append(
            {
                "key": 1000 + number,
                "instruction_id_list": list(ids),
                "strict": strict,
                "loose": strict,
                "unstable": [False] * len(ids),
            }
        )
        rows.append(
            {
                "id": f"ifeval/{number:05d}",
                "key": 1000 + number,
                "language": code,
                "prompt": f"Kirjoita kappale numero {number}, enintään\n200 sanaa.",
                "response": _answer(number, model),
                "finish_reason": "stop",
            }
        )
    instructions, followed = sum(len(ids) for ids in asked), sum(sum(row["strict"]) for row in verdicts)
    k = round(len(asked) * (0.996 if code == built.recipe.source_language else spoken))
    totals = {"prompts": len(asked), "instructions": instructions, "inst_strict": followed}
    floor = {
        "constant": {"reply": "lol", "inst_strict": round(0.236 * instructions), "instructions": instructions},
        "echo": {
            "reply": "the prompt itself",
            "inst_strict": round(0.374 * instructions),
            "instructions": instructions,
        },
    }
    document = {
        "model": model, "benchmark": "ifeval", "mode": "compat", "tokenizer": "punkt", "language": code, "totals": totals, "paper_subset": totals, "floor": floor,
        "response_language": {"target": code, "asked": code, "in_target": k, "total": len(asked), "by_code": _languages(code, k, len(asked)), "by_prompt": {str(row["key"]): code if at < k else "other" for at, row in enumerate(verdicts)}},
        "finish_reasons": {"length": len(asked) // 50, "stop": len(asked) - len(asked) // 50}, "prompts": verdicts,
    }  # fmt: skip
    folder = built.folder / step.name
    _dump(folder / "scores.json", document)
    (folder / "responses.jsonl").write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8"
    )
    return {"totals": totals}


def _languages(code: str, own: int, asked: int) -> dict[str, int]:
    rest = asked - own
    return {
        code: own,
        **{
            other: number
            for other, number in (("en" if code == "fi" else "fi", rest * 3 // 4), ("de", rest - rest * 3 // 4))
            if number
        },
    }


def _answer(number: int, model: str) -> str:
    if number == 0:
        return f"<script>alert('{model}')</script> **lihavoitu** | solu\n```\nkoodi\n```"
    return "Talvi tuli hiljaa. Lumi peitti pihan, ja lapset lähtivät ulos. " * (12 if model.endswith("100pct") else 3)
