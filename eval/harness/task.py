"""What an exported task calls inside lm-evaluation-harness: its prompts as a data set, and Kielo's verdicts on an answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from eval.ifeval.rules import LanguageRules
from eval.ifeval.score import Scorer
from kielo.languages.pack import language
from kielo.records import Prompt, read_jsonl

SPLIT = "test"
METRICS = ("prompt_level_strict_acc", "inst_level_strict_acc", "prompt_level_loose_acc", "inst_level_loose_acc")
"""As the harness's own `ifeval` calls them, so that tables of both can stand side by side."""
Doc = Mapping[str, Any]


def to_doc(prompt: Prompt) -> dict[str, Any]:
    """Lay a prompt out as a row of the task; arguments as JSON text, since a data set's columns have one type for all rows."""
    return {
        "key": prompt.key, "prompt": prompt.text, "instruction_id_list": list(prompt.instruction_ids),
        "arguments": json.dumps([dict(kwargs) for kwargs in prompt.arguments], ensure_ascii=False),
    }  # fmt: skip


def load_docs(path: Path) -> Any:
    """Load the task's prompts as the harness wants its data: split -> `datasets.Dataset`."""
    from datasets import Dataset

    return {SPLIT: Dataset.from_list([row for _, row in read_jsonl(path)])}


@dataclass(frozen=True)
class Scoring:
    """How a task's answers are judged: by which language's rules, in which mode, and what counts sentences in compat mode."""

    language: str
    mode: str
    sentences: str | None

    def metrics(self, doc: Doc, answer: str) -> dict[str, Any]:
        """Judge one answer: whether all instructions are followed, and which, strict and loose."""
        arguments = tuple(json.loads(doc["arguments"]))
        ids = tuple(doc["instruction_id_list"])
        prompt = Prompt(f"ifeval/{doc['key']}", self.language, doc["key"], doc["prompt"], ids, arguments)
        (verdict,) = Scorer([prompt], self._rules, self.mode, self.sentences).verdicts([answer])
        values = (all(verdict.strict), list(verdict.strict), all(verdict.loose), list(verdict.loose))
        return dict(zip(METRICS, values, strict=True))

    @cached_property
    def _rules(self) -> LanguageRules:
        return LanguageRules.from_pack(self.language, language(self.language).ifeval)


def share_of_instructions(verdicts: Iterable[Sequence[bool]]) -> float:
    """Give the share of instructions followed, over those of all prompts."""
    every = [followed for of_prompt in verdicts for followed in of_prompt]
    return sum(every) / len(every)
