"""The table of what the two modes judge differently, by language and instruction type, with the reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from eval.report.collect import Run, name_of
from eval.report.document import Cell, Table
from eval.report.scored import Evaluation

REASONS_SHOWN = 3


@dataclass
class Differing:
    """How the verdicts of one instruction type differ between the modes, over all answers."""

    instructions: int = 0
    fair_alone: int = 0
    compat_alone: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def modes_table(run: Run) -> Table | None:
    """Lay out how many instructions fair mode passes and compat mode fails, and back; None where the modes agree."""
    rows = [
        _row(code, name, one)
        for code in run.languages
        for name, one in differing([each for each in run.evaluations if each.language == code]).items()
        if one.fair_alone or one.compat_alone
    ]
    note = (
        f"Strict verdicts on all answers of the {len(run.models)} models. Compat follows lm-evaluation-harness; fair does not fail an answer for "
        "being in its own language. The scores of each model list every one of these instructions with its reason."
    )
    columns = ("Type", "Language", "Most frequent reasons", "Passed by fair alone", "Passed by compat alone", "Of")
    return Table("What the modes judge differently", columns, tuple(rows), note, 3) if rows else None


def differing(evaluations: Sequence[Evaluation]) -> dict[str, Differing]:
    """Count by instruction type where the modes differ, with the reasons that the scores give."""
    found: dict[str, Differing] = {}
    for one in evaluations:
        for prompt in one.scores.counted:
            for name in prompt.instruction_id_list:
                found.setdefault(name, Differing()).instructions += 1
            for each in prompt.differences:
                of_type = found[prompt.instruction_id_list[each.instruction]]
                of_type.fair_alone += each.fair
                of_type.compat_alone += each.compat
                of_type.reasons[each.why] += 1
    return dict(sorted(found.items()))


def _row(code: str, name: str, one: Differing) -> tuple[Cell, ...]:
    ordered = sorted(one.reasons.items(), key=lambda item: (-item[1], item[0]))
    words = "; ".join(f"{why} ({number})" for why, number in ordered[:REASONS_SHOWN])
    rest = len(ordered) - REASONS_SHOWN
    words += f"; {rest} more {'reason' if rest == 1 else 'reasons'}" if rest > 0 else ""
    numbers = (Cell(str(number)) for number in (one.fair_alone, one.compat_alone, one.instructions))
    return (Cell(name), Cell(name_of(code)), Cell(words), *numbers)
