"""Made-up scores, answers and judgements for the run that fixture_run builds: the documents of the steps of evaluation."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

# Accuracy in English, in Finnish, and the share of answers in Finnish.
RATES = {
    "sft/en-fi-0pct": (0.364, 0.334, 0.475), "sft/en-fi-10pct": (0.400, 0.327, 0.900), "sft/en-fi-20pct": (0.377, 0.286, 0.935),
    "sft/en-fi-40pct": (0.392, 0.309, 0.963), "sft/en-fi-60pct": (0.392, 0.330, 0.949), "sft/en-fi-80pct": (0.386, 0.338, 0.963),
    "sft/en-fi-100pct": (0.400, 0.345, 0.957), "sft/prompt-masking": (0.398, 0.326, 0.963), "sft/neftune": (0.381, 0.327, 0.965),
    "sft/few-random-400": (0.392, 0.270, 0.90), "sft/few-random-1000": (0.390, 0.285, 0.93), "sft/few-random-4000": (0.391, 0.318, 0.95),
    "sft/few-mig-400": (0.394, 0.310, 0.91), "sft/few-mig-1000": (0.391, 0.322, 0.94), "sft/few-mig-4000": (0.392, 0.316, 0.95),
    "dpo/dpo-en": (0.436, 0.367, 0.947), "dpo/dpo-fi": (0.418, 0.360, 0.955), "dpo/dpo-both": (0.447, 0.378, 0.955),
}  # fmt: skip
# Instructions by type as in the paper's 783 (IFEval without the prompts that ask for a language).
TYPES = {
    "change_case:capital_word_frequency": 25, "change_case:english_capital": 25, "change_case:english_lowercase": 39,
    "combination:repeat_prompt": 40, "combination:two_responses": 21, "detectable_content:number_placeholders": 25,
    "detectable_content:postscript": 26, "detectable_format:constrained_response": 10, "detectable_format:json_format": 17,
    "detectable_format:multiple_sections": 14, "detectable_format:number_bullet_lists": 31,
    "detectable_format:number_highlighted_sections": 48, "detectable_format:title": 35, "keywords:existence": 37,
    "keywords:forbidden_words": 49, "keywords:frequency": 42, "keywords:letter_frequency": 32,
    "length_constraints:nth_paragraph_first_word": 12, "length_constraints:number_paragraphs": 26,
    "length_constraints:number_sentences": 52, "length_constraints:number_words": 52, "punctuation:no_comma": 60,
    "startend:end_checker": 26, "startend:quotation": 39,
}  # fmt: skip
EASE = {
    "keywords": 0.18, "punctuation": 0.2, "startend": 0.05, "combination": -0.22, "change_case": -0.14, "length_constraints": 0.02,
}  # fmt: skip
GAINED = {
    "change_case:english_capital": "capitals without a demand for English",
    "change_case:english_lowercase": "small letters without a demand for English",
    "startend:quotation": "quotation marks of the language",
    "keywords:existence": "an inflected form of the keyword",
}
LOST = {"keywords:forbidden_words": "an inflected form of a forbidden word"}
COUNTS = ("prompt_strict", "inst_strict", "prompt_loose", "inst_loose")
Asked = Sequence[tuple[str, ...]]


def instructions(prompts: int) -> list[tuple[str, ...]]:
    """Draw the instructions of each prompt: one, two or three, as often as in IFEval."""
    draw, names, counts = random.Random(1), list(TYPES), list(TYPES.values())
    sizes = draw.choices((1, 2, 3), (288, 171, 51), k=prompts)
    return [tuple(dict.fromkeys(draw.choices(names, counts, k=size))) for size in sizes]


def rates(model: str) -> tuple[float, float, float]:
    """Give what a model scores in English and Finnish, and how often it answers in Finnish."""
    return RATES.get(re.sub(r"-seed-\d+$", "", model), (0.4, 0.3, 0.8))


def ifeval_scores(model: str, benchmark: str, code: str, source: str, asked: Asked) -> dict[str, Any]:
    """Write the scores of a model's answers to IFEval prompts, in both modes."""
    english, finnish, spoken = rates(model)
    rate = english if code == source else finnish + 0.03
    k = round(len(asked) * (0.996 if code == source else spoken))
    language = response_language(code, source, k, [1000 + number for number in range(len(asked))])
    prompts = []
    for number, ids in enumerate(asked):
        shared, own = random.Random(f"{code} {number}"), random.Random(f"{model} {code} {number}")
        ease = shared.random() * 0.7 + own.random() * 0.3
        strict = [ease < rate + EASE.get(name.partition(":")[0], 0) + own.uniform(-0.1, 0.1) for name in ids]
        verdict = language["by_prompt"][str(1000 + number)]["lines"]
        prompts.append(_prompt(1000 + number, ids, strict, verdict, own if code != source else None))
    modes = {mode: _mode(mode, prompts) for mode in ("compat", "fair")}
    return {
        "model": model, "benchmark": benchmark, "language": code, "modes": modes,
        "normalised": {mode: _normalised(mode, prompts) for mode in modes},
        "floors": {mode: _floors(of["totals"]["instructions"], len(prompts)) for mode, of in modes.items()},
        "responses": {"scored": len(prompts), "null": 0, "blank": 0, "missing": 0, "missing_keys": [], "unmatched": 0, "unmatched_rows": [], "other_prompt_text": []},
        "meaningless": {}, "prompts": prompts, "response_language": language,
        "finish_reasons": {"length": len(asked) // 50, "stop": len(asked) - len(asked) // 50},
    }  # fmt: skip


def _prompt(
    key: int, ids: tuple[str, ...], strict: list[bool], language: str, draw: random.Random | None
) -> dict[str, Any]:
    """Judge by both modes; outside English, fair mode passes some that compat fails, and the other way round."""
    fair, differences = list(strict), []
    for at, name in enumerate(ids if draw else ()):
        why = (LOST if strict[at] else GAINED).get(name)
        if why and draw and draw.random() < 0.3:
            fair[at] = not strict[at]
            differences.append({"instruction": at, "compat": strict[at], "fair": fair[at], "why": why})
    return {
        "key": key, "instruction_id_list": list(ids),
        "compat": {"strict": strict, "loose": strict, "unstable": [False] * len(ids)},
        "fair": {"strict": fair, "loose": fair}, "language": language, "differences": differences,
    }  # fmt: skip


def _mode(mode: str, prompts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    by_type: dict[str, Counter[str]] = {}
    totals: Counter[str] = Counter()
    for row in prompts:
        strict, loose = row[mode]["strict"], row[mode]["loose"]
        totals.update(
            prompts=1, instructions=len(strict), prompt_strict=all(strict), inst_strict=sum(strict),
            prompt_loose=all(loose), inst_loose=sum(loose),
        )  # fmt: skip
        for name, first, second in zip(row["instruction_id_list"], strict, loose, strict=True):
            by_type.setdefault(name, Counter()).update(instructions=1, strict=first, loose=second)
    by_category: dict[str, Counter[str]] = {}
    for name, counts in by_type.items():
        by_category.setdefault(name.partition(":")[0], Counter()).update(counts)
    rules = {"compat": "lm-evaluation-harness 0.4.13", "fair": "language pack"}[mode]
    return {
        "rules": rules, "tokenizer": "punkt" if mode == "compat" else "sentencex",
        "totals": dict(totals), "paper_subset": dict(totals), "intervals": {part: _intervals(totals) for part in ("totals", "paper_subset")},
        "by_type": by_type, "by_category": by_category,
    }  # fmt: skip


def _intervals(totals: Mapping[str, int]) -> dict[str, list[float]]:
    """Make intervals up: four points to either side."""
    shares = {
        name: totals[name] / totals["prompts" if name.startswith("prompt") else "instructions"] for name in COUNTS
    }
    return {name: [max(0.0, share - 0.04), min(1.0, share + 0.04)] for name, share in shares.items()}


def _normalised(mode: str, prompts: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    followed = sum(sum(row[mode]["strict"]) for row in prompts if row["language"] == "target")
    return {"followed": followed, "instructions": sum(len(row["instruction_id_list"]) for row in prompts)}


def _floors(instructions: int, prompts: int) -> dict[str, Any]:
    shares = {"constant": ("lol", 0.236, 0.12), "echo": ("the prompt itself", 0.374, 0.263), "empty": ("", 0.0, 0.0)}
    return {
        kind: {
            "reply": reply, "prompts": prompts, "instructions": instructions,
            "prompt_strict": round(prompt * prompts), "inst_strict": round(inst * instructions),
            "prompt_loose": round(prompt * prompts), "inst_loose": round(inst * instructions),
        }
        for kind, (reply, inst, prompt) in shares.items()
    }  # fmt: skip


def response_language(code: str, source: str, k: int, keys: Sequence[int | str]) -> dict[str, Any]:
    """Say that the first `k` answers are in the target language, and the rest mostly in the other one."""
    other = {"fi": "en"}.get(code, "fi")
    rest = len(keys) - k
    codes = [code] * k + [other] * (rest * 3 // 4) + ["de"] * (rest - rest * 3 // 4)
    verdicts = ["target"] * (k - k // 40) + ["mixed"] * (k // 40)
    verdicts += ["source" if found == source and source != code else "other" for found in codes[k:]]
    folded = [code if found == "de" else found for found in codes]
    return {
        "target": code, "source": None if source == code else source, "total": len(keys),
        "langdetect": _detected(code, codes), "folded": _detected(code, folded),
        "lines": {"identifier": "py3langid", **{name: verdicts.count(name) for name in ("target", "source", "mixed", "other", "none")}},
        "by_prompt": {
            str(key): {"langdetect": first, "folded": second, "lines": verdict, "evidence": f"3 lines in {first}"}
            for key, first, second, verdict in zip(keys, codes, folded, verdicts, strict=True)
        },
    }  # fmt: skip


def _detected(code: str, codes: Sequence[str]) -> dict[str, Any]:
    counts = dict(sorted(Counter(codes).items(), key=lambda item: (-item[1], item[0])))
    return {"asked": code, "in_target": counts.get(code, 0), "by_code": counts}


def ifeval_answers(model: str, code: str, asked: Asked) -> list[dict[str, Any]]:
    """Write a model's answers to IFEval prompts; the first holds what could become markup."""
    return [
        {
            "id": f"ifeval/{number:05d}", "key": 1000 + number, "language": code, "prompt": f"Kirjoita kappale numero {number}, enintään\n200 sanaa.",
            "response": _answer(number, model), "finish_reason": "stop",
        }
        for number in range(len(asked))
    ]  # fmt: skip


def _answer(number: int, model: str) -> str:
    if number == 0:
        return f"<script>alert('{model}')</script> **lihavoitu** | solu\n```\nkoodi\n```"
    return "Talvi tuli hiljaa. Lumi peitti pihan, ja lapset lähtivät ulos. " * (12 if model.endswith("100pct") else 3)


QUESTIONS = 80
CATEGORIES = ("writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities")


def question_answers(model: str, code: str) -> list[dict[str, Any]]:
    """Write a model's answers to eighty questions of two turns."""
    return [
        {
            "id": f"mt-bench/{number:05d}", "key": 81 + number, "language": code, "category": CATEGORIES[number // 10],
            "turns": [f"Kysymys {number}?", "Entä lyhyemmin?"], "responses": [_answer(number, model), "Lyhyesti: kyllä."], "finish_reasons": ["stop", "stop"],
        }
        for number in range(QUESTIONS)
    ]  # fmt: skip


def question_scores(model: str, benchmark: str, code: str, source: str) -> dict[str, Any]:
    """Write the measures of a model's answers to open questions."""
    spoken = round(2 * QUESTIONS * rates(model)[2])
    keys = [f"{81 + number}/{turn}" for number in range(QUESTIONS) for turn in (1, 2)]
    language = response_language(code, source, spoken, keys)
    share = {"count": spoken, "answers": 2 * QUESTIONS, "share": spoken / (2 * QUESTIONS), "interval": [0.4, 0.99]}
    parts = {
        "repetition": {"repeated_ngrams": _measured(0.04), "longest_repeat": _measured(3), "loop": share | {"count": 2, "share": 0.0125, "interval": [0.0, 0.04]}, "echo": _measured(0.12), "earlier_answer": _measured(0.2)},
        "fluency": {"target_letters": _measured(0.97), "switches": None, "usual_trigrams": _measured(0.88), "foreign_letters": _measured(0.001), "damage": _measured(0), "different_words": _measured(0.7), "sentence_words": _measured(11.2)},
        "lengths": {"characters": _measured(812), "words": _measured(104), "empty": share | {"count": 0, "share": 0.0, "interval": [0.0, 0.02]}, "cut": share | {"count": 5, "share": 0.03125, "interval": [0.01, 0.07]}},
    }  # fmt: skip
    return {
        "model": model, "benchmark": benchmark, "language": code, "prompts": QUESTIONS, "answers": 2 * QUESTIONS,
        "verdicts": {"target": language["lines"]["target"]}, "in_language": share, **parts, "response_language": language, "by_category": {},
        "finish_reasons": {"stop": 2 * QUESTIONS},
        "questions": [
            {"key": 81 + number, "category": CATEGORIES[number // 10], "turns": [{"language": language["by_prompt"][f"{81 + number}/{turn}"]["lines"]} for turn in (1, 2)]}
            for number in range(QUESTIONS)
        ],
    }  # fmt: skip


def _measured(mean: float) -> dict[str, Any]:
    return {"mean": mean, "interval": [0.9 * mean, 1.1 * mean], "answers": 2 * QUESTIONS}


def judgements(models: Sequence[str], baseline: str, benchmark: str, code: str) -> dict[str, Any]:
    """Write what one judge made of all models against the baseline, and its ratings, question by question."""
    cases = [(81 + number, turn, CATEGORIES[number // 10]) for number in range(QUESTIONS) for turn in (1, 2)]
    made = {model: [_judged(model, baseline, *case) for case in cases] for model in models}
    return {
        "benchmark": benchmark, "language": code, "baseline": baseline, "gate": "lose", "judges": ["example/judge"],
        "modes": ["pairwise", "single"], "models": {model: _summed(of, cases, model == baseline) for model, of in made.items()},
        "agreement": None,
        "questions": [
            {"key": key, "turn": turn, "category": category, "models": {model: made[model][at] for model in models}}
            for at, (key, turn, category) in enumerate(cases)
        ],
    }  # fmt: skip


def _judged(model: str, baseline: str, key: int, turn: int, category: str) -> dict[str, Any]:
    draw = random.Random(f"{model} {key} {turn}")
    lead = 12 * (rates(model)[1] - rates(baseline)[1])
    shared = random.Random(f"{key} {turn}").uniform(3, 9)
    rating = float(max(1, min(10, round(shared + lead + draw.gauss(0, 1)))))
    single = {"single": {"rating": rating, "outcome": "rated", "by": "judge", "why": ""}}
    if model == baseline:
        return single
    place = draw.random() + lead / 4
    outcome = "error" if draw.random() < 0.01 else "win" if place > 0.6 else "loss" if place < 0.45 else "tie"
    why = "no verdict" if outcome == "error" else ""
    return {**single, "pairwise": {"outcome": outcome, "by": "judge", "why": why, "judges": {"example/judge": outcome}}}


def _summed(made: Sequence[Mapping[str, Any]], cases: Sequence[tuple[int, int, str]], baseline: bool) -> dict[str, Any]:
    ratings = [each["single"]["rating"] for each in made]
    by_part = {
        part: {str(name): _mean([value for value, case in zip(ratings, cases, strict=True) if case[at] == name]) for name in dict.fromkeys(case[at] for case in cases)}
        for part, at in (("by_turn", 1), ("by_category", 2))
    }  # fmt: skip
    mean = sum(ratings) / len(ratings)
    none = {
        "errors": 0,
        "missing": 0,
        "excluded": 0,
        "reasons": {},
        "too_few": False,
        "questions": QUESTIONS,
        "n": len(made),
    }
    single = {**none, "rated": len(made), "mean": mean, "interval": [mean - 0.4, mean + 0.4], **by_part}
    if baseline:
        return {"single": single}
    counts = Counter(each["pairwise"]["outcome"] for each in made)
    rate = (counts["win"] + counts["tie"] / 2) / (len(made) - counts["error"])
    pairwise = {
        **none, "wins": counts["win"], "losses": counts["loss"], "ties": counts["tie"], "errors": counts["error"],
        "reasons": {"no verdict": counts["error"]} if counts["error"] else {}, "win_rate": rate, "interval": [rate - 0.08, rate + 0.08],
        "decided_win_rate": rate, "wilson": [rate - 0.09, rate + 0.09], "p": 0.31 if abs(rate - 0.5) < 0.08 else 0.0004, "sign_p": 0.3,
        "consistency": 0.81, "both_orders": len(made), "first_position": 0.55, "decided_games": 2 * len(made), "by_turn": {}, "by_category": {},
        "lengths": {"unit": "characters"}, "length_controlled": {"win_rate": rate - 0.02, "interval": [rate - 0.1, rate + 0.06], "slope": 0.4, "pairs": len(made)},
        "gate": {"policy": "lose", "ours": None, "theirs": None, "wins": 1, "losses": 3, "ties": 0, "excluded": 0},
    }  # fmt: skip
    return {"pairwise": pairwise, "single": single}


def _mean(values: Sequence[float]) -> dict[str, Any]:
    return {"mean": round(sum(values) / len(values), 6), "rated": len(values)}
