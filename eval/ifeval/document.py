"""Lays the scores of one model's IFEval answers out, in both modes side by side, as the JSON document that everything after reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from eval.ifeval.asked_language import asked_verdict, is_known
from eval.ifeval.differences import differences, meaningless
from eval.ifeval.floors import floors
from eval.ifeval.intervals import ends, share_intervals
from eval.ifeval.registry import MODES, RESPONSE_LANGUAGE, Mode
from eval.ifeval.rows import Answer, Matching
from eval.ifeval.rules import LanguageRules
from eval.ifeval.score import Scorer, Scores, Verdict, count_by_category, count_by_type, matched
from eval.response_language import Identifier, language_document, usual_identifier
from kielo.languages.pack import Language
from kielo.records import Prompt

HARNESS = "lm-evaluation-harness 0.4.13"


def score_document(
    prompts: Sequence[Prompt],
    answers: Iterable[Answer],
    pack: Language,
    source: Language | None = None,
    sentences: str | None = None,
    identifier: Identifier | None = None,
) -> dict[str, Any]:
    """Score answers to prompts in the language of `pack`; `source` is what the prompts were translated from.

    `identifier` tells the languages of answers apart; None: the usual one.

    Raises:
        SourceError: a prompt is malformed, or no answer belongs to any prompt.
        RecipeError: the pack's rules are malformed.
        UsageError: there is no such sentence splitter.
        MissingExtraError: the pack names a lemmatiser that is not installed.
    """
    identifier = identifier or usual_identifier()
    rules = LanguageRules.from_pack(pack.code, pack.ifeval)
    matching = matched(prompts, answers)
    scorers = {
        mode: Scorer(prompts, rules, mode, sentences if mode == "compat" else None, identifier) for mode in MODES
    }
    scores = {mode: scorer.scores(matching) for mode, scorer in scorers.items()}
    texts = {p.key: (a.text if a else None) or "" for p, a in zip(prompts, matching.answers, strict=True)}
    spoken = _response_language(prompts, texts, pack, source, identifier)
    verdicts = _language_verdicts(prompts, texts, spoken, pack.code, identifier)
    rows = [
        _prompt(prompt, compat, fair, texts[prompt.key], verdicts[prompt.key], scorers)
        for prompt, compat, fair in zip(prompts, scores["compat"].verdicts, scores["fair"].verdicts, strict=True)
    ]
    return {
        "language": pack.code,
        "modes": {mode: _mode(of) for mode, of in scores.items()},
        "normalised": {mode: _normalised(of, verdicts) for mode, of in scores.items()}
        if spoken and spoken["lines"]
        else None,
        "floors": {mode: floors(prompts, scorer.paper_totals) for mode, scorer in scorers.items()},
        "differences": _by_type(rows),
        "meaningless": meaningless(prompts, rules),
        "unknown_languages": _unknown_languages(prompts, identifier),
        "responses": count_responses(prompts, matching),
        "prompts": rows,
        "response_language": spoken,
    }


def _mode(scores: Scores) -> dict[str, Any]:
    by_type, rules = count_by_type(scores.verdicts), scores.rules
    how = (
        f"{HARNESS}, letter case in '{rules.case_language}'"
        if scores.mode == "compat"
        else f"pack '{rules.language}', keywords by {rules.matcher.kind}"
    )
    return {
        "rules": how, "tokenizer": scores.tokenizer, "totals": asdict(scores.totals),
        "paper_subset": asdict(scores.paper_subset),
        "intervals": {"totals": share_intervals(scores.verdicts), "paper_subset": share_intervals(scores.subset)},
        "by_type": by_type, "by_category": count_by_category(by_type),
    }  # fmt: skip


def _prompt(
    prompt: Prompt, compat: Verdict, fair: Verdict, text: str, language: str | None, scorers: Mapping[Mode, Scorer]
) -> dict[str, Any]:
    contexts = {mode: scorer.context for mode, scorer in scorers.items()}
    return {
        "key": prompt.key, "instruction_id_list": list(prompt.instruction_ids),
        "compat": {"strict": compat.strict, "loose": compat.loose, "unstable": compat.unstable},
        "fair": {"strict": fair.strict, "loose": fair.loose},
        "language": language,
        "differences": differences(prompt, compat.strict, fair.strict, text, contexts),
    }  # fmt: skip


def _response_language(
    prompts: Sequence[Prompt],
    texts: Mapping[int, str],
    pack: Language,
    source: Language | None,
    identifier: Identifier,
) -> dict[str, Any] | None:
    """Tell the languages of the answers to prompts that ask for none (510 of IFEval's 541, as in the paper)."""
    free = {p.key: texts[p.key] for p in prompts if RESPONSE_LANGUAGE not in p.instruction_ids}
    return language_document(free, pack, source, identifier)


def _language_verdicts(
    prompts: Sequence[Prompt],
    texts: Mapping[int, str],
    spoken: Mapping[str, Any] | None,
    language: str,
    identifier: Identifier,
) -> dict[int, str | None]:
    """Give each prompt's language verdict; where one asks for a language, that one is the target."""
    found: dict[int, str | None] = {}
    for prompt in prompts:
        asked = _asked(prompt)
        if asked:
            found[prompt.key] = asked_verdict(texts[prompt.key], asked[0], language, identifier)
        else:
            found[prompt.key] = spoken["by_prompt"][str(prompt.key)]["lines"] if spoken else None
    return found


def _asked(prompt: Prompt) -> list[str]:
    both = zip(prompt.instruction_ids, prompt.arguments, strict=True)
    return [kwargs["language"] for name, kwargs in both if name == RESPONSE_LANGUAGE]


def _unknown_languages(prompts: Sequence[Prompt], identifier: Identifier) -> dict[str, int]:
    """Count the codes of asked languages that are none: in fair mode no answer is ever in them."""
    counts = Counter(code for prompt in prompts for code in _asked(prompt) if not is_known(code, identifier))
    return dict(sorted(counts.items()))


def _normalised(scores: Scores, languages: Mapping[int, str | None]) -> dict[str, Any]:
    """Count an instruction only where the answer is in the prompt's language (SEA-HELM's normalised accuracy)."""
    outcomes = {
        verdict.key: (
            float(sum(verdict.strict)) if languages[verdict.key] == "target" else 0.0,
            float(len(verdict.strict)),
        )
        for verdict in scores.subset
    }
    followed, instructions = (round(sum(each[part] for each in outcomes.values())) for part in (0, 1))
    return {"followed": followed, "instructions": instructions, "interval": ends(outcomes)}


def _by_type(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Count by type the instructions that one mode alone takes for followed (strict)."""
    counts: dict[str, dict[str, int]] = {}
    for row in rows:
        for each in row["differences"]:
            count = counts.setdefault(
                row["instruction_id_list"][each["instruction"]], {"fair_only": 0, "compat_only": 0}
            )
            count["fair_only" if each["fair"] else "compat_only"] += 1
    return dict(sorted(counts.items()))


def count_responses(prompts: Sequence[Prompt], matching: Matching) -> dict[str, Any]:
    """Count what of the answers was scored as given and what was not: null, blank, missing, double, or of no prompt here.

    `other_prompt_text` lists keys whose answer was given to another wording: prompts of another version.
    """
    answers = matching.answers
    missing = [prompt.key for prompt, answer in zip(prompts, answers, strict=True) if answer is None]
    keys, texts = {prompt.key for prompt in prompts}, {prompt.text for prompt in prompts}
    double = [row for row in matching.unmatched if row.key in keys or (row.key is None and row.prompt in texts)]
    known = {id(row) for row in double}
    strangers = [row for row in matching.unmatched if id(row) not in known]
    return {
        "scored": len(answers) - len(missing),
        "null": sum(answer is not None and answer.text is None for answer in answers),
        "blank": sum(answer is not None and answer.text is not None and not answer.text.strip() for answer in answers),
        "missing": len(missing),
        "missing_keys": missing,
        "double": len(double),
        "double_rows": _rows(double),
        "unmatched": len(strangers),
        "unmatched_rows": _rows(strangers),
        "other_prompt_text": list(matching.other_prompt_text),
    }


def _rows(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    return [{"line": row.line, "key": row.key, "prompt": row.prompt[:80]} for row in answers]
