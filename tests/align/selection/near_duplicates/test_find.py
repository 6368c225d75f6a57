"""Near-duplicates against brute force: planted pairs of known similarity, every script, groups, texts against others."""

from __future__ import annotations

import gzip
import json
import random
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.selection.near_duplicates.find import against, find_groups
from align.selection.near_duplicates.groups import Groups
from align.selection.near_duplicates.shingles import Shingles, jaccard, plain
from align.selection.near_duplicates.signatures import rows_of_a_band
from align.selection.near_duplicates.vectors import join_near_vectors

GREEK = "Γράψε ένα σύντομο ποίημα για έναν φαροφύλακα που μιλά με τους γλάρους."
CHINESE = "请写一首关于灯塔看守人每天早晨与海鸥交谈的短诗，不要使用任何逗号。"
MIXED = "Translate «灯塔看守人» into Suomi ja kirjoita: φάρος!"


def brute_jaccard(text: str, other: str) -> float:
    """Measure by sets of strings, written from the definition."""
    sets = []
    for each in (plain(text), plain(other)):
        sets.append({each[i : i + 5] for i in range(len(each) - 4)} if len(each) >= 5 else {each})
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def brute_groups(texts: list[str], threshold: float) -> list[tuple[int, ...]]:
    label = list(range(len(texts)))
    for a, b in combinations(range(len(texts)), 2):
        if brute_jaccard(texts[a], texts[b]) >= threshold:
            old, new = max(label[a], label[b]), min(label[a], label[b])
            label = [new if each == old else each for each in label]
    groups = [tuple(row for row, each in enumerate(label) if each == one) for one in sorted(set(label))]
    return [group for group in groups if len(group) > 1]


WORDS = ["write", "a poem", "about", "the sea", "meri", "Ä", "海鸥", "灯", "γλάρος", " ", "\n", "!", "\0", "ß", "𝔘"]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), max_size=8)


@given(TEXTS, st.sampled_from([0.3, 0.6, 0.7, 0.8, 1.0]))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_groups_are_those_of_brute_force(texts: list[str], threshold: float) -> None:
    found = find_groups(texts, threshold)
    assert found.members() == brute_groups(texts, threshold)
    assert len(found.links) == sum(len(group) - 1 for group in found.members())
    for link in found.links:
        assert link.similarity == brute_jaccard(texts[link.first], texts[link.second]) >= threshold


@given(TEXTS, TEXTS, st.sampled_from([0.3, 0.6, 0.8]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_nearest_other_is_that_of_brute_force(texts: list[str], others: list[str], threshold: float) -> None:
    expected = []
    for row, text in enumerate(texts):
        near = [(-brute_jaccard(text, other), number) for number, other in enumerate(others)]
        if near and -min(near)[0] >= threshold:
            expected.append((row, min(near)[1], -min(near)[0]))
    assert [(each.row, each.other, each.similarity) for each in against(texts, others, threshold)] == expected


@pytest.mark.parametrize("text", [GREEK, CHINESE, MIXED])
def test_every_script(text: str) -> None:
    changed = f"{text[:-2]}?"
    others = ["What is the capital of Finland?", "Mikä on Suomen pääkaupunki?"]
    found = find_groups([text, *others, changed], 0.7)
    assert found.members() == [(0, 3)] and found.links[0].similarity == brute_jaccard(text, changed) < 1
    assert jaccard(text, changed) == found.links[0].similarity


@pytest.mark.parametrize(
    ("texts", "groups"),
    [
        (["", "", "  \n", "a"], [(0, 1, 2)]),
        (["abcd", "ABCD", "abcde", "abc", "ＡＢＣＤ"], [(0, 1, 4)]),
        (["Straße am  Meer", "STRASSE AM\tMEER"], [(0, 1)]),
        ([], []),
        (["one"], []),
    ],
)
def test_short_and_empty_texts_are_compared_as_wholes(texts: list[str], groups: list[tuple[int, ...]]) -> None:
    assert find_groups(texts, 0.8).members() == groups


def test_half_characters_and_null_characters_are_characters_like_others() -> None:
    assert find_groups(["a \ud800 half", "a \ud800 half", "a\0b", "a b", "a\0\0\0\0"], 1.0).members() == [
        (0, 1),
        (2, 3),
    ]


def test_more_characters_than_codes_have_room_for() -> None:
    """With 30,000 different characters the numbers of shingles are hashes: the measures are the same."""
    rng = random.Random(0)
    texts = ["".join(chr(rng.randrange(0x4E00, 0x4E00 + 20_000)) for _ in range(40)) for _ in range(2_000)]
    texts += [f"{text[:36]}{text[:3]}x" for text in texts[:50]]
    shingles = Shingles([plain(text) for text in texts])
    pairs = np.arange(50), np.arange(2_000, 2_050)
    assert shingles.jaccard(*pairs).tolist() == [brute_jaccard(texts[a], texts[b]) for a, b in zip(*pairs, strict=True)]
    assert find_groups(texts, 0.7).members() == [(row, 2_000 + row) for row in range(50)]


def test_what_hangs_together_in_steps_is_one_group() -> None:
    letters = "the quick brown fox jumps over the lazy dog while seven wizards vex my quartz box"
    steps = [letters[start : start + 50] for start in range(0, 28, 4)]
    assert brute_jaccard(steps[0], steps[-1]) < 0.5 < 0.8 <= brute_jaccard(steps[0], steps[1])
    found = find_groups(steps, 0.8)
    assert found.members() == [tuple(range(7))] and min(link.similarity for link in found.links) >= 0.8


def test_a_template_of_thousands_is_one_group_and_strangers_with_its_words_are_not() -> None:
    rng = random.Random(1)
    template = "As a prompt generator for a picture program you will write four prompts in English about this subject: "
    texts = [template + "".join(rng.choices("abcdefghij", k=8)) for _ in range(3_000)]
    texts += [f"{template[:40]}{rng.random()} and {rng.random()} {rng.random()}" for _ in range(20)]
    found = find_groups(texts, 0.8)
    assert found.members()[0] == tuple(range(3_000)) and len(found.links) == sum(len(g) - 1 for g in found.members())


@pytest.mark.parametrize(
    ("threshold", "rows"), [(0.2, 1), (0.5, 2), (0.6, 2), (0.7, 4), (0.8, 4), (0.95, 8), (1.0, 16)]
)
def test_bands_miss_less_than_a_thousandth(threshold: float, rows: int) -> None:
    assert rows_of_a_band(threshold) == rows
    assert (1 - threshold**rows) ** (128 // rows) <= 1e-3


def rows_of(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode().splitlines()]


def test_planted_pairs_in_real_prompts_are_found(shared_data: Path) -> None:
    """Of prompts in two languages with some words replaced: every pair at 0.7 and above, and no pair below it."""
    messages = rows_of(shared_data / "oasst/oasst1_validation_en_fi.jsonl.gz")
    prompts = list({plain(each[key]): each[key] for key in ("text_en", "text_fi") for each in messages})
    rng = random.Random(0)
    words = [word for text in prompts for word in text.split()]

    def replaced(text: str) -> str:
        own = text.split()
        for place in rng.sample(range(len(own)), len(own) // 12):
            own[place] = rng.choice(words)
        return " ".join(own)

    long = [row for row, text in enumerate(prompts) if 100 < len(text) < 1_000]
    texts = [*prompts, *(replaced(prompts[row]) for row in long)]
    similar = [brute_jaccard(texts[a], texts[b]) for b, a in enumerate(long, len(prompts))]
    near = [(a, b) for (b, a), value in zip(enumerate(long, len(prompts)), similar, strict=True) if value >= 0.7]
    found = find_groups(texts, 0.7)
    hit = sum(found.labels[a] == found.labels[b] for a, b in near)
    assert len(near) > 800 and hit / len(near) >= 0.99
    assert all(link.similarity == brute_jaccard(texts[link.first], texts[link.second]) >= 0.7 for link in found.links)


def test_no_two_prompts_of_ifeval_are_near(shared_data: Path) -> None:
    lines = (shared_data / "ifeval/input_data.jsonl").read_text("utf-8").splitlines()
    texts = [json.loads(line)["prompt"] for line in lines]
    assert find_groups(texts, 0.6).members() == []
    assert len(find_groups(texts, 0.5).links) == 6, "they share their instructions"


def test_vectors_join_as_brute_force_does() -> None:
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(700, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[17] = 0  # nothing is known of this row
    groups, brute = Groups(700), np.arange(700)
    groups.join(np.array([17]), np.array([40]), np.array([1.0]), "text")
    join_near_vectors(groups, vectors, 0.95)
    brute[40] = 17
    for a, b in zip(*np.nonzero(np.triu(vectors @ vectors.T >= 0.95, 1)), strict=True):
        brute[brute == max(brute[a], brute[b])] = min(brute[a], brute[b])
    assert groups.labels.tolist() == brute.tolist() and 100 < len(set(brute.tolist())) < 600
    assert len(groups.links) == 700 - len(set(brute.tolist()))
    assert all(link.how == "text" or link.similarity >= 0.95 for link in groups.links)


def test_vectors_over_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("align.selection.near_duplicates.vectors._ROWS_AT_ONCE", 16)
    monkeypatch.setattr("align.selection.near_duplicates.vectors._COLUMNS_AT_ONCE", 40)
    vectors = np.eye(10, dtype=np.float32)[np.arange(100) % 10]
    groups = Groups(100)
    join_near_vectors(groups, vectors, 0.9)
    assert groups.members() == [tuple(range(first, 100, 10)) for first in range(10)] and len(groups.links) == 90
