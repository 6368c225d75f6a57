"""Times near-duplicates on 40,000 Finnish prompts beside rensa and datasketch, if installed: seconds, recall of planted pairs, false pairs."""

from __future__ import annotations

import importlib.util
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from align.selection.near_duplicates.find import find_groups
from align.selection.near_duplicates.groups import Groups
from align.selection.near_duplicates.shingles import jaccard, pieces
from kielo.records import read_jsonl

THRESHOLD = 0.7
LIMIT_SECONDS, LEAST_RECALL = 10.0, 0.99
_ROWS, _ROWS_OF_THE_SLOWEST = 40_000, 8_000
_PLANTED = 0.15
_LETTERS = 225
_HASHES, _BANDS = 128, 32
_DATA = Path(os.environ.get("KIELO_SHARED_DATA", "../shared/data"))
_ARTICLES = _DATA / "native_fi/wikipedia-fi-validation-sample.jsonl.gz"
Pairs = Iterable[tuple[int, int]]


@dataclass(frozen=True)
class Prompts:
    """Prompts, and pairs of them that are known to reach the threshold."""

    texts: list[str]
    near: list[tuple[int, int]]


def main() -> bool:
    """Print the table; the aim is met when ours is fast enough, finds enough and joins no false pair."""
    prompts, fewer = planted(_ROWS), planted(_ROWS_OF_THE_SLOWEST)
    mean = sum(map(len, prompts.texts)) / _ROWS
    print(
        f"{_ROWS:,} prompts of {mean:.0f} characters, {len(prompts.near):,} planted pairs at Jaccard {THRESHOLD} and above"
    )
    print("| contender | prompts | CPU s | recall | false pairs |")
    print("|---|---:|---:|---:|---:|")
    seconds, recall, false = _measure("ours (numpy), shingles and exact check included", prompts, _ours)
    if importlib.util.find_spec("rensa"):
        _measure("rensa, same steps", prompts, lambda texts: _checked(texts, _rensa))
    if importlib.util.find_spec("datasketch"):
        _measure("datasketch, same steps", fewer, lambda texts: _checked(texts, _datasketch))
        _measure("ours", fewer, _ours)
    return seconds < LIMIT_SECONDS and recall >= LEAST_RECALL and not false


def planted(rows: int) -> Prompts:
    """Draw prompts of words of real Finnish text; of some a copy with up to a quarter of its words replaced stands behind them."""
    rng = random.Random(0)
    words = [word for _, article in read_jsonl(_ARTICLES) for word in article["text"].split()]
    texts = [_text(words, rng) for _ in range(rows - int(rows * _PLANTED))]
    pairs = []
    for number in range(len(texts), rows):
        origin = rng.randrange(len(texts))
        own = texts[origin].split()
        for place in rng.sample(range(len(own)), rng.randrange(1, len(own) // 4)):
            own[place] = rng.choice(words)
        texts.append(" ".join(own))
        pairs.append((origin, number))
    return Prompts(texts, [pair for pair in pairs if jaccard(texts[pair[0]], texts[pair[1]]) >= THRESHOLD])


def _text(words: Sequence[str], rng: random.Random) -> str:
    drawn: list[str] = []
    while sum(map(len, drawn)) + len(drawn) < _LETTERS:
        drawn.append(rng.choice(words))
    return " ".join(drawn)


def _measure(name: str, prompts: Prompts, find: Callable[[list[str]], Groups]) -> tuple[float, float, int]:
    start = time.process_time()
    groups = find(prompts.texts)
    seconds = time.process_time() - start
    recall = sum(groups.labels[a] == groups.labels[b] for a, b in prompts.near) / len(prompts.near)
    links = groups.links
    false = sum(jaccard(prompts.texts[link.first], prompts.texts[link.second]) < THRESHOLD for link in links)
    print(f"| {name} | {len(prompts.texts):,} | {seconds:.1f} | {recall:.4f} | {false} of {len(links):,} |", flush=True)
    return seconds, recall, false


def _ours(texts: list[str]) -> Groups:
    return find_groups(texts, THRESHOLD)


def _checked(texts: list[str], candidates: Callable[[list[list[str]]], Pairs]) -> Groups:
    """Do what is around a library's signatures and buckets: shingles before, the exact check behind."""
    shingles = [list(dict.fromkeys(pieces(text))) for text in texts]
    sets = [frozenset(each) for each in shingles]
    groups = Groups(len(texts))
    for a, b in candidates(shingles):
        similarity = len(sets[a] & sets[b]) / len(sets[a] | sets[b])
        if similarity >= THRESHOLD:
            groups.join(np.array([a]), np.array([b]), np.array([similarity]), "text")
    return groups


def _rensa(shingles: list[list[str]]) -> Iterator[tuple[int, int]]:
    rensa: Any = importlib.import_module("rensa")
    signatures = rensa.RMinHash.from_token_sets(shingles, num_perm=_HASHES, seed=0)
    index = rensa.RMinHashLSH(threshold=THRESHOLD, num_perm=_HASHES, num_bands=_BANDS)
    index.insert_many(signatures)
    for row, others in enumerate(index.query_all(signatures)):
        yield from ((other, row) for other in others if other < row)


def _datasketch(shingles: list[list[str]]) -> Iterator[tuple[int, int]]:
    datasketch: Any = importlib.import_module("datasketch")
    index = datasketch.MinHashLSH(num_perm=_HASHES, params=(_BANDS, _HASHES // _BANDS))
    for row, each in enumerate(shingles):
        signature = datasketch.MinHash(num_perm=_HASHES, seed=0)
        signature.update_batch([one.encode() for one in each])
        yield from ((other, row) for other in index.query(signature))
        index.insert(row, signature)
