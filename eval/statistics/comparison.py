"""A table of paired tests between models, corrected for being one table: every difference with the word that says whether it is one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from eval.statistics.bootstrap import Outcomes
from eval.statistics.exact import holm
from eval.statistics.paired import Paired, Verdict, paired


@dataclass(frozen=True)
class Comparison:
    """One line of the table: how far `first` leads `second`, its p value among all of the table, and what that shows of `first`."""

    first: str
    second: str
    test: Paired
    adjusted_p: float

    @property
    def verdict(self) -> Verdict:
        """Say whether `first` is higher, lower, or neither is shown."""
        return self.test.verdict(self.adjusted_p)


def compare(outcomes: Mapping[str, Outcomes], pairs: Iterable[tuple[str, str]] | None = None) -> list[Comparison]:
    """Test pairs of models, all of them or those given, and adjust the p values over the whole table by Holm's method.

    Raises:
        ValueError: a pair has no prompt in common.
    """
    asked = list(combinations(outcomes, 2) if pairs is None else pairs)
    tests = [_tested(outcomes, *pair) for pair in asked]
    adjusted = holm([test.p for test in tests])
    return [Comparison(*pair, test, p) for pair, test, p in zip(asked, tests, adjusted, strict=True)]


def _tested(outcomes: Mapping[str, Outcomes], first: str, second: str) -> Paired:
    found = paired(outcomes[first], outcomes[second])
    if found is None:
        raise ValueError(f"{first} and {second} have no prompt in common")
    return found
