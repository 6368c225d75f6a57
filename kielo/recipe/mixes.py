"""A recipe's mixes and the selections in them, spelled out by name; trainings stand on them, and the plan makes steps of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kielo.schema import Mix, Recipe, Select
from kielo.schema.selection import Method


@dataclass(frozen=True)
class Taken:
    """What one mix takes of some data sets together: language -> share or rows."""

    datasets: tuple[str, ...]
    shares: Mapping[str, float]
    rows: Mapping[str, int]

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of which anything is taken."""
        return tuple(code for code, amount in {**self.shares, **self.rows}.items() if amount)


@dataclass(frozen=True)
class Selection:
    """One selection, complete: the rows that one mix takes of some languages."""

    method: Method
    size: int
    languages: tuple[str, ...]
    settings: Select

    @property
    def budgets(self) -> Mapping[str, int]:
        """Rows by language; empty where the method decides. What rounding leaves over goes to the first languages."""
        shares = self.settings.budgets
        rows = {code: int(share * self.size + 1e-9) for code, share in shares.items()}
        for code in list(rows)[: self.size - sum(rows.values())]:
            rows[code] += 1
        return rows


@dataclass(frozen=True)
class Member:
    """One mix of a family: its share X, and its selection."""

    x: float | None = None
    selection: Selection | None = None


def conversations(recipe: Recipe) -> tuple[str, ...]:
    """List the data sets that a mix takes by default: those of kind conversations, but for answers made anew to another's prompts."""
    return tuple(
        name
        for name, dataset in recipe.translate.datasets.items()
        if dataset.kind == "conversations" and dataset.prompts_of is None
    )


def members(family: str, mix: Mix, recipe: Recipe) -> dict[str, Member]:
    """Spell out a family of mixes: `en-fi-Xpct` with X: [0, 0.1] becomes en-fi-0pct and en-fi-10pct.

    Lists in its `select` come behind, the method before the size: few-mig-400. A share of 0 leaves nothing to select from.
    """
    by_x = {family.replace("X", f"{100 * value:g}"): value for value in mix.X} if mix.X else {family: None}
    return {
        "-".join([name, *suffix]): Member(x, selection)
        for name, x in by_x.items()
        for suffix, selection in _selections(mix, x)
    }


def _selections(mix: Mix, x: float | None) -> list[tuple[list[str], Selection | None]]:
    select = mix.select
    written = [each for pool in mix.pools.values() for each in {**pool.shares, **pool.rows}.items() if each[1]]
    if select is None:
        return [([], None)]
    languages = select.languages or tuple(dict.fromkeys(code for code, _ in written))
    if not any(code in languages for code, amount in written if amount != "X" or x):
        return [([], None)]
    return [
        (
            [*([method] if len(select.method) > 1 else []), *([str(size)] if len(select.size) > 1 else [])],
            Selection(method, size, languages, select),
        )
        for method in select.method
        for size in select.size
    ]


def mix_names(family: str, mix: Mix, recipe: Recipe) -> list[str]:
    """List the names of a family of mixes."""
    return list(members(family, mix, recipe))


def selections(recipe: Recipe) -> dict[str, Selection]:
    """Spell out the selections: name of a mix -> what is selected for it."""
    return {
        name: member.selection
        for family, mix in recipe.sft.mixes.items()
        for name, member in members(family, mix, recipe).items()
        if member.selection is not None
    }


def expand_mixes(recipe: Recipe) -> dict[str, tuple[Taken, ...]]:
    """Spell out every mix: name -> what it takes."""
    return {
        name: tuple(_taken(pools, mix, member.x, recipe) for pools in mix.pools.items())
        for family, mix in recipe.sft.mixes.items()
        for name, member in members(family, mix, recipe).items()
    }


def _taken(written: tuple[str | None, Any], mix: Mix, x: float | None, recipe: Recipe) -> Taken:
    dataset, pool = written
    shares = {code: x if share == "X" else share for code, share in pool.shares.items()}
    datasets = (dataset,) if dataset is not None else mix.datasets or conversations(recipe)
    return Taken(datasets, {code: share or 0.0 for code, share in shares.items()}, pool.rows)


def mix_family(recipe: Recipe, name: str) -> Mix:
    """Find the mix as written that a spelled-out mix name belongs to."""
    return next(mix for family, mix in recipe.sft.mixes.items() if name in mix_names(family, mix, recipe))
