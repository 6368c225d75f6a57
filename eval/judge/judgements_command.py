"""`kielo eval judgements`: statistics of pairwise judgements made elsewhere, and the lost pairs for reading."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from eval.judge.agreement import agreement
from eval.judge.judgement_files import read_judgements
from eval.judge.printed import agreement_line, comparison_lines, pairwise_lines
from eval.judge.statistics import pairwise_statistics
from eval.judge.stored import Stored
from eval.statistics import holm
from kielo.options.json_out import add_json, json_file, tell
from kielo.text_table import clean


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this tool's options."""
    parser.add_argument(
        "file",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="FastChat's *_pair.jsonl, AlpacaEval's annotations.json, or a log with `Winner: NAME` lines or `Final Results`; several judges of the same two models, people among them, are held against each other",
    )
    parser.add_argument(
        "--ours",
        metavar="NAME",
        help="the model to stand on (default: FastChat's model_1, AlpacaEval's generator_2, a log's winner)",
    )
    parser.add_argument("--losses", type=_whole, default=3, metavar="N", help="print so many lost pairs (default: 3)")
    add_json(parser, "all statistics")


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def run(arguments: argparse.Namespace) -> None:
    """Print the statistics of every two models in the files, and write them where asked."""
    out = json_file(arguments.json, *arguments.file)
    found = [stored for file in arguments.file for stored in read_judgements(file, arguments.ours)]
    documents = _adjusted([_document(stored) for stored in found])
    agreements = list(_agreements(found))
    lines = [line for pair in zip(found, documents, strict=True) for line in _lines(*pair, arguments.losses)]
    lines += [f"{clean(each['ours'])} against {clean(each['theirs'])}: {agreement_line(each)}" for each in agreements]
    tell(out, {"pairs": documents, "agreement": agreements}, "\n".join(lines))


def _adjusted(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Correct the p values of all comparisons that are printed together; one alone stays as it is."""
    tested = [document for document in documents if document["pairwise"]["p"] is not None]
    if len(tested) > 1:
        for document, p in zip(tested, holm([each["pairwise"]["p"] for each in tested]), strict=True):
            document["adjusted_p"] = p
    return documents


def _agreements(found: Sequence[Stored]) -> Iterator[dict[str, Any]]:
    """Hold judges of the same two models against each other, on the turns that all of them judged."""
    for names in dict.fromkeys((stored.ours, stored.theirs) for stored in found):
        outcomes = [
            {(each.case.key, each.case.turn): each.outcome for each in stored.comparisons}
            for stored in found
            if (stored.ours, stored.theirs) == names
        ]
        shared = [place for place in outcomes[0] if all(place in other for other in outcomes)]
        measured = agreement([[judge[place] for place in shared] for judge in outcomes])
        if measured:
            yield {"ours": names[0], "theirs": names[1], **measured}


def _document(stored: Stored) -> dict[str, Any]:
    return {
        "format": stored.format, "ours": stored.ours, "theirs": stored.theirs, "judge": stored.judge,
        "notes": list(stored.notes), "pairwise": pairwise_statistics(stored.comparisons, [stored.comparisons]),
    }  # fmt: skip


def _lines(stored: Stored, document: dict[str, Any], losses: int) -> Iterator[str]:
    yield f"{stored.format}, judged by {clean(stored.judge)}"
    yield from pairwise_lines(document["pairwise"], stored.ours, stored.theirs, document.get("adjusted_p"))
    gated = sum(each.by == "gate" for each in stored.comparisons)
    if gated:
        yield f"  {gated} of them were decided by the file's own language gate, not by a judge."
    yield from (f"  {clean(note)}" for note in stored.notes)
    lost = [each for each in stored.comparisons if each.outcome == "loss" and (each.ours or each.theirs)]
    for each in lost[:losses]:
        yield from comparison_lines(each)
