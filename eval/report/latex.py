"""Writes a table as LaTeX for papers (booktabs); nothing from data can become a command."""

from __future__ import annotations

import re

from eval.report.document import MARKS, Cell, Table

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}", "`": "", "[": "{[}", "]": "{]}",
    "−": "$-$", "–": "--", "“": "``", "”": "''", "…": r"\dots{}", "→": r"$\rightarrow$", "±": r"$\pm$", "\u00a0": "~", "\u202f": r"\,",
    MARKS["higher"]: r"$\blacktriangle$", MARKS["lower"]: r"$\blacktriangledown$", MARKS["no difference shown"]: r"$\circ$",
}  # fmt: skip
_LETTER = re.compile("|".join(map(re.escape, _SPECIAL)))
"""What LaTeX reads as a command, and the signs that its fonts lack; backticks, which set code in our sentences, fall away."""
_BREAK = re.compile(r"[\n\r\u2028\u2029\t\x00-\x08\x0b-\x1f\x7f]+")
LONG = 34
"""Characters above which a column of words is broken into lines."""
PREAMBLE = r"% needs \usepackage{booktabs,amssymb,textcomp} and, with pdfLaTeX, \usepackage[T1]{fontenc}"


def escaped(words: str) -> str:
    """Write text so that LaTeX prints it as it is, on one line."""
    return _LETTER.sub(lambda found: _SPECIAL[found.group()], _BREAK.sub(" ", words))


def write_latex(table: Table) -> str:
    """Write a table environment with its caption (the title and the note) and a label."""
    columns = "".join(_column(table, at) for at in range(len(table.columns)))
    head = " & ".join(escaped(column) for column in table.columns)
    body = [" & ".join(_cell(cell) for cell in row) for row in table.rows]
    return "\n".join([
        PREAMBLE, r"\begin{table}", r"\centering", r"\small", rf"\begin{{tabular}}{{{columns}}}", r"\toprule", rf"{head} \\", r"\midrule",
        *(rf"{line} \\" for line in body), r"\bottomrule", r"\end{tabular}",
        rf"\caption{{{escaped(f'{table.title}. {table.note}'.strip())}}}", rf"\label{{tab:{table.name}}}", r"\end{table}", "",
    ])  # fmt: skip


def _column(table: Table, at: int) -> str:
    if at >= table.text_columns:
        return "r"
    longest = max((len(row[at].text) for row in table.rows), default=0)
    return r"p{0.28\linewidth}" if longest > LONG else "l"


def _cell(cell: Cell) -> str:
    mark = f"~{escaped(cell.mark)}" if cell.verdict else ""
    small = rf" {{\scriptsize {escaped(cell.small)}}}" if cell.small else ""
    return f"{escaped(cell.text)}{mark}{small}"
