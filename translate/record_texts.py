"""Which texts of a record are translated, and the record put together again from their translations."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kielo.records import Conversation, Message, PreferencePair, Prompt, Record, SentencePair
from translate.checks import Direction
from translate.ifeval_arguments import (
    ambiguity,
    argument_texts,
    fitted,
    localised,
    lost_argument,
    prompt_glossary,
    prompt_texts,
)
from translate.texts import Text, plain, translate_texts
from translate.translators import Failure, Translated, Translator


@dataclass(frozen=True)
class Work:
    """A record with the texts to translate; `forms` are an IFEval prompt's arguments, already translated."""

    record: Record
    texts: tuple[Text, ...]
    forms: Mapping[str, str] = field(default_factory=dict)
    failure: Failure | None = None
    """Why its texts need not be translated any more."""


def plan_work(
    records: Sequence[Record], direction: Direction, memory: Translator | None, translator: Translator
) -> list[Work]:
    """List what is to be translated of each record; the arguments of IFEval prompts are translated here, in one batch."""
    prompts = [record for record in records if isinstance(record, Prompt)]
    if not prompts:
        return [Work(record, _texts_of(record)) for record in records]
    arguments = [
        plain("argument", text) for text in dict.fromkeys(text for prompt in prompts for text in argument_texts(prompt))
    ]
    answers = translate_texts(arguments, memory, translator)
    known = {text.source: answer for text, answer in zip(arguments, answers, strict=True)}
    return [_prompt_work(prompt, known, direction) for prompt in prompts]


def _prompt_work(prompt: Prompt, known: Mapping[str, Translated | Failure], direction: Direction) -> Work:
    forms = {}
    for text in argument_texts(prompt):
        answer = known[text]
        if isinstance(answer, Failure):
            return Work(prompt, (), {}, Failure(answer.reason, f"argument '{text:.60}': {answer.detail}"))
        forms[text] = fitted(text, answer.text)
    texts = prompt_texts(prompt, prompt_glossary(prompt, forms, direction))
    return Work(prompt, tuple(texts), forms, ambiguity(forms))


def _texts_of(record: Record) -> tuple[Text, ...]:
    match record:
        case Conversation():
            return tuple(_turns("messages", record.messages))
        case PreferencePair():
            return (
                *_turns("prompt", record.prompt),
                plain("chosen", record.chosen),
                plain("rejected", record.rejected),
            )
        case SentencePair():
            return (plain("source", record.source),)
        case Prompt():
            raise TypeError("prompts are planned with their arguments")


def _turns(name: str, messages: Sequence[Message]) -> list[Text]:
    return [plain(f"{name}[{index}]", message.content) for index, message in enumerate(messages)]


def rebuild(work: Work, language: str, translations: Mapping[str, str]) -> Record | Failure:
    """Put a record together from the translations of its texts, or say what is wrong with it as a whole."""
    record = work.record
    match record:
        case Conversation():
            return dataclasses.replace(
                record, language=language, messages=_translated("messages", record.messages, translations)
            )
        case PreferencePair():
            if translations["chosen"] == translations["rejected"]:
                return Failure("identical-pair", f"both answers became: {translations['chosen']:.80}")
            prompt = _translated("prompt", record.prompt, translations)
            return dataclasses.replace(
                record,
                language=language,
                prompt=prompt,
                chosen=translations["chosen"],
                rejected=translations["rejected"],
            )
        case Prompt():
            translated = localised(record, language, work.forms, translations)
            return lost_argument(record, translated) or translated
        case SentencePair():
            return dataclasses.replace(record, language=language, target=translations["source"])


def _translated(name: str, messages: Sequence[Message], translations: Mapping[str, str]) -> tuple[Message, ...]:
    return tuple(Message(message.role, translations[f"{name}[{index}]"]) for index, message in enumerate(messages))
