"""Whether a run answers in the asked language more often than its start, prompt by prompt: the difference and McNemar's exact test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from eval.report.numbers import p_words
from eval.report.scored import Evaluation
from eval.statistics import Outcomes, Paired, mcnemar, paired


@dataclass(frozen=True)
class LanguageTest:
    """Two models' answers to the same prompts, by whether they are in the asked language."""

    gap: Paired
    """The difference; its p value is McNemar's."""
    gained: int
    """Prompts that only the run answers in it."""
    lost: int
    """Prompts that only its start does."""

    @property
    def words(self) -> str:
        """Write the counts and the p value: `84 gained, 2 lost, p < 0.001`."""
        return f"{self.gained} gained, {self.lost} lost, {p_words(self.gap.p)}"


def language_test(ours: Evaluation | None, theirs: Evaluation | None) -> LanguageTest | None:
    """Compare a run with its start on the prompts that both answered, by langdetect; None where there are none."""
    if ours is None or theirs is None:
        return None
    first, second = ours.in_language("langdetect"), theirs.in_language("langdetect")
    gap = paired(_outcomes(first), _outcomes(second))
    if gap is None:
        return None
    signs = [first[key] - second[key] for key in first if key in second]
    gained, lost = signs.count(1), signs.count(-1)
    return LanguageTest(replace(gap, p=mcnemar(gained, lost)), gained, lost)


def _outcomes(spoken: Mapping[int, bool]) -> Outcomes:
    return {key: (float(told), 1.0) for key, told in spoken.items()}
