"""The intervals and tests of a report, each worked out once, however many tables, figures and sentences take it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from eval.ifeval.registry import Mode
from eval.ifeval.scores_file import Level, Way
from eval.report.language_tests import LanguageTest, language_test
from eval.report.numbers import Ratio
from eval.report.scored import Evaluation, total
from eval.statistics import Interval, Outcomes, Paired, clustered_interval, paired, wilson

Value = TypeVar("Value")


class Measures:
    """Remembers what was worked out for a model's evaluation, or for two of them."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Any] = {}

    def interval(
        self, one: Evaluation, mode: Mode = "compat", level: Level = "instruction", way: Way = "strict"
    ) -> Interval:
        """Give the 95% interval of an accuracy, over prompts."""
        return self._once(
            ("interval", _named(one), mode, level, way),
            lambda: clustered_interval(one.outcomes(mode, level, way)),
        )

    def normalised(self, one: Evaluation, mode: Mode) -> tuple[Ratio, Interval] | None:
        """Give the accuracy by which only answers in the prompt's language count; None where no language was told."""
        return self._once(("normalised", _named(one), mode), lambda: _share(one.normalised(mode)))

    def paired(
        self, ours: Evaluation | None, theirs: Evaluation | None, mode: Mode = "compat", normalised: bool = False
    ) -> Paired | None:
        """Compare two models prompt by prompt on instructions followed; None where they share no prompts."""
        if ours is None or theirs is None:
            return None

        def compared(ours: Evaluation = ours, theirs: Evaluation = theirs) -> Paired | None:
            if normalised:
                return paired(ours.normalised(mode), theirs.normalised(mode))
            return paired(ours.outcomes(mode), theirs.outcomes(mode))

        return self._once(("paired", _named(ours), _named(theirs), mode, normalised), compared)

    def spoken(self, ours: Evaluation | None, theirs: Evaluation | None) -> LanguageTest | None:
        """Compare how often two models answer in the asked language."""
        if ours is None or theirs is None:
            return None
        return self._once(("spoken", _named(ours), _named(theirs)), lambda: language_test(ours, theirs))

    def _once(self, key: tuple[object, ...], work: Callable[[], Value]) -> Value:
        if key not in self._known:
            self._known[key] = work()
        known: Value = self._known[key]
        return known


def _share(outcomes: Outcomes) -> tuple[Ratio, Interval] | None:
    return (total(outcomes), clustered_interval(outcomes)) if outcomes else None


def _named(one: Evaluation) -> tuple[str, str, str]:
    return one.model, one.benchmark, one.language


def share_interval(ratio: Ratio) -> Interval:
    """Give the 95% interval of a share of answers, one per prompt (Wilson)."""
    return wilson(ratio.k, ratio.n)
