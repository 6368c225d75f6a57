"""Runs the parts of the benchmark of selections, all of them or the one asked for: `python -m benchmarks.selection --part mig`."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

PARTS = {
    "mig": "benchmarks.selection.mig",
    "mig-dense": "benchmarks.selection.mig_dense",
    "methods": "benchmarks.selection.methods",
    "near-duplicates": "benchmarks.selection.near_duplicates",
}
"""Part -> module whose `main()` prints its tables and tells whether its aims were met."""


def main() -> int:
    """Run parts; the exit status says whether all aims were met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.selection", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", choices=PARTS, action="append", help="default: all, one after the other")
    met = []
    for part in parser.parse_args().part or PARTS:
        module: Any = importlib.import_module(PARTS[part])
        met.append(bool(module.main()))
    return 0 if all(met) else 1


if __name__ == "__main__":
    raise SystemExit(main())
