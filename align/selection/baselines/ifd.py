"""Method `ifd`: the rows whose prompts help the base model least with the answer (instruction-following difficulty, Cherry LLM)."""

from __future__ import annotations

import numpy as np

from align.selection.limits import limits
from align.selection.pool import Picks, Pool, Wanted


def pick(pool: Pool, wanted: Wanted, _settings: None = None) -> Picks:
    """Take the highest difficulties up to 1; above 1 the prompt makes the answer less likely, so that the two do not belong together.

    Raises:
        SourceError: fewer rows are left than are wanted.
    """
    assert pool.ifd is not None
    usable = pool.ifd <= 1
    order = np.argsort(-pool.ifd, kind="stable")
    left = limits(pool, wanted, usable, "with a difficulty of at most 1")
    return Picks(left.first(order[usable[order]]), {"above_1": int((~usable).sum())})
