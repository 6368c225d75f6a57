"""Compares a pack with a native text: its script, its letters, its length beside English, and who takes it for what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kielo.languages.scripts import script_names
from kielo.packs.draft import letter_pairs
from kielo.packs.facts import LEAST_SHARE
from kielo.packs.findings import Finding, Opened
from kielo.packs.text import Text, Told, length_ratio, letter_shares, quotation_marks, script_counts, told

LETTERS = "ifeval.letters"
"""The key of the letters' shares, which nobody but a text knows."""
_OFTEN = 0.25
"""Of 100 letters: what a text holds as often is a letter of its language (c in FLORES-200's Faroese, in names alone: 0.17)."""
_SEVERAL = 3
_RATIO_APART = 0.05
_MOSTLY = 0.5
"""Of a text's lines: an identifier that takes fewer for the language does not know it, or the text is in another."""


def against_text(opened: Opened, text: Text) -> Iterator[Finding]:
    """Find where the pack and a text of the language do not agree."""
    pack = opened.pack
    counts = script_counts(" ".join(text.lines))
    own = sum(count for name, count in counts.items() if name in script_names(pack.script))
    if own < LEAST_SHARE * counts.total():
        other = counts.most_common(1)[0][0].title()
        yield opened.finding(
            "error", "script", f"{own / counts.total():.0%} of the letters of {text.file} are {pack.script}, most are {other}",
            f"write {other}, or give a text of the language",
        )  # fmt: skip
        return
    told_as = told(text, pack)
    yield from _letters(opened, text, all(each.share < _MOSTLY for each in told_as.values()) and bool(told_as))
    yield from _quotes(opened, text)
    ratio = length_ratio(text)
    if ratio is not None and abs(ratio / pack.length_ratio - 1) > _RATIO_APART:
        yield opened.finding(
            "todo", "length_ratio", f"{pack.length_ratio}, and the texts say {ratio}", f"write {ratio}"
        )
    yield from _identifiers(opened, text, told_as)


def _letters(opened: Opened, text: Text, is_foreign: bool) -> Iterator[Finding]:
    alphabet = set("".join(str(opened.pack.ifeval.get("alphabet") or "").split()))
    shares = letter_shares(text)
    lacking = [letter for letter, share in shares.items() if share >= _OFTEN and letter not in alphabet]
    if alphabet and lacking:
        yield opened.finding(
            "todo", "ifeval.alphabet", f"lacks {', '.join(lacking)}, which the text holds often", "put them there, unless they are no letters of their own"
        )  # fmt: skip
    if not opened.pack.ifeval.get("letters") and not is_foreign:
        yield opened.finding(
            "todo", LETTERS, "missing, and the text has them", f"write letters: {{{', '.join(letter_pairs(shares))}}}"
        )


def _quotes(opened: Opened, text: Text) -> Iterator[Finding]:
    known = {"".join(map(str, pair)) for pair in (opened.pack.quotes, *opened.pack.ifeval.get("quotes", ()))}
    for pair, lines in quotation_marks(text).items():
        if pair not in known and lines >= _SEVERAL:
            problem = f"lack {pair[0]} {pair[1]}, which quotes something in {lines} lines of the text"
            yield opened.finding("todo", "ifeval.quotes", problem, "put the pair there")


def _identifiers(opened: Opened, text: Text, told_as: Mapping[str, Told]) -> Iterator[Finding]:
    for name, found in told_as.items():
        taken = f", most others for '{found.mistaken_for}'" if found.mistaken_for else ""
        said = opened.pack.identified.get(name)
        problem = f"{name} takes {found.share:.1%} of {text.file.name}'s lines for {opened.pack.name}{taken}"
        if found.share < _MOSTLY:
            yield opened.finding(
                "todo", f"identified.{name}", problem, f"see that the text is in {opened.pack.name}; if it is, tell the language by another identifier"
            )  # fmt: skip
        elif said is None or abs(said - found.share) > _RATIO_APART:
            written = f"{name}: {found.share}"
            fix = f"write {written}" if opened.pack.identified else f"write identified: {{{written}}}"
            yield opened.finding("todo", f"identified.{name}", problem, fix)
        else:
            yield opened.finding("note", f"identified.{name}", problem, "nothing to do")
