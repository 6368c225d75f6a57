"""Says of every tested number of a table whether its difference is one: tests are corrected together, then each gets its mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from eval.report.document import MARKS, Cell
from eval.statistics import FEWEST, LEVEL, Paired, holm


@dataclass(frozen=True)
class Compared:
    """A cell whose number is compared with another row's; the test's p value is not yet corrected."""

    cell: Cell
    test: Paired


Entry = Cell | Compared


def marked(rows: Sequence[Sequence[Entry]]) -> tuple[tuple[Cell, ...], ...]:
    """Correct the tests of all rows together (Holm) and mark each tested cell with its verdict."""
    tested = [entry for row in rows for entry in row if isinstance(entry, Compared)]
    adjusted = iter(holm([entry.test.p for entry in tested]))
    return tuple(
        tuple(_mark(entry, next(adjusted)) if isinstance(entry, Compared) else entry for entry in row) for row in rows
    )


def _mark(entry: Compared, p: float) -> Cell:
    verdict = entry.test.verdict(p)
    numbers = (("p", entry.test.p), ("p_holm", p), ("verdict", verdict))
    return replace(entry.cell, verdict=verdict, numbers=(*entry.cell.numbers, *numbers))


def legend(rows: Sequence[Sequence[Entry]], against: str, tests: str) -> str:
    """Explain the marks of a table's rows: what they are against and by which tests; empty where nothing is tested."""
    count = sum(isinstance(entry, Compared) for row in rows for entry in row)
    if not count:
        return ""
    higher, lower, none, few = MARKS.values()
    of = f"Holm's correction over the {count} tests of this table" if count > 1 else "the one test of this table"
    return (
        f"{higher} higher, {lower} lower than {against} ({tests}; p below {LEVEL:g} after {of}); "
        f"{none} no difference shown; {few} fewer than {FEWEST} prompts, too few to tell."
    )
