"""Words, sentences and letters of a text in any language, as fair mode counts them: by Unicode and sentencex, without data to load."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache

import sentencex

from eval.ifeval.rules import LanguageRules

_APOSTROPHES = re.compile("[’ʼ‘´`]")
_DOUBLE_QUOTES = re.compile("[“”„‟«»「」『』＂]")
# sentencex takes anything in quotes or brackets for one sentence, and needs a letter after the space to end one.
_QUOTES_AND_BRACKETS = re.compile(r"[\"“”„‟«»‘‚()\[\]{}「」『』]|(?<!\w)['’]|['’](?!\w)")
_MARKUP_BEFORE_WORD = re.compile(r"(?<!\S)[*_#`~>]++|(?<![*_`~])[*_`~]++(?=\s|$)")
_LIST_MARK = re.compile(r"^[ \t]*(?:\d{1,3}[.)]|[-–—•*])[ \t]+", re.MULTILINE)
# Without a capital no sentence starts for sentencex; after a number there may be none, either (3. toukokuuta).
_AFTER_STOP = re.compile(r"(?<=[^\W\d][.!?…] )[^\W\d]")
_LAST_MARK = 0x1F000  # beyond it there are emoji and ideographs


@cache
def word_letter() -> str:
    """Give the pattern of one sign of a word: letters, digits and their combining marks.

    Python's `\\w` leaves out the vowel signs of Indic scripts, so that one Hindi word would be several.
    """
    marks = "".join(char for char in map(chr, range(_LAST_MARK)) if unicodedata.category(char)[0] == "M")
    return f"[\\w{_ranges(marks)}\u200c\u200d]"


@cache
def word_pattern() -> re.Pattern[str]:
    """Give the pattern of a word; a dot, colon or apostrophe inside joins (UAX #29)."""
    return re.compile(f"{word_letter()}+(?:[.:·'’]{word_letter()}+)*")


def _ranges(chars: str) -> str:
    """Write sorted characters as the inside of a regular expression's class."""
    spans: list[list[str]] = []
    for char in chars:
        if spans and ord(char) == ord(spans[-1][1]) + 1:
            spans[-1][1] = char
        else:
            spans.append([char, char])
    return "".join(f"{first}-{last}" for first, last in spans)


def words(text: str) -> list[str]:
    """List the words of a text."""
    return [word for word in word_pattern().findall(text) if word.strip("_")]


def count_words(text: str, rules: LanguageRules) -> int:
    """Count words; of a script without spaces, letters over the letters of a usual word."""
    if rules.letters_per_word is None:
        return len(words(text))
    letters = sum(char.isalpha() for word in words(text) if not word.isascii() for char in word)
    return sum(word.isascii() for word in words(text)) + round(letters / rules.letters_per_word)


def sentence_counter(rules: LanguageRules) -> Callable[[str], int]:
    """Give the counter of a language's sentences: as in compat mode, no line break ends one, and a list's numbers are none."""
    names = sorted((re.escape(each.removesuffix(".")) for each in rules.abbreviations), key=len, reverse=True)
    short = re.compile(rf"(?<!\w)({'|'.join(names)})\.", re.IGNORECASE) if names else None

    def count(text: str) -> int:
        plain = _MARKUP_BEFORE_WORD.sub("", _QUOTES_AND_BRACKETS.sub("", _LIST_MARK.sub("", text)))
        if short:
            plain = short.sub(r"\1", plain)
        line = " ".join(plain.split())
        if line.islower():
            line = _AFTER_STOP.sub(lambda match: match.group().upper(), line)
        found = sentencex.segment(rules.sentences, line)
        return sum(1 for sentence in found if any(map(str.isalnum, sentence)))

    return count


def count_letter(letter: str, text: str, rules: LanguageRules) -> int:
    """Count a letter in either case; a letter with a diacritic that is none of the alphabet counts as its base letter."""
    wanted, lowered = lower(letter, rules), lower(text, rules)
    if rules.alphabet and wanted in rules.alphabet:
        lowered = "".join(_base(char) if char > "\x7f" and char not in rules.alphabet else char for char in lowered)
    return lowered.count(wanted)


@cache
def _base(char: str) -> str:
    return unicodedata.normalize("NFD", char)[0]


def lower(text: str, rules: LanguageRules) -> str:
    """Write a text in small letters; in an alphabet that has the dotless i, I is that one."""
    if "ı" in rules.alphabet:
        text = text.replace("I", "ı").replace("İ", "i")
    return text.lower()


def plain_quotes(text: str) -> str:
    """Write all double quotation marks and apostrophes as ASCII ones."""
    return _APOSTROPHES.sub("'", _DOUBLE_QUOTES.sub('"', text))
