"""The shots of a recipe, and the buckets: which of them are shown before a text, so that many texts share one prefix."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Literal

from kielo.errors import RecipeError
from kielo.languages.pack import Shot, read_shots
from kielo.schema import FewShot, Recipe
from translate.answers import Kind

Bucket = Literal["code", "question", "label", "list-item", "instruction", "sentence", "long", "mixed"]
"""What kind of text a text is, as far as shots go; `mixed`: one shot of every kind in turn."""

POCKET_POOL = 40
LONG_CHARACTERS = 120
"""From here on the longest shots are shown; 20 words, where the paper's translator changes shots (translate_datasets.py)."""
_KINDS: Mapping[Bucket, tuple[str, ...]] = {
    "code": ("code-adjacent",), "question": ("question",), "label": ("heading", "cell"), "list-item": ("list-item",),
    "instruction": ("instruction",), "sentence": ("sentence",), "long": (), "mixed": (),
}  # fmt: skip
_BY_PLACE: Mapping[Kind, Bucket] = {"heading": "label", "cell": "label", "list-item": "list-item"}
_WORD = re.compile(r"\w+")
_CLOSING = "\"'”’»)]*_ \t\r\n"
_QUESTION_MARKS = "?\uff1f\u061f\u037e\u1367\u055e\u2047\u2048"  # fullwidth, Arabic, Greek, Ethiopic, Armenian, doubled
_SENTENCE_ENDS = ".!:\u2026\u3002\uff01\uff0e\u0964\u06d4\u0589\u1362"  # CJK, Devanagari, Arabic, Armenian, Ethiopic


def load_shots(recipe: Recipe, prompt: FewShot | None = None) -> tuple[Shot, ...]:
    """Read the whole pool of shots that a prompt (default: the recipe's) draws from.

    Raises:
        RecipeError: the pool holds fewer shots than are to be shown.
        SourceError: a line of the file is no shot.
    """
    prompt = prompt or recipe.translate.prompt
    if prompt.shots_file == "pocket":
        from kielo.pocket import datasets as pocket

        rows = pocket.rows("shots", max(POCKET_POOL, prompt.shots), recipe.seed)
        return tuple(Shot(**row | {"kind": row["kind"].replace("_", "-")}) for row in rows)
    path = recipe.shots_of(prompt)
    shots = tuple(read_shots(path))
    if len(shots) < prompt.shots:
        raise RecipeError(
            f"{path} holds {len(shots)} shots and the prompt asks for {prompt.shots}; write more or ask for fewer."
        )
    return shots


def in_turn(shots: Sequence[Shot]) -> tuple[Shot, ...]:
    """Order shots so that every kind has its turn, kinds and shots as they come."""
    kinds = dict.fromkeys(shot.kind for shot in shots)
    rounds = zip_longest(*([shot for shot in shots if shot.kind == kind] for kind in kinds))
    return tuple(shot for shot in chain.from_iterable(rounds) if shot is not None)


def ranked(shots: Sequence[Shot], bucket: Bucket) -> tuple[Shot, ...]:
    """Order a pool for a bucket: the shots of its own kind, then the others in turn; for `long` the longest first."""
    if bucket == "long":
        return in_turn(sorted(shots, key=lambda shot: -len(shot.source)))
    own = tuple(shot for shot in shots if shot.kind in _KINDS[bucket])
    return in_turn(own) + in_turn([shot for shot in shots if shot not in own])


def chosen(ranking: Sequence[Shot], count: int, alternative: int) -> tuple[Shot, ...]:
    """Take a prompt's shots, the best last, next to the text: choice 0, 1, ... differ until the pool has come round."""
    size = len(ranking)
    start = alternative * count + alternative * count // size  # one further each round, so that the order changes
    return tuple(ranking[(start + place) % size] for place in reversed(range(min(count, size))))


def openings_of(shots: Sequence[Shot]) -> frozenset[str]:
    """List the words that open an instruction among the shots and no shot of another kind: `explain`, `write`, ..."""
    instructions = {_opening(shot.source) for shot in shots if shot.kind == "instruction"}
    return frozenset(instructions - {_opening(shot.source) for shot in shots if shot.kind != "instruction"} - {""})


def _opening(text: str) -> str:
    word = _WORD.search(text[:LONG_CHARACTERS])
    return word.group().casefold() if word else ""


def bucket_of(text: str, kind: Kind, openings: frozenset[str], has_sentinels: Callable[[str], bool]) -> Bucket:
    """Sort a text into its bucket, by its marks, its place and its first word alone, so that equal texts meet again."""
    end = text[-LONG_CHARACTERS:].rstrip(_CLOSING)[-1:]
    if "`" in text or has_sentinels(text):
        return "code"
    if len(text) >= LONG_CHARACTERS:
        return "long"
    if end and end in _QUESTION_MARKS:
        return "question"
    if kind in _BY_PLACE:
        return _BY_PLACE[kind]
    if _opening(text) in openings:
        return "instruction"
    return "sentence" if end and end in _SENTENCE_ENDS else "mixed"
