"""Method `random`: the first rows of the order that mixes draw, so that what a mix takes of fewer rows is part of more."""

from __future__ import annotations

import numpy as np

from align.mix import draw
from align.selection.limits import limits
from align.selection.pool import Picks, Pool, Wanted


def pick(pool: Pool, wanted: Wanted, _settings: None = None) -> Picks:
    """Take rows in an order that depends on the seed and the ids alone; a row and its translation stand side by side.

    Raises:
        SourceError: more rows are wanted than there are.
    """
    order = sorted(range(len(pool.ids)), key=lambda row: draw(wanted.seed, pool.ids[row]))
    return Picks(limits(pool, wanted).first(np.array(order, np.int64)))
