"""Progress of long work on standard error, with the rate and an estimate of what is left."""

from __future__ import annotations

import sys
from typing import Any


def progress(total: int, label: str, unit: str, done: int = 0) -> Any:
    """Open a progress bar (a tqdm); in a log file it prints a line every half minute instead of redrawing."""
    from tqdm import tqdm

    interval = 0.2 if sys.stderr.isatty() else 30.0
    return tqdm(total=total, initial=done, desc=label, unit=f" {unit}", mininterval=interval, maxinterval=interval,
                delay=1.0, leave=False, dynamic_ncols=True)  # fmt: skip
