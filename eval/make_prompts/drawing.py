"""Draws the arguments of an instruction: words of the document, letters by their share, counts by the length of texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from eval.ifeval.rules import LanguageRules
from eval.make_prompts.pool import Pool, sentences

LEAST, LESS = "at least", "less than"
LETTER_FACTORS = {LEAST: (0.7, 1.2), LESS: (0.3, 0.7)}
"""Of the usual count of a letter in a text: what is asked lies near it, so that no text follows by accident or never."""
SHORTER = (0.3, 0.8)
"""Of the document's words or sentences, where the answer is to be shorter than the document in the prompt."""
FEWEST_WORDS, FEWEST_SENTENCES = 25, 3
"""A tighter bound leaves no room for what else a prompt asks."""
FEWEST_CAPITALS = 3
"""Words in capitals that an excerpt needs before fewer of them are a demand."""
LETTERS_OF_A_WORD = 0.85
"""Of the characters of running text, those that are letters; the rest are blanks and marks."""
HARNESS_LETTERS = "abcdefghijklmnopqrstuvwxyz"
"""lm-evaluation-harness takes a random letter in place of any other."""
HARNESS_MARKERS = ("P.S.", "P.P.S")


@dataclass(frozen=True)
class Draw:
    """What arguments are drawn from: the document's words and excerpt ("" where the prompt shows none), the language's rules.

    `compat` is true where lm-evaluation-harness must give the same verdict.
    """

    random: Random
    pool: Pool
    rules: LanguageRules
    words: Sequence[str]
    excerpt: str
    end_phrases: Sequence[str]
    compat: bool

    @property
    def relation(self) -> str:
        """Ask for less where the prompt shows a text, for more where it does not: an echo of the prompt does neither."""
        return LESS if self.excerpt else LEAST

    def between(self, low: float, high: float) -> int:
        """Draw a whole number, at least 2: "1 word" has another grammar than "2 words"."""
        return max(2, self.random.randint(round(low), max(round(low), round(high))))

    def size(self, per_unit: float) -> float:
        """Draw a length from the documents', in units of so many characters."""
        return self.random.choice(self.pool.lengths) / per_unit


Values = Mapping[str, Any]


def draw(instruction: str, given: Draw, used: set[str]) -> Values | None:
    """Draw the arguments of an instruction; None where the document or the language has nothing to draw from.

    Words taken go into `used`: two instructions of a prompt never speak of the same word.
    """
    return _DRAWN[instruction](given, used)


def _take(given: Draw, used: set[str], count: int) -> list[str]:
    free = [word for word in given.words if not any(_alike(word, other) for other in used)]
    taken: list[str] = []
    for word in given.random.sample(free, len(free)):
        if len(taken) < count and not any(_alike(word, other) for other in taken):
            taken.append(word)
    used.update(taken)
    return taken


def _alike(word: str, other: str) -> bool:
    """Tell whether two words may be forms of one: one holds the other, or they start alike."""
    return word in other or other in word or word[:5] == other[:5]


def _several(name: str) -> Callable[[Draw, set[str]], Values | None]:
    def drawn(given: Draw, used: set[str]) -> Values | None:
        words = _take(given, used, given.random.choice((2, 2, 3)))
        return {name: words} if len(words) > 1 else None

    return drawn


def _keyword(given: Draw, used: set[str]) -> Values | None:
    """Draw a word to use a few times, or one of the excerpt to use less often than there and in the instruction."""
    text = given.excerpt.casefold()
    words = _take(replace(given, words=[word for word in given.words if word in text]) if text else given, used, 1)
    if not words:
        return None
    count = 1 + text.count(words[0]) if text else given.between(2, 4)
    return {"keyword": words[0], "frequency": count, "relation": given.relation}


def _letter(given: Draw, used: set[str]) -> Values | None:
    """Draw a letter that the excerpt or a usual text holds often enough to make the bound a demand."""
    letters = given.pool.letter_shares
    usable = [letter for letter in letters if not given.compat or letter in HARNESS_LETTERS]
    letter = given.random.choice(sorted(usable))
    characters = len(given.excerpt) if given.excerpt else given.size(1)
    usual = LETTERS_OF_A_WORD * characters * letters[letter] / 100
    low, high = LETTER_FACTORS[given.relation]
    if usual * low < 2:
        return None
    return {"letter": letter, "let_frequency": given.between(usual * low, usual * high), "let_relation": given.relation}


def _words(given: Draw, used: set[str]) -> Values | None:
    if given.excerpt:
        low, high = (len(given.excerpt.split()) * share for share in SHORTER)
        return {"num_words": max(FEWEST_WORDS, _round(given.between(low, high))), "relation": LESS}
    return {"num_words": _round(given.size(given.pool.characters_per_word)), "relation": LEAST}


def _round(count: float) -> int:
    step = 5 if count < 50 else 10 if count < 200 else 50
    return max(step, step * round(count / step))


def _sentences(given: Draw, used: set[str]) -> Values | None:
    if given.excerpt:
        low, high = (len(sentences(given.pool.pack.code, given.excerpt)) * share for share in SHORTER)
        return {"num_sentences": max(FEWEST_SENTENCES, given.between(low, high)), "relation": LESS}
    size = given.size(given.pool.characters_per_sentence)
    return {"num_sentences": max(FEWEST_SENTENCES, round(size)), "relation": LEAST}


def _first_word(given: Draw, used: set[str]) -> Values | None:
    words, count = _take(given, used, 1), given.between(2, 5)
    if not words:
        return None
    return {"num_paragraphs": count, "nth_paragraph": given.random.randint(1, count), "first_word": words[0]}


def _marker(given: Draw, used: set[str]) -> Values | None:
    markers = HARNESS_MARKERS if given.compat else tuple(group[0] for group in given.rules.postscript_markers)
    return {"postscript_marker": given.random.choice(markers)} if markers else None


def _section(given: Draw, used: set[str]) -> Values | None:
    words = [group[0] for group in given.rules.section_words]
    return {"section_spliter": given.random.choice(words), "num_sections": given.between(2, 5)} if words else None


def _end(given: Draw, used: set[str]) -> Values | None:
    return {"end_phrase": given.random.choice(given.end_phrases)} if given.end_phrases else None


def _capitals(given: Draw, used: set[str]) -> Values | None:
    """Draw how many words to write in capitals: fewer than an excerpt that has some, else more than it has."""
    there = sum(word.isupper() for word in re.findall(r"\w+", given.excerpt))
    if there >= FEWEST_CAPITALS:
        return {"capital_frequency": given.between(2, there), "capital_relation": LESS}
    return {"capital_frequency": there + given.between(2, 8), "capital_relation": LEAST}


def _count(name: str, low: int, high: int) -> Callable[[Draw, set[str]], Values | None]:
    return lambda given, used: {name: given.between(low, high)}


def _nothing(given: Draw, used: set[str]) -> Values | None:
    return {}


_DRAWN: Mapping[str, Callable[[Draw, set[str]], Values | None]] = {
    "keywords:existence": _several("keywords"),
    "keywords:frequency": _keyword,
    "keywords:forbidden_words": _several("forbidden_words"),
    "keywords:letter_frequency": _letter,
    "length_constraints:number_sentences": _sentences,
    "length_constraints:number_words": _words,
    "length_constraints:number_paragraphs": _count("num_paragraphs", 3, 6),
    "length_constraints:nth_paragraph_first_word": _first_word,
    "detectable_content:number_placeholders": _count("num_placeholders", 2, 6),
    "detectable_content:postscript": _marker,
    "detectable_format:number_bullet_lists": _count("num_bullets", 2, 7),
    "detectable_format:constrained_response": _nothing,
    "detectable_format:number_highlighted_sections": _count("num_highlights", 2, 5),
    "detectable_format:multiple_sections": _section,
    "detectable_format:json_format": _nothing,
    "detectable_format:title": _nothing,
    "combination:two_responses": _nothing,
    "combination:repeat_prompt": _nothing,
    "startend:end_checker": _end,
    "startend:quotation": _nothing,
    "change_case:capital_word_frequency": _capitals,
    "change_case:english_capital": _nothing,
    "change_case:english_lowercase": _nothing,
    "punctuation:no_comma": _nothing,
}  # fmt: skip
