"""The tables of the judge: every model's answers against the baseline's, and its ratings from 1 to 10."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eval.judge.ratings import mean_by_question
from eval.report.collect import Run, name_of, quoted, short
from eval.report.document import Cell, Items, Table
from eval.report.marks import Compared, Entry, legend, marked
from eval.report.scored import Document
from eval.report.tables import NOTHING
from eval.statistics import Interval, Outcomes, Paired, paired

LOST = ("errors", "missing", "excluded")
GATES = {
    "lose": "An answer in another language loses without the judge being asked (both: a tie).",
    "exclude": "Pairs with an answer in another language are left out.",
    "off": "Answers in another language are judged like any other.",
}


def judge_tables(run: Run) -> list[Table | Items]:
    """Lay out what the judges found, benchmark by benchmark."""
    found = []
    for document in run.judged.values():
        found += [pairwise_table(document), ratings_table(document), _agreement(document)]
    return [each for each in found if each is not None]


def _title(document: Document) -> str:
    return f"{document['benchmark']} in {name_of(document['language'])}"


def pairwise_table(document: Document) -> Table | None:
    """Lay out wins, losses and ties of every model against the baseline, with what was lost on the way; None where nobody compared."""
    compared = {name: found["pairwise"] for name, found in document["models"].items() if "pairwise" in found}
    if not compared:
        return None
    rows = [_pairwise_row(name, found) for name, found in compared.items()]
    baseline = quoted(document["baseline"])
    note = (
        f"Win rate against {baseline}, a tie counting half, with its 95% interval over questions; judged by {', '.join(document['judges'])}, each pair in both orders. "
        f"{GATES[document['gate']]} At one length: the win rate where both answers are equally long. Same in both orders: verdicts that do not depend on which answer "
        f"stands first. {legend(rows, f'one half, that is, better or worse than {baseline}', 'permutation test over questions')}"
    )
    columns = (
        "Model", "Without a verdict", "Win rate, %", "Wins", "Losses", "Ties", "By language alone", "At one length, %", "Same in both orders, %", "First shown wins, %",
    )  # fmt: skip
    return Table(f"Judge: {_title(document)}", columns, marked(rows), note.strip(), 2)


def _pairwise_row(name: str, found: Document) -> list[Entry]:
    words = ", ".join(f"{bucket} {found[bucket]}" for bucket in LOST if found.get(bucket)) or "none"
    why = ", ".join(f"{reason} {number}" for reason, number in found["reasons"].items())
    counts = [Cell(str(found[name]), f"of {found['n']}") for name in ("wins", "losses", "ties")]
    controlled = found["length_controlled"]
    return [
        Cell(short(name)), Cell(words, why), _win_rate(found), *counts, _gated(found["gate"]),
        _percent(controlled["win_rate"], controlled.get("interval")) if controlled else NOTHING,
        _percent(found["consistency"]), _percent(found["first_position"]),
    ]  # fmt: skip


def _gated(gate: Document) -> Cell:
    """Write how many comparisons the language decided, without the judge."""
    decided = [f"{name} {gate[name]}" for name in ("wins", "losses", "ties") if gate[name]]
    return Cell(str(sum(gate[name] for name in ("wins", "losses", "ties"))), ", ".join(decided))


def _win_rate(found: Document) -> Entry:
    if found["win_rate"] is None:
        return NOTHING
    cell = _percent(found["win_rate"], found["interval"])
    if found["p"] is None:
        return cell
    low, high = found["interval"]
    return Compared(
        cell, Paired(found["win_rate"] - 0.5, Interval(low - 0.5, high - 0.5), found["p"], found["questions"])
    )


def _percent(share: float | None, interval: Sequence[float] | None = None) -> Cell:
    if share is None:
        return NOTHING
    numbers: tuple[tuple[str, float], ...] = (("percent", 100 * share),)
    if interval is None:
        return Cell(f"{100 * share:.1f}", numbers=numbers)
    low, high = (100 * end for end in interval)
    return Cell(f"{100 * share:.1f}", f"{low:.1f}–{high:.1f}", numbers=(*numbers, ("low", low), ("high", high)))


def ratings_table(document: Document) -> Table | None:
    """Lay out the mean ratings of every model, by turn, folded by category; None where nobody rated."""
    rated = {name: found["single"] for name, found in document["models"].items() if "single" in found}
    if not rated:
        return None
    turns, categories = (
        list(dict.fromkeys(key for found in rated.values() for key in found[part]))
        for part in ("by_turn", "by_category")
    )
    rows: list[list[Entry]] = [
        [
            Cell(short(name), "the baseline" if name == document["baseline"] else ""), _rated(document, name), *(_mean(found["by_turn"], turn) for turn in turns),
            *(_mean(found["by_category"], each) for each in categories), Cell(str(found["errors"])),
        ]
        for name, found in rated.items()
    ]  # fmt: skip
    note = (
        f"Mean rating from 1 to 10, of {', '.join(document['judges'])}, with its 95% interval over questions. Turns and categories are not tested. "
        f"{legend(rows, quoted(document['baseline']), 'permutation test over questions')}"
    )
    columns = ("Model", "Rating", *(f"Turn {turn}" for turn in turns), *categories, "Errors")
    return Table(f"Ratings: {_title(document)}", columns, marked(rows), note.strip())


def _rated(document: Document, name: str) -> Entry:
    cell, baseline = _rating(document["models"][name]["single"]), document["baseline"]
    test = paired(rating_outcomes(document, name), rating_outcomes(document, baseline)) if name != baseline else None
    return Compared(cell, test) if test else cell


def rating_outcomes(document: Document, name: str) -> Outcomes:
    """Give a model's mean rating of each question's turns, of 1, for questions that were rated."""
    rated = ((case["key"], case["models"][name].get("single", {}).get("rating")) for case in document["questions"])
    return {key: (rating, 1.0) for key, rating in mean_by_question(rated).items()}


def _rating(found: Document) -> Cell:
    if found["mean"] is None:
        return NOTHING
    low, high = found["interval"]
    numbers = (("mean", found["mean"]), ("low", low), ("high", high))
    return Cell(f"{found['mean']:.2f}", f"{low:.2f}–{high:.2f}", numbers=numbers)


def _mean(parts: Document, part: str) -> Cell:
    value: Any = parts.get(part, {}).get("mean")
    return NOTHING if value is None else Cell(f"{value:.2f}", numbers=(("mean", value),))


def _agreement(document: Document) -> Items | None:
    found = document["agreement"]
    if not found:
        return None
    kappa = "Cohen's" if found["cohen"] is not None else "Fleiss'"
    value = found["cohen"] if found["cohen"] is not None else found["fleiss"]
    told = f", {kappa} kappa {value:.2f}" if value is not None else ""
    same = f"{100 * found['same']:.1f}%" if found["same"] is not None else "none"
    return Items((f"The {found['judges']} judges agree on {same} of {found['comparisons']} comparisons{told}.",))
