"""The default profile on the half of the conversations that thresholds were not set on, and on sentences in other languages.

`python -m benchmarks.checks` measures the same on everything; this is a sample of it that takes seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmarks.checks import item, oasst, reviewed, sentences
from kielo.languages.pack import language
from tests.translate.faults import FAULTS, Row, World, inject
from translate.checks import Checker, Direction, Item, make_checker

Pairs = Callable[[str], list[tuple[str, str]]]
REVIEWED = Path(__file__).parent.parent / "clean_reviewed.tsv"


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> list[Row]:
    return oasst("held", shared_data)


@pytest.fixture(scope="module")
def fitted(rows: Sequence[Row], direction: Direction) -> Checker:
    return make_checker(direction).calibrated(map(item, rows))


def rejects(checker: Checker, source: str, translation: str) -> bool:
    return any(finding.fatal for finding in checker.findings(Item(source, translation)))


def test_injected_faults_are_rejected(rows: list[Row], fitted: Checker, shared_data: Path) -> None:
    english, estonian, finnish = (sentences(f"flores200/{code}.devtest", shared_data) for code in ("eng", "est", "fin"))
    world = World(rows, english, estonian, finnish)
    missed: Counter[str] = Counter()
    made = {name: inject(name, rows[::3], world, seed=1)[:60] for name in FAULTS}
    for name, faulty in made.items():
        missed[name] = sum(not rejects(fitted, row.source, text) for row, text in faulty)
    total = sum(map(len, made.values()))
    print(f"recall {1 - missed.total() / total:.1%} of {total}; missed {dict(missed.most_common(8))}")
    assert len([name for name, faulty in made.items() if faulty]) >= 28
    assert missed.total() <= 0.05 * total
    assert all(missed[name] <= 0.2 * len(faulty) for name, faulty in made.items() if len(faulty) >= 30)


def test_real_messages_pass_but_for_those_a_reader_found_damaged(rows: list[Row], fitted: Checker) -> None:
    damaged = {name for name, verdict in reviewed(REVIEWED).items() if verdict == "defect"}
    wrong = [row.id for row in rows if row.id not in damaged and rejects(fitted, row.source, row.translation)]
    assert len(wrong) <= 0.01 * len(rows), wrong


@pytest.mark.parametrize("name", ["flores", "newstest"])
def test_real_sentences_pass(name: str, real_pairs: Pairs, direction: Direction) -> None:
    pairs = real_pairs(name)[:1500]
    checker = make_checker(direction).calibrated(Item(*pair) for pair in pairs)
    assert sum(rejects(checker, *pair) for pair in pairs) <= 0.01 * len(pairs)


@pytest.mark.parametrize("sibling", ["est", "swe", "nob", "isl", "eus"])
def test_other_languages_are_told_from_the_target(sibling: str, direction: Direction, shared_data: Path) -> None:
    english, other = (sentences(f"flores200/{code}.devtest", shared_data)[:300] for code in ("eng", sibling))
    checker = make_checker(direction)
    assert sum(rejects(checker, *pair) for pair in zip(english, other, strict=True)) >= 0.95 * len(other)


def test_another_target_language_needs_no_python(shared_data: Path) -> None:
    english, danish, swedish = (sentences(f"flores200/{code}.devtest", shared_data) for code in ("eng", "dan", "swe"))
    checker = make_checker(Direction(language("en"), language("da")))
    checker = checker.calibrated(Item(*pair) for pair in zip(english, danish, strict=True))
    assert sum(rejects(checker, *pair) for pair in zip(english, danish, strict=True)) <= 0.01 * len(danish)
    assert sum(rejects(checker, *pair) for pair in zip(english, swedish, strict=True)) >= 0.98 * len(swedish)


def test_the_same_faults_come_from_the_same_seed(rows: list[Row]) -> None:
    world = World(rows, ["a"], ["b"], ["c"])
    assert inject("truncated", rows[:20], world) == inject("truncated", rows[:20], world)
    assert inject("truncated", rows[:20], world) != inject("truncated", rows[:20], world, seed=2)
