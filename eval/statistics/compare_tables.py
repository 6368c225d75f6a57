"""The tables of `kielo eval compare` as a terminal shows them, from its JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kielo.text_table import aligned

Document = Mapping[str, Any]


def tables(document: Document) -> str:
    """Lay out the models with intervals and floors, and below them every pair with what its test shows."""
    asked = f"{document['level']} level, {document['way']}, sentences by {document['sentences']}"
    if document["normalised"]:
        asked += ", only answers in the language"
    head = f"IFEval {document['language']}, mode {document['mode']}, {asked}: {document['prompts']} prompts that ask for no response language"
    floors = document["floors"].values()
    above = ["above floors"] if floors else []
    models: list[tuple[str, ...]] = [("model", "followed", "share", "95% interval", *above, "no answer")]
    models += [_model(row) for row in document["models"]]
    models += [(f"floor: {row['reply']}", *_counts(row), "", "", "") for row in floors]
    note = "Intervals: prompts resampled." + (
        " Above floors: the whole interval is above every reply without a model."
        if floors
        else " No floors: the language of replies without a model was not told."
    )
    if not document["pairs"]:
        return "\n".join([head, "", *aligned(models), note])
    pairs: list[tuple[str, ...]] = [("first", "second", "points", "95% interval", "p", "p (Holm)", "the first is")]
    pairs += [_pair(row) for row in document["pairs"]]
    tests = len(document["pairs"])
    how = f"Points: first less second, prompt by prompt. p: permutation by prompt; p (Holm): adjusted for {tests} tests, below 0.05 a difference is shown."
    return "\n".join([head, "", *aligned(models), note, "", *aligned(pairs, texts=2), how])


def _model(row: Document) -> tuple[str, ...]:
    interval = f"[{100 * row['interval']['low']:.1f}, {100 * row['interval']['high']:.1f}]"
    above = [] if row["above_floors"] is None else ["yes" if row["above_floors"] else "no"]
    return (row["model"], *_counts(row), interval, *above, str(row["no_answer"]))


def _counts(row: Document) -> tuple[str, str]:
    return f"{row['followed']}/{row['out_of']}", f"{100 * row['share']:.2f}%"


def _pair(row: Document) -> tuple[str, ...]:
    test = row["test"]
    interval = f"[{100 * test['interval']['low']:+.1f}, {100 * test['interval']['high']:+.1f}]"
    chances = (_chance(test["p"]), _chance(row["adjusted_p"]))
    return (row["first"], row["second"], f"{100 * test['difference']:+.1f}", interval, *chances, row["verdict"])


def _chance(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"
