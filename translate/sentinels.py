"""How sentinels are written: the styles among which the start-up probe chooses the one that a model copies best."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVW"
"""The digits of sentinels written as words; without X, which ends them."""


@dataclass(frozen=True)
class Style:
    """A way to write sentinels: `before`, a number, `after`.

    `found` matches a sentinel, also one with harmless damage (blanks, full-width forms), and groups its number.
    `torn` matches what is left of one. A text that holds either by itself has it protected, so they never collide.
    """

    name: str
    before: str
    after: str
    found: re.Pattern[str]
    torn: re.Pattern[str]
    hint: str
    """Characters; whatever `found` or `torn` match holds one of them."""
    as_word: bool = False

    def sentinel(self, number: int) -> str:
        """Write the sentinel of a number, from 1 on."""
        return f"{self.before}{_as_letters(number) if self.as_word else number}{self.after}"

    def number(self, match: re.Match[str]) -> int:
        """Read the number of a sentinel that `found` matched."""
        written = match.group(match.lastindex or 0)
        return _from_letters(written.upper()) if self.as_word else int(written)

    def may_stand_in(self, text: str) -> bool:
        """Tell quickly whether a text can hold a sentinel of this style at all."""
        return any(character in text for character in self.hint)

    @cached_property
    def look_alike(self) -> re.Pattern[str]:
        """What would be taken for a sentinel, or for a part of one, if a text held it by itself."""
        return re.compile(f"{self.found.pattern}|{self.torn.pattern}")


def _as_letters(number: int) -> str:
    written = ""
    while number:
        number, digit = divmod(number - 1, len(_LETTERS))
        written = _LETTERS[digit] + written
    return written


def _from_letters(written: str) -> int:
    number = 0
    for letter in written:
        number = number * len(_LETTERS) + _LETTERS.index(letter) + 1
    return number


def _style(name: str, before: str, after: str, found: str, torn: str, hint: str, as_word: bool = False) -> Style:
    return Style(name, before, after, re.compile(found), re.compile(torn), hint, as_word)


# \d takes the digits of every script.
STYLES: Mapping[str, Style] = {
    style.name: style
    for style in (
        _style("brackets", "⟦", "⟧", r"[⟦〚【]\s{0,2}(\d{1,9})\s{0,2}[⟧〛】]", r"[⟦⟧〚〛]+", "⟦⟧〚〛【"),
        _style(
            "tags",
            "<x",
            "/>",
            r"[<＜]\s?[xX]\s?(\d{1,9})\s?(?:>\s?</\s?[xX]\s?\1\s?>|[/／]?\s?[>＞])",
            r"[<＜]\s?[/／]?\s?[xX]\s?\d|\d\s?[/／]\s?[>＞]",
            "<＜>＞",
        ),
        _style(
            "double-brackets",
            "[[",
            "]]",
            r"[\[［]\s?[\[［]\s?(\d{1,9})\s?[\]］]\s?[\]］]",
            r"[\[［]\s?[\[［]\s?\d|\d\s?[\]］]\s?[\]］]",
            "[［]］",
        ),
        _style("words", "KX", "X", r"KX([A-W]{1,7})X|[Kk]x([a-w]{1,7})x", r"KX[A-W]{0,7}", "Kk", as_word=True),
    )
}
BRACKETS = STYLES["brackets"]
