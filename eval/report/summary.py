"""The result tables as plain text, for the terminal."""

from __future__ import annotations

from eval.report.collect import Run, name_of
from eval.report.comparisons import gains_table
from eval.report.document import Table
from eval.report.tables import mixes_table, runs_table, spoken_languages


def plain(table: Table, columns: tuple[str, ...]) -> str:
    """Write a table as aligned plain text under shorter column names, without its small print."""
    rows = [columns, *(tuple(cell.text for cell in row) for row in table.rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.columns))]
    lines = []
    for row in rows:
        cells = [
            word.ljust(width) if at < table.text_columns else word.rjust(width)
            for at, (word, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([table.title, *lines])


def summary_table(run: Run) -> str:
    """Write the result tables for the terminal; empty if nothing was evaluated."""
    scores, gains = [table for table in (mixes_table(run), runs_table(run)) if table], gains_table(run)
    if not scores:
        return ""
    answers = {f"Answers in {name_of(code)}": f"% in {code.upper()}" for code in spoken_languages(run)}
    columns = ("Model", *(code.upper() for code in run.languages), *answers.values())
    tables = [plain(table, columns) for table in scores]
    if gains:
        shorter = {f"{name_of(code)} accuracy": code.upper() for code in run.languages} | answers
        tables.append(plain(gains, tuple(shorter.get(column, column) for column in gains.columns)))
    sizes = {one.accuracy.n for one in run.evaluations}
    of = "–".join(str(size) for size in sorted({min(sizes), max(sizes)}))
    small = f"IFEval, instruction-level strict, {run.evaluations[0].document['mode']} mode, % of {of} instructions; % in: answers in that language, of its prompts."
    return "\n\n".join([*tables, small])
