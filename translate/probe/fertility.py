"""What a tokenizer makes of the language beside the source language: tokens per word and character, bytes, unknowns, losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from kielo.errors import RecipeError
from kielo.languages.pack import Shot
from translate.probe.measures import Measure, ratio, share
from translate.probe.setting import Model


@dataclass(frozen=True)
class Fertility:
    """How one language fares in a tokenizer; `per_word` counts words between blanks."""

    tokens: int
    per_word: float
    per_character: float
    broken_share: float


def fertility(tokenizer: Any, texts: Sequence[str]) -> Fertility:
    """Count the tokens of texts."""
    ids = encoded(tokenizer, texts)
    tokens = sum(map(len, ids))
    words, characters = sum(len(text.split()) for text in texts), sum(map(len, texts))
    return Fertility(tokens, tokens / words, tokens / characters, sum(_broken(tokenizer, ids)) / tokens)


def encoded(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Turn texts into tokens, without those that a tokenizer puts around them."""
    ids: list[list[int]] = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
    return ids


def refuse_other_tokenizer(model: Model, texts: Sequence[str]) -> None:
    """Refuse a tokenizer that writes tokens which the model does not have.

    Raises:
        RecipeError: it does.
    """
    highest = max((token for ids in encoded(model.tokenizer, texts) for token in ids), default=0)
    if model.vocabulary is not None and highest >= model.vocabulary:
        raise RecipeError(
            f"model {model.name}: its tokenizer writes token {highest}, and the model has {model.vocabulary} tokens; fetch the files of both anew, they "
            "are not of one model."
        )


def measure_tokenizer(tokenizer: Any, pairs: Sequence[Shot]) -> list[Measure]:
    """Measure the language's texts against the source language's."""
    source = encoded(tokenizer, [pair.source for pair in pairs])
    target = encoded(tokenizer, [pair.target for pair in pairs])
    lengths = [len(ids) for ids in target]
    unknown = [sum(token == tokenizer.unk_token_id for token in ids) for ids in target]
    back = [tokenizer.decode(ids, clean_up_tokenization_spaces=False) for ids in target]
    whole = sum(text.strip() == pair.target.strip() for text, pair in zip(back, pairs, strict=True))
    return [
        ratio("price_ratio", lengths, [len(ids) for ids in source]),
        ratio("tokens_per_byte", lengths, [len(pair.target.encode()) for pair in pairs]),
        ratio("broken_share", _broken(tokenizer, target), lengths),
        ratio("unknown_share", unknown, lengths),
        share("round_trip", whole, len(pairs)),
    ]


def _broken(tokenizer: Any, rows: Sequence[Sequence[int]]) -> list[int]:
    """Count in each row the tokens that are only a part of a character: alone they read as U+FFFD."""
    is_part = cache(lambda token: "\ufffd" in tokenizer.decode([token]))
    return [sum(map(is_part, ids)) for ids in rows]
