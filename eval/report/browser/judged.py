"""Reads what judges made of single answers to open questions: outcomes out of scores.json, their words out of judgements.jsonl."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from eval.judge.judging import JUDGEMENTS
from eval.report.collect import Run
from kielo.errors import SourceError, at
from kielo.records import read_jsonl

Row = dict[str, Any]
Judged = Mapping[tuple[str, int], list[Row]]


def judgements(run: Run, benchmark: str, code: str) -> Judged:
    """Give by model and key what was judged of its answers, turn by turn, each with what the judges wrote.

    Raises:
        SourceError: a row of the judgements is damaged.
    """
    found: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for step, document in run.judged.items():
        if (document["benchmark"], document["language"]) == (benchmark, code):
            said = _said(run.folders[step] / JUDGEMENTS)
            for model, row in _outcomes(document):
                row["said"] = said.get((model, row["key"], row["turn"], row["mode"]), [])
                found[model, row.pop("key")].append(row)
    return found


def _outcomes(document: Mapping[str, Any]) -> Iterator[tuple[str, Row]]:
    for question in document["questions"]:
        for model, modes in question["models"].items():
            for mode, of in sorted(modes.items()):
                named = {"key": question["key"], "turn": question["turn"], "mode": mode}
                judges = {name: value for name, value in of.get("judges", {}).items() if len(of["judges"]) > 1}
                yield (
                    model,
                    {**named, "result": of["outcome"], "rating": of.get("rating"), "why": of["why"], "judges": judges},
                )


def _said(path: Path) -> dict[tuple[str, int, int, str], list[Row]]:
    """Read what the judges wrote; nothing where the file is no longer there."""
    said: dict[tuple[str, int, int, str], list[Row]] = defaultdict(list)
    for number, row in read_jsonl(path) if path.is_file() else ():
        try:
            place = (row["model"], row["key"], row["turn"], row["mode"])
            said[place].append({"judge": row["judge"], "first": row.get("first"), "text": row["judgement"]})
        except KeyError as error:
            raise SourceError(
                f"{at(path, number)}: no judgement as Kielo writes it ({error} is missing); make its step again."
            ) from error
    return said
