"""Mixes: the paper's arithmetic, nested shares, paired ids, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align import mix
from kielo.errors import SourceError
from kielo.plan import Step, Workplace
from kielo.recipe import load
from kielo.records import Conversation, Message, read_records, write_records


def row(number: int, language: str) -> Conversation:
    return Conversation(f"oasst2/{number:05d}", language, (Message("user", "q"), Message("assistant", "a")))


@pytest.fixture
def place(write_recipe: Callable[..., Path], tmp_path: Path) -> Callable[..., Workplace]:
    def make(shares: Mapping[str, float], english: int, finnish: int, seed: int = 0) -> Workplace:
        source, translated = tmp_path / "source", tmp_path / "translate"
        write_records(source / "rows.jsonl", [row(i, "en") for i in range(english)])
        write_records(translated / "accepted.jsonl", [row(i, "fi") for i in range(finnish)])
        settings: dict[str, Any] = {
            "sft": {"mixes": {"m": {"shares": dict(shares), "datasets": ["oasst2"]}}},
            "seed": seed,
        }
        folder = tmp_path / "mix"
        return Workplace(
            Step("mix/m", "mix", settings),
            load(write_recipe()),
            folder,
            {"source/oasst2": source, "translate/oasst2": translated},
        )

    return make


@pytest.mark.parametrize(("share", "rows"), [(0.0, 4692), (0.1, 5132), (1.0, 9091)])
def test_the_papers_arithmetic(place: Any, share: float, rows: int) -> None:
    here = place({"en": 1.0, "fi": share}, 4692, 4399)
    outcome = mix.run(here)
    written = read_records("conversations", here.folder / "train.jsonl")
    assert outcome.counts["rows"] == len(written) == rows
    assert outcome.counts["languages"]["fi"] == {"share": share, "rows": rows - 4692, "available": 4399}


def test_rows_are_paired_and_shuffled(place: Any) -> None:
    here = place({"en": 0.5, "fi": 0.5}, 40, 40)
    mix.run(here)
    written = read_records("conversations", here.folder / "train.jsonl")
    ids = {code: {r.id for r in written if r.language == code} for code in ("en", "fi")}
    assert ids["en"] == ids["fi"], "the same source rows in both languages"
    assert [r.language for r in written] != sorted(r.language for r in written), (
        "languages must not follow one another in blocks"
    )
    before = (here.folder / "train.jsonl").read_bytes()
    mix.run(here)
    assert (here.folder / "train.jsonl").read_bytes() == before
    mix.run(place({"en": 0.5, "fi": 0.5}, 40, 40, seed=1))
    assert (here.folder / "train.jsonl").read_bytes() != before


@given(st.sets(st.integers(0, 500), min_size=1), st.floats(0, 1), st.floats(0, 1), st.integers(0, 5))
def test_a_smaller_share_lies_within_a_larger(numbers: set[int], one: float, other: float, seed: int) -> None:
    rows = [row(number, "fi") for number in sorted(numbers)]
    small, large = (mix.take(rows, share, seed) for share in sorted((one, other)))
    assert small == large[: len(small)]
    assert len(mix.take(rows, 1.0, seed)) == len(rows) and mix.take(rows, 0.0, seed) == []


@given(st.sets(st.integers(0, 500), min_size=2), st.integers(0, 5))
def test_added_rows_do_not_reorder_the_others(numbers: set[int], seed: int) -> None:
    rows = [row(number, "fi") for number in sorted(numbers)]
    fewer = mix.take(rows[:-1], 1.0, seed)
    assert [r for r in mix.take(rows, 1.0, seed) if r != rows[-1]] == fewer


@pytest.mark.parametrize(
    ("shares", "finnish", "says"),
    [
        ({"en": 1.0, "fi": 0.1}, 3, "mix m: a share of 0.1 of 3 'fi' rows is none"),
        ({"en": 1.0, "fi": 1.0}, 0, "a share of 1 of 0 'fi' rows"),
        ({"en": 0.0, "fi": 0.0}, 3, "mix m: no rows at all"),
    ],
)
def test_empty_parts_are_refused(place: Any, shares: dict[str, float], finnish: int, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        mix.run(place(shares, 5, finnish))


def test_an_id_may_occur_once_in_a_language(place: Any) -> None:
    here = place({"en": 1.0, "fi": 1.0}, 3, 3)
    write_records(here.inputs["translate/oasst2"] / "accepted.jsonl", [row(1, "fi"), row(1, "fi")])
    with pytest.raises(SourceError, match="id 'oasst2/00001' occurs twice in language 'fi'"):
        mix.run(here)
