"""The text arguments of IFEval's instructions and their target forms: one table for a data set, made before any prompt."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from kielo.records import Prompt
from translate.answers import Answer, Failure, Translated

TRANSLATED = ("keywords", "forbidden_words", "keyword", "first_word", "end_phrase", "section_spliter")
PATTERNS = ("keywords", "forbidden_words", "keyword", "section_spliter")
"""These the checkers use as regular expressions."""
LETTER = "letter"
FIXED = ("postscript_marker",)
"""The checkers look for P.S. and P.P.S in every language."""
REPEATED = "prompt_to_repeat"
TEXTUAL = (*TRANSLATED, LETTER, *FIXED, REPEATED)
"""The nine argument keys whose texts stand in the prompt as they are."""

EXTRA_WORDS = 3
"""Words that an argument may gain, beside twice its own; more is a sentence made of it or an answer to it."""

Status = Literal["machine", "reviewed"]
Ask = Callable[[Sequence[str]], Sequence[Answer]]
"""Translates short texts, in their order."""


@dataclass(frozen=True)
class Entry:
    """One argument text of a data set and its target form; `target` is empty where there is none, and `failure` says why."""

    source: str
    target: str
    names: tuple[str, ...] = ()
    keys: tuple[int, ...] = ()
    """The prompts that it stands in."""
    status: Status = "machine"
    note: str = ""
    failure: Failure | None = None

    @property
    def is_letter(self) -> bool:
        """Whether it is a letter to count, which is chosen and not translated."""
        return LETTER in self.names


Term = tuple[str, bool]
"""(source form, is it a letter): a word `a` and the letter a are two."""


def text_arguments(prompt: Prompt) -> Iterator[tuple[str, str]]:
    """Yield (argument name, text) of every text argument; a list gives one pair per item."""
    for arguments in prompt.arguments:
        for name, value in arguments.items():
            if name in TEXTUAL:
                yield from ((name, text) for text in _texts(value))


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [text for text in values if isinstance(text, str) and text.strip()]


def terms(prompt: Prompt) -> list[Term]:
    """List what of a prompt gets a target form before the prompt does, each once."""
    pairs = ((text, name == LETTER) for name, text in text_arguments(prompt) if name in (*TRANSLATED, LETTER))
    return list(dict.fromkeys(pairs))


def make_table(
    prompts: Iterable[Prompt], ask: Ask, letters: Callable[[str], str], given: Mapping[Term, Entry]
) -> dict[Term, Entry]:
    """Find one target form for every argument text of a data set: as given, else asked for; letters as `letters` chooses.

    Forms that differ in capitals alone (Section, SECTION) get one translation, so that they stay one word.
    """
    found = _occurrences(prompts)
    words = [source for source, is_letter in found if not is_letter]
    groups: dict[str, list[str]] = {}
    for word in words:
        groups.setdefault(word.casefold(), []).append(word)
    known = {word: given[word, False].target for word in words if (word, False) in given and given[word, False].target}
    heads = {folded: _head(group, known) for folded, group in groups.items()}
    asked = [head for head in heads.values() if head not in known]
    answers: dict[str, Answer] = dict(zip(asked, ask(asked), strict=True)) if asked else {}
    table = {}
    for term, entry in found.items():
        if term in given and given[term].target:
            table[term] = replace(entry, target=given[term].target, status=given[term].status, note=given[term].note)
        elif entry.is_letter:
            table[term] = replace(entry, target=letters(entry.source))
        else:
            head = heads[entry.source.casefold()]
            answer = Translated(known[head], "memory") if head in known else answers[head]
            table[term] = _made(entry, head, answer)
    return table


def _occurrences(prompts: Iterable[Prompt]) -> dict[Term, Entry]:
    found: dict[Term, Entry] = {}
    for prompt in prompts:
        for name, text in text_arguments(prompt):
            if name in (*TRANSLATED, LETTER):
                entry = found.get((text, name == LETTER), Entry(text, ""))
                names, keys = dict.fromkeys((*entry.names, name)), dict.fromkeys((*entry.keys, prompt.key))
                found[text, name == LETTER] = replace(entry, names=tuple(names), keys=tuple(keys))
    return found


def _head(group: Sequence[str], known: Mapping[str, str]) -> str:
    """Choose the form that a group of forms is translated by: one already known, else the one with fewest capitals."""
    return min(group, key=lambda form: (form not in known, sum(map(str.isupper, form)), group.index(form)))


def _made(entry: Entry, head: str, answer: Answer) -> Entry:
    if isinstance(answer, Failure):
        return replace(entry, note=f"{answer.reason}: {answer.detail:.80}", failure=answer)
    shouted = head.isupper() and not entry.source.isupper()
    target = fitted(entry.source, answer.text.lower() if shouted else answer.text)
    reason = fault(entry.source, target, entry.names)
    if reason is not None:
        failure = Failure("argument-unusable", f"'{entry.source:.60}' became '{target:.60}': {reason}", target)
        return replace(entry, note=f"'{target:.60}': {reason}", failure=failure)
    return replace(entry, target=target, note="as in the source" if target == entry.source else "")


def fault(source: str, target: str, names: Sequence[str]) -> str | None:
    """Say why a text cannot be an argument's target form, if it cannot; a copy of the source can (a name, for instance)."""
    if not target.strip():
        return "it is empty"
    if len(target.splitlines()) > len(source.splitlines()):
        return "it has more lines than the source"
    if len(target.split()) > 2 * len(source.split()) + EXTRA_WORDS:
        return "it has many more words than the source"
    if LETTER in names and (len(target) != 1 or len(target.lower()) != 1):
        return "it is not one letter"
    if any(name in PATTERNS for name in names) and not _finds_itself(target):
        return "as a regular expression, which the checkers take it for, it does not find itself"
    return None


def _finds_itself(text: str) -> bool:
    try:
        return re.fullmatch(text, text) is not None
    except re.error:
        return False


def fitted(source: str, target: str) -> str:
    """Write an argument's translation as the argument was: in one Unicode form, without marks of its own, in its capitals."""
    text = unicodedata.normalize("NFC", target.strip())
    if source[:1].isalnum() and source[-1:].isalnum():
        text = text.strip("\"“”„«»‹›'‘’")
    if source[-1:].isalnum():
        text = text.rstrip('.!?:;,"“”»’')
    if source[:1].islower() and " " not in source and text[:1].isupper() and text[1:].islower():
        text = text[:1].lower() + text[1:]
    return in_capitals_of(source, text)


def in_capitals_of(model: str, text: str) -> str:
    """Write a text in the capitals of another: all of them, the first, or as it is."""
    if len(model) > 1 and model.isupper():
        return text.upper()
    return text[:1].upper() + text[1:] if model[:1].isupper() else text
