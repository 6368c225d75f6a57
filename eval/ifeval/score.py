"""Scores a model's IFEval answers, strict and loose, into one JSON document that the report reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.ifeval.arguments import read_arguments
from eval.ifeval.checkers import Context
from eval.ifeval.registry import RESPONSE_LANGUAGE, Instruction, find_instruction, instructions
from eval.ifeval.rows import Answer, Matching, check_prompt, match, read_prompts, read_responses
from eval.ifeval.rules import LanguageRules
from eval.ifeval.words import choose_tokenizer
from kielo.errors import SourceError
from kielo.records import Prompt

_COLUMNS = {
    "prompts strict": ("prompt_strict", "prompts"), "prompts loose": ("prompt_loose", "prompts"),
    "instr. strict": ("inst_strict", "instructions"), "instr. loose": ("inst_loose", "instructions"),
}  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What one answer follows, in the order of its prompt's instructions.

    `unstable` marks verdicts that lm-evaluation-harness would base on a random target.
    """

    key: int
    instruction_id_list: tuple[str, ...]
    strict: tuple[bool, ...]
    loose: tuple[bool, ...]
    unstable: tuple[bool, ...]


@dataclass(frozen=True)
class Totals:
    """Counts of followed prompts (all their instructions) and followed instructions, with what they are out of."""

    prompts: int
    instructions: int
    prompt_strict: int
    inst_strict: int
    prompt_loose: int
    inst_loose: int


@dataclass(frozen=True)
class Scores:
    """All verdicts of one model in one language, how they were reached, and what of the input had no partner."""

    mode: str
    language: str
    tokenizer: str
    verdicts: tuple[Verdict, ...]
    matching: Matching

    @property
    def totals(self) -> Totals:
        """Count over all prompts."""
        return count_totals(self.verdicts)

    @property
    def paper_subset(self) -> Totals:
        """Count over the prompts that do not ask for a response language: 510 and 783 in the paper (Tables 1, 2)."""
        return count_totals([v for v in self.verdicts if RESPONSE_LANGUAGE not in v.instruction_id_list])


def score(
    prompts: Sequence[Prompt],
    responses: Iterable[Answer],
    rules: LanguageRules,
    mode: str = "compat",
    tokenizer: str | None = None,
) -> Scores:
    """Score answers; a prompt without one, or with null, counts as answered with nothing.

    `tokenizer` asks for "punkt" or "sentencex"; None takes punkt where its data are at hand.

    Raises:
        SourceError: a prompt is malformed, or no answer belongs to any prompt.
        UsageError: there is no such mode or tokenizer.
    """
    known = instructions(mode)
    context = Context(rules, choose_tokenizer(rules.language, tokenizer))
    matching = match(prompts, responses)
    if prompts and not any(matching.answers):
        raise SourceError(
            f"none of the {len(matching.unmatched)} responses belongs to one of the {len(prompts)} prompts; "
            "were they made from another prompts file?"
        )
    verdicts = []
    for prompt, answer in zip(prompts, matching.answers, strict=True):
        check_prompt(prompt, f"key {prompt.key}", mode)
        verdicts.append(judge(prompt, (answer.text if answer else None) or "", known, context))
    return Scores(mode, rules.language, context.tokenizer.name, tuple(verdicts), matching)


def judge(prompt: Prompt, response: str, known: Mapping[str, Instruction], context: Context) -> Verdict:
    """Judge one answer by every instruction of its prompt."""
    strict, loose, unstable = [], [], []
    variants = loose_variants(response)
    for instruction_id, kwargs in zip(prompt.instruction_ids, prompt.arguments, strict=True):
        place = f"key {prompt.key}, {instruction_id}"
        instruction = find_instruction(known, instruction_id, place)
        arguments = read_arguments(kwargs, instruction.fields, place)
        followed = [bool(response.strip()) and instruction.check(response, arguments.values, context)]
        strict.append(followed[0])
        loose.append(followed[0] or any(instruction.check(text, arguments.values, context) for text in variants))
        unstable.append(arguments.unstable)
    return Verdict(prompt.key, prompt.instruction_ids, tuple(strict), tuple(loose), tuple(unstable))


def loose_variants(response: str) -> list[str]:
    """List what the loose score forgives: no first line, no last line, neither, each with and without asterisks.

    The response itself is not among them, nor is anything blank or twice.
    """
    lines = response.split("\n")
    cuts = [response, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    variants = dict.fromkeys(cuts + [cut.replace("*", "") for cut in cuts])
    return [text for text in variants if text.strip() and text != response]


def count_totals(verdicts: Sequence[Verdict]) -> Totals:
    """Add up verdicts."""
    return Totals(
        prompts=len(verdicts),
        instructions=sum(len(v.strict) for v in verdicts),
        prompt_strict=sum(all(v.strict) for v in verdicts),
        inst_strict=sum(sum(v.strict) for v in verdicts),
        prompt_loose=sum(all(v.loose) for v in verdicts),
        inst_loose=sum(sum(v.loose) for v in verdicts),
    )


def count_by_type(verdicts: Iterable[Verdict]) -> dict[str, dict[str, int]]:
    """Add up instructions by their id: `{"instructions", "strict", "loose"}`."""
    counts: dict[str, dict[str, int]] = {}
    for verdict in verdicts:
        for name, strict, loose in zip(verdict.instruction_id_list, verdict.strict, verdict.loose, strict=True):
            count = counts.setdefault(name, {"instructions": 0, "strict": 0, "loose": 0})
            count["instructions"] += 1
            count["strict"] += strict
            count["loose"] += loose
    return dict(sorted(counts.items()))


def count_by_category(by_type: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Add up the types of each category, the part of the id before the colon."""
    counts: dict[str, dict[str, int]] = {}
    for name, of_type in by_type.items():
        count = counts.setdefault(name.partition(":")[0], dict.fromkeys(of_type, 0))
        for part, number in of_type.items():
            count[part] += number
    return counts


def to_document(scores: Scores) -> dict[str, Any]:
    """Lay scores out as the JSON document of `kielo eval score --json`."""
    by_type = count_by_type(scores.verdicts)
    return {
        "mode": scores.mode,
        "language": scores.language,
        "tokenizer": scores.tokenizer,
        "totals": asdict(scores.totals),
        "paper_subset": asdict(scores.paper_subset),
        "by_type": by_type,
        "by_category": count_by_category(by_type),
        "responses": _count_responses(scores),
        "prompts": [asdict(verdict) for verdict in scores.verdicts],
    }


def _count_responses(scores: Scores) -> dict[str, Any]:
    answers, unmatched = scores.matching.answers, scores.matching.unmatched
    missing = [verdict.key for verdict, answer in zip(scores.verdicts, answers, strict=True) if answer is None]
    return {
        "scored": len(answers) - len(missing),
        "null": sum(answer is not None and answer.text is None for answer in answers),
        "blank": sum(answer is not None and answer.text is not None and not answer.text.strip() for answer in answers),
        "missing": len(missing),
        "missing_keys": missing,
        "unmatched": len(unmatched),
        "unmatched_rows": [{"line": row.line, "key": row.key, "prompt": row.prompt[:80]} for row in unmatched],
        "other_prompt_text": list(scores.matching.other_prompt_text),
    }


def score_files(
    prompts: Path, responses: Path, language_rules: LanguageRules, mode: str = "compat", tokenizer: str | None = None
) -> dict[str, Any]:
    """Score a responses file against a prompts file: the work of `kielo eval score`.

    Raises:
        SourceError: a row of either file is malformed, or the files do not belong together.
        UsageError: there is no such mode or tokenizer.
    """
    rows = read_prompts(prompts, language_rules.language, mode)
    return to_document(score(rows, read_responses(responses), language_rules, mode, tokenizer))


def totals_table(document: Mapping[str, Any]) -> str:
    """Lay the totals of a scores document out for a terminal, with what of the input was not scored as given."""
    how = f"IFEval {document['language']}, mode {document['mode']}, sentences by {document['tokenizer']}"
    head = f"{'':<26}" + "".join(f"{column:>20}" for column in _COLUMNS)
    rows = [(label, document[part]) for label, part in (("all", "totals"), ("no language asked", "paper_subset"))]
    lines = [f"{label:<26}" + "".join(_share(totals, *parts) for parts in _COLUMNS.values()) for label, totals in rows]
    responses = document["responses"]
    counts = ", ".join(f"{responses[name]} {name}" for name in ("scored", "null", "blank", "missing", "unmatched"))
    return "\n".join([how, head, *lines, f"responses: {counts}"])


def _share(totals: Mapping[str, int], followed: str, total: str) -> str:
    percent = f"{100 * totals[followed] / totals[total]:6.2f}%" if totals[total] else "-"
    return f"{totals[followed]}/{totals[total]} {percent}".rjust(20)
