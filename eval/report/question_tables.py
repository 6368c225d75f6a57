"""The tables of the answers to open questions, as far as they can be measured without a judge: language, repetition, length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.report.collect import Answered, Run, name_of, short
from eval.report.document import Cell, Table
from eval.report.language_tables import languages_table
from eval.report.scored import Document
from eval.report.tables import NOTHING


@dataclass(frozen=True)
class Measure:
    """A measure of the scores file as a column: its part there and name, its heading, what it is multiplied by, its decimals."""

    part: str
    name: str
    heading: str
    factor: float = 100.0
    decimals: int = 1


MEASURES = (
    Measure("repetition", "repeated_ngrams", "Repeated word groups, %"), Measure("repetition", "loop", "Ending in a loop, %"),
    Measure("repetition", "echo", "Words of the question, %"), Measure("fluency", "usual_trigrams", "Usual trigrams, %"),
    Measure("lengths", "words", "Words", 1.0, 0), Measure("lengths", "cut", "Cut off, %"), Measure("lengths", "empty", "Empty, %"),
)  # fmt: skip


def question_tables(run: Run) -> list[Table]:
    """Lay out the answers to each set of open questions, in each language."""
    found = []
    for name, code in dict.fromkeys((one.benchmark, one.language) for one in run.questions):
        ours = [one for one in run.questions if (one.benchmark, one.language) == (name, code)]
        where = f"{name} in {name_of(code)}"
        found += [_measures(ours, where, name_of(code)), languages_table(ours, f"Languages of the answers to {where}")]
    return [table for table in found if table]


def _measures(found: Sequence[Answered], where: str, language: str) -> Table:
    rows = tuple(
        (Cell(short(one.model)), _share(one.document["in_language"]), *(_cell(one.document[each.part][each.name], each) for each in MEASURES))
        for one in found
    )  # fmt: skip
    note = (
        f"Means over questions, or shares of the answers, in small print with their 95% intervals over questions; differences between models are not tested here. "
        f"In {language}: by lines. Usual trigrams: of the letter triples, those that are frequent in {language}. None of these is a grade; docs/question-scores.md has their limits."
    )
    columns = ("Model", f"In {language}, %", *(each.heading for each in MEASURES))
    return Table(f"Answers to {where}", columns, rows, note)


def _share(found: Document | None) -> Cell:
    return _cell(found, Measure("", "", ""))


def _cell(found: Document | None, measure: Measure) -> Cell:
    """Write a mean, or the share of answers of which something is true; a dash where no answer could be measured."""
    if found is None:
        return NOTHING
    value, low, high = (measure.factor * part for part in (found.get("mean", found.get("share")), *found["interval"]))
    written, *ends = (f"{part:.{measure.decimals}f}" for part in (value, low, high))
    counts = (("k", found["count"]), ("n", found["answers"])) if "count" in found else (("n", found["answers"]),)
    return Cell(written, "–".join(ends), numbers=(("value", value), *counts, ("low", low), ("high", high)))
