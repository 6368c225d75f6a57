"""Which kinds of instructions can be asked in a language, and why the others cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval.ifeval.demands import CASE_CHECKS
from eval.ifeval.registry import COMPAT, RESPONSE_LANGUAGE
from eval.ifeval.rules import LanguageRules
from eval.make_prompts.combinations import CASES
from eval.make_prompts.templates import CONSTRAINED, REPEAT, Templates
from kielo.errors import UsageError
from kielo.languages.pack import Language

WORD_COUNT = "length_constraints:number_words"


def kinds(
    pack: Language,
    rules: LanguageRules,
    templates: Templates,
    modes: Sequence[str],
    titled: bool,
    wanted: Sequence[str] = (),
) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """List the kinds to ask, of those `wanted` (all of IFEval where empty), and of the others why not.

    `titled` says whether a document has a title, which a request to be repeated needs.

    Raises:
        UsageError: a wanted one is none of IFEval's, or none is left.
    """
    for name in wanted:
        if name not in COMPAT:
            raise UsageError(f"--types: IFEval has no instruction '{name}'; one is '{next(iter(COMPAT))}'.")
    reasons = {name: _why_not(name, pack, rules, templates, modes) for name in (wanted or COMPAT)}
    if REPEAT in reasons and not titled:
        reasons[REPEAT] = "no document has a title"
    left_out = {name: reason for name, reason in reasons.items() if reason}
    asked = tuple(sorted(set(reasons) - set(left_out)))
    if not asked:
        raise UsageError(f"no kind of instruction is left: {'; '.join(f'{k}: {v}' for k, v in left_out.items())}.")
    return asked, left_out


def _why_not(name: str, pack: Language, rules: LanguageRules, templates: Templates, modes: Sequence[str]) -> str | None:
    unusable: Mapping[str, str] = pack.ifeval.get("unusable", {})
    if name == RESPONSE_LANGUAGE:
        return "asks for another language"
    if name in unusable:
        return unusable[name]
    if name in CASES and not rules.cased:
        return f"{pack.name} is written without capitals"
    if not templates.instructions.get(name):
        return f"no phrasing in {templates.path.name}"
    if name == CONSTRAINED and not templates.choices:
        return f"no choices in {templates.path.name}"
    if name == "startend:end_checker" and not templates.end_phrases:
        return f"no end_phrases in {templates.path.name}"
    if name == "detectable_format:multiple_sections" and not rules.section_words:
        return f"no ifeval.section_words in the pack of {pack.name}"
    if "compat" not in modes:
        return None
    if name in CASE_CHECKS and rules.case_language != pack.langdetect:
        return f"compat mode takes only answers in '{rules.case_language}' (--for fair asks it)"
    if name == WORD_COUNT and rules.letters_per_word:
        return "compat mode cannot count words in a script without spaces (--for fair asks it)"
    return None
