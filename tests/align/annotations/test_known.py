"""What selections read: annotations with their vectors, and how good translations are."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.annotations import stage
from align.annotations.known import read_known, translation_quality
from kielo.errors import SourceError
from kielo.records import write_jsonl
from tests.align.annotations.conftest import MakePlace


def test_vectors_of_other_rows_are_refused(make_place: MakePlace) -> None:
    place = make_place("{}", "{method: [car, mig], size: 2}")
    stage.run(place)
    known = read_known(place.folder)
    assert known.numbers["one/00003"] == 3 and known.embeddings is not None and len(known.embeddings) == 24
    assert known.label_vectors is not None and len(known.label_vectors) == len(known.label_names)
    np.save(place.folder / "embeddings.npy", known.embeddings[:-1])
    with pytest.raises(SourceError, match=r"embeddings\.npy: holds \(23, \d+\) numbers for 24 names"):
        read_known(place.folder)


def text(
    name: str, size: int = 10, logprob: float | None = -0.1, doubted: bool = False, accepted: bool = True
) -> dict[str, Any]:
    findings = [["length-ratio", "26 characters for 44", False]] if doubted else []
    return {
        "id": name, "where": "messages[0]", "source": "x" * size, "translation": "y", "engine": "hf", "rung": "first",
        "logprob": logprob, "findings": findings, "accepted": accepted, "reason": None,
    }  # fmt: skip


def quality(folder: Path, rows: list[dict[str, Any]], accepted: list[str]) -> dict[str, float]:
    write_jsonl(folder / "translations.jsonl", rows)
    write_jsonl(folder / "accepted.jsonl", [{"id": name} for name in accepted])
    return dict(translation_quality(folder))


def test_unlikely_and_doubted_translations_count_less(tmp_path: Path) -> None:
    rows = [
        text("likely", logprob=-0.05), text("unlikely", logprob=-0.7), text("doubted", logprob=-0.05, doubted=True),
        text("deepl", logprob=None), text("short and long", 10, -1.0), text("short and long", 90, 0.0), text("gone"),
    ]  # fmt: skip
    found = quality(tmp_path, rows, ["likely", "unlikely", "doubted", "deepl", "short and long"])
    assert found == pytest.approx({
        "likely": math.exp(-0.05), "unlikely": math.exp(-0.7), "doubted": 0.8 * math.exp(-0.05), "deepl": 1.0,
        "short and long": 0.1 * math.exp(-1) + 0.9,
    }, abs=1e-4)  # fmt: skip


TEXTS = st.lists(
    st.builds(
        text, st.sampled_from("abc"), st.integers(0, 50), st.none() | st.floats(-50, 1e-4), st.booleans(), st.booleans()
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(TEXTS)
def test_every_factor_lies_between_nothing_and_one(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    found = quality(tmp_path_factory.mktemp("translated"), rows, ["a", "b"])
    assert set(found) == {row["id"] for row in rows if row["accepted"]} & {"a", "b"}
    assert all(0 <= factor <= 1 for factor in found.values())


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"translations\.jsonl, line 1: not a translation as Kielo writes it"):
        quality(tmp_path, [{"id": "a"}], [])
