"""Mode `answers: regenerate`: the user's turns are translated, and the model itself answers them in the target language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kielo.generation.protocol import Completion, Request
from kielo.records import Conversation, Message
from translate.answers import Failure, Translated
from translate.checks import Checker, Item
from translate.engines import Hand
from translate.prompting.answering import Answerer
from translate.repair import Ladder, Outcome
from translate.texts import Made, plain
from translate.works import Work

ANSWER_CHECKS = frozenset(
    {
        "empty", "encoding", "mixed-language", "paper-characters", "paper-compression", "prompt-leak", "repetition", "script",
        "truncated", "wrapped", "wrong-language",
    }
)  # fmt: skip
"""Checks that make sense of a text that translates nothing; its source is then the question it answers."""


@dataclass
class Talk:
    """A conversation as far as it has come; `made` are its texts, the answers among them once they are there."""

    work: Work
    made: list[Made]
    turns: list[Message] = field(default_factory=list)
    failed: bool = False

    def advance(self) -> None:
        """Take over translated turns up to the next answer."""
        assert isinstance(self.work.record, Conversation)
        messages = self.work.record.messages
        known = {made.text.where: made.translation for made in self.made}
        while len(self.turns) < len(messages) and f"messages[{len(self.turns)}]" in known:
            place = len(self.turns)
            self.turns.append(Message(messages[place].role, known[f"messages[{place}]"]))

    @property
    def asked(self) -> Message | None:
        """The turn whose answer is to come; it is the source's answer."""
        assert isinstance(self.work.record, Conversation)
        messages = self.work.record.messages
        return messages[len(self.turns)] if not self.failed and len(self.turns) < len(messages) else None


def answer_conversations(
    works: Sequence[Work], made: Sequence[Sequence[Made]], hand: Hand, answerer: Answerer, ladder: Ladder,
    read: Callable[[Work, Made], Made],
) -> list[list[Made]]:  # fmt: skip
    """Give every conversation's texts with its new answers; the first answers of all are made in one batch, and so on.

    An answer that fails a check is sampled anew, as often as the recipe's repair says; `read` applies a reviewer's verdict;
    what then fails rejects its record.
    """
    talks = [Talk(work, list(texts)) for work, texts in zip(works, made, strict=True)]
    for talk in talks:
        talk.failed = talk.work.failure is not None or talk.work.kept or any(each.failure for each in talk.made)
    while True:
        for talk in talks:
            if not talk.failed:
                talk.advance()
        waiting = [talk for talk in talks if talk.asked is not None]
        if not waiting:
            return [_in_order(talk) for talk in talks]
        for talk, answer in zip(waiting, _answers(waiting, hand, answerer, ladder), strict=True):
            talk.made.append(read(talk.work, answer))
            talk.failed = talk.made[-1].failure is not None


def _in_order(talk: Talk) -> list[Made]:
    if not isinstance(talk.work.record, Conversation):
        return talk.made
    places = {f"messages[{place}]": place for place in range(len(talk.work.record.messages))}
    return sorted(talk.made, key=lambda made: places[made.text.where])


def _answers(talks: Sequence[Talk], hand: Hand, answerer: Answerer, ladder: Ladder) -> list[Made]:
    """Ask greedily, then for samples of what failed."""
    repair = hand.place.recipe.translate.repair
    judge = _Judge(hand.label, answerer, ladder.checker)
    first = hand.complete([_request(talk, answerer, 0.0, 0) for talk in talks])
    made = [judge.best(talk, [completion], "answers") for talk, completion in zip(talks, first, strict=True)]
    _count(ladder, "answers", made)
    ladder.failed_first |= {each.text.pieces[0]: each.failure for each in made if each.failure}
    failed = [place for place, each in enumerate(made) if each.failure] if "samples" in repair.rungs else []
    requests = [
        _request(talks[place], answerer, repair.temperature, replicate)
        for place in failed
        for replicate in range(repair.samples)
    ]
    completions = iter(hand.complete(requests) if requests else ())
    for place in failed:
        made[place] = judge.best(talks[place], [next(completions) for _ in range(repair.samples)], "answers-samples")
    _count(ladder, "answers-samples", [made[place] for place in failed])
    return made


def _count(ladder: Ladder, rung: str, made: Sequence[Made]) -> None:
    if made:
        ladder.tally.asked[rung] += len(made)
        ladder.tally.passed[rung] += sum(each.failure is None for each in made)


def _request(talk: Talk, answerer: Answerer, temperature: float, replicate: int) -> Request:
    assert talk.asked is not None
    return answerer.request(talk.turns, talk.asked.content, temperature, replicate)


@dataclass(frozen=True)
class _Judge:
    """What decides on an answer."""

    label: str
    answerer: Answerer
    checker: Checker

    def best(self, talk: Talk, offers: Sequence[Completion], rung: str) -> Made:
        """Take the first answer that passes, else the first."""
        assert talk.asked is not None
        text = plain(f"messages[{len(talk.turns)}]", talk.asked.content)
        outcomes = [self._outcome(talk, completion, rung) for completion in offers]
        best = next((outcome for outcome in outcomes if outcome.passed), outcomes[0])
        return Made(text, best.answer.text, (best,))

    def _outcome(self, talk: Talk, completion: Completion, rung: str) -> Outcome:
        if completion.finish_reason in ("error", "refused"):
            reason = "engine-error" if completion.finish_reason == "error" else "engine-refused"
            return Outcome(Failure(reason, completion.error or ""))
        answer = self.answerer.answer(completion.text)
        if completion.finish_reason == "length":
            return Outcome(Failure("truncated", f"ends with: {answer[-80:]}", answer))
        found = self.checker.findings(Item(talk.turns[-1].content, answer, logprob=completion.logprob), "text")
        findings = tuple(finding for finding in found if finding.check in ANSWER_CHECKS)
        return Outcome(Translated(answer, self.label, rung, completion.logprob), findings)
