"""What decides on an answer that translates nothing: the checks that make sense of it, against the question that it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kielo.generation.protocol import Completion
from translate.answers import Failure, Translated
from translate.checks import Checker, Item
from translate.prompting.answering import Answerer
from translate.regenerate.talks import Talk
from translate.repair import Outcome, rank
from translate.texts import Made, plain

ANSWER_CHECKS = frozenset(
    {
        "empty", "encoding", "mixed-language", "paper-characters", "paper-compression", "prompt-leak", "repetition", "script",
        "truncated", "wrapped", "wrong-language",
    }
)  # fmt: skip
"""Checks that make sense of a text that translates nothing; its source is then the question it answers."""


@dataclass(frozen=True)
class AnswerJudge:
    """Judges the answers of one engine, which `label` names."""

    label: str
    answerer: Answerer
    checker: Checker

    def outcomes(self, talk: Talk, offers: Sequence[Completion], rung: str) -> list[Outcome]:
        """Judge every offer of an answer to the turn that is asked for."""
        return [self._outcome(talk, completion, rung) for completion in offers]

    def first(self, talk: Talk, offers: Sequence[Completion], rung: str) -> Made:
        """Take the first answer that passes, else the first."""
        outcomes = self.outcomes(talk, offers, rung)
        return _made(talk, next((outcome for outcome in outcomes if outcome.passed), outcomes[0]))

    def best_of(self, talk: Talk, outcomes: Sequence[Outcome]) -> Made:
        """Take what passes, of this what has the fewest notes, of this what has the highest mean log-probability, else the first."""
        return _made(talk, min(outcomes, key=rank))

    def _outcome(self, talk: Talk, completion: Completion, rung: str) -> Outcome:
        if completion.finish_reason in ("error", "refused"):
            reason = "engine-error" if completion.finish_reason == "error" else "engine-refused"
            return Outcome(Failure(reason, completion.error or ""))
        answer = self.answerer.answer(completion.text)
        if completion.finish_reason == "length":
            return Outcome(Failure("truncated", f"ends with: {answer[-80:]}", answer))
        item = Item(talk.turns[-1].content, answer, logprob=completion.logprob)
        findings = self.checker.findings(item, "text", only=ANSWER_CHECKS)
        return Outcome(Translated(answer, self.label, rung, completion.logprob), findings)


def _made(talk: Talk, outcome: Outcome) -> Made:
    assert talk.asked is not None
    return Made(plain(f"messages[{len(talk.turns)}]", talk.asked.content), outcome.answer.text, (outcome,))
