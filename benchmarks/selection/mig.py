"""Times MIG on a pool of the published size: 939,000 rows, 50,000 picks; each contender has a process of its own."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import Any, Literal

from align.selection.mig import pick
from align.selection.pool import Wanted
from benchmarks.selection.tag_pool import THRESHOLD, tag_pool
from kielo.schema.selection import Mig

_ROWS, _SIZE = 939_000, 50_000
_MAX_MIB = 1024


@dataclass(frozen=True)
class Contender:
    """A way to make the selection, and the seconds it may take."""

    name: str
    path: Literal["numpy", "numba"]
    settings: tuple[str, ...] = ()
    max_seconds: float | None = None


CONTENDERS = (
    Contender("numba", "numba", max_seconds=4.0),
    Contender("numpy", "numpy", max_seconds=30.0),
    Contender("numba, norm", "numba", ("norm=true",)),
    Contender("numba, true gain", "numba", ("gain=true",)),
)


def main() -> bool:
    """Print the tables; tells whether the aims were met."""
    with tempfile.TemporaryDirectory() as cache:
        first = _measured(CONTENDERS[0], cache)
        found = {contender.name: _measured(contender, cache) for contender in CONTENDERS}
    print(f"MIG: {_ROWS:,} rows, 4,531 labels, {first['labels_per_row']:.2f} labels a row, {first['neighbours']:.1f} neighbours a label; {_SIZE:,} picks.\n")  # fmt: skip
    print(
        "| way | CPU s | peak MiB of the process | of these its pool | information / random | labels a pick |\n|---|---:|---:|---:|---:|---:|"
    )
    for name, each in found.items():
        print(f"| {name} | {each['seconds']:.2f} | {each['peak_mib']:,.0f} | {each['pool_mib']:,.0f} | {each['information']:.2f} | {each['labels_per_pick']:.2f} |")  # fmt: skip
    print(
        f"\nnumba compiles for {first['compiling']:.1f} s once, and takes {found['numba']['compiling']:.1f} s to be loaded afterwards: beside the above."
    )
    same = found["numba"]["rows"] == found["numpy"]["rows"]
    print("\n| aim | measured | aim | met |\n|---|---:|---:|---|")
    met = [same]
    for contender in CONTENDERS:
        if contender.max_seconds is not None:
            each = found[contender.name]
            met += [each["seconds"] < contender.max_seconds, each["peak_mib"] < _MAX_MIB]
            print(f"| CPU seconds, {contender.name} | {each['seconds']:.2f} | {contender.max_seconds:g} | {_yes(met[-2])} |")  # fmt: skip
            print(f"| peak MiB, {contender.name} | {each['peak_mib']:,.0f} | {_MAX_MIB:,} | {_yes(met[-1])} |")
    print(f"| same {_SIZE:,} rows in the same order | {_yes(same)} | yes | {_yes(same)} |\n")
    return all(met)


def _yes(met: bool) -> str:
    return "yes" if met else "no"


def _measured(contender: Contender, cache: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.selection.mig", contender.path, *contender.settings]
    done = subprocess.run(command, check=True, capture_output=True, text=True,
                          env={**os.environ, "NUMBA_CACHE_DIR": cache, "OMP_NUM_THREADS": "1"})  # fmt: skip
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _measure() -> None:
    """Make one selection in this process, and tell what it took as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("path", choices=("numpy", "numba"))
    parser.add_argument("settings", nargs="*")
    options = parser.parse_args()
    given: dict[str, Any] = dict(each.split("=") for each in options.settings)
    settings = Mig.model_validate({"threshold": THRESHOLD, **given, "norm": "norm" in given})
    started = time.process_time()
    pick(tag_pool(2_000), Wanted(50), settings, path=options.path)
    compiling = time.process_time() - started
    pool = tag_pool(_ROWS)
    before, started = _peak_mib(), time.process_time()
    picks = pick(pool, Wanted(_SIZE), settings, path=options.path)
    seconds, counts = time.process_time() - started, picks.counts
    print(json.dumps({
        "seconds": seconds, "compiling": compiling, "peak_mib": _peak_mib(), "pool_mib": before,
        "rows": hashlib.sha256(picks.rows.tobytes()).hexdigest(),
        "labels_per_row": counts["labels_per_row"]["pool"], "labels_per_pick": counts["labels_per_row"]["picks"],
        "neighbours": 2 * counts["labels"]["joined_pairs"] / counts["labels"]["names"],
        "information": counts["information"]["picks"] / counts["information"]["random"],
    }))  # fmt: skip


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    _measure()
