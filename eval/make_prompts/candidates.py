"""Puts prompts together: the task and the document tried least, arguments drawn from them, phrasings filled in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from eval.ifeval.rules import LanguageRules
from eval.make_prompts.documents import Document
from eval.make_prompts.drawing import Draw, Values, draw
from eval.make_prompts.pool import Pool, excerpt
from eval.make_prompts.templates import CONSTRAINED, INSTRUCTIONS, REPEAT, Templates, filled, placeholders
from kielo.records import Prompt

SHARE_WITH_TEXT = 0.4
"""Of tasks, those that show a document in the prompt: they carry the upper bounds, the others the lower ones."""


@dataclass(frozen=True)
class Candidate:
    """A prompt, and the document and task that it was made from."""

    prompt: Prompt
    document: Document
    task: str


@dataclass
class Candidates:
    """What prompts of a language are put together from, and how often each part was tried: one that fails waits its turn."""

    pool: Pool
    templates: Templates
    rules: LanguageRules
    compat: bool
    random: Random
    documents: Counter[str] = field(default_factory=Counter)
    tasks: Counter[str] = field(default_factory=Counter)
    pairs: set[tuple[str, str]] = field(default_factory=set)

    def make(self, key: int, types: Sequence[str]) -> Candidate | str:
        """Put one prompt with these kinds of instructions together, or say what it lacks."""
        chosen = self._task_and_document(types)
        if chosen is None:
            return "no document is left for a task that fits"
        task, document = chosen
        self.tasks[task] += 1
        self.documents[document.id] += 1
        with_text = "text" in placeholders(task)
        shown = excerpt(document, self.pool.pack.code) if with_text else ""
        if with_text and not shown:
            return "the document's first sentence is too long to show"
        given = Draw(
            self.random, self.pool, self.rules, self.pool.own_words(document), shown, self.templates.end_phrases, self.compat
        )  # fmt: skip
        used = set((document.title or "").lower().split())
        drawn: dict[str, Values] = {}
        for name in types:
            values = draw(name, given, used)
            if values is None:
                return f"nothing to draw for {name}"
            drawn[name] = values
        text = self._composed(task, {"title": document.title or "", "text": shown}, drawn)
        if text is None:
            return "no phrasing for what is asked"
        arguments = tuple(dict(values) for values in drawn.values())
        prompt = Prompt(f"ifeval/{key}", self.pool.pack.code, key, text, tuple(types), arguments)
        return Candidate(prompt, document, task)

    def took(self, candidate: Candidate) -> None:
        """Remember a prompt that is kept: no other puts its task on its document."""
        self.pairs.add((candidate.document.id, candidate.task))

    def _task_and_document(self, types: Sequence[str]) -> tuple[str, Document] | None:
        """Take those tried least."""
        titled = [each for each in self.pool.documents if each.title]
        of_all = self.templates.choices if CONSTRAINED in types else self.templates.tasks
        tasks = [
            task
            for task in of_all
            if (titled or "title" not in placeholders(task)) and not (REPEAT in types and "text" in placeholders(task))
        ]
        if not tasks:
            return None
        with_text = self.random.random() < SHARE_WITH_TEXT
        alike = [task for task in tasks if ("text" in placeholders(task)) == with_text] or tasks
        task = min(alike, key=lambda each: (self.tasks[each], self.random.random()))
        fitting = titled if "title" in placeholders(task) else self.pool.documents
        free = [each for each in fitting if (each.id, task) not in self.pairs]
        if not free:
            return None
        return task, min(free, key=lambda each: (self.documents[each.id], self.random.random()))

    def _composed(self, task: str, parts: Mapping[str, str], drawn: dict[str, Values]) -> str | None:
        """Write the prompt: instructions where the task wants them, else after it; a request to repeat comes last."""
        if INSTRUCTIONS not in placeholders(task):
            task = f"{task} {{{INSTRUCTIONS}}}"
        if REPEAT in drawn:
            request = filled(task, {**parts, INSTRUCTIONS: ""}).strip()
            drawn[REPEAT] = {"prompt_to_repeat": request}
        phrased = {name: self._phrased(name, values) for name, values in drawn.items()}
        if not all(phrased.values()):
            return None
        instructions = " ".join(text for name, text in phrased.items() if text and name != REPEAT)
        whole = phrased.get(REPEAT) or task
        text = filled(whole, {**parts, INSTRUCTIONS: instructions})
        return "\n\n".join(part.strip() for part in text.split("\n\n"))

    def _phrased(self, name: str, values: Mapping[str, Any]) -> str | None:
        """Choose a phrasing and fill it in, but for a request to repeat and where the others go."""
        relation = next((values[each] for each in _RELATIONS if each in values), "")
        phrasings = self.templates.instructions[name].get(relation)
        if not phrasings:
            return None
        phrasing = self.random.choice(phrasings)
        texts = {field: self._written(field, value) for field, value in values.items()}
        texts["options"] = self.templates.listed(self.rules.constrained_options, self.pool.pack.quotes)
        return filled(phrasing, {INSTRUCTIONS: f"{{{INSTRUCTIONS}}}", **texts})

    def _written(self, field: str, value: Any) -> str:
        if field == "prompt_to_repeat" or isinstance(value, int):
            return str(value)
        return self.templates.listed([value] if isinstance(value, str) else value, self.pool.pack.quotes)


_RELATIONS = ("relation", "let_relation", "capital_relation")
