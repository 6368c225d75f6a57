"""What the instructions of one IFEval prompt ask for together, laid out so that the linter can reason about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eval.ifeval.checkers import Context, Values
from eval.ifeval.registry import RESPONSE_LANGUAGE
from eval.ifeval.rules import LanguageRules
from eval.ifeval.unicode_words import count_letter, count_words

CASE_CHECKS = ("change_case:english_capital", "change_case:english_lowercase")
Quantity = tuple[str, str]
"""What is counted, and of what: ("words", ""), ("letter", "q"), ("keyword", "dog")."""


@dataclass(frozen=True)
class Limit:
    """A count that must be at least `low` and below `high` (None: no bound)."""

    quantity: Quantity
    low: int
    high: int | None
    instruction: str


@dataclass(frozen=True)
class Required:
    """A text that every right answer holds: anywhere, at its start, or at its end."""

    text: str
    argument: str
    instruction: str
    place: str = "anywhere"
    exact_case: bool = False


@dataclass
class Demands:
    """The instructions of a prompt, sorted by what they ask."""

    limits: list[Limit] = field(default_factory=list)
    required: list[Required] = field(default_factory=list)
    forbidden: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    first_words: list[tuple[int, int, str]] = field(default_factory=list)
    """(paragraphs, which of them, its first word)."""
    sections: list[tuple[str, int]] = field(default_factory=list)
    options: tuple[str, ...] = ()
    """Sentences one of which must be in the answer."""
    marks: set[str] = field(default_factory=set)
    """What is asked without arguments: comma, lower, upper, json, quoted, title, two."""

    def low(self, name: str, of: str = "") -> int:
        """Give the highest lower bound of a quantity."""
        return max((limit.low for limit in self.limits if limit.quantity == (name, of)), default=0)

    def high(self, name: str, of: str = "") -> int | None:
        """Give the lowest upper bound of a quantity, itself excluded."""
        return min((limit.high for limit in self.limits_of(name, of) if limit.high is not None), default=None)

    def limits_of(self, name: str, of: str = "") -> list[Limit]:
        """List the limits of a quantity."""
        return [limit for limit in self.limits if limit.quantity == (name, of)]


def read_demands(instructions: Iterable[tuple[str, Values]], rules: LanguageRules, mode: str = "compat") -> Demands:
    """Sort checked instructions, (id, values) each; ids that are not IFEval's ask for nothing here."""
    demands = Demands()
    for instruction, values in instructions:
        if instruction in CASE_CHECKS and mode == "compat":
            demands.languages.append(rules.case_language)
        if instruction == "detectable_format:constrained_response":
            demands.options = rules.constrained_options
        if instruction in _MARKS:
            demands.marks.add(_MARKS[instruction])
        if instruction in _READERS:
            _READERS[instruction](demands, instruction, values)
    return demands


_MARKS: Mapping[str, str] = {
    "punctuation:no_comma": "no comma", "change_case:english_lowercase": "lower", "change_case:english_capital": "upper",
    "detectable_format:json_format": "json", "startend:quotation": "quoted", "detectable_format:title": "title",
    "combination:two_responses": "two",
}  # fmt: skip


def _counted(name: str, count: str, relation: str, of: str | None = None) -> Callable[[Demands, str, Values], None]:
    """Read a count that a relation makes a lower or an upper bound."""

    def read(demands: Demands, instruction: str, values: Values) -> None:
        less, number = values[relation] == "less than", values[count]
        what = values[of].strip() if of else ""
        quantity = (name, what.lower() if name == "letter" else what)
        low, high = (0, number) if less else (number, None)
        demands.limits.append(Limit(quantity, low, high, instruction))

    return read


def _exactly(name: str, count: str) -> Callable[[Demands, str, Values], None]:
    return lambda demands, instruction, values: demands.limits.append(
        Limit((name, ""), values[count], values[count] + 1, instruction)
    )


def _at_least(name: str, count: str) -> Callable[[Demands, str, Values], None]:
    return lambda demands, instruction, values: demands.limits.append(
        Limit((name, ""), values[count], None, instruction)
    )


def _holds(argument: str, place: str) -> Callable[[Demands, str, Values], None]:
    return lambda demands, instruction, values: demands.required.extend(
        Required(text.strip(), argument, instruction, place) for text in _texts(values[argument])
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _sections(demands: Demands, instruction: str, values: Values) -> None:
    splitter = values["section_spliter"].strip()
    demands.sections.append((splitter, values["num_sections"]))
    demands.required.append(Required(splitter, "section_spliter", instruction, exact_case=True))


def _first_word(demands: Demands, instruction: str, values: Values) -> None:
    demands.first_words.append((values["num_paragraphs"], values["nth_paragraph"], values["first_word"]))
    demands.required.append(Required(values["first_word"], "first_word", instruction))


_READERS: Mapping[str, Callable[[Demands, str, Values], None]] = {
    "keywords:existence": _holds("keywords", "anywhere"),
    "keywords:frequency": _counted("keyword", "frequency", "relation", "keyword"),
    "keywords:forbidden_words": lambda demands, _, values: demands.forbidden.extend(values["forbidden_words"]),
    "keywords:letter_frequency": _counted("letter", "let_frequency", "let_relation", "letter"),
    RESPONSE_LANGUAGE: lambda demands, _, values: demands.languages.append(values["language"]),
    "length_constraints:number_sentences": _counted("sentences", "num_sentences", "relation"),
    "length_constraints:number_words": _counted("words", "num_words", "relation"),
    "length_constraints:number_paragraphs": _exactly("paragraphs", "num_paragraphs"),
    "length_constraints:nth_paragraph_first_word": _first_word,
    "detectable_content:number_placeholders": _at_least("placeholders", "num_placeholders"),
    "detectable_content:postscript": _holds("postscript_marker", "anywhere"),
    "detectable_format:number_bullet_lists": _exactly("bullets", "num_bullets"),
    "detectable_format:number_highlighted_sections": _at_least("highlights", "num_highlights"),
    "detectable_format:multiple_sections": _sections,
    "combination:repeat_prompt": _holds("prompt_to_repeat", "start"),
    "startend:end_checker": _holds("end_phrase", "end"),
    "change_case:capital_word_frequency": _counted("capitals", "capital_frequency", "capital_relation"),
}


def measure(quantity: Quantity, text: str, context: Context) -> int:
    """Count a quantity in a text as the checkers of the context's mode do; 0 for those that only a layout has, such as bullets."""
    name, of = quantity
    match name:
        case "words":
            return len(re.findall(r"\w+", text)) if context.matcher is None else count_words(text, context.rules)
        case "sentences":
            return context.tokenizer.count_sentences(text)
        case "capitals":
            return context.tokenizer.count_capitals(text)
        case "letter":
            return text.lower().count(of) if context.matcher is None else count_letter(of, text, context.rules)
        case "keyword":
            return len(re.findall(of, text, re.IGNORECASE)) if context.matcher is None else context.matcher(of, text)
        case _:
            return 0


def has_word(word: str, text: str, context: Context) -> bool:
    """Tell whether a forbidden word is in a text: to compat a regular expression that stands alone, to fair mode any form of it."""
    if context.matcher:
        return context.matcher(word, text) > 0
    return re.search(rf"\b{word}\b", text, re.IGNORECASE) is not None
