"""Whether a run answers in the asked language more often than its start, prompt by prompt: the difference and McNemar's exact test."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

from eval.report.collect import Evaluation
from eval.report.numbers import Difference, Followed, difference

LEVEL = 0.05


@dataclass(frozen=True)
class LanguageTest:
    """Two models' answers to the same prompts, by whether they are in the asked language."""

    gap: Difference
    gained: int
    """Prompts that only the run answers in it."""
    lost: int
    """Prompts that only its start does."""

    @property
    def p(self) -> float:
        """Give the two-sided p value: how often a fair coin would split the differing prompts so or more unevenly."""
        tosses, fewer = self.gained + self.lost, min(self.gained, self.lost)
        as_uneven = sum(comb(tosses, heads) for heads in range(fewer + 1))
        return min(1.0, float(2 * as_uneven / 2**tosses))

    @property
    def beyond_chance(self) -> bool:
        """Whether the test says so at 5%."""
        return self.p < LEVEL

    @property
    def words(self) -> str:
        """Write the counts and the p value: `84 gained, 2 lost, p < 0.001`."""
        p = "p < 0.001" if self.p < 0.001 else f"p = {self.p:.3f}"
        return f"{self.gained} gained, {self.lost} lost, {p}"


def spoken(one: Evaluation) -> Followed:
    """List by prompt whether its answer is in the asked language; empty where that was not measured prompt by prompt."""
    found = one.document["response_language"] or {}
    return {int(key): (int(code == found["asked"]), 1) for key, code in found.get("by_prompt", {}).items()}


def language_test(ours: Evaluation | None, theirs: Evaluation | None) -> LanguageTest | None:
    """Compare a run with its start on the prompts that both answered; None where there are none."""
    if ours is None or theirs is None:
        return None
    first, second = spoken(ours), spoken(theirs)
    gap = difference(first, second)
    if gap is None:
        return None
    signs = [first[key][0] - second[key][0] for key in first if key in second]
    return LanguageTest(gap, signs.count(1), signs.count(-1))
