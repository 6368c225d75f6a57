"""Times the report of a run of twelve models against its floor: reading and parsing what it is made from.

`python -m benchmarks.report [--rounds N]` builds a finished run of the paper's recipe with made-up numbers (510 prompts in
two languages, 80 open questions, a judge), and prints seconds of wall and of processor time, as medians over the rounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from eval.report.stage import run
from kielo.records import read_jsonl

if TYPE_CHECKING:
    from tests.eval.fixture_run import Built

LIMIT_SECONDS = 5.0


def main() -> None:
    """Build the run, time both, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    from tests.eval.fixture_run import build

    with tempfile.TemporaryDirectory() as folder:
        built = build(Path(folder))
        floor, report = (timed(work, rounds) for work in (lambda: read_all(built), lambda: run(built.place)))
    print(f"{'':28}{'wall, s':>10}{'processor, s':>14}")
    for name, (wall, processor) in (("reading and parsing inputs", floor), ("the whole report", report)):
        print(f"{name:28}{wall:10.2f}{processor:14.2f}")
    print(f"{'times the floor':28}{report[0] / floor[0]:10.1f}{report[1] / floor[1]:14.1f}")
    print(f"the report of 12 models is to take under {LIMIT_SECONDS:g} s")


def timed(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Give the median wall and processor seconds of some work."""
    found = []
    for _ in range(rounds):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - wall, time.process_time() - processor))
    walls, processors = zip(*found, strict=True)
    return statistics.median(walls), statistics.median(processors)


def read_all(built: Built) -> int:
    """Read and parse every file that the report stands on; gives how many."""
    count = 0
    for folder in built.place.inputs.values():
        for path in sorted(folder.rglob("*.json*")):
            count += 1
            if path.suffix == ".jsonl":
                list(read_jsonl(path))
            else:
                json.loads(path.read_text("utf-8"))
    return count


if __name__ == "__main__":
    main()
