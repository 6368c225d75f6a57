"""One IFEval prompt: what stands fixed in it and in which form, its pieces to translate, and the prompt put together again."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kielo.errors import RecipeError
from kielo.languages.pack import Language
from kielo.records import Prompt
from translate.answers import Failure, Glossary, Segment
from translate.checks import Direction
from translate.ifeval.arguments import (
    FIXED,
    LETTER,
    REPEATED,
    TRANSLATED,
    Entry,
    Term,
    in_capitals_of,
    terms,
    text_arguments,
)
from translate.ifeval.verify import clash, conflict, fixed_literals, lost_argument, lost_literal, unusable
from translate.texts import Text

CONSTRAINED = "detectable_format:constrained_response"
_QUOTES = "\"'“”„‟‘’‚«»‹›「」『』"
_DOUBLE_QUOTES = "“”„‟«»「」"


@dataclass(frozen=True)
class PromptPlan:
    """A prompt with its arguments' target forms and the texts to translate; `failure` says why it need not be."""

    prompt: Prompt
    entries: tuple[Entry, ...] = ()
    texts: tuple[Text, ...] = ()
    glossary: Glossary = ()
    failure: Failure | None = None

    @property
    def forms(self) -> dict[str, str]:
        """Source form -> target form of every argument that has one."""
        return {entry.source: entry.target for entry in self.entries if entry.target}


def plan_prompt(prompt: Prompt, table: Mapping[Term, Entry], direction: Direction) -> PromptPlan:
    """Fix what must stand in a prompt and cut it into texts, or say why it cannot be translated."""
    entries = tuple(table[term] for term in terms(prompt))
    failure = unusable(prompt, direction.target) or _first_failure(entries) or clash(entries)
    failure = failure or conflict(prompt, _with_forms(prompt, entries), without=(REPEATED,))
    if failure is not None:
        return PromptPlan(prompt, entries, failure=failure)
    glossary = _glossary(prompt, entries, direction)
    return PromptPlan(prompt, entries, tuple(_texts(prompt, lambda text: [Segment(text, glossary)])), glossary)


def _first_failure(entries: Sequence[Entry]) -> Failure | None:
    for entry in entries:
        if entry.failure is not None:
            return Failure(entry.failure.reason, f"argument '{entry.source:.60}': {entry.failure.detail}")
    return None


def cut_around(plan: PromptPlan) -> PromptPlan:
    """Cut a prompt around everything fixed in it: translated so, no engine and no memory can lose an argument."""
    if not plan.glossary:
        return plan
    longest_first = sorted((source for source, _ in plan.glossary), key=len, reverse=True)
    fixed = re.compile("|".join(f"({_whole(source)})" for source in longest_first))

    def pieces(text: str) -> list[Segment]:
        ends = [0, *(edge for match in fixed.finditer(text) for edge in match.span()), len(text)]
        cuts = [text[start:end] for start, end in zip(ends, ends[1:], strict=False)]
        return [Segment(cut, plan.glossary) for cut in cuts if cut]

    return dataclasses.replace(plan, texts=tuple(_texts(plan.prompt, pieces)))


def _texts(prompt: Prompt, pieces: Any) -> Iterator[Text]:
    """Give the prompt, cut around the request it asks to repeat so that both are translated alike, and that request."""
    repeated = next((text for name, text in text_arguments(prompt) if name == REPEATED), None)
    if repeated is None:
        yield Text("text", tuple(pieces(prompt.text)))
        return
    parts = [part for part in re.split(f"({re.escape(repeated)})", prompt.text) if part]
    yield Text("text", tuple(piece for part in parts for piece in pieces(part)))
    yield Text(REPEATED, tuple(pieces(repeated)))


def _glossary(prompt: Prompt, entries: Sequence[Entry], direction: Direction) -> Glossary:
    """Pair what stands fixed in a prompt, as it is written there, with what stands in its place in the target language."""
    pairs: dict[str, str] = {}
    for source, target in _fixed_forms(prompt, entries, direction):
        for written, part in _occurrences(source, prompt.text):
            form = in_capitals_of(part, target) if part != source else target
            pairs.setdefault(written, written.replace(part, form, 1))
    for entry in entries:
        if entry.is_letter:
            pairs |= {written: written.replace(part, form, 1) for written, part, form in _letters(entry, prompt.text)}
    literals = {literal: literal for literal in fixed_literals(prompt)}
    return tuple((literals | pairs).items())


def _fixed_forms(prompt: Prompt, entries: Sequence[Entry], direction: Direction) -> Iterator[tuple[str, str]]:
    yield from ((entry.source, entry.target) for entry in entries if not entry.is_letter)
    yield from ((text, text) for name, text in text_arguments(prompt) if name in FIXED)
    if CONSTRAINED in prompt.instruction_ids:
        for source, target in zip(_options(direction.source), _options(direction.target), strict=True):
            yield source, target
            yield source.rstrip("."), target.rstrip(".")


def _options(language: Language) -> list[str]:
    options = language.ifeval.get("constrained_options")
    if not isinstance(options, list) or len(options) != 3:
        raise RecipeError(
            f"recipes/languages/{language.code}.yaml: ifeval.constrained_options needs the 3 phrases for yes, no and maybe."
        )
    return [str(option) for option in options]


def _occurrences(text: str, prompt: str) -> list[tuple[str, str]]:
    """Find how a prompt writes a text, as (what stands there, the text in it).

    Quoted, else as whole words as it is, else in other capitals, else inside words (`sneakers` for `sneaker`): where
    the best of these is found, all other mentions are words to be inflected, left to the translator.
    """
    word, whole = re.escape(text), _whole(text)
    for pattern, flags in (
        (f"[{_QUOTES}]({word})[.,;:!?]?[{_QUOTES}]", re.IGNORECASE),
        (f"({whole})", 0),
        (f"({whole})", re.IGNORECASE),
        (rf"(\w{{0,40}}{word}\w{{0,40}})", re.IGNORECASE),
    ):
        found = [(match.group(), match.group(1)) for match in re.finditer(pattern, prompt, flags)]
        if found:
            return list(dict.fromkeys(found))
    return []


def _whole(text: str) -> str:
    before, after = (r"\b" if re.match(r"\w", edge) else "" for edge in (text[:1], text[-1:]))
    return before + re.escape(text) + after


def _letters(entry: Entry, prompt: str) -> Iterator[tuple[str, str, str]]:
    """Yield (what stands there, the letter in it, its form) where a prompt names the letter that it counts.

    A letter that stays is fixed where it is quoted or named once: otherwise it may be a word (the English `a`).
    """
    quoted = rf"[{_QUOTES}]({re.escape(entry.source)})[{_QUOTES}]"
    case = 0 if entry.target == entry.source else re.IGNORECASE
    found = list(re.finditer(quoted, prompt, re.IGNORECASE))
    found = found or list(re.finditer(f"({_whole(entry.source)})", prompt, case))
    if found and (entry.target != entry.source or len(found) == 1 or len(found[0].group()) > 1):
        for match in found:
            target = entry.target.upper() if match.group(1).isupper() else entry.target
            yield match.group(), match.group(1), target


def localise(plan: PromptPlan, language: str, translations: Mapping[str, str]) -> Prompt | Failure:
    """Build the prompt in the target language, every argument in its target form, and verify that nothing was lost."""
    prompt = plan.prompt
    written = {where: _quotes_as_in(plan, text) for where, text in translations.items()}
    if not all(text.strip() for text in written.values()):
        return Failure("empty", f"nothing for: {prompt.text:.80}")
    made = _with_forms(prompt, plan.entries, written.get(REPEATED))
    made = dataclasses.replace(made, language=language, text=written["text"])
    return lost_argument(prompt, made) or lost_literal(prompt, made) or conflict(prompt, made) or made


def _with_forms(prompt: Prompt, entries: Sequence[Entry], repeated: str | None = None) -> Prompt:
    """Put the target forms into a prompt's arguments, and the translated request to repeat where there is one."""
    forms = {(entry.source, entry.is_letter): entry.target for entry in entries}

    def target(name: str, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [target(name, item) for item in value]
        if name == REPEATED and repeated is not None:
            return repeated
        known = isinstance(value, str) and name in (*TRANSLATED, LETTER)
        return forms.get((value, name == LETTER), value) if known else value

    arguments = tuple({name: target(name, value) for name, value in each.items()} for each in prompt.arguments)
    return dataclasses.replace(prompt, arguments=arguments)


def _quotes_as_in(plan: PromptPlan, translation: str) -> str:
    """Undo what translators do to quotation marks: a second pair around an argument, typographic ones for plain ones."""
    for source, target in plan.glossary:
        if target[:1] in _QUOTES and not re.search(f"[{_QUOTES}]{re.escape(source)}", plan.prompt.text):
            translation = re.sub(f"[{_QUOTES}]({re.escape(target)})[{_QUOTES}]", r"\1", translation)
    # The checkers, and so the prompts, mean the plain marks.
    if '"' in plan.prompt.text and not any(mark in plan.prompt.text for mark in _DOUBLE_QUOTES):
        translation = re.sub(f"[{_DOUBLE_QUOTES}]", '"', translation)
    return translation
