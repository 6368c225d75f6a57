"""Training rows whose prompt stands in an evaluated data set: listed in overlap.jsonl, counted, and left out where the recipe says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from align.tokens.overlap import read_benchmarks
from align.tokens.tally import Tally
from kielo.plan import Workplace
from kielo.records import Conversation, PreferencePair, write_jsonl

OVERLAP = "overlap.jsonl"
Row = TypeVar("Row", Conversation, PreferencePair)


class Leaks:
    """What one `tokens` step found; `sift` fills it while the rows go through."""

    def __init__(self, place: Workplace) -> None:
        settings = place.step.settings["eval"]
        self.benchmarks: list[str] = settings["benchmarks"]
        self.drops: bool = settings["overlap"] == "drop"
        self.found: list[dict[str, Any]] = []
        self._reader = read_benchmarks(place)

    def sift(self, rows: Iterable[Row], tally: Tally) -> Iterator[Row]:
        """Pass rows on, and note those that overlap."""
        for row, overlap in self._reader.find_each(rows):
            if overlap is not None:
                self.found.append({
                    "id": row.id, "language": row.language, "benchmark": overlap.benchmark,
                    "benchmark_language": overlap.language, "how": overlap.how, "share": overlap.share,
                })  # fmt: skip
                if self.drops:
                    tally.drop(row, "in_benchmark")
                    continue
            yield row

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Count what was found, by language and how."""
        languages = dict.fromkeys(row["language"] for row in self.found)
        return {code: dict(Counter(row["how"] for row in self.found if row["language"] == code)) for code in languages}

    def lines(self) -> Iterator[str]:
        """Say what was found, in one sentence."""
        if self.found:
            done = "left out" if self.drops else "trained on all the same; eval.overlap: drop leaves them out"
            counted = ", ".join(f"{sum(counts.values())} {code}" for code, counts in self.counts.items())
            yield f"{counted} rows have a prompt of {' and '.join(self.benchmarks)} ({OVERLAP}), {done}"

    def write(self, folder: Path) -> None:
        """List what was found, beside the tokens."""
        if self.benchmarks:
            write_jsonl(folder / OVERLAP, self.found)
