"""The figure of the languages that the models answer target-language prompts in: one bar of five parts per model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eval.report.collect import Run, name_of, short
from eval.report.document import Figure
from eval.report.scored import Evaluation
from eval.report.svg import Frame, bar, stroke, text

ROW, BAR, TOP, LABELS, RIGHT, WIDTH, CHARACTER = 26.0, 16.0, 64.0, 224.0, 110.0, 852.0, 7.5
LONGEST = 26


def draw_languages(run: Run) -> Figure | None:
    """Draw a bar for every model; None where the language of the answers could not be told line by line."""
    code = run.recipe.language
    told = [one for one in run.evaluations if one.language == code and one.lines()]
    if not told:
        return None
    frame = Frame(LABELS, WIDTH - RIGHT, TOP, TOP + ROW * len(told))
    names = _names(run, told)
    body = [*_legend(names), *_axis(frame)]
    for number, one in enumerate(told):
        body += _bar(frame, frame.top + ROW * number + (ROW - BAR) / 2, one, names)
    identifier = told[0].document["response_language"]["lines"]["identifier"]
    caption = (
        f"Languages of the answers to {name_of(code)} prompts, by {identifier}, line by line; mixed answers have a good part in two "
        f"languages. Beside each bar: the share that is in {name_of(code)}."
    )
    return Figure("languages", caption, "\n".join(body), round(WIDTH), round(frame.bottom + 34))


def _names(run: Run, told: Sequence[Evaluation]) -> dict[str, str]:
    """Name the parts that occur in any bar."""
    names = {"target": name_of(run.recipe.language), "mixed": "mixed", "source": name_of(run.recipe.source_language), "other": "other", "none": "none"}  # fmt: skip
    return {verdict: name for verdict, name in names.items() if any(one.lines()[verdict] for one in told)}


def _legend(names: dict[str, str]) -> Iterator[str]:
    x = LABELS
    for verdict, name in names.items():
        yield bar(verdict, x, 10, 14, 12, name)
        yield text(x + 22, 20.5, name)
        x += 48 + CHARACTER * len(name)


def _axis(frame: Frame) -> Iterator[str]:
    for percent in range(0, 101, 25):
        x = frame.x(percent)
        yield stroke("grid", x, frame.top - 6, x, frame.bottom + 4)
        yield text(x, frame.bottom + 22, f"{percent}%", "muted", "middle")


def _bar(frame: Frame, y: float, one: Evaluation, names: dict[str, str]) -> Iterator[str]:
    name, counts = short(one.model), one.lines()
    total, before = sum(counts.values()), 0
    shown = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    yield text(LABELS - 16, y + 12.5, shown, "", "end")
    for verdict, words in names.items():
        left, right = (frame.x(100 * count / total) for count in (before, before + counts[verdict]))
        if counts[verdict]:
            yield bar(verdict, left, y, right - left, BAR, f"{name}, {words}: {counts[verdict]} of {total}")
        before += counts[verdict]
    yield text(frame.right + 14, y + 12.5, f"{100 * counts['target'] / total:.1f}%", "value")
