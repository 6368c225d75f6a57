"""Where the two scoring modes disagree on an instruction, and why: what a reader of a scores file needs to trust either."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from eval.ifeval.checkers import Context, Values
from eval.ifeval.demands import CASE_CHECKS, measure
from eval.ifeval.registry import RESPONSE_LANGUAGE, Mode
from eval.ifeval.rules import LanguageRules
from kielo.languages.detection import detect_language
from kielo.records import Prompt

_COUNTED: Mapping[str, tuple[str, str | None]] = {
    "keywords:frequency": ("keyword", "keyword"), "keywords:letter_frequency": ("letter", "letter"),
    "length_constraints:number_sentences": ("sentences", None), "length_constraints:number_words": ("words", None),
    "change_case:capital_word_frequency": ("capitals", None),
}  # fmt: skip
_FAIR_ONLY: Mapping[str, str] = {
    "keywords:existence": "a keyword is there in an inflected form",
    "keywords:forbidden_words": "compat reads a forbidden word as a regular expression or inside a joined word",
    "length_constraints:nth_paragraph_first_word": "the first word stands behind quotation marks or markup, or blanks surround the paragraphs",
    "detectable_content:postscript": "the postscript has a marker of the language",
    "detectable_format:number_bullet_lists": "bullets of other shapes, or lines that are no bullets to Markdown",
    "detectable_format:constrained_response": "the fixed answer is there but for its case, marks or quotation",
    "detectable_format:multiple_sections": "the section word is there in another case or after its number",
    "detectable_format:title": "the title stands in angle quotation marks",
    "combination:repeat_prompt": "the request is repeated but for blanks, markup or kinds of quotation marks",
    "startend:end_checker": "the end phrase is there but for closing marks",
    "startend:quotation": "quotation marks of the language",
}
_COMPAT_ONLY: Mapping[str, str] = {
    "keywords:existence": "a keyword is there inside another word only",
    "keywords:forbidden_words": "a forbidden word is there in an inflected form",
    "length_constraints:nth_paragraph_first_word": "blank lines between paragraphs were counted otherwise",
    "detectable_content:postscript": "the marker is inside a word, or read as a regular expression",
    "detectable_format:number_bullet_lists": "bullets of other shapes, or lines that are no bullets to Markdown",
    "detectable_format:constrained_response": "the fixed answer is there inside a longer phrase only",
    "detectable_format:multiple_sections": "the section word is inside a word, or read as a regular expression",
    "detectable_format:title": "the title holds nothing but angle brackets and blanks",
    "combination:repeat_prompt": "the repeated request differs in its blanks or marks",
    "startend:end_checker": "the end phrase differs in its blanks or marks",
    "startend:quotation": "between the quotation marks there is nothing",
    "punctuation:no_comma": "a comma of another script",
}
_NO_CASE = "the script has no letter case, so nothing follows this"


def differences(
    prompt: Prompt, compat: Sequence[bool], fair: Sequence[bool], text: str, contexts: Mapping[Mode, Context]
) -> list[dict[str, Any]]:
    """List the instructions of a prompt that one mode alone takes for followed (strict), each with a short reason."""
    return [
        {
            "instruction": at, "compat": before, "fair": after,
            "why": _why(prompt.instruction_ids[at], prompt.arguments[at], after, text, contexts),
        }
        for at, (before, after) in enumerate(zip(compat, fair, strict=True))
        if before != after
    ]  # fmt: skip


def _why(name: str, kwargs: Values, fair: bool, text: str, contexts: Mapping[Mode, Context]) -> str:
    if name.startswith("change_case:") and not contexts["fair"].rules.cased:
        return _NO_CASE
    if name in CASE_CHECKS:
        wanted = contexts["compat"].rules.case_language
        found = detect_language(text) or "nothing to tell a language by"
        return (
            f"compat wants '{wanted}', and langdetect finds '{found}'" if fair else "case of letters without capitals"
        )
    if name == RESPONSE_LANGUAGE:
        return f"langdetect finds '{detect_language(text)}', the lines of the answer {'are' if fair else 'are not'} in '{kwargs['language']}'"
    if name in _COUNTED:
        quantity, of = _COUNTED[name]
        counts = {
            mode: _count((quantity, str(kwargs[of]) if of else ""), text, each) for mode, each in contexts.items()
        }
        return f"{quantity}: compat counts {counts['compat']}, fair {counts['fair']}"
    return (_FAIR_ONLY if fair else _COMPAT_ONLY)[name]


def _count(quantity: tuple[str, str], text: str, context: Context) -> int:
    name, of = quantity
    return measure((name, of.strip().lower() if name == "letter" else of.strip()), text, context)


def meaningless(prompts: Sequence[Prompt], rules: LanguageRules) -> dict[str, int]:
    """Count by type the instructions that mean nothing in the language's script; in fair mode no answer follows them."""
    names = (name for prompt in prompts for name in prompt.instruction_ids)
    return {} if rules.cased else dict(sorted(Counter(n for n in names if n.startswith("change_case:")).items()))
