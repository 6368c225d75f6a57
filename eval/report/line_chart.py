"""The figure of accuracy and answer language against the share of target-language data in the training mix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eval.report.collect import Run, name_of
from eval.report.document import Figure
from eval.report.lines import Line, Point, below_axis, draw_lines, right_edge, value_axis
from eval.report.measures import share_interval
from eval.report.numbers import Ratio
from eval.report.scored import Evaluation
from eval.report.svg import Frame
from eval.statistics import Interval

WIDTH = 852


def draw_mixes(run: Run, models: Sequence[str]) -> Figure:
    """Draw the lines of every language over `models`, plain trainings of mixes with two different shares or more."""
    lines = [line for code in run.languages for line in _lines(run, models, code)]
    shares = sorted({point.x for line in lines for point in line.points})
    frame = Frame(62, right_edge(WIDTH, lines), 18, 330, shares[0], shares[-1])
    target = name_of(run.recipe.language)
    under = f"share of the {target} conversations that is in the training mix"
    body = [
        *value_axis(frame, range(0, 101, 20), "%"), *below_axis(frame, [(share, f"{100 * share:g}%") for share in shares], under),
        *draw_lines(frame, lines),
    ]  # fmt: skip
    spoken = f", and the share of answers in {target}," if any(line.role == "spoken" for line in lines) else ""
    caption = f"Instruction-level strict accuracy in compat mode{spoken} against the share of {target} data in the mix. Bars: 95% intervals over prompts."
    if len(run.recipe.seeds) > 1:
        caption += f" Trained with seed {run.seed_of(models[0])}; Table 1 has every seed."
    return Figure("mixes", caption, "\n".join(body), WIDTH, 388)


def _lines(run: Run, models: Sequence[str], code: str) -> Iterator[Line]:
    found = [(run.shares[model], run.evaluation(model, code)) for model in models]
    measured: list[tuple[float, Evaluation]] = sorted(
        ((share, one) for share, one in found if one), key=lambda item: item[0]
    )
    name = f"{name_of(code)} accuracy"
    yield _line(run.role(code), name, [(share, one.accuracy(), run.measures.interval(one)) for share, one in measured])
    spoken = [(share, one.detected) for share, one in measured if one.detected]
    if code == run.recipe.language and spoken:
        rates = [(share, ratio, share_interval(ratio)) for share, ratio in spoken]
        yield _line("spoken", f"answers in {name_of(code)}", rates)


def _line(role: str, name: str, values: Sequence[tuple[float, Ratio, Interval]]) -> Line:
    points = tuple(
        Point(share, 100 * ratio.share, 100 * interval.low, 100 * interval.high, f"{name} at {100 * share:g}%: {ratio.words}")
        for share, ratio, interval in values
    )  # fmt: skip
    return Line(role, f"{name} {values[-1][1].percent}%", points)
