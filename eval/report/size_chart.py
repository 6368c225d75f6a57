"""The figures of scores against the size of the training data, on a logarithmic axis: one line per family of mixes and way of selecting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from eval.report.collect import Run, name_of
from eval.report.document import Figure
from eval.report.lines import Line, Point, below_axis, draw_lines, right_edge, value_axis
from eval.report.numbers import thousands
from eval.report.scored import Document
from eval.report.standing import families, selection_of, unselected
from eval.report.svg import SERIES, Frame
from kielo.recipe.trainings import tuned_models

WIDTH, TICKS, BESIDE = 852, 6, 9.0
Value = tuple[float, float, float]
"""A score and the ends of its 95% interval, as the axis shows it."""


def draw_sizes(run: Run) -> Figure | None:
    """Draw the target language's accuracy over the size of the mixes; None where all have one size."""
    return _draw(run, _in_the_mix(run), "sizes", _measure(run), "%", _accuracy(run))


def draw_selections(run: Run) -> Figure | None:
    """Draw the target language's accuracy over how many rows were selected; None where nothing is, or one size alone."""
    lines = {
        name: models
        for name, models in families(run, tuned_models(run.recipe)).items()
        if any(selection_of(run, model) for model in models)
    }
    whole = list(
        dict.fromkeys(twin for models in lines.values() for model in models if (twin := unselected(run, model)))
    )
    axis = Axis(
        {**lines, **({"every row": whole} if whole else {})},
        lambda model: selected_rows(run, model),
        "selected rows",
        "selected rows",
        chosen=True,
    )
    return _draw(run, axis, "selections", _measure(run), "%", _accuracy(run))


def _measure(run: Run) -> str:
    return f"{name_of(run.recipe.language)} accuracy (instruction level, strict, compat mode)"


@dataclass(frozen=True)
class Axis:
    """What a figure sets its scores over: lines as name -> models, the size of each model, and words for it."""

    lines: Mapping[str, Sequence[str]]
    size: Callable[[str], int]
    title: str
    unit: str
    chosen: bool = False
    """Whether a recipe says these very numbers, so that the axis marks them instead of round ones."""


def _in_the_mix(run: Run) -> Axis:
    lines = families(run, tuned_models(run.recipe))
    return Axis(lines, lambda model: conversations(run, model), "conversations in the training mix", "conversations")


def draw_judged_sizes(run: Run) -> list[Figure]:
    """Draw ratings and win rates over the size of the mixes, for every judged benchmark that has them."""
    figures = []
    for step, document in run.judged.items():
        name, said = step.removeprefix("judge/"), f"on {document['benchmark']} in {name_of(document['language'])}"
        axis = _in_the_mix(run)
        figures.append(_draw(run, axis, f"sizes-rating-{name}", f"Mean rating {said}", "", _rating(document)))
        against = f"Win rate against {document['baseline'].partition('/')[2]} {said}"
        figures.append(_draw(run, axis, f"sizes-wins-{name}", against, "%", _wins(document)))
    return [figure for figure in figures if figure]


def conversations(run: Run, model: str) -> int:
    """Count the conversations in the mix that a model was trained on; 0 where the mix is not there."""
    record = run.records.get(f"mix/{run.supervised[model].mix}")
    return sum(int(counts["rows"]) for counts in record["counts"]["languages"].values()) if record else 0


def selected_rows(run: Run, model: str) -> int:
    """Count the rows that were selected for a model's mix; for a mix that takes every row, those that others select from; 0 where unknown."""
    if selection_of(run, model) is not None:
        return _added(run, model, "selected")
    twins = [mix for mix in run.shares if unselected(run, mix) == model]
    return next((rows for twin in twins if (rows := _added(run, twin, "available"))), 0)


def _added(run: Run, model: str, what: str) -> int:
    return sum(of[what] for of in run.of_selection(run.supervised[model].mix).values())


def _accuracy(run: Run) -> Callable[[str], Value | None]:
    def value(model: str) -> Value | None:
        one = run.evaluation(model, run.recipe.language)
        if one is None:
            return None
        interval = run.measures.interval(one)
        return 100 * one.accuracy().share, 100 * interval.low, 100 * interval.high

    return value


def _rating(document: Document) -> Callable[[str], Value | None]:
    def value(model: str) -> Value | None:
        found = document["models"].get(model, {}).get("single")
        return (found["mean"], *found["interval"]) if found and found["interval"] else None

    return value


def _wins(document: Document) -> Callable[[str], Value | None]:
    def value(model: str) -> Value | None:
        found = document["models"].get(model, {}).get("pairwise")
        if not found or found["win_rate"] is None:
            return None
        low, high = found["interval"]
        return 100 * found["win_rate"], 100 * low, 100 * high

    return value


def _draw(
    run: Run, axis: Axis, name: str, measure: str, unit: str, value: Callable[[str], Value | None]
) -> Figure | None:
    lines = list(_lines(axis, unit, value))
    sizes = sorted({point.x for line in lines for point in line.points})
    if len(sizes) < 2:
        return None
    ticks = _round_ticks([end for line in lines for point in line.points for end in (point.low, point.high)])
    frame = Frame(62, right_edge(WIDTH, lines), 18, 330, sizes[0], sizes[-1], ticks[0], ticks[-1])
    body = [
        *value_axis(frame, ticks, unit), *below_axis(frame, list(_ticks(axis, sizes)), f"{axis.title} (logarithmic)"),
        *draw_lines(frame, lines, BESIDE),
    ]  # fmt: skip
    kinds = "family of mixes and way of selecting" if run.selected else "family of mixes"
    caption = f"{measure} against the number of {axis.title}, one line per {kinds}. Bars: 95% intervals; which differences are shown, the tables say. The axis of scores does not start at 0."
    if len(run.recipe.seeds) > 1:
        caption += f" Trained with seed {run.recipe.seeds[0]}."
    return Figure(name, caption, "\n".join(body), WIDTH, 388)


def _lines(axis: Axis, unit: str, value: Callable[[str], Value | None]) -> Iterator[Line]:
    for number, (family, models) in enumerate(axis.lines.items()):
        sized = sorted((axis.size(model), model) for model in models)
        points = [
            Point(
                log10(size), *found, f"{model.partition('/')[2]}, {thousands(size)} {axis.unit}: {found[0]:.1f}{unit}"
            )
            for size, model in sized
            if size and (found := value(model))
        ]
        if points:
            yield Line(SERIES[number % len(SERIES)], f"{family} {points[-1].value:.1f}{unit}", tuple(points))


def _round_ticks(values: Sequence[float]) -> list[float]:
    """Choose about TICKS round numbers that take all values in."""
    low, high = min(values), max(values)
    rough = max(high - low, 1e-9) / TICKS
    power = 10 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first, last = floor(low / step), max(ceil(high / step), floor(low / step) + 1)
    return [round(step * number, 10) for number in range(first, last + 1)]


def _ticks(axis: Axis, places: Sequence[float]) -> Iterator[tuple[float, str]]:
    return ((place, thousands(round(10**place))) for place in places) if axis.chosen else _log_ticks(places)


def _log_ticks(places: Sequence[float]) -> Iterator[tuple[float, str]]:
    """Mark round numbers between the ends: 1, 2 and 5 of every decade, every digit in less than one; the ends where these are too few."""
    low, high = places[0], places[-1]
    digits = (1, 2, 5) if high - low > 1 else range(1, 10)
    numbers = [digit * 10**decade for decade in range(floor(low), ceil(high) + 1) for digit in digits]
    between = [number for number in numbers if low <= log10(number) <= high]
    chosen = between if len(between) > 1 else sorted({round(10**low), *between, round(10**high)})
    for number in chosen:
        yield log10(number), thousands(number)
