"""Few-shot prompts that make a base model translate: pairs under the names of their languages, then the text to continue."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain, zip_longest

from kielo.generation.protocol import Request, Sampling
from kielo.languages import Language, Shot, read_shots
from kielo.schema import Recipe

LONGEST_PIECE = 1500
"""Characters; longer segments lose their ends in base models (notes: segments over about 1,500 are split, not dropped)."""
CHARACTERS_PER_TOKEN = 3
FEWEST_TOKENS = 48
STOP = ("\n",)


def load_shots(recipe: Recipe) -> tuple[Shot, ...]:
    """Choose a recipe's shots: one of every kind in turn, in the order of their file (that it holds enough is checked with the recipe)."""
    wanted, file = recipe.translate.prompt.shots, recipe.translate.prompt.shots_file
    if file == "pocket":
        from kielo.pocket import datasets as pocket

        return tuple(Shot(**row) for row in pocket.rows("shots", wanted, recipe.seed))
    return tuple(_by_kind_in_turn(read_shots(recipe.shots_path))[:wanted])


def _by_kind_in_turn(shots: Sequence[Shot]) -> list[Shot]:
    kinds = dict.fromkeys(shot.kind for shot in shots)
    rounds = zip_longest(*([shot for shot in shots if shot.kind == kind] for kind in kinds))
    return [shot for shot in chain.from_iterable(rounds) if shot is not None]


def few_shot_prefix(shots: Sequence[Shot], source: Language, target: Language) -> str:
    """Write the part that all prompts of a run share, byte for byte."""
    return "".join(f"{source.name}: {shot.source}\n{target.name}: {shot.target}\n\n" for shot in shots)


def translation_request(prefix: str, text: str, source: Language, target: Language, max_tokens_ratio: float) -> Request:
    """Ask for the translation of one line of text."""
    prompt = f"{prefix}{source.name}: {text}\n{target.name}:"
    return Request(prompt, Sampling(_max_tokens(text, max_tokens_ratio), stop=STOP), shared_prefix=len(prefix))


def _max_tokens(text: str, ratio: float) -> int:
    return max(FEWEST_TOKENS, math.ceil(ratio * len(text) / CHARACTERS_PER_TOKEN))


def pieces_of(text: str, language: Language) -> list[str]:
    """Cut a long text at sentence ends into pieces of at most LONGEST_PIECE characters; joined, they are the text again."""
    if len(text) <= LONGEST_PIECE:
        return [text]
    from sentencex import segment

    pieces = [""]
    for sentence in chain.from_iterable(map(_bounded, segment(language.code, text))):
        if pieces[-1] and len(pieces[-1]) + len(sentence) > LONGEST_PIECE:
            pieces.append("")
        pieces[-1] += sentence
    if "".join(pieces) != text:  # sentencex does not promise to keep every blank
        return list(_bounded(text))
    return pieces


def _bounded(sentence: str) -> list[str]:
    """Cut a sentence that is itself too long at blanks, or where it must be."""
    pieces = []
    while len(sentence) > LONGEST_PIECE:
        blank = sentence.rfind(" ", LONGEST_PIECE // 2, LONGEST_PIECE)
        cut = LONGEST_PIECE if blank < 0 else blank + 1
        pieces.append(sentence[:cut])
        sentence = sentence[cut:]
    return [*pieces, sentence] if sentence else pieces
