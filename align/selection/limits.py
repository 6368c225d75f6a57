"""How many rows a selection may take of each language; every method asks here what is still free."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from align.selection.pool import Ints, Pool, Wanted
from kielo.errors import SourceError


@dataclass(frozen=True)
class Limits:
    """Rows that groups of rows may give: languages where there are budgets, else all rows are one group."""

    names: tuple[str, ...]
    """Of the groups; empty text: the whole pool."""
    groups: Ints
    """N: the number of each row's group; -1: nothing is wanted of it."""
    free: Ints
    """G: rows that each group may give, adding up to the size."""

    def first(self, order: Ints) -> Ints:
        """Take the first rows of an order that the limits let through."""
        taken = np.zeros(len(order), bool)
        for group, free in enumerate(self.free):
            taken[np.flatnonzero(self.groups[order] == group)[:free]] = True
        return order[taken]


def limits(pool: Pool, wanted: Wanted, usable: NDArray[np.bool_] | None = None, why: str = "") -> Limits:
    """Say what each language may give.

    `usable` tells which rows a method can take at all, and `why` what is wrong with the others.

    Raises:
        SourceError: more rows are wanted than there are, in all or of a language with a budget.
    """
    names = tuple(wanted.budgets) or ("",)
    number = {name: index for index, name in enumerate(names)}
    groups = (
        np.array([number.get(code, -1) for code in pool.languages], np.int64)
        if wanted.budgets else np.zeros(len(pool.ids), np.int64)
    )  # fmt: skip
    free = np.array(list(wanted.budgets.values()) or [wanted.size], np.int64)
    inside = groups if usable is None else groups[usable]
    there = np.bincount(inside[inside >= 0], minlength=len(names))
    for name, asked, found in zip(names, free.tolist(), there.tolist(), strict=True):
        if asked > found:
            raise SourceError(_too_many(name, asked, found, why))
    return Limits(names, groups, free)


def _too_many(language: str, asked: int, found: int, why: str) -> str:
    rows = f"'{language}' rows" if language else "rows"
    fix = f"ask for fewer, or lower the budget of '{language}'" if language else "ask for fewer"
    return f"{asked} {rows} are to be selected and there are {found}{why and f' {why}'}; {fix}."
