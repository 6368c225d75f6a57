"""The figure of accuracy and answer language against the share of target-language data in the training mix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eval.report.collect import Evaluation, Run, name_of
from eval.report.document import Figure
from eval.report.numbers import Ratio, margin, simple_margin
from eval.report.svg import Frame, mark, stroke, text

WIDTH, LABEL_HEIGHT, LABEL_CHARACTER = 852, 18.0, 7.8


@dataclass(frozen=True)
class Point:
    """A measured value: the mix's share (0..1), what was counted, and half its 95% interval in points."""

    share: float
    ratio: Ratio
    margin: float

    @property
    def percent(self) -> float:
        """Give the value, 0..100."""
        return 100 * self.ratio.share


@dataclass(frozen=True)
class Line:
    """A line and its role, which sets colour, marker and dashes."""

    name: str
    role: str
    points: tuple[Point, ...]


def draw_mixes(run: Run, models: Sequence[str]) -> Figure:
    """Draw the lines of every language over `models`, plain trainings of mixes with two different shares or more."""
    lines = [line for code in run.languages for line in _lines(run, models, code)]
    shares = sorted({point.share for line in lines for point in line.points})
    longest = max(len(_end_label(line)) for line in lines)
    frame = Frame(62, WIDTH - 24 - LABEL_CHARACTER * longest, 18, 330, shares[0], shares[-1])
    body = [*_percent_axis(frame), *_share_axis(frame, shares)]
    for line in lines:
        body += _draw(frame, line)
    body += _end_labels(frame, lines)
    target = name_of(run.recipe.language)
    under = f"share of the {target} conversations that is in the training mix"
    body.append(text((frame.left + frame.right) / 2, frame.bottom + 48, under, "muted", "middle"))
    spoken = f", and the share of answers in {target}," if any(line.role == "spoken" for line in lines) else ""
    caption = f"Instruction-level strict accuracy{spoken} against the share of {target} data in the mix. Bars: 95% intervals over prompts."
    if len(run.recipe.seeds) > 1:
        caption += f" Trained with seed {run.seed_of(models[0])}; Table 1 has every seed."
    return Figure("mixes", caption, "\n".join(body), WIDTH, 388)


def _lines(run: Run, models: Sequence[str], code: str) -> Iterator[Line]:
    found = [(run.shares[model], run.evaluation(model, code)) for model in models]
    measured: list[tuple[float, Evaluation]] = sorted(
        ((share, one) for share, one in found if one), key=lambda item: item[0]
    )
    points = tuple(Point(share, one.accuracy, margin(one.followed)) for share, one in measured)
    yield Line(f"{name_of(code)} accuracy", run.role(code), points)
    if code == run.recipe.language:
        spoken = [(share, one.in_language) for share, one in measured if one.in_language]
        rates = tuple(Point(share, ratio, simple_margin(ratio)) for share, ratio in spoken)
        yield from [Line(f"answers in {name_of(code)}", "spoken", rates)] if rates else []


def _percent_axis(frame: Frame) -> Iterator[str]:
    for percent in range(0, 101, 20):
        y = frame.y(percent)
        yield stroke("grid" if percent else "axis", frame.left - 12, y, frame.right + 12, y)
        yield text(frame.left - 20, y + 4, f"{percent}%", "muted", "end")


def _share_axis(frame: Frame, shares: Sequence[float]) -> Iterator[str]:
    last = -100.0
    for share in shares:
        x = frame.x(share)
        yield stroke("axis", x, frame.bottom, x, frame.bottom + 5)
        if x - last >= 38:
            yield text(x, frame.bottom + 22, f"{100 * share:g}%", "muted", "middle")
            last = x


def _draw(frame: Frame, line: Line) -> Iterator[str]:
    places = [(frame.x(point.share), frame.y(point.percent), point) for point in line.points]
    yield f'<polyline class="line {line.role}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)}"/>'
    for x, _, point in places:
        low, high = max(0.0, point.percent - point.margin), min(100.0, point.percent + point.margin)
        yield stroke(f"whisker {line.role}", x, frame.y(low), x, frame.y(high))
    for x, y, point in places:
        yield mark(line.role, x, y, f"{line.name} at {100 * point.share:g}%: {point.ratio.words}")


def _end_labels(frame: Frame, lines: Sequence[Line]) -> Iterator[str]:
    """Name each line where it ends; names that would overlap are moved apart, upwards from the lowest."""
    ends = sorted(((frame.y(line.points[-1].percent), line) for line in lines), key=lambda end: -end[0])
    room = frame.bottom
    for y, line in ends:
        room = min(y, room)
        yield text(frame.right + 20, room + 4.5, _end_label(line), f"own {line.role}")
        room -= LABEL_HEIGHT


def _end_label(line: Line) -> str:
    return f"{line.name} {line.points[-1].ratio.percent}%"
