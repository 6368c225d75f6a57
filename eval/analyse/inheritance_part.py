"""The part of an analysis on inheritance: how near a model's style is to that of the answers it was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.analyse.answers import Answers
from eval.analyse.origins import Origin, origins
from eval.analyse.runs import Model
from eval.analyse.style_part import SHOWN, styled
from eval.report.collect import name_of
from eval.report.document import Cell, Paragraph, Table
from eval.report.tables import NOTHING
from eval.statistics.bootstrap import FEWEST_CHANGING
from eval.statistics.exact import Array, Interval
from eval.style import Profile, Ratio, inheritance, profile_of

DRAWS = 2000


@dataclass(frozen=True)
class Inherited:
    """A model's style over that of the answers of one data set."""

    model: str
    origin: Origin
    ratios: Mapping[str, Ratio | None]


def from_training(answers: Answers, found: Mapping[str, Profile], models: Iterable[Model]) -> list[Inherited]:
    """Divide every model's style by that of each data set of its mix in the language, which has other prompts."""
    known: dict[tuple[Any, ...], Profile] = {}
    inherited = []
    for model in models:
        for origin in origins(model) if model.name in found else ():
            if origin.language != answers.language:
                continue
            key = (model.run.folder, origin.mix, origin.dataset)
            if key not in known:
                known[key] = profile_of({row: (styled(text),) for row, text in origin.answers.items()})
            inherited.append(Inherited(model.name, origin, apart(found[model.name], known[key])))
    return inherited


def apart(ours: Profile, theirs: Profile) -> dict[str, Ratio | None]:
    """Divide means of answers to different prompts: both sides are resampled, each for itself."""
    return {mark: _ratio(_values(ours, mark), _values(theirs, mark)) for mark in SHOWN}


def _values(found: Profile, mark: str) -> Array:
    return np.array([getattr(style, mark) for styles in found.styles.values() for style in styles], dtype=float)


def _ratio(ours: Array, theirs: Array) -> Ratio | None:
    if not theirs.any():
        return None
    value = float(ours.mean() / theirs.mean())
    if np.count_nonzero(theirs) < FEWEST_CHANGING:
        return Ratio(value, None, len(ours))
    low, high = np.quantile(_resampled(ours, 0) / _resampled(theirs, 1), (0.025, 0.975))
    return Ratio(value, Interval(round(float(low), 12), round(float(high), 12)), len(ours))


def _resampled(values: Array, seed: int) -> Array:
    """Give the means of resamples; equal values are drawn as one."""
    kinds, counts = np.unique(values, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(values), counts / len(values), size=DRAWS)
    means: Array = drawn @ kinds / len(values)
    return means


def training_table(answers: Answers, found: Sequence[Inherited]) -> Table | Paragraph:
    """Lay out the ratios of every model and data set of its mix."""
    name = name_of(answers.language)
    if not found:
        return Paragraph(
            f"No model's training answers in {name} are at hand: its mix holds no {name} rows, or mix/<name>/train.jsonl is not in its run folder."
        )
    marks = [mark for mark in SHOWN if any(each.ratios[mark] for each in found)]
    rows = tuple(
        (Cell(each.model), Cell(each.origin.dataset), Cell(each.origin.author), *(ratio_cell(each.ratios[mark]) for mark in marks))
        for each in found
    )  # fmt: skip
    note = (
        "The mean of the model's answers over that of the training answers of its mix: 1 is as much of it, above 1 more. The prompts are not the same, so a part of any "
        "distance may be the prompts'. In small print 95% intervals, both sides resampled; a dash where the training answers have none of the mark, no interval where "
        f"fewer than {FEWEST_CHANGING} of them have it. For preference tuning the mix is that of the model it started from."
    )
    title = f"Inheritance from the training answers, {name}"
    return Table(title, ("Model", "Data set", "Answers by", *(SHOWN[mark] for mark in marks)), rows, note, 3)


def ratio_cell(ratio: Ratio | None) -> Cell:
    """Write a ratio with its interval in small print."""
    if ratio is None:
        return NOTHING
    numbers: tuple[tuple[str, float], ...] = (("ratio", ratio.value),)
    if ratio.interval is None:
        return Cell(f"{ratio.value:.2f}", numbers=numbers)
    low, high = ratio.interval.low, ratio.interval.high
    return Cell(f"{ratio.value:.2f}", f"{low:.2f}–{high:.2f}", numbers=(*numbers, ("low", low), ("high", high)))


Ratios = dict[tuple[str, str], Mapping[str, Ratio | None]]


def from_generators(found: Mapping[str, Profile], pairs: Mapping[str, str]) -> Ratios:
    """Divide the style of tuned models by that of their generators, on the prompts that both answered."""
    return {
        (tuned, generator): inheritance(found[tuned], found[generator])
        for tuned, generator in pairs.items()
        if tuned in found and generator in found and not found[tuned].styles.keys().isdisjoint(found[generator].styles)
    }


def generators_table(answers: Answers, ratios: Ratios) -> Table | None:
    """Lay out the ratios to the generators; None without any."""
    marks = [mark for mark in SHOWN if any(each[mark] for each in ratios.values())]
    if not ratios:
        return None
    rows = tuple(
        (Cell(tuned), Cell(generator), *(ratio_cell(each[mark]) for mark in marks))
        for (tuned, generator), each in ratios.items()
    )
    note = (
        "The mean of the model's answers over that of the model that wrote its data, on the prompts that both answered (PF in WildChat-50M's table 3): 1 is the same. "
        "In small print 95% intervals over prompts; a dash where the generator has none of the mark."
    )
    title = f"Inheritance from the generator, {name_of(answers.language)}"
    return Table(title, ("Model", "Generator", *(SHOWN[mark] for mark in marks)), rows, note, 2)


def ratios_document(ratios: Mapping[str, Ratio | None]) -> dict[str, Any]:
    """Write ratios as JSON."""
    return {mark: None if one is None else ratio_document(one) for mark, one in ratios.items()}


def generators_document(ratios: Ratios) -> list[dict[str, Any]]:
    """Write the ratios to the generators as JSON."""
    return [
        {"model": tuned, "generator": generator, "marks": ratios_document(each)}
        for (tuned, generator), each in ratios.items()
    ]


def ratio_document(ratio: Ratio) -> dict[str, Any]:
    """Write a ratio as JSON."""
    between = None if ratio.interval is None else [ratio.interval.low, ratio.interval.high]
    return {"ratio": ratio.value, "interval": between, "prompts": ratio.prompts}
