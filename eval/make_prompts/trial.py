"""Tries a prompt before it is taken: an echo must fail it, the linter find nothing, and one answer follow all of it in every mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from eval.ifeval.arguments import read_arguments
from eval.ifeval.checkers import Context
from eval.ifeval.feasible import prove
from eval.ifeval.lint import lint_prompt
from eval.ifeval.registry import MODES, Instruction, Mode, instructions, open_context
from eval.ifeval.rules import LanguageRules
from eval.make_prompts.templates import CONSTRAINED
from kielo.languages.pack import Language
from kielo.records import Prompt

MADE_FOR: Mapping[str, tuple[Mode, ...]] = {"both": MODES, "fair": ("fair",)}
"""What prompts are made for: verdicts that agree in both modes, or fair mode alone."""
ECHOED = ("keywords:existence", "detectable_content:postscript", CONSTRAINED)
"""What the prompt itself follows whatever its words: it must spell out just what is looked for anywhere in the answer."""


@dataclass(frozen=True)
class Trial:
    """An answer that follows the prompt, or why it is not taken."""

    answer: str | None
    reason: str | None = None


@dataclass(frozen=True)
class Tryer:
    """What prompts of a language are tried by."""

    pack: Language
    modes: tuple[Mode, ...]
    contexts: Mapping[Mode, Context]

    @classmethod
    def open(cls, pack: Language, made_for: str) -> Tryer:
        """Open the checkers; sentences are counted by sentencex, so that every machine takes the same prompts.

        Raises:
            RecipeError: the `ifeval:` part of the pack is malformed.
            MissingExtraError: the pack names a lemmatiser that is not installed.
        """
        rules = LanguageRules.from_pack(pack.code, pack.ifeval)
        contexts = {mode: open_context(mode, rules, "sentencex") for mode in MODES}
        return cls(pack, MADE_FOR[made_for], contexts)

    def __call__(self, prompt: Prompt) -> Trial:
        """Try one prompt."""
        arguments = zip(prompt.instruction_ids, prompt.arguments, strict=True)
        read = [(name, read_arguments(given, self._fields(name), name).values) for name, given in arguments]
        for name, values in read:
            if name not in ECHOED and any(self._verdicts(name, prompt.text, values)):
                return Trial(None, f"an echo follows {name}")
        report = lint_prompt(prompt, None, self.pack, self.contexts[self.modes[0]])
        if report.findings:
            return Trial(None, f"linter: {report.findings[0].check}")
        together = [(name, Instruction(self._all(name), self._fields(name)), values) for name, values in read]
        for mode in self.modes:  # built by one mode's demands, judged by all
            proof = prove(together, self.contexts[mode], self.pack.langdetect)
            if proof.answer is not None:
                return Trial(proof.answer)
        return Trial(None, "no answer found that follows all of it")

    def _fields(self, name: str) -> Mapping[str, Any]:
        return instructions("fair")[name].fields

    def _verdicts(self, name: str, text: str, values: Mapping[str, Any]) -> list[bool]:
        return [instructions(mode)[name].check(text, values, self.contexts[mode]) for mode in self.modes]

    def _all(self, name: str) -> Callable[[str, Mapping[str, Any], Context], bool]:
        return lambda text, values, _: all(self._verdicts(name, text, values))
