"""What can be wrong with one row of a localised IFEval set, a rule each; every rule yields what it found and stops nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from eval.ifeval.checkers import Values
from eval.ifeval.demands import CASE_CHECKS
from eval.ifeval.registry import RESPONSE_LANGUAGE
from eval.ifeval.rules import LanguageRules
from kielo.languages.detection import known_codes
from kielo.records import Prompt

Severity = Literal["error", "warning"]
LITERAL_ARGUMENTS = (
    "keywords", "forbidden_words", "keyword", "letter", "end_phrase", "postscript_marker", "section_spliter",
    "first_word", "prompt_to_repeat",
)  # fmt: skip
"""The nine argument keys whose texts a prompt spells out; in the English original every one does (282 of 282)."""
CONSTRAINED = "detectable_format:constrained_response"
LETTER_TEXT = 5000
"""Letters of a long answer (about 900 English words); what needs more of them to count up to its letter is hard by accident."""

_SOURCE_LITERALS: Mapping[str, re.Pattern[str]] = {
    "<<title>>": re.compile(r"<<[^\n<>]{1,60}>>"),
    "[placeholder]": re.compile(r"\[[^\[\]\n'\"“”]{1,40}\](?!\()"),
    "******": re.compile(r"(?<!\*)\*{6}(?!\*)"),
    "***": re.compile(r"(?<!\*)\*{3}(?!\*)"),
    "P.S. or P.P.S": re.compile(r"\bP\.\s?(?:P\.\s?)?S\b"),
    '"': re.compile('"'),
}


@dataclass(frozen=True)
class Finding:
    """Something wrong with a row; an error breaks scoring or makes an instruction impossible, a warning weakens it."""

    check: str
    instruction: str
    argument: str
    detail: str
    severity: Severity


@dataclass(frozen=True)
class Row:
    """A prompt with those of its instructions that the scorer can read, as (id, checked values)."""

    prompt: Prompt
    instructions: tuple[tuple[str, Values], ...]


def literal_arguments(prompt: Prompt) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield (instruction, argument, texts) of every text argument that a prompt must spell out."""
    for instruction, arguments in zip(prompt.instruction_ids, prompt.arguments, strict=False):
        for name in LITERAL_ARGUMENTS:
            if arguments.get(name):
                yield instruction, name, _texts(arguments[name])


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)


def missing_literals(prompt: Prompt) -> Iterator[Finding]:
    """Find text arguments that the prompt does not spell out, in any case: a model cannot know what is checked."""
    text = prompt.text.casefold()
    for instruction, name, texts in literal_arguments(prompt):
        missing = [each for each in texts if each.casefold() not in text]
        if missing:
            near = any(_loose(each) in _loose(prompt.text) for each in missing)
            hint = "; it differs in blanks or punctuation alone" if near else ""
            what = ", ".join(f"'{each:.60}'" for each in missing)
            yield Finding("literal-missing", instruction, name, f"{what} is not in the prompt{hint}", "error")


def _loose(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def letters(row: Row, shares: Mapping[str, float]) -> Iterator[Finding]:
    """Find letters that the language hardly or never writes, and bounds that every answer or none keeps."""
    for instruction, values in row.instructions:
        if "letter" not in values:
            continue
        letter, relation, count = values["letter"].lower(), values["let_relation"], values["let_frequency"]
        asked = f"'{letter}' {relation} {count}"
        at_least = relation == "at least"
        if at_least and count == 0:
            yield Finding("letter-trivial", instruction, "let_frequency", f"{asked}: always true", "warning")
        if not shares or not letter.isalpha():
            continue
        share = shares.get(letter)
        if share is None and at_least and count:
            yield Finding(
                "letter-impossible", instruction, "letter", f"{asked}, and the language has no such letter", "error"
            )
        elif share is None or (not at_least and share * LETTER_TEXT / 100 < min(count, 1)):
            yield Finding(
                "letter-trivial", instruction, "letter", f"{asked}: the language does not write it", "warning"
            )
        elif at_least and 100 * count > share * LETTER_TEXT:
            needed = f"about {100 * count / share:,.0f} letters of usual text" if share else "more text than there is"
            yield Finding("letter-rare", instruction, "letter", f"{asked} takes {needed}", "warning")


def english_only(row: Row, rules: LanguageRules) -> Iterator[Finding]:
    """Find checks that still demand English."""
    for instruction, _ in row.instructions:
        if instruction in CASE_CHECKS and rules.case_language != rules.language:
            detail = f"the checker takes only answers in '{rules.case_language}'"
            yield Finding("english-only", instruction, "", detail, "warning")


def missing_options(row: Row, rules: LanguageRules) -> Iterator[Finding]:
    """Find fixed answers that the prompt does not offer."""
    for instruction, _ in row.instructions:
        if instruction == CONSTRAINED:
            missing = [each for each in rules.constrained_options if not _offers(row.prompt.text, each)]
            if missing:
                detail = f"the prompt does not offer '{missing[0]}', which the checker takes in '{rules.language}'"
                yield Finding("english-options", instruction, "", detail, "error")


def without_case(row: Row, rules: LanguageRules) -> Iterator[Finding]:
    """Find instructions about letter case in a script that has none."""
    for instruction, _ in row.instructions:
        if instruction.startswith("change_case:") and not rules.cased:
            detail = f"'{rules.language}' is written without letter case: the instruction means nothing"
            yield Finding("without-case", instruction, "", detail, "error")


def _offers(prompt: str, option: str) -> bool:
    return option.rstrip(".").casefold() in prompt.casefold()


def unknown_languages(row: Row, compat: bool = True) -> Iterator[Finding]:
    """Find response languages that a mode never tells: compat's detector knows 55, by ISO 639-1 (cs, not cz)."""
    for instruction, values in row.instructions:
        if instruction == RESPONSE_LANGUAGE and not _told(values["language"], compat):
            teller = "langdetect names no" if compat else "the identifier knows no"
            detail = f"{teller} language '{values['language']}', so no answer is ever in it"
            yield Finding("language-unknown", instruction, "language", detail, "error")


def _told(code: str, compat: bool) -> bool:
    if compat:
        return code in known_codes()
    from eval.ifeval.asked_language import is_known  # identifiers take a moment to load

    return is_known(code)


def markers(row: Row) -> Iterator[Finding]:
    """Find postscript markers that the checker takes for a regular expression: it knows P.S. and P.P.S alone."""
    for instruction, values in row.instructions:
        marker = values.get("postscript_marker", "P.S.").strip()
        if marker not in ("P.S.", "P.P.S"):
            detail = f"'{marker}' is neither P.S. nor P.P.S: the checker takes it for a regular expression"
            yield Finding("postscript-marker", instruction, "postscript_marker", detail, "warning")


def unicode_form(prompt: Prompt) -> Iterator[Finding]:
    """Find arguments in another Unicode form than models write (NFC): they match no answer."""
    for instruction, name, texts in literal_arguments(prompt):
        for text in texts:
            if text != unicodedata.normalize("NFC", text):
                yield Finding("unicode-form", instruction, name, f"'{text:.60}' is not in Unicode form NFC", "error")


def against_source(prompt: Prompt, source: Prompt) -> Iterator[Finding]:
    """Find literals that the source's prompt has and this one lost, instructions that differ, and no translation at all."""
    if prompt.text == source.text and prompt.language != source.language:
        yield Finding("untranslated", "", "", "the prompt is the source's, word by word", "warning")
    for name, pattern in _SOURCE_LITERALS.items():
        before, after = len(pattern.findall(source.text)), len(pattern.findall(prompt.text))
        if before and not after:
            yield Finding(
                "literal-lost", "", "", f"{name} is in the source's prompt ({before} times), not here", "warning"
            )
        elif name == "[placeholder]" and after < before:
            yield Finding("literal-lost", "", "", f"{before} of {name} in the source's prompt, {after} here", "warning")
    if _sorted(prompt.instruction_ids) != _sorted(source.instruction_ids):
        gone = ", ".join(_sorted(set(source.instruction_ids) - set(prompt.instruction_ids))) or "none"
        new = ", ".join(_sorted(set(prompt.instruction_ids) - set(source.instruction_ids))) or "none"
        detail = f"the source's {gone} became {new}: scores cannot be compared"
        yield Finding("instructions-changed", "", "", detail, "warning")


def _sorted(names: Sequence[str] | set[str]) -> list[str]:
    return sorted(names)
