"""The table of the languages that the models answer in: the paper's figure, the case-folded one, and the verdict line by line."""

from __future__ import annotations

from collections.abc import Sequence

from eval.report.collect import Answered, Run, name_of, short
from eval.report.document import Cell, Table
from eval.report.measures import share_interval
from eval.report.numbers import span
from eval.report.scored import Document, Evaluation, total
from eval.statistics import Outcomes, clustered_interval


def spoken_table(run: Run, code: str) -> Table | None:
    """Lay out the languages of the answers to IFEval prompts in a language; None where they could not be told."""
    found = [one for one in run.evaluations if one.language == code]
    return languages_table(found, f"Languages of the answers to {name_of(code)} prompts")


def languages_table(found: Sequence[Evaluation | Answered], title: str) -> Table | None:
    """Lay out in which languages some models answer, by three ways to tell, under a title."""
    told = [(short(one.model), one.document["response_language"]) for one in found if one.document["response_language"]]
    if not told:
        return None
    first = told[0][1]
    name, verdicts = name_of(first["target"]), _verdicts(first)
    rows = tuple(
        (Cell(model), Cell(_others(spoken)), *_detected(spoken), *(_share(spoken, "lines", verdict, verdict == "target") for verdict in verdicts))
        for model, spoken in told
    )  # fmt: skip
    detected = (f"{name}, langdetect, %", f"{name}, folded, %") if first["langdetect"] else ()
    columns = (
        "Model",
        "langdetect's other languages, by answers",
        *detected,
        *(f"{each}, lines, %" for each in verdicts.values()),
    )
    note = (
        "langdetect: seeded, on the answer as it is, as in the paper; it takes text in capitals and code for other languages. Folded: the same, capitals "
        "made small and code taken out." if detected else "langdetect does not know the language."
    )  # fmt: skip
    if verdicts:
        note += f" Lines: by {first['lines']['identifier']}, line by line; mixed answers have a good part in two languages, none have no words to tell by."
    return Table(
        title,
        columns,
        rows,
        f"{note} In small print: counts, and 95% intervals over prompts. Differences between models are not tested here.",
        2,
    )


def _verdicts(spoken: Document) -> dict[str, str]:
    """Name the verdicts line by line that the answers could get."""
    if spoken["lines"] is None:
        return {}
    source = {"source": name_of(spoken["source"])} if spoken["source"] else {}
    return {"target": name_of(spoken["target"]), "mixed": "Mixed", **source, "other": "Other", "none": "None"}


def _others(spoken: Document) -> str:
    found = spoken["langdetect"]
    if found is None:
        return "not known"
    counts = {code: number for code, number in found["by_code"].items() if code != found["asked"]}
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{code} {number}" for code, number in ordered) or "none"


def _detected(spoken: Document) -> list[Cell]:
    return [_share(spoken, way, spoken[way]["asked"]) for way in ("langdetect", "folded") if spoken[way]]


def _share(spoken: Document, way: str, verdict: str, with_interval: bool = True) -> Cell:
    """Write the share of answers that a way of telling gives a verdict; the file of the table has every interval."""
    told = by_prompt(spoken, way, verdict)
    ratio = total(told)
    interval = share_interval(ratio) if len(told) == ratio.n else clustered_interval(told)
    numbers = (
        ("percent", 100 * ratio.share), ("k", ratio.k), ("n", ratio.n), ("low", 100 * interval.low), ("high", 100 * interval.high),
    )  # fmt: skip
    return Cell(ratio.percent, f"{ratio.counts}, {span(interval)}" if with_interval else ratio.counts, numbers=numbers)


def by_prompt(spoken: Document, way: str, verdict: str) -> Outcomes:
    """Count by prompt the answers that are told so, of all; a question's turns (`81/1`, `81/2`) are answers to one prompt."""
    found: dict[str, tuple[float, float]] = {}
    for key, told in spoken["by_prompt"].items():
        prompt = key.partition("/")[0]
        before, of = found.get(prompt, (0.0, 0.0))
        found[prompt] = before + (told[way] == verdict), of + 1
    return dict(found)
