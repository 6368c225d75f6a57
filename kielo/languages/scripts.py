"""Which script a letter is written in, by its name in Unicode; checks of translations and of answers stand on it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache

_ALIASES = {"HAN": "CJK"}
_JAPANESE = ("CJK", "HIRAGANA", "KATAKANA")
# Scripts that texts mix with others, and what a pack may call such a mixture.
_TOGETHER: Mapping[str, tuple[str, ...]] = dict.fromkeys(("JAPANESE", "HIRAGANA", "KATAKANA"), _JAPANESE)
# Letters that Unicode names after what they are, not after a script.
_SIGNS = frozenset(("MICRO", "FEMININE", "MASCULINE", "MODIFIER", "MATHEMATICAL", "FULLWIDTH", "DOUBLE-STRUCK", "SCRIPT", "BLACK-LETTER", "ANGSTROM", "OHM", "KELVIN"))  # fmt: skip


@lru_cache(maxsize=64)
def script_names(script: str) -> frozenset[str]:
    """Give the Unicode names of the scripts that texts of a language are written in."""
    name = _ALIASES.get(script.upper(), script.upper())
    return frozenset((*_TOGETHER.get(name, (name,)), ""))


@lru_cache(maxsize=8192)
def script_of(char: str) -> str:
    """Name the script of a letter as Unicode names it; empty for what is no letter of a script."""
    if not char.isalpha():
        return ""
    name = unicodedata.name(char, "")
    first = name.split(" ", 1)[0]
    return "" if first in _SIGNS else first
