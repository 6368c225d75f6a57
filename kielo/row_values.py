"""Values taken out of rows that others wrote, each checked; shared by the readers of published data."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from kielo.errors import SourceError

Row = Mapping[str, Any]


def text_of(row: Row, column: str, place: str) -> str:
    """Take a text that must not be blank from a row.

    Raises:
        SourceError: the column is missing, no text, blank, or not writable as UTF-8.
    """
    value = row.get(column)
    if not isinstance(value, str) or _is_blank(value):
        raise SourceError(f"{place}: '{column}' needs a text, this is {shown(value)}; mend or remove the row.")
    return whole(value, column, place)


def _is_blank(text: str) -> bool:
    """Tell whether a text shows nothing: blanks, line ends, and characters that only direct others."""
    return not text.strip() or all(unicodedata.category(letter)[0] in "CZ" for letter in text)


def whole(text: str, column: str, place: str) -> str:
    """Give a text back unless JSON escapes left half a character in it, which no file can hold.

    Raises:
        SourceError: there is a lone surrogate.
    """
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise SourceError(f"{place}: '{column}' holds half a character (a lone surrogate); mend or remove the row.")
    return text


def shown(value: Any) -> str:
    """Show a value in an error message."""
    return "missing" if value is None else f"{value!r:.60}"
