"""Style as WildChat-50M's table 3 counts it: totals over whole pages, that is question, answer and what the judge wrote, and ratios of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.analyse.answers import Answers
from eval.analyse.runs import Model
from eval.analyse.style_part import SHOWN, styled
from eval.judge.judging import JUDGEMENTS
from eval.report.collect import name_of
from eval.report.document import Cell, Table
from eval.report.tables import NOTHING
from eval.responses import read_answers, responses_file
from kielo.records import QuestionResponse, read_jsonl

MARKS = tuple(mark for mark in SHOWN if mark != "length_characters")
LENGTH = "length_characters"
Totals = Mapping[str, float]
Judged = Mapping[str, Mapping[str, Sequence[str]]]
"""Model -> text of the question -> what its judges wrote of its first answer."""


def judged_texts(models: Sequence[Model]) -> dict[str, dict[str, list[str]]]:
    """Read what judges wrote when they rated the first answers, by model and text of the question."""
    found: dict[str, dict[str, list[str]]] = {}
    for model in models:
        for step in model.run.of_kind("judge"):
            path = model.run.folder / step / JUDGEMENTS
            answers = model.run.folder / f"responses/{model.step}" / responses_file(step.partition("/")[2])
            if path.is_file() and answers.is_file():
                texts = {row.key: row.turns[0] for row in read_answers(answers) if isinstance(row, QuestionResponse)}
                for _, row in read_jsonl(path):
                    if (
                        row["mode"] == "single"
                        and row["model"] == model.step
                        and row["turn"] == 1
                        and row["key"] in texts
                    ):
                        found.setdefault(model.name, {}).setdefault(texts[row["key"]], []).append(row["judgement"])
    return found


def page_totals(answers: Answers, judged: Judged) -> dict[str, Totals]:
    """Add the marks of every model's pages up; its length is the mean of a page."""
    totals: dict[str, Totals] = {}
    for model, texts in answers.texts.items():
        pages = ["\n\n".join([prompt, text, *judged.get(model, {}).get(prompt, ())]) for prompt, text in texts.items()]
        styles = [styled(page) for page in pages]
        counted = {mark: float(sum(getattr(style, mark) for style in styles)) for mark in MARKS}
        totals[model] = {**counted, LENGTH: sum(style.length_characters for style in styles) / len(styles)}
    return totals


def pages_table(answers: Answers, totals: Mapping[str, Totals], with_judge: bool) -> Table:
    """Lay out the totals."""
    marks = [mark for mark in SHOWN if any(of[mark] for of in totals.values())]
    rows = tuple((Cell(model), *(_total(mark, of[mark]) for mark in marks)) for model, of in totals.items())
    what = (
        "question, answer and the judge's text"
        if with_judge
        else "question and answer (no judge rated them, so there is no judge's text)"
    )
    note = (
        f"As published: totals over whole pages, that is {what}; characters are the mean of a page. What is wrong with that: the question and the judge have a style of their own, which every "
        "total holds. The published pages were HTML files, and their length counted the style sheet; here pages are Markdown. Without --paper answers alone are counted, with intervals."
    )
    return Table(
        f"Style of whole pages, {name_of(answers.language)}, as published",
        ("Model", *(SHOWN[mark] for mark in marks)),
        rows,
        note,
    )


def _total(mark: str, value: float) -> Cell:
    return Cell(f"{value:.1f}" if mark == LENGTH else f"{value:.0f}", numbers=(("value", value),))


def published_ratios(
    totals: Mapping[str, Totals], pairs: Mapping[str, str]
) -> dict[tuple[str, str], dict[str, float | None]]:
    """Divide totals by those of the generator; of nothing by nothing it is 1, as published, of something by nothing None."""
    return {
        (tuned, generator): {mark: _published(totals[tuned][mark], totals[generator][mark]) for mark in SHOWN}
        for tuned, generator in pairs.items()
        if tuned in totals and generator in totals
    }


def _published(ours: float, theirs: float) -> float | None:
    if theirs:
        return ours / theirs
    return None if ours else 1.0


def published_ratios_table(answers: Answers, ratios: Mapping[tuple[str, str], Mapping[str, float | None]]) -> Table:
    """Lay out the published ratios."""
    rows = tuple(
        (Cell(tuned), Cell(generator), *(NOTHING if of[mark] is None else Cell(f"{of[mark]:.3f}") for mark in SHOWN))
        for (tuned, generator), of in ratios.items()
    )
    note = "As published: totals of whole pages over those of the model that wrote the data; 0 over 0 is given as 1.000, which says nothing. Without --paper: means of answers, with intervals."
    title = f"Inheritance from the generator, {name_of(answers.language)}, as published"
    return Table(title, ("Model", "Generator", *SHOWN.values()), rows, note, 2)


def published_style_document(
    totals: Mapping[str, Totals], ratios: Mapping[tuple[str, str], Mapping[str, float | None]]
) -> dict[str, Any]:
    """Write totals and ratios as JSON."""
    return {
        "totals": {model: dict(of) for model, of in totals.items()},
        "ratios": [
            {"model": tuned, "generator": generator, "marks": dict(of)} for (tuned, generator), of in ratios.items()
        ],
    }
