"""The language gate: answers in the wrong language are told apart before any judge reads them, and counted in a bucket of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from eval.judge.cases import Comparison, Outcome
from eval.response_language import VERDICTS, Identifier, LineVerdict, line_verdict, usual_identifier
from kielo.errors import RecipeError
from kielo.languages.pack import Language

Policy = Literal["lose", "exclude", "off"]
WRONG = ("source", "other")
"""Verdicts that the gate acts on. A mixed answer goes to the judge, and so does one without letters to judge by, such as code."""
FEWEST_LETTERS = 200
"""Identified letters below which the gate leaves an answer to the judge: lists of names, JSON and formulas seem English (docs/judge.md)."""
WRONG_LANGUAGE = "wrong language"


@dataclass
class Gate:
    """Identifies each text once, line by line (see eval.response_language)."""

    policy: Policy
    target: Language
    source: Language | None
    """A language that models slip into; None where it is the target itself."""
    identifier: Identifier = field(default_factory=usual_identifier)
    _seen: dict[str, LineVerdict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.able = self.identifier.label(self.target) is not None
        if not self.able and self.policy != "off":
            raise RecipeError(
                f"eval.judge.gate: {self.identifier.name} does not know '{self.target.code}' ({self.target.name}), so no "
                "answer can be shown to be in another language; name another identifier, or set gate: off."
            )

    def verdict(self, text: str) -> LineVerdict:
        """Judge in which language an answer is."""
        if text not in self._seen:
            self._seen[text] = line_verdict(text, self.target, self.source, self.identifier)
        return self._seen[text]

    def decides(self, ours: str, theirs: str) -> tuple[Outcome, str] | None:
        """Decide a pair with an answer in the wrong language: (outcome for us, whose answers are wrong); None: a judge must."""
        wrong = self.wrong(ours), self.wrong(theirs)
        if not any(wrong):
            return None
        whose = "both answers" if all(wrong) else "our answer" if wrong[0] else "their answer"
        lost: Outcome = "tie" if all(wrong) else "loss" if wrong[0] else "win"
        return ("excluded" if self.policy == "exclude" else lost), f"{WRONG_LANGUAGE}: {whose}"

    def wrong(self, text: str) -> bool:
        """Say whether this gate keeps an answer from the judge."""
        if self.policy == "off":
            return False
        seen = self.verdict(text)
        return seen.verdict in WRONG and sum(seen.lines.values()) >= FEWEST_LETTERS

    def counts(self, texts: Iterable[str]) -> dict[str, int] | None:
        """Count answers by the language they are in; None where the identifier does not know the language."""
        if not self.able:
            return None
        counted = Counter(self.verdict(text).verdict for text in texts)
        return {name: counted[name] for name in VERDICTS}

    def document(self, comparisons: Iterable[Comparison], ours: Iterable[str], theirs: Iterable[str]) -> dict[str, Any]:
        """Say what the gate saw in both models' answers and what it decided."""
        decided = Counter(each.outcome for each in comparisons if each.by == "gate")
        return {
            "policy": self.policy, "ours": self.counts(ours), "theirs": self.counts(theirs),
            "wins": decided["win"], "losses": decided["loss"], "ties": decided["tie"], "excluded": decided["excluded"],
        }  # fmt: skip
