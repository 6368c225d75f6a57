"""Looks at `ifeval:` of a pack: whether the checkers can read it, and what of the language is still missing in it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from eval.ifeval.rules import POSTSCRIPTS, LanguageRules
from kielo.errors import RecipeError
from kielo.languages.detection import known_codes
from kielo.packs.facts import wrong_script
from kielo.packs.findings import Finding, Opened, unplaced
from kielo.packs.text import caseless
from translate.ifeval.letters import letter_shares

_OPTIONS = 3
_ANY = ("1", "2", "3")
_SUM_TOLERANCE = 1.5
"""Shares are rounded, and rare letters of other languages are left out."""


def ifeval_part(opened: Opened) -> Iterator[Finding]:
    """Look at the constants of the language's IFEval checkers."""
    part = opened.pack.ifeval
    if not part.get("constrained_options"):
        yield opened.finding(
            "error", "ifeval.constrained_options", "the fixed answers are missing",
            'write how a speaker says "My answer is yes.", "My answer is no." and "My answer is maybe."',
        )  # fmt: skip
        part = {**part, "constrained_options": _ANY}  # so that the rest is looked at, too
    try:
        rules = LanguageRules.from_pack(opened.pack.code, part)
        shares = letter_shares(opened.pack)
    except RecipeError as error:
        said = unplaced(error, opened.path).removeprefix(f"language pack '{opened.pack.code}': ")
        yield opened.finding("error", "ifeval", said, "mend it as docs/ifeval.md says")
        return
    yield from _answers(opened, rules)
    yield from _case(opened, rules)
    yield from _marks(opened, rules)
    yield from _letters(opened, rules, shares)


def _answers(opened: Opened, rules: LanguageRules) -> Iterator[Finding]:
    options, key = rules.constrained_options, "ifeval.constrained_options"
    if len(options) != _OPTIONS or len(set(options)) != len(options):
        yield opened.finding("error", key, f"{len(set(options))} different answers", "write three: yes, no, maybe")
    yield from wrong_script(opened, key, " ".join(options))
    if rules.case_language not in known_codes():
        yield opened.finding(
            "error", "ifeval.case_language", f"langdetect, which compat mode asks, has no '{rules.case_language}'", "write en, as lm-evaluation-harness has it"
        )  # fmt: skip


def _case(opened: Opened, rules: LanguageRules) -> Iterator[Finding]:
    if rules.cased == caseless(opened.pack.native_name):
        right = "cased" if not rules.cased else "caseless"
        yield opened.finding(
            "error", "ifeval.case", f"{opened.pack.script} letters are {right}", f"write case: {right}"
        )


def _marks(opened: Opened, rules: LanguageRules) -> Iterator[Finding]:
    if opened.pack.quotes not in rules.quotes:
        yield opened.finding(
            "error", "ifeval.quotes", f"lack the pack's own pair {' '.join(opened.pack.quotes)}", "put it there, too"
        )
    if not rules.section_words:
        yield opened.finding(
            "todo", "ifeval.section_words", "none: multiple_sections takes the prompt's own word alone", "write groups of words for a section"
        )  # fmt: skip
    if set(rules.postscript_markers) <= set(POSTSCRIPTS):
        yield opened.finding(
            "todo", "ifeval.postscript_markers", "none of the language", "put its own beside P.S., or leave it where P.S. is all there is"
        )  # fmt: skip
    if not rules.abbreviations:
        yield opened.finding(
            "todo", "ifeval.abbreviations", "none: a full stop after one counts as a sentence's end", "list those that end no sentence"
        )  # fmt: skip
    if rules.matcher.kind == "exact":
        yield opened.finding(
            "todo", "ifeval.matcher", "none: a keyword counts only in the form that the prompt has", "write stems and endings (docs/ifeval.md)"
        )  # fmt: skip
    yield from wrong_script(
        opened, "ifeval.section_words", " ".join(word for same in rules.section_words for word in same)
    )


def _counted(letter: str, alphabet: str) -> bool:
    """Tell whether a letter counts by itself or, with its diacritic off, as its base letter."""
    return letter in alphabet or unicodedata.normalize("NFD", letter)[0] in alphabet


def _letters(opened: Opened, rules: LanguageRules, known: Mapping[str, float]) -> Iterator[Finding]:
    if not rules.alphabet:
        yield opened.finding(
            "todo", "ifeval.alphabet", "missing: every letter counts as itself", "write the small letters"
        )
    yield from wrong_script(opened, "ifeval.alphabet", rules.alphabet)
    if not known:
        yield opened.finding(
            "todo", "ifeval.letters", "missing: prompts that count letters keep the English letter", "give `check` a native text (--text), which measures them"
        )  # fmt: skip
        return
    if rules.alphabet and (other := sorted(letter for letter in known if not _counted(letter, rules.alphabet))):
        yield opened.finding(
            "todo",
            "ifeval.letters",
            f"{', '.join(other)} are in no alphabet",
            "put them into ifeval.alphabet, or take them out",
        )
    total = sum(known.values())
    if abs(total - 100) > _SUM_TOLERANCE:
        yield opened.finding("error", "ifeval.letters", f"add up to {total:.1f} of 100 letters", "count them again")
