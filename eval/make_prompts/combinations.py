"""Which kinds of instructions one prompt may hold together, and which are asked next so that all are asked equally often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random

from eval.make_prompts.templates import CONSTRAINED, REPEAT

INSTRUCTIONS_OF_PROMPTS = {1: 288, 2: 171, 3: 51}
"""Prompts by how many instructions they have: IFEval's 510 without those that ask for a response language."""

JSON = "detectable_format:json_format"
QUOTED = "startend:quotation"
TWO = "combination:two_responses"
CASES = ("change_case:english_capital", "change_case:english_lowercase", "change_case:capital_word_frequency")
LENGTHS = ("length_constraints:number_words", "length_constraints:number_sentences")
LAYOUTS = (
    JSON, TWO, REPEAT, CONSTRAINED, "length_constraints:number_paragraphs",
    "length_constraints:nth_paragraph_first_word", "detectable_format:multiple_sections",
)  # fmt: skip
ENDS = ("startend:end_checker", "detectable_content:postscript", QUOTED, JSON)
STARTS = (REPEAT, QUOTED, JSON, "detectable_format:title", "length_constraints:nth_paragraph_first_word")
ONE_OF = (CASES, LENGTHS, LAYOUTS, ENDS, STARTS)
"""Of each group a prompt has one at most: together they contradict each other as a reader understands them."""
WORDS = ("keywords:existence", "keywords:frequency", "keywords:forbidden_words", "keywords:letter_frequency")
ONLY_WITH: Mapping[str, frozenset[str]] = {
    CONSTRAINED: frozenset(),
    JSON: frozenset((*WORDS, "change_case:capital_word_frequency")),
    REPEAT: frozenset(
        (*WORDS, *ENDS, "detectable_format:number_bullet_lists", "detectable_content:number_placeholders")
    ),
    TWO: frozenset((*WORDS, *CASES, "punctuation:no_comma")),
}
"""What these go with, where a list of what they do not go with would be longer."""


def go_together(first: str, second: str) -> bool:
    """Tell whether one prompt may hold both."""
    if first == second or any(first in group and second in group for group in ONE_OF):
        return False
    return all(one not in ONLY_WITH or other in ONLY_WITH[one] for one, other in ((first, second), (second, first)))


def counts_of_rows(rows: int, random: Random) -> list[int]:
    """Say of every row how many instructions it has, in IFEval's proportions, shuffled."""
    total = sum(INSTRUCTIONS_OF_PROMPTS.values())
    exact = {count: rows * share / total for count, share in INSTRUCTIONS_OF_PROMPTS.items()}
    whole = {count: int(share) for count, share in exact.items()}
    by_rest = sorted(exact, key=lambda count: (whole[count] - exact[count], count))
    for count in by_rest[: rows - sum(whole.values())]:
        whole[count] += 1
    counts = [count for count, number in sorted(whole.items()) for _ in range(number)]
    random.shuffle(counts)
    return counts


def largest(types: Sequence[str]) -> int:
    """Say how many of these instructions a prompt can hold at most, up to IFEval's three."""
    sizes = sorted(INSTRUCTIONS_OF_PROMPTS, reverse=True)
    return next(size for size in sizes if next(_together(types, size, ()), None))


def choose(types: Sequence[str], size: int, asked: Mapping[str, float], random: Random) -> tuple[str, ...]:
    """Choose `size` instructions that go together (at most `largest`), those asked least first."""
    order = sorted(types, key=lambda name: (asked[name], random.random()))
    return next(_together(order, size, ()))


def _together(order: Sequence[str], size: int, chosen: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if len(chosen) == size:
        yield chosen
        return
    for name in order:
        if all(go_together(name, other) for other in chosen):
            yield from _together(order, size, (*chosen, name))
