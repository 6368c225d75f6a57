"""IFEval prompts whose arguments stay consistent: translated first into one-to-one pairs, fixed in the prompt, verified at the end."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kielo.errors import RecipeError
from kielo.languages import Language
from kielo.records import Prompt
from translate.checks import Direction
from translate.protect import literal_patterns
from translate.texts import Text
from translate.translators import Failure, Glossary, Segment

TRANSLATED = ("keywords", "forbidden_words", "keyword", "first_word", "end_phrase", "section_spliter")
FIXED = ("postscript_marker",)
"""The checkers look for P.S. and P.P.S in every language."""
REPEATED = "prompt_to_repeat"
CONSTRAINED = "detectable_format:constrained_response"


def argument_texts(prompt: Prompt) -> list[str]:
    """List the distinct argument texts of a prompt that are translated before it."""
    return list(dict.fromkeys(text for _, name, text in _texts(prompt) if name in TRANSLATED))


def _texts(prompt: Prompt) -> Iterator[tuple[int, str, str]]:
    """Yield (instruction, argument name, text) of every text argument."""
    for index, arguments in enumerate(prompt.arguments):
        for name, value in arguments.items():
            if name in (*TRANSLATED, *FIXED, REPEATED):
                yield from ((index, name, text) for text in (value if isinstance(value, list | tuple) else [value]))


def fitted(source: str, target: str) -> str:
    """Write an argument's translation as the argument was: without a full stop or blanks of its own, in its capitals."""
    text = target.strip()
    if source[-1:].isalnum():
        text = text.rstrip(".!?:;,")
    if source[:1].islower() and " " not in source and text[:1].isupper() and text[1:].islower():
        text = text[:1].lower() + text[1:]
    return _in_capitals_of(source, text)


def _in_capitals_of(model: str, text: str) -> str:
    if len(model) > 1 and model.isupper():
        return text.upper()
    return text[:1].upper() + text[1:] if model[:1].isupper() else text


def ambiguity(forms: Mapping[str, str]) -> Failure | None:
    """Find two arguments that would become one: `mom` and `mother` are one word in many languages."""
    seen: dict[str, str] = {}
    for source, target in forms.items():
        other = seen.setdefault(target.casefold(), source)
        if other.casefold() != source.casefold():
            return Failure("argument-ambiguous", f"'{other}' and '{source}' both became '{target}'")
    return None


def prompt_glossary(prompt: Prompt, forms: Mapping[str, str], direction: Direction) -> Glossary:
    """Pair what stands fixed in a prompt, as it is written there, with its target form."""
    pairs: dict[str, str] = {}
    for source, target in _fixed_forms(prompt, forms, direction):
        for written in _occurrences(source, prompt.text):
            pairs.setdefault(written, _in_capitals_of(written, target) if written != source else target)
    return tuple(pairs.items())


def _fixed_forms(prompt: Prompt, forms: Mapping[str, str], direction: Direction) -> Iterator[tuple[str, str]]:
    yield from forms.items()
    yield from ((text, text) for _, name, text in _texts(prompt) if name in FIXED)
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


def _occurrences(text: str, prompt: str) -> list[str]:
    """Find how a prompt writes a text: quoted, as whole words, or else the words that hold it (`sneakers` for `sneaker`)."""
    for pattern in (*literal_patterns(text), rf"\w*{re.escape(text)}\w*"):
        found = re.findall(pattern, prompt, re.IGNORECASE)
        if found:
            return list(dict.fromkeys(found))
    return []


def prompt_texts(prompt: Prompt, glossary: Glossary) -> list[Text]:
    """Cut a prompt around the request it asks to repeat, so that both are translated alike; the request is a text, too."""
    repeated = next((text for _, name, text in _texts(prompt) if name == REPEATED), None)
    if repeated is None:
        return [Text("text", (Segment(prompt.text, glossary),))]
    pieces = re.split(f"({re.escape(repeated)})", prompt.text)
    cut = tuple(Segment(piece, glossary) for piece in pieces if piece)
    return [Text("text", cut), Text(REPEATED, (Segment(repeated, glossary),))]


def localised(prompt: Prompt, language: str, forms: Mapping[str, str], translations: Mapping[str, str]) -> Prompt:
    """Build the prompt in the target language: its translated text, and every text argument in its target form."""
    targets = {**forms, **{text: translations[REPEATED] for _, name, text in _texts(prompt) if name == REPEATED}}

    def target(name: str, value: Any) -> Any:
        if name not in (*TRANSLATED, REPEATED):
            return value
        return [targets[text] for text in value] if isinstance(value, list | tuple) else targets[value]

    arguments = tuple({name: target(name, value) for name, value in each.items()} for each in prompt.arguments)
    return dataclasses.replace(prompt, language=language, text=translations["text"], arguments=arguments)


def lost_argument(source: Prompt, translated: Prompt) -> Failure | None:
    """Find a text argument that its prompt no longer holds, though the source's did."""
    for (_, name, before), (_, _, after) in zip(_texts(source), _texts(translated), strict=True):
        if before.casefold() in source.text.casefold() and after.casefold() not in translated.text.casefold():
            return Failure("argument-lost", f"{name} '{after:.60}' (for '{before:.60}') is not in the prompt")
    return None
