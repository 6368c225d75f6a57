"""Holds the rows of a file against evaluation prompts, as the step `tokens` does (`align/tokens/overlap.py`), and measures both texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from align.selection.near_duplicates.rows import PromptRow
from align.selection.near_duplicates.shingles import jaccard
from align.tokens.overlap import Benchmarks, Overlap
from kielo.records import Question


@dataclass(frozen=True)
class Contaminated:
    """A row that stands in an evaluation."""

    row: int
    evaluation: str
    """The file."""
    name: str
    """Of its row."""
    prompt: str
    overlap: Overlap
    jaccard: float
    """Of the evaluation prompt and the nearest turn of the row; low where the row holds much else."""


def contaminated(rows: Sequence[PromptRow], evaluations: Mapping[str, Sequence[PromptRow]]) -> list[Contaminated]:
    """Find the rows that stand in an evaluation; of an evaluation's row the first turn counts."""
    prompts = [(file, row) for file, those in evaluations.items() for row in those]
    benchmarks = Benchmarks(
        Question(str(number), row.language, number, "", row.turns[:1]) for number, (_, row) in enumerate(prompts)
    )
    found = []
    for number, overlap in enumerate(benchmarks.nearest([row.turns for row in rows])):
        if overlap is not None:
            file, prompt = prompts[int(overlap.benchmark)]
            near = max(jaccard(turn, prompt.turns[0]) for turn in rows[number].turns)
            found.append(Contaminated(number, file, prompt.name, prompt.turns[0], overlap, near))
    return found
