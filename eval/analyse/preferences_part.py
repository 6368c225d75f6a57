"""The part of an analysis on preferences: on how many questions a judge rates one model above another, and where preferences flip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from eval.analyse.runs import AnalysedRun, Model
from eval.judge.ratings import mean_by_question
from eval.preference_rates import Flips, Rates, flips, rates
from eval.report.collect import name_of
from eval.report.document import Block, Cell, Items, Table
from eval.report.scored import Document
from eval.responses import read_answers, responses_file
from kielo.errors import SourceError
from kielo.records import QuestionResponse, read_json
from kielo.run_folder import SCORES

NO_RATINGS = (
    "No judge rated the answers one by one in {language}, so there are no preference rates. Write `modes: [single]` (or `[pairwise, single]`) under `eval.judge` "
    "in the recipe and run it again; of ratings made elsewhere, `kielo eval preference-rates` makes the same table."
)


@dataclass(frozen=True)
class Rated:
    """What the same judges gave the models of all runs on one benchmark in one language."""

    benchmark: str
    language: str
    judges: tuple[str, ...]
    scores: Mapping[str, Mapping[str, float]]
    """Model -> text of the question -> mean of its turns."""

    @property
    def title(self) -> str:
        """Name it in titles."""
        return f"{self.benchmark} in {name_of(self.language)}, rated by {', '.join(self.judges)}"


def read_ratings(runs: Sequence[AnalysedRun], models: Sequence[Model]) -> list[Rated]:
    """Read the ratings of all runs; those of one benchmark by the same judges stand together, question by question."""
    found: dict[tuple[str, str, tuple[str, ...]], dict[str, Mapping[str, float]]] = {}
    for run in runs:
        for step in run.of_kind("judge"):
            document = _scores(run, step)
            if "single" in document["modes"]:
                key = (document["benchmark"], document["language"], tuple(document["judges"]))
                of_run = [model for model in models if model.run is run and model.step in document["models"]]
                found.setdefault(key, {}).update(_ratings(document, of_run))
    return [Rated(*key, {name: each for name, each in scores.items() if each}) for key, scores in found.items()]


def _scores(run: AnalysedRun, step: str) -> Document:
    path = run.folder / step / SCORES
    document = read_json(path)
    if document is None:
        raise SourceError(f"{path}: missing; make its step again with --redo.")
    return document


def _ratings(document: Document, models: Sequence[Model]) -> Iterator[tuple[str, dict[str, float]]]:
    for model in models:
        rated = (
            (each["key"], each["models"][model.step]["single"]["rating"])
            for each in document["questions"]
            if "single" in each["models"].get(model.step, {})
        )
        prompts = _prompts(model, f"{document['benchmark']}-{document['language']}")
        yield model.name, {prompts[key]: value for key, value in mean_by_question(rated).items() if key in prompts}


def _prompts(model: Model, benchmark: str) -> dict[Any, str]:
    """Map the keys of questions to their text: only the same text is the same question in two runs."""
    rows = read_answers(model.run.folder / f"responses/{model.step}" / responses_file(benchmark))
    return {row.key: "\n".join(row.turns) for row in rows if isinstance(row, QuestionResponse)}


def preference_blocks(ratings: Sequence[Rated], pairs: Mapping[str, str], code: str) -> list[Block]:
    """Lay out the matrices and flips of a language, or say how to get them."""
    here = [each for each in ratings if each.language == code and len(each.scores) > 1]
    if not here:
        return [Items((NO_RATINGS.format(language=name_of(code)),))]
    blocks: list[Block] = []
    for rated in here:
        flipped = flips_of(rated, pairs)
        blocks += [
            matrix_table(rated, rates(rated.scores)),
            flips_table(rated, flipped) if flipped else _no_flips(pairs),
        ]
    return blocks


def matrix_table(rated: Rated, found: Rates) -> Table:
    """Lay out how often the row's model is rated above the column's."""
    rows = tuple(
        (Cell(row), *(_rate(found, row, column) for column in found.models)) for row in found.models
    )  # fmt: skip
    note = (
        "Percent of the questions that both have a rating for on which the row's model is rated above the column's; equal ratings count for neither. In small print how many of how many. "
        "Ratings are means over a question's turns. Differences are not tested here: the report tests ratings against its baseline."
    )
    return Table(f"Preference rates: {rated.title}", ("Model", *found.models), rows, note)


def _rate(found: Rates, row: str, column: str) -> Cell:
    rate = found.rates.get((row, column))
    if rate is None or rate.share is None:
        return Cell("–")
    numbers = (
        ("percent", 100 * rate.share), ("higher", rate.higher), ("lower", rate.lower), ("ties", rate.ties),
        ("low", 100 * rate.interval.low), ("high", 100 * rate.interval.high),
    )  # fmt: skip
    return Cell(f"{100 * rate.share:.1f}", f"{rate.higher}/{rate.prompts}", numbers=numbers)


Flipped = dict[tuple[str, str], Flips]


def flips_of(rated: Rated, pairs: Mapping[str, str]) -> Flipped:
    """Find, for every two models tuned on different generators, the questions on which the preference is the other way round."""
    known = [tuned for tuned, generator in pairs.items() if tuned in rated.scores and generator in rated.scores]
    return {
        (one, other): flips(rated.scores, (one, other), (pairs[one], pairs[other]))
        for one, other in combinations(known, 2)
        if pairs[one] != pairs[other]
    }


def flips_table(rated: Rated, found: Flipped) -> Table:
    """Lay out the flips of every two tuned models."""
    rows = tuple(
        (Cell(one), Cell(other), Cell(str(len(each.flipped)), f"of {each.decided} decided", numbers=_numbers(each)))
        for (one, other), each in found.items()
    )
    note = "Questions on which the two tuned models are rated the other way round than the models that wrote their data (FlipCt in WildChat-50M's table 4); decided are those without a tie on either side."
    return Table(f"Flipped preferences: {rated.title}", ("Model", "Other model", "Flipped"), rows, note, 2)


def _numbers(each: Flips) -> tuple[tuple[str, int], ...]:
    return ("flipped", len(each.flipped)), ("decided", each.decided), ("questions", each.prompts)


def _no_flips(pairs: Mapping[str, str]) -> Items:
    known = (
        f" Known here: {', '.join(f'{tuned} was tuned on {generator}' for tuned, generator in pairs.items())}."
        if pairs
        else ""
    )
    return Items((
        "No flips are counted: they need two models tuned on the answers of two different generators, all four rated by the same judge. "
        f"Name them with `--tuned-on TUNED=GENERATOR`, and the runs that hold them.{known}",
    ))  # fmt: skip


def preference_document(ratings: Sequence[Rated], pairs: Mapping[str, str], code: str) -> list[dict[str, Any]]:
    """Write rates and flips as JSON."""
    return [
        {
            "benchmark": rated.benchmark, "judges": list(rated.judges),
            "rates": [
                {"row": row, "column": column, "higher": rate.higher, "lower": rate.lower, "ties": rate.ties}
                for (row, column), rate in rates(rated.scores).rates.items()
            ],
            "flips": [
                {"models": list(models), "flipped": len(each.flipped), "decided": each.decided, "questions": each.prompts}
                for models, each in flips_of(rated, pairs).items()
            ],
        }
        for rated in ratings
        if rated.language == code and len(rated.scores) > 1
    ]  # fmt: skip
