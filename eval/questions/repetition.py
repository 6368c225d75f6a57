"""How far a text says the same again: n-grams, the longest repeated stretch, loops at its end, and what it takes from another text."""

from __future__ import annotations

import re
from collections.abc import Sequence

NGRAM = 4
"""Words of a stretch whose return counts as repetition (as in Welleck et al. 2020, seq-rep-4)."""
ECHO_NGRAM = 5
"""Words of a stretch that is an echo when the other text has it: shorter ones are idioms."""
LOOP_TIMES = 3
LOOP_WORDS = 12
LOOP_LETTERS = 40
"""A text ends in a loop if its end says the same so many times, in so many words or, within a word, letters."""
_LONGEST_LOOP = 400
"""Words or letters of the longest unit of a loop that is looked for."""
_WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    """List the words of a text in lower case, without punctuation."""
    return _WORD.findall(text.lower())


def repeated_share(words: Sequence[str], size: int = NGRAM) -> float | None:
    """Give the share of n-grams that the text has had before, 0..1; None with fewer words than one n-gram."""
    count = len(words) - size + 1
    if count < 1:
        return None
    return 1 - len({tuple(words[start : start + size]) for start in range(count)}) / count


def longest_repeat(words: Sequence[str]) -> int:
    """Count the words of the longest stretch that is there twice (the two may overlap), in linear time.

    A suffix automaton (Blumer et al. 1985): when a word is added, the link of its state is the longest end that was there before.
    """
    lengths, links, follow = [0], [-1], [dict[str, int]()]
    last, longest = 0, 0
    for word in words:
        state, at = len(lengths), last
        lengths.append(lengths[last] + 1)
        links.append(0)
        follow.append({})
        while at != -1 and word not in follow[at]:
            follow[at][word] = state
            at = links[at]
        if at != -1:
            links[state] = _split(at, word, lengths, links, follow)
        longest = max(longest, lengths[links[state]])
        last = state
    return longest


def _split(at: int, word: str, lengths: list[int], links: list[int], follow: list[dict[str, int]]) -> int:
    """Give the state that `word` leads to from `at`, cut off from the longer stretches it stood for, too."""
    found = follow[at][word]
    if lengths[found] == lengths[at] + 1:
        return found
    copy = len(lengths)
    lengths.append(lengths[at] + 1)
    links.append(links[found])
    follow.append(dict(follow[found]))
    links[found] = copy
    while at != -1 and follow[at].get(word) == found:
        follow[at][word] = copy
        at = links[at]
    return copy


def loop_at_end(text: str) -> str:
    """Give the unit that the end of a text says over and over (see LOOP_TIMES); empty if it does not.

    Words first, then letters within a word; the last word may be cut off in the middle.
    """
    words = words_of(text)
    for ended in (words, words[:-1]):
        unit = _unit(ended, LOOP_WORDS)
        if unit:
            return " ".join(unit)
    return "".join(_unit("".join(text.split()), LOOP_LETTERS))


def _unit(items: Sequence[str], fewest: int) -> Sequence[str]:
    """Give the shortest unit that the end of a sequence repeats LOOP_TIMES, over at least `fewest` items."""
    end = items[-LOOP_TIMES * _LONGEST_LOOP :]
    for size in range(1, len(end) // LOOP_TIMES + 1):
        times = max(LOOP_TIMES, -(-fewest // size))
        if times * size <= len(end) and all(end[-n] == end[-n - size] for n in range(1, (times - 1) * size + 1)):
            return end[-size:]
    return end[:0]


def echo_share(words: Sequence[str], other: Sequence[str]) -> float | None:
    """Give the share of a text's words that stand in stretches of ECHO_NGRAM words of the other text; None of no words."""
    if not words:
        return None
    theirs = {tuple(other[start : start + ECHO_NGRAM]) for start in range(len(other) - ECHO_NGRAM + 1)}
    covered: set[int] = set()
    for start in range(len(words) - ECHO_NGRAM + 1):
        if tuple(words[start : start + ECHO_NGRAM]) in theirs:
            covered.update(range(start, start + ECHO_NGRAM))
    return len(covered) / len(words)
