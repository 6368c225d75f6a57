"""What a localised IFEval prompt must hold and must not say: its arguments, its literals, nothing that excludes itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kielo.errors import RecipeError
from kielo.languages.pack import Language
from kielo.records import Prompt
from translate.answers import Failure
from translate.ifeval.arguments import LETTER, REPEATED, TRANSLATED, Entry, Term, text_arguments
from translate.ifeval.letters import letter_shares

_LITERALS = (
    re.compile(r"<<[^<>\n]{1,60}>>"),
    re.compile(r"\[[^\[\]\n'\"“”]{1,40}\](?!\()"),  # neither a list of quoted words nor the text of a link
    re.compile(r"\*{3,}"),
    re.compile(r"P\.(?:\s?P\.)?\s?S\b\.?"),
)
"""What IFEval's checkers look for in an answer and its prompts spell out: it comes through as it is."""
_CASE = "change_case:"
_WANTED = ("keywords", "first_word", "end_phrase", "section_spliter", REPEATED)
_COUNTED = (("keyword", "frequency", "relation"), (LETTER, "let_frequency", "let_relation"))


def fixed_literals(prompt: Prompt) -> list[str]:
    """List the literals of a prompt; one that holds an argument is translated with it."""
    arguments = [text.casefold() for name, text in text_arguments(prompt) if name in TRANSLATED]
    found = dict.fromkeys(literal for pattern in _LITERALS for literal in pattern.findall(prompt.text))
    return [literal for literal in found if not any(argument in literal.casefold() for argument in arguments)]


def unusable(prompt: Prompt, target: Language) -> Failure | None:
    """Find an instruction that the target language cannot mean: letter case in a script without, or one its pack names."""
    named = target.ifeval.get("unusable", {})
    if not isinstance(named, Mapping):
        raise RecipeError(
            f"recipes/languages/{target.code}.yaml: ifeval.unusable must give instruction ids, each with its reason."
        )
    for instruction in prompt.instruction_ids:
        if instruction in named:
            return Failure("instruction-unusable", f"{instruction}: {named[instruction]}")
        if instruction.startswith(_CASE) and not _has_case(target):
            return Failure("instruction-unusable", f"{instruction}: {target.name} is written without capitals")
    return None


def _has_case(language: Language) -> bool:
    letters = "".join(letter_shares(language)) or language.native_name
    return language.ifeval.get("case") != "caseless" and letters.upper() != letters.lower()


def clash(entries: Sequence[Entry]) -> Failure | None:
    """Find two arguments of a prompt that became one: `mom` and `mother` are one word in many languages."""
    seen: dict[Term, str] = {}
    for entry in entries:
        other = seen.setdefault((entry.target.casefold(), entry.is_letter), entry.source)
        if other.casefold() != entry.source.casefold():
            return Failure("argument-ambiguous", f"'{other}' and '{entry.source}' both became '{entry.target}'")
    return None


def conflict(source: Prompt, made: Prompt, without: tuple[str, ...] = ()) -> Failure | None:
    """Find what translation made impossible: a text that the answer must hold, and that another instruction rules out.

    Rows that excluded themselves in the source stay, as they are in every published set. Arguments named `without` are
    not looked at.
    """
    wanted = [
        (name, before, after)
        for (name, before), (_, after) in zip(text_arguments(source), text_arguments(made), strict=True)
        if name in _WANTED and name not in without
    ]
    for old, new in zip(_prohibitions(source), _prohibitions(made), strict=True):
        for name, before, after in wanted:
            if new.rules_out(after) and not old.rules_out(before):
                return Failure("argument-conflict", f"{name} '{after:.60}' against {new.detail}")
    return None


@dataclass(frozen=True)
class _Prohibition:
    """A pattern that may stand in an answer less than `fewer` times."""

    pattern: str
    fewer: float
    detail: str

    def rules_out(self, text: str) -> bool:
        return len(re.findall(self.pattern, text, re.IGNORECASE)) >= max(self.fewer, 1)


def _prohibitions(prompt: Prompt) -> Iterator[_Prohibition]:
    for instruction, arguments in zip(prompt.instruction_ids, prompt.arguments, strict=True):
        if instruction == "punctuation:no_comma":
            yield _Prohibition(",", 1, "no commas")
        for word in _list(arguments.get("forbidden_words")):
            yield _Prohibition(rf"\b{re.escape(word)}\b", 1, f"forbidden '{word:.60}'")
        for name, count, relation in _COUNTED:
            text, number = arguments.get(name), arguments.get(count)
            if isinstance(text, str) and isinstance(number, int | float) and arguments.get(relation) == "less than":
                yield _Prohibition(re.escape(text), number, f"'{text:.60}' less than {number:g} times")


def _list(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list | tuple) else []


def lost_argument(source: Prompt, translated: Prompt) -> Failure | None:
    """Find a text argument that its prompt does not hold: nobody could follow it."""
    for (name, before), (_, after) in zip(text_arguments(source), text_arguments(translated), strict=True):
        there = _has_letter if name == LETTER and _has_letter(source.text, before) else _contains
        if not there(translated.text, after):
            hint = "" if there(source.text, before) else "; the source's prompt did not hold it, either"
            return Failure("argument-lost", f"{name} '{after:.60}' (for '{before:.60}') is not in the prompt{hint}")
    return None


def _contains(text: str, part: str) -> bool:
    return part.casefold() in text.casefold()


def _has_letter(text: str, letter: str) -> bool:
    """Find a letter that stands alone."""
    return re.search(rf"(?<!\w){re.escape(letter)}(?!\w)", text, re.IGNORECASE) is not None


def lost_literal(source: Prompt, translated: Prompt) -> Failure | None:
    """Find a `<<title>>`, `[placeholder]`, `***`, P.S. or quotation mark of the source that the prompt does not hold."""
    for literal in (*fixed_literals(source), *(['"'] if '"' in source.text else [])):
        if literal not in translated.text:
            return Failure("literal-lost", f"{literal} is not in the prompt")
    return None
