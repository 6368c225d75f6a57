"""Which row of a group stays, within each language."""

from __future__ import annotations

import numpy as np
import pytest

from align.selection.near_duplicates.thin_out import thin_out
from align.selection.pool import Pool
from kielo.schema.selection import NearDuplicates

POEM = "Write a short poem about an old lighthouse keeper who talks with the seagulls."
PROMPTS = [POEM, "What is the capital of Finland?", POEM.upper(), f"{POEM} Thanks!", "Why is the sky blue?", POEM]
LANGUAGES = ("en", "en", "en", "en", "en", "fi")


def pool(**known: object) -> Pool:
    return Pool(tuple(map(str, range(6))), LANGUAGES, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("keep", "stays"),
    [("first", 0), ("best", 2), ("longest", 3)],
)
def test_one_of_a_group_stays(keep: str, stays: int) -> None:
    scores, lengths = np.array([1.0, 0.1, 4.0, 4.0, 0.1, 9.0]), np.array([5, 1, 5, 7, 1, 1])
    thinned = thin_out(pool(scores=scores, lengths=lengths), PROMPTS, NearDuplicates(keep=keep))  # type: ignore[arg-type]
    assert thinned.kept.tolist() == sorted([stays, 1, 4, 5])
    assert thinned.groups == ((stays, *(row for row in (0, 2, 3) if row != stays)),)
    assert thinned.counts == {"rows": 6, "groups": 1, "left_out": {"en": 2}}
    assert {(link.first, link.second) for link in thinned.links} == {(0, 2), (0, 3)}


def test_a_score_that_is_none_is_the_lowest() -> None:
    scores = np.array([np.nan, 1.0, np.nan, 0.0, 1.0, 1.0])
    assert thin_out(pool(scores=scores), PROMPTS, NearDuplicates()).groups == ((3, 0, 2),)
    unknown = thin_out(pool(scores=np.full(6, np.nan)), PROMPTS, NearDuplicates())
    assert unknown.groups == ((0, 2, 3),)


def test_vectors_join_rows_of_one_language_alone() -> None:
    """A row and its translation have one vector, that of the source row."""
    vectors = np.eye(6, dtype=np.float32)[[0, 1, 2, 3, 1, 0]]
    settings = NearDuplicates(keep="first", threshold=1.0, semantic=0.9)
    thinned = thin_out(pool(embeddings=vectors), PROMPTS, settings)
    assert thinned.groups == ((0, 2), (1, 4)) and [link.how for link in thinned.links] == ["text", "vector"]
    assert thinned.kept.tolist() == [0, 1, 3, 5]


def test_links_name_rows_of_the_pool() -> None:
    prompts = ["How do bees make honey?", "Miten mehiläiset tekevät hunajaa?", "How do bees make honey?", "miten mehiläiset tekevät hunajaa?"]  # fmt: skip
    mixed = Pool(tuple("abcd"), ("en", "fi", "en", "fi"))
    thinned = thin_out(mixed, prompts, NearDuplicates(keep="first"))
    assert [(link.first, link.second) for link in thinned.links] == [(0, 2), (1, 3)]
    assert thinned.kept.tolist() == [0, 1] and thinned.counts["left_out"] == {"en": 1, "fi": 1}
