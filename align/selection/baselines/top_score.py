"""Method `score`: the rows with the best scores."""

from __future__ import annotations

import numpy as np

from align.selection.limits import limits
from align.selection.pool import Picks, Pool, Wanted


def pick(pool: Pool, wanted: Wanted, _settings: None = None) -> Picks:
    """Take the rows with the best scores.

    Raises:
        SourceError: more rows are wanted than there are.
    """
    assert pool.scores is not None
    return Picks(limits(pool, wanted).first(np.argsort(-pool.scores, kind="stable")))
