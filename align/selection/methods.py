"""The selection methods of a recipe: each is the function `pick(pool, wanted, settings)` of a module, imported when asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from align.selection.pool import Picks, Pool, Wanted
    from kielo.schema.selection import Method

METHODS: Mapping[Method, str] = {
    "random": "align.selection.baselines.random_rows",
    "longest": "align.selection.baselines.longest",
    "score": "align.selection.baselines.top_score",
    "ifd": "align.selection.baselines.ifd",
    "instag": "align.selection.baselines.instag",
    "deita": "align.selection.baselines.deita",
    "car": "align.selection.baselines.car",
    "qdit": "align.selection.baselines.qdit",
    "mig": "align.selection.mig",
}
BASELINES: Mapping[Method, str] = {
    "random": "the first rows of a seeded order; fewer are part of more",
    "longest": "the longest answers",
    "score": "the best scores",
    "ifd": "the highest instruction-following difficulty up to 1",
    "instag": "most labels first, in passes that each bring new labels",
    "deita": "the best scores that are apart from each other",
    "car": "the best scores of all, then of each cluster in turns",
    "qdit": "good rows that stand for many others",
}
"""What MIG is compared with, and which rows each takes."""


def find_method(name: Method) -> Callable[[Pool, Wanted, Any], Picks]:
    """Import the function that selects by a method; its settings are the part of `select` that is called as it is, or None."""
    module: Any = importlib.import_module(METHODS[name])
    pick: Callable[[Pool, Wanted, Any], Picks] = module.pick
    return pick
