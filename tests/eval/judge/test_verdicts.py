"""Strict reading of judgements: the last verdict on the last line, or an error with a reason."""

from __future__ import annotations

import gzip
import json

import pytest

from eval.judge.verdicts import (
    CUT_OFF,
    NO_VERDICT,
    OUT_OF_RANGE,
    REFUSED,
    Unread,
    rating_of,
    read_rating,
    read_verdict,
    verdict_of,
)
from kielo.generation.protocol import Completion


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("A is better.\n[[A]]", "A"),
        ("[[A]] at first sight.\n\nFinal verdict: [[B]]\n", "B"),
        ("[[A]] no: [[C]].", "C"),
        ("<think>surely [[A]]</think>Both are well.\n[[B]]", "B"),
    ],
)
def test_the_last_verdict_counts(text, verdict):
    assert read_verdict(text) == verdict


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A wins.",
        "[[D]]",
        "[[a]]",
        "[[ A ]]",
        "[A]",
        "Answer A says [[A]].\nI cannot decide.",
        "<think>[[A]]",
        "[[A or B]]",
    ],
)
def test_anything_else_is_no_verdict(text):
    assert read_verdict(text) == Unread(NO_VERDICT)


@pytest.mark.parametrize(
    ("text", "rating"), [("[[7]]", 7.0), ("x [[3]]\nRating: [[7.5]]", 7.5), ("[[10]]", 10.0), ("[[1]]", 1.0)]
)
def test_a_rating_is_read(text, rating):
    assert read_rating(text) == rating


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[11]]", OUT_OF_RANGE),
        ("[[0]]", OUT_OF_RANGE),
        ("[[-3]]", NO_VERDICT),
        ("7/10", NO_VERDICT),
        ("[[٧]]", NO_VERDICT),
        ("[[nan]]", NO_VERDICT),
    ],
)
def test_a_rating_that_is_none_is_an_error(text, why):
    assert read_rating(text) == Unread(why)


def test_a_judgement_that_was_cut_or_refused_says_so():
    assert verdict_of(Completion("It is", "length", 1, 9)) == Unread(CUT_OFF)
    assert verdict_of(Completion("so [[A]]", "length", 1, 9)) == "A"
    assert verdict_of(Completion("[[A]]", "refused", 1, 9)) == Unread(REFUSED)
    assert rating_of(Completion("[[12]]", "length", 1, 9)) == Unread(OUT_OF_RANGE)


def test_real_judgements_of_gpt_4_turbo_are_read_as_they_were_counted(shared_data):
    """314 of 320 hold a verdict; the other six are errors on file as well."""
    counted = {"same": 0, "error": 0}
    with gzip.open(shared_data / "mt_bench_fi/pairwise_gpt-4-turbo.jsonl.gz", "rt", encoding="utf-8") as stream:
        for row in map(json.loads, stream):
            for game, named in (("g1", {"A": "model_1", "B": "model_2"}), ("g2", {"A": "model_2", "B": "model_1"})):
                read = read_verdict(row[f"{game}_judgment"])
                if isinstance(read, Unread):
                    counted["error"] += row[f"{game}_winner"] == "error"
                else:
                    counted["same"] += row[f"{game}_winner"] == named.get(read, "tie")
    assert counted == {"same": 314, "error": 6}
