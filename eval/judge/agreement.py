"""How far several judges agree beyond chance (Cohen's and Fleiss' kappa), and the verdict of their majority."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from eval.judge.cases import Outcome

_VERDICTS = ("win", "loss", "tie")


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    """Give Cohen's kappa (1960) of two judges on the same cases; None where chance alone would make them agree wholly."""
    cases = len(first)
    if not cases:
        return None
    same = sum(one == other for one, other in zip(first, second, strict=True)) / cases
    ours, theirs = Counter(first), Counter(second)
    chance = sum(ours[name] * theirs[name] for name in ours) / cases**2
    return None if chance == 1 else (same - chance) / (1 - chance)


def fleiss_kappa(cases: Sequence[Sequence[str]]) -> float | None:
    """Give Fleiss' kappa (1971) of cases with equally many verdicts each; None where only one verdict is ever given."""
    if not cases or len(cases[0]) < 2:
        return None
    judges = len(cases[0])
    counted = [Counter(verdicts) for verdicts in cases]
    same = sum((sum(n * n for n in each.values()) - judges) / (judges * (judges - 1)) for each in counted) / len(cases)
    totals = sum(counted, Counter[str]())
    chance = sum((n / (len(cases) * judges)) ** 2 for n in totals.values())
    return None if chance == 1 else (same - chance) / (1 - chance)


def agreement(judges: Sequence[Sequence[Outcome]]) -> dict[str, Any] | None:
    """Measure agreement on the cases that every judge gave a verdict on; None for a single judge."""
    if len(judges) < 2:
        return None
    cases = [verdicts for verdicts in zip(*judges, strict=True) if all(each in _VERDICTS for each in verdicts)]
    columns = list(zip(*cases, strict=True))
    return {
        "judges": len(judges), "comparisons": len(cases),
        "same": sum(len(set(verdicts)) == 1 for verdicts in cases) / len(cases) if cases else None,
        "cohen": cohen_kappa(columns[0], columns[1]) if len(judges) == 2 and cases else None,
        "fleiss": fleiss_kappa(cases) if len(judges) > 2 else None,
    }  # fmt: skip


def majority(outcomes: Sequence[Outcome]) -> Outcome:
    """Give the verdict of most judges; a draw between them is a tie, and judges without a verdict do not count."""
    counted = Counter(each for each in outcomes if each in _VERDICTS)
    if not counted:
        return "error"
    (first, most), *others = counted.most_common()
    return "tie" if others and others[0][1] == most else first
