"""Judges a model's IFEval answers in one mode, strict and loose: every verdict, and the totals that tables are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eval.ifeval.arguments import Arguments, read_arguments
from eval.ifeval.checkers import Context
from eval.ifeval.registry import RESPONSE_LANGUAGE, Instruction, find_instruction, instructions, open_context
from eval.ifeval.rows import Answer, Matching, check_prompt, match
from eval.ifeval.rules import LanguageRules
from eval.ifeval.time_limit import pattern_limit
from kielo.errors import SourceError
from kielo.records import Prompt

if TYPE_CHECKING:  # loading identifiers takes a moment
    from eval.response_language import Identifier


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
    """All verdicts of one model in one language and mode, how they were reached, and what of the input had no partner."""

    mode: str
    rules: LanguageRules
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
        return count_totals(self.subset)

    @property
    def subset(self) -> list[Verdict]:
        """List the verdicts on those prompts."""
        return [v for v in self.verdicts if RESPONSE_LANGUAGE not in v.instruction_id_list]


class Scorer:
    """The prompts of a set, read and checked once for one mode, and the context that its checkers stand on."""

    def __init__(
        self,
        prompts: Sequence[Prompt],
        rules: LanguageRules,
        mode: str = "compat",
        sentences: str | None = None,
        identifier: Identifier | None = None,
    ) -> None:
        """Open it; `sentences` asks compat mode for "punkt" or "sentencex", None takes punkt where its data are at hand.

        `identifier` tells languages apart in fair mode; None: the usual one.

        Raises:
            SourceError: a prompt is malformed.
            UsageError: there is no such mode or splitter.
            MissingExtraError: the language's pack names a lemmatiser that is not installed.
        """
        self.mode = mode
        self.prompts = tuple(prompts)
        self.context = open_context(mode, rules, sentences, identifier)
        known = instructions(mode)
        for prompt in self.prompts:
            check_prompt(prompt, f"key {prompt.key}", mode)
        self._read = [_read(prompt, known) for prompt in self.prompts]

    def verdicts(self, texts: Iterable[str | None]) -> tuple[Verdict, ...]:
        """Judge one text per prompt; None is an answer that says nothing."""
        both = zip(self.prompts, self._read, texts, strict=True)
        return tuple(_judged(prompt, read, text or "", self.context) for prompt, read, text in both)

    def paper_totals(self, texts: Sequence[str]) -> Totals:
        """Count what one text per prompt follows of the prompts that ask for no response language."""
        found = self.verdicts(texts)
        return count_totals([v for v in found if RESPONSE_LANGUAGE not in v.instruction_id_list])

    def scores(self, matching: Matching) -> Scores:
        """Judge the answers that were matched to these prompts."""
        found = self.verdicts(answer.text if answer else None for answer in matching.answers)
        return Scores(self.mode, self.context.rules, self.context.tokenizer.name, found, matching)


def matched(prompts: Sequence[Prompt], answers: Iterable[Answer]) -> Matching:
    """Bring answers to their prompts.

    Raises:
        SourceError: no answer belongs to any prompt.
    """
    matching = match(prompts, answers)
    if prompts and not any(matching.answers):
        raise SourceError(
            f"none of the {len(matching.unmatched)} responses belongs to one of the {len(prompts)} prompts; "
            "were they made from another prompts file?"
        )
    return matching


def score(
    prompts: Sequence[Prompt],
    answers: Iterable[Answer],
    rules: LanguageRules,
    mode: str = "compat",
    sentences: str | None = None,
) -> Scores:
    """Score answers in one mode; a prompt without one, or with null, counts as answered with nothing.

    Raises:
        SourceError: a prompt is malformed, or no answer belongs to any prompt.
        UsageError: there is no such mode or splitter.
    """
    return Scorer(prompts, rules, mode, sentences).scores(matched(prompts, answers))


_Read = Sequence[tuple[Instruction, Arguments]]


def _read(prompt: Prompt, known: Mapping[str, Instruction]) -> _Read:
    found = []
    for name, kwargs in zip(prompt.instruction_ids, prompt.arguments, strict=True):
        place = f"key {prompt.key}, {name}"
        instruction = find_instruction(known, name, place)
        found.append((instruction, read_arguments(kwargs, instruction.fields, place)))
    return found


def judge(prompt: Prompt, response: str, known: Mapping[str, Instruction], context: Context) -> Verdict:
    """Judge one answer by every instruction of its prompt."""
    return _judged(prompt, _read(prompt, known), response, context)


def _judged(prompt: Prompt, read: _Read, response: str, context: Context) -> Verdict:
    variants = loose_variants(response)
    strict, loose = [], []
    for name, (instruction, arguments) in zip(prompt.instruction_ids, read, strict=True):
        with pattern_limit(f"key {prompt.key}, {name}") if arguments.repeats else nullcontext():
            followed = bool(response.strip()) and instruction.check(response, arguments.values, context)
            strict.append(followed)
            loose.append(followed or any(instruction.check(text, arguments.values, context) for text in variants))
    unstable = tuple(arguments.unstable for _, arguments in read)
    return Verdict(prompt.key, prompt.instruction_ids, tuple(strict), tuple(loose), unstable)


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
