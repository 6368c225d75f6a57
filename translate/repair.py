"""The repair ladder: a segment whose translation fails a check is asked for again, another way, before its record is given up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from translate.answers import Answer, Failure, Segment, Translated, Translator
from translate.checks import Checker, Finding, Item
from translate.masks import comparable, filled, mask
from translate.segments import fitted

Candidates = list[list[Answer]]
"""For each segment asked for, what a rung offers, the preferred one first; an empty list: nothing new to offer."""


@dataclass(frozen=True)
class Outcome:
    """What became of a segment, or of a whole text: its answer and everything the checks found in it."""

    answer: Answer
    findings: tuple[Finding, ...] = ()
    segment: Segment | None = None
    """The segment it is of; None: a whole text from the memory."""

    @property
    def passed(self) -> bool:
        """Whether nothing found is a reason to reject it."""
        return isinstance(self.answer, Translated) and not any(finding.fatal for finding in self.findings)

    @property
    def failure(self) -> Failure | None:
        """The first reason against it."""
        if isinstance(self.answer, Failure):
            return self.answer
        return next((Failure(each.check, each.detail, self.answer.text) for each in self.findings if each.fatal), None)


SECOND_CHANCE = ("shots", "samples")
Judge = Callable[[Segment, Answer], Outcome]


@dataclass(frozen=True)
class Rung:
    """One way to translate: its name in the records, and who is asked (who may ask in turn what the checks say)."""

    name: str
    ask: Callable[[Sequence[Segment], Judge], Candidates]


@dataclass
class Tally:
    """How often each rung was asked, and how often a candidate of it passed."""

    asked: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)

    def rows(self) -> dict[str, dict[str, int]]:
        """Give the counts, in the order of the ladder."""
        return {name: {"asked": count, "passed": self.passed[name]} for name, count in self.asked.items()}


@dataclass
class Ladder:
    """The rungs of one step, from the memory to keeping the source, with the checks that decide who must climb."""

    memory: Translator | None
    rungs: tuple[Rung, ...]
    checker: Checker
    tally: Tally = field(default_factory=Tally)
    failed_first: dict[Segment, Failure] = field(default_factory=dict)
    """What was wrong with first translations."""

    def translate(
        self, segments: Iterable[Segment], calibrate_with: Sequence[Item] | None = None
    ) -> dict[Segment, Outcome]:
        """Translate distinct segments: everyone once, then what failed climbs.

        A segment without a letter outside of protected spans stays as it is. With `calibrate_with` (other translations of
        the run, perhaps none) the checks first learn from these and from the first translations what is usual.
        """
        answers = {segment: untouched(segment) for segment in segments}
        asked = [segment for segment, answer in answers.items() if answer is None]
        first = self._remembered(asked)
        rest = [segment for segment in asked if segment not in first]
        if self.rungs:
            first |= {segment: _best(offers) for segment, offers in self._ask(self.rungs[0], rest)}
        else:
            first |= {segment: Failure("not-in-memory", f"{segment.text:.80}") for segment in rest}
        if calibrate_with is not None:
            made = [_item(pair) for pair in first.items() if isinstance(pair[1], Translated)]
            self.checker = self.checker.calibrated([*calibrate_with, *made])
        outcomes = {segment: self.judged(segment, first[segment]) for segment in asked}
        if self.rungs:
            self.tally.passed[self.rungs[0].name] += sum(outcomes[segment].passed for segment in rest)
        failures = {segment: outcome.failure for segment, outcome in outcomes.items()}
        self.failed_first |= {segment: failure for segment, failure in failures.items() if failure is not None}
        remembered = frozenset(asked) - frozenset(rest)
        self._repair(outcomes, remembered)
        return {
            segment: Outcome(answer, segment=segment) if answer is not None else outcomes[segment]
            for segment, answer in answers.items()
        }

    def again(self, segments: Iterable[Segment], name: str) -> dict[Segment, Outcome]:
        """Ask one rung for segments whatever was made of them before; those it has nothing passing for are left out."""
        rung = next(rung for rung in self.rungs if rung.name == name)
        asked = [segment for segment in segments if untouched(segment) is None]
        return dict(self._offered(rung, asked))

    def _repair(self, outcomes: dict[Segment, Outcome], remembered: frozenset[Segment]) -> None:
        """Let what failed climb; what only bears notes gets one second chance, if asking again is what the next rung does."""
        for number, rung in enumerate(self.rungs):
            failed = [
                segment
                for segment, outcome in outcomes.items()
                if (not outcome.passed and (number > 0 or segment in remembered) and not _in_vain(rung, outcome))
                or (outcome.passed and outcome.findings and number == 1 and rung.name in SECOND_CHANCE)
            ]
            for segment, outcome in self._offered(rung, failed):
                if rank(outcome) < rank(outcomes[segment]):
                    outcomes[segment] = outcome

    def _offered(self, rung: Rung, segments: Sequence[Segment]) -> Iterable[tuple[Segment, Outcome]]:
        """Give the best candidate of a rung for each segment that has a passing one."""
        for segment, offers in self._ask(rung, segments):
            judged = [self.judged(segment, _on(rung.name, offer)) for offer in offers]
            passing = [outcome for outcome in judged if outcome.passed]
            self.tally.passed[rung.name] += bool(passing)
            if passing:
                yield segment, min(passing, key=rank)

    def _ask(self, rung: Rung, segments: Sequence[Segment]) -> Iterable[tuple[Segment, list[Answer]]]:
        if not segments:
            return ()
        self.tally.asked[rung.name] += len(segments)
        return zip(segments, rung.ask(segments, self.judged), strict=True)

    def _remembered(self, segments: Sequence[Segment]) -> dict[Segment, Answer]:
        answers = self.memory.translate(segments) if self.memory else []
        return {
            segment: _on("memory", answer)
            for segment, answer in zip(segments, answers, strict=self.memory is not None)
            if isinstance(answer, Translated)
        }

    def judged(self, segment: Segment, answer: Answer) -> Outcome:
        """Let the checks look at an answer; a source text that is kept needs none."""
        answer = _fitted(segment, answer)
        if isinstance(answer, Failure) or answer.rung == "source":
            return Outcome(answer, segment=segment)
        return Outcome(answer, self.checker.findings(_item((segment, answer)), "segment"), segment)


def _in_vain(rung: Rung, outcome: Outcome) -> bool:
    """Tell whether a rung would only put the same text to an engine that has refused it for good."""
    return rung.name in SECOND_CHANCE and outcome.failure is not None and outcome.failure.reason == "engine-refused"


def _fitted(segment: Segment, answer: Answer) -> Answer:
    """Make an answer safe for the code, the table or the HTML where its segment stands, or refuse it."""
    if isinstance(answer, Failure):
        return answer
    text = fitted(segment.kind, segment.text, answer.text)
    if text is None:
        return Failure("does-not-fit", f"would break the {segment.kind} it stands in: {answer.text:.80}", answer.text)
    return replace(answer, text=text)


def _on(rung: str, answer: Answer) -> Answer:
    return replace(answer, rung=rung) if isinstance(answer, Translated) and answer.rung == "first" else answer


def _best(offers: Sequence[Answer]) -> Answer:
    return offers[0] if offers else Failure("no-answer", "nobody translates this")


def rank(outcome: Outcome) -> tuple[bool, int, float]:
    """Order outcomes: passed before failed, then by the number of notes, then by log-probability."""
    logprob = outcome.answer.logprob if isinstance(outcome.answer, Translated) else None
    return not outcome.passed, len(outcome.findings), -logprob if logprob is not None else 0.0


def _item(pair: tuple[Segment, Answer]) -> Item:
    segment, answer = pair
    logprob = answer.logprob if isinstance(answer, Translated) else None
    source, translation = comparable(segment, answer.text)
    return Item(source, translation, logprob=logprob)


def untouched(segment: Segment) -> Translated | None:
    """Answer for a segment that holds nothing to translate."""
    if any(letter.isalpha() for letter in mask(segment).bare):
        return None
    return Translated(filled(segment), "copy", "copy")
