"""Instruction id -> its checker and the arguments it takes, per scoring mode, and what the checkers of a mode stand on."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args

from eval.ifeval import checkers, fair
from eval.ifeval.arguments import Kind
from eval.ifeval.checkers import Context, Values
from eval.ifeval.matchers import open_matcher
from eval.ifeval.rules import LanguageRules
from eval.ifeval.unicode_words import sentence_counter, words
from eval.ifeval.words import Tokenizer, choose_tokenizer, count_capitals
from kielo.errors import SourceError, UsageError

if TYPE_CHECKING:  # loading identifiers takes a moment
    from eval.response_language import Identifier

Checker = Callable[[str, Values, Context], bool]
Mode = Literal["compat", "fair"]
MODES: tuple[Mode, ...] = get_args(Mode)
RESPONSE_LANGUAGE = "language:response_language"
LONG_TEXT, MOST_MARKS = 20_000, 30  # characters; marks on one letter (UAX #15, stream-safe text)


@dataclass(frozen=True)
class Instruction:
    """One kind of instruction: its checker and the kinds of its arguments."""

    check: Checker
    fields: Mapping[str, Kind] = field(default_factory=dict)


COMPAT: Mapping[str, Instruction] = {
    "keywords:existence": Instruction(checkers.keywords_exist, {"keywords": "patterns"}),
    "keywords:frequency": Instruction(
        checkers.keyword_frequency, {"keyword": "pattern", "frequency": "count", "relation": "relation"}
    ),
    "keywords:forbidden_words": Instruction(checkers.forbidden_words, {"forbidden_words": "patterns"}),
    "keywords:letter_frequency": Instruction(
        checkers.letter_frequency, {"letter": "letter", "let_frequency": "count", "let_relation": "relation"}
    ),
    RESPONSE_LANGUAGE: Instruction(checkers.response_language, {"language": "text"}),
    "length_constraints:number_sentences": Instruction(
        checkers.number_sentences, {"num_sentences": "count", "relation": "relation"}
    ),
    "length_constraints:number_words": Instruction(
        checkers.number_words, {"num_words": "count", "relation": "relation"}
    ),
    "length_constraints:number_paragraphs": Instruction(checkers.number_paragraphs, {"num_paragraphs": "count"}),
    "length_constraints:nth_paragraph_first_word": Instruction(
        checkers.nth_paragraph_first_word,
        {"num_paragraphs": "count", "nth_paragraph": "count", "first_word": "text"},
    ),
    "detectable_content:number_placeholders": Instruction(checkers.number_placeholders, {"num_placeholders": "count"}),
    "detectable_content:postscript": Instruction(checkers.postscript, {"postscript_marker": "pattern"}),
    "detectable_format:number_bullet_lists": Instruction(checkers.number_bullet_lists, {"num_bullets": "count"}),
    "detectable_format:constrained_response": Instruction(checkers.constrained_response),
    "detectable_format:number_highlighted_sections": Instruction(
        checkers.number_highlighted_sections, {"num_highlights": "count"}
    ),
    "detectable_format:multiple_sections": Instruction(
        checkers.multiple_sections, {"section_spliter": "pattern", "num_sections": "count"}
    ),
    "detectable_format:json_format": Instruction(checkers.json_format),
    "detectable_format:title": Instruction(checkers.title),
    "combination:two_responses": Instruction(checkers.two_responses),
    "combination:repeat_prompt": Instruction(checkers.repeat_prompt, {"prompt_to_repeat": "text"}),
    "startend:end_checker": Instruction(checkers.end_checker, {"end_phrase": "text"}),
    "startend:quotation": Instruction(checkers.quotation),
    "change_case:capital_word_frequency": Instruction(
        checkers.capital_word_frequency, {"capital_frequency": "count", "capital_relation": "relation"}
    ),
    "change_case:english_capital": Instruction(checkers.all_capitals),
    "change_case:english_lowercase": Instruction(checkers.all_lowercase),
    "punctuation:no_comma": Instruction(checkers.no_comma),
}

_FAIR_CHECKS: Mapping[str, Checker] = {
    "keywords:existence": fair.keywords_exist,
    "keywords:frequency": fair.keyword_frequency,
    "keywords:forbidden_words": fair.forbidden_words,
    "keywords:letter_frequency": fair.letter_frequency,
    RESPONSE_LANGUAGE: fair.response_language,
    "length_constraints:number_sentences": fair.number_sentences,
    "length_constraints:number_words": fair.number_words,
    "length_constraints:nth_paragraph_first_word": fair.nth_paragraph_first_word,
    "detectable_content:postscript": fair.postscript,
    "detectable_format:number_bullet_lists": fair.number_bullet_lists,
    "detectable_format:constrained_response": fair.constrained_response,
    "detectable_format:multiple_sections": fair.multiple_sections,
    "detectable_format:title": fair.title,
    "combination:repeat_prompt": fair.repeat_prompt,
    "startend:end_checker": fair.end_checker,
    "startend:quotation": fair.quotation,
    "change_case:capital_word_frequency": fair.capital_word_frequency,
    "change_case:english_capital": fair.all_capitals,
    "change_case:english_lowercase": fair.all_lowercase,
    "punctuation:no_comma": fair.no_comma,
}


def _composed(check: Checker) -> Checker:
    """Let a checker see response and arguments in Unicode form NFC: the same letter may be written in two ways."""

    def checked(response: str, values: Values, context: Context) -> bool:
        return check(_nfc(response), {name: _nfc(value) for name, value in values.items()}, context)

    return checked


@lru_cache(maxsize=64)  # an answer and its loose variants come to the checkers of a prompt one after the other
def composed(text: str) -> str:
    """Give a text in Unicode form NFC."""
    return unicodedata.normalize("NFC", _thinned(text) if len(text) > LONG_TEXT else text)


def _thinned(text: str) -> str:
    """Drop marks piled on one letter beyond what any language writes: composing takes their number squared."""
    kept, pile = [], 0
    for char in text:
        pile = pile + 1 if unicodedata.combining(char) else 0
        if pile <= MOST_MARKS:
            kept.append(char)
    return "".join(kept)


def _nfc(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else composed(value)
    return tuple(map(_nfc, value)) if isinstance(value, tuple) else value


FAIR: Mapping[str, Instruction] = {
    name: Instruction(_composed(_FAIR_CHECKS.get(name, compat.check)), compat.fields) for name, compat in COMPAT.items()
}

_OF_MODE: Mapping[str, Mapping[str, Instruction]] = {"compat": COMPAT, "fair": FAIR}


def open_context(
    mode: str, rules: LanguageRules, sentences: str | None = None, identifier: Identifier | None = None
) -> Context:
    """Open what the checkers of a mode stand on; `sentences` asks compat's for "punkt" or "sentencex" (None: punkt if at hand).

    `identifier` tells languages apart in fair mode; None: the usual one.

    Raises:
        UsageError: there is no such mode or splitter.
        MissingExtraError: the language's pack names a lemmatiser that is not installed.
    """
    instructions(mode)
    if mode == "compat":
        return Context(rules, choose_tokenizer(rules.language, sentences))
    tokenizer = Tokenizer("sentencex", sentence_counter(rules), lambda text: count_capitals(words(text)))
    return Context(rules, tokenizer, open_matcher(rules), identifier)


def instructions(mode: str) -> Mapping[str, Instruction]:
    """Give the instructions of a scoring mode.

    Raises:
        UsageError: there is no such mode.
    """
    if mode not in _OF_MODE:
        raise UsageError(f"IFEval has no scoring mode '{mode}'; it has: {', '.join(MODES)}.")
    return _OF_MODE[mode]


def find_instruction(known: Mapping[str, Instruction], instruction_id: str, place: str) -> Instruction:
    """Look up an instruction id.

    Raises:
        SourceError: the id is unknown; the sentence names `place`.
    """
    if instruction_id not in known:
        raise SourceError(
            f"{place}: unknown instruction '{instruction_id}'; the {len(known)} of IFEval are known here."
        )
    return known[instruction_id]
