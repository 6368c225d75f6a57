"""Method `longest`: the rows with the longest answers."""

from __future__ import annotations

import numpy as np

from align.selection.limits import limits
from align.selection.pool import Picks, Pool, Wanted


def pick(pool: Pool, wanted: Wanted, _settings: None = None) -> Picks:
    """Take the rows whose answers have the most characters together.

    Raises:
        SourceError: more rows are wanted than there are.
    """
    assert pool.lengths is not None
    return Picks(limits(pool, wanted).first(np.argsort(-pool.lengths, kind="stable")))
