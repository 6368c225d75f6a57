"""Which texts of a record are translated, and the record put together again from their translations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kielo.records import Conversation, Message, PreferencePair, Prompt, Question, Record, SentencePair
from translate.answers import Answer, Failure, Glossary, Translated
from translate.checks import Direction
from translate.ifeval import PromptPlan, cut_around, localise, plan_prompts
from translate.pairs import noise, phrase_glossary, shared_phrases
from translate.repair import Ladder
from translate.tasks.changes import TaskChange, classify, strictest
from translate.tasks.given_text import literals
from translate.tasks.rules import Rule
from translate.texts import Cutting, Text, plain, translate_texts


@dataclass(frozen=True)
class Work:
    """A record with the texts to translate."""

    record: Record
    texts: tuple[Text, ...] = ()
    phrases: Glossary = ()
    """What the texts of a pair share, in its target form."""
    plan: PromptPlan | None = None
    """An IFEval prompt's, with its arguments in their target forms."""
    failure: Failure | None = None
    """Why its texts need not be translated any more."""
    change: TaskChange | None = None
    """Why a translation would change its task."""

    @property
    def forms(self) -> Mapping[str, str]:
        """Source form -> target form of what stands fixed in its texts."""
        return self.plan.forms if self.plan else dict(self.phrases)

    @property
    def kept(self) -> bool:
        """Whether it stays in the source language."""
        return self.change is not None and self.change.action == "keep"


@dataclass(frozen=True)
class Planning:
    """What decides which texts of a record are translated."""

    direction: Direction
    ladder: Ladder
    cutting: Cutting
    rules: tuple[Rule, ...] = ()
    answers: Literal["translate", "regenerate"] = "translate"
    arguments: Path | None = None
    """A reviewed table of IFEval arguments."""


def plan_work(records: Sequence[Record], planning: Planning) -> list[Work]:
    """List what is to be translated of each record; what must stand fixed in its texts is translated here, in one batch."""
    phrases = _phrases(records, planning)
    prompts = [record for record in records if isinstance(record, Prompt)]
    plans = iter(plan_prompts(prompts, planning.direction, _asker(planning), planning.arguments))
    return [
        _of_plan(next(plans)) if isinstance(record, Prompt) else _plan(record, planning, phrases) for record in records
    ]


def _of_plan(plan: PromptPlan) -> Work:
    return Work(plan.prompt, plan.texts, plan=plan, failure=plan.failure)


def ask_around(work: Work) -> Work:
    """Cut an IFEval prompt that lost something fixed around everything fixed in it, to be asked for again."""
    return _of_plan(cut_around(work.plan)) if work.plan else work


def _asker(planning: Planning) -> Callable[[Sequence[str]], Sequence[Answer]]:
    """Give what translates short texts that stand alone: arguments and phrases."""

    def ask(texts: Sequence[str]) -> list[Answer]:
        alone = [plain("argument", text) for text in texts]
        made = translate_texts(alone, planning.ladder, Cutting(planning.cutting.code), calibrate=False)
        return [made[text].failure or Translated(made[text].translation, "alone") for text in alone]

    return ask


def _phrases(records: Sequence[Record], planning: Planning) -> Mapping[str, str]:
    """Translate the phrases that pairs share; one that cannot be translated is left to its sentence."""
    pairs = [record for record in records if isinstance(record, PreferencePair)]
    phrases = list(dict.fromkeys(phrase for pair in pairs for phrase in shared_phrases(pair)))
    if not planning.ladder.rungs:
        return {}
    answers = zip(phrases, _asker(planning)(phrases), strict=True)
    return {phrase: answer.text for phrase, answer in answers if isinstance(answer, Translated)}


def _plan(record: Record, planning: Planning, phrases: Mapping[str, str]) -> Work:
    change = _change(record, planning)
    if change is not None and change.action == "skip":
        return Work(record, failure=Failure("task-changed", f"{change.rule}: {change.evidence:.80}"), change=change)
    if change is not None and change.action == "keep":
        return Work(record, tuple(_texts_of(record, (), "translate")), change=change)
    work = Work(record, change=change)
    fixed: Glossary = tuple((line, line) for line in literals(change.quoted)) if change else ()
    shared: Glossary = ()
    if isinstance(record, PreferencePair):
        known = [phrase for phrase in shared_phrases(record) if phrase in phrases]
        free = [phrase for phrase in known if not any(phrase[1:-1] in line or line in phrase for line, _ in fixed)]
        shared = phrase_glossary({phrase: phrases[phrase] for phrase in free})
    texts = tuple(_texts_of(record, (*fixed, *shared), planning.answers))
    return dataclasses.replace(work, texts=texts, phrases=shared)


def _change(record: Record, planning: Planning) -> TaskChange | None:
    """Find what a translation would change in what a record's users ask for; of several turns the strictest counts."""
    match record:
        case Conversation():
            turns, last = record.messages, tuple[str, ...]()
        case PreferencePair():
            turns, last = record.prompt, (record.chosen, record.rejected)
        case Question():
            return strictest(
                classify(turn, planning.rules, _given(record, number)) for number, turn in enumerate(record.turns)
            )
        case _:
            return None
    following = [*((turn.content,) if turn.role == "assistant" else () for turn in turns[1:]), last]
    translated = planning.answers == "translate"  # answers made anew need not hold the text that a turn asks about
    return strictest(
        classify(turn.content, planning.rules, answers if translated else ())
        for turn, answers in zip(turns, following, strict=True)
        if turn.role == "user"
    )


def _texts_of(record: Record, fixed: Glossary, answers: str) -> Iterator[Text]:
    match record:
        case Conversation():
            for text, turn in zip(_turns("messages", record.messages, fixed), record.messages, strict=True):
                if answers == "translate" or turn.role != "assistant":
                    yield text
        case PreferencePair():
            yield from _turns("prompt", record.prompt, fixed)
            yield plain("chosen", record.chosen, fixed, record.prompt[-1].content)
            yield plain("rejected", record.rejected, fixed, record.prompt[-1].content)
        case SentencePair():
            yield plain("source", record.source)
        case Question():
            yield from _question_texts(record, fixed)
        case Prompt():
            raise TypeError("prompts are planned with their arguments")


def _turns(name: str, messages: Sequence[Message], fixed: Glossary) -> Iterator[Text]:
    before = ""
    for index, message in enumerate(messages):
        yield plain(f"{name}[{index}]", message.content, fixed, before)
        before = message.content


def _question_texts(question: Question, fixed: Glossary) -> Iterator[Text]:
    """Go through the turns, each behind the one before it, and the right answers, each behind its turn."""
    for number, turn in enumerate(question.turns):
        yield plain(f"turns[{number}]", turn, fixed, question.turns[number - 1] if number else "")
        for answer in _given(question, number):
            yield plain(f"references[{number}]", answer, fixed, turn)


def _given(question: Question, turn: int) -> tuple[str, ...]:
    """Give the right answer to a turn, where the question has one."""
    return tuple(filter(None, question.references[turn : turn + 1]))


def rebuild(work: Work, language: str, translations: Mapping[str, str]) -> Record | Failure:
    """Put a record together from the translations of its texts, or say what is wrong with it as a whole."""
    record = work.record
    match record:
        case Conversation():
            return dataclasses.replace(
                record, language=language, messages=_translated("messages", record.messages, translations)
            )
        case PreferencePair():
            prompt = _translated("prompt", record.prompt, translations)
            translated = dataclasses.replace(
                record,
                language=language,
                prompt=prompt,
                chosen=translations["chosen"],
                rejected=translations["rejected"],
            )
            return noise(record, translated) or translated
        case Prompt():
            assert work.plan is not None, "prompts are planned with their arguments"
            return localise(work.plan, language, translations)
        case SentencePair():
            return dataclasses.replace(record, language=language, target=translations["source"])
        case Question():
            turns = tuple(translations[f"turns[{number}]"] for number in range(len(record.turns)))
            references = tuple(
                answer and translations[f"references[{number}]"] for number, answer in enumerate(record.references)
            )
            return dataclasses.replace(record, language=language, turns=turns, references=references)


def _translated(name: str, messages: Sequence[Message], translations: Mapping[str, str]) -> tuple[Message, ...]:
    return tuple(Message(message.role, translations[f"{name}[{index}]"]) for index, message in enumerate(messages))
