"""The tables of the translation: what was accepted, what repair won back on each rung, what was left out, its quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.report.collect import Run
from eval.report.document import Cell, Table
from eval.report.numbers import Ratio, thousands


def yield_table(run: Run) -> Table | None:
    """Lay out what became of every data set in translation: accepted, rejected by reason, and who translated."""
    steps = run.of_kind("translate")
    rows = tuple(_yield_row(name.partition("/")[2], record["counts"]) for name, record in steps.items())
    if not rows:
        return None
    note = "Accepted: records whose translation passed every check, of all source records (sentences to measure with are kept in any case); a record is several texts, the rest of which were copied (code, markup). Without repair: what dropping every record with a failed segment would have kept. Every rejected record is in rejected.jsonl with its evidence."
    return Table(
        "Translation yield",
        (
            "Data set",
            "Rejected because",
            "Accepted, %",
            "Without repair, %",
            "Rejected",
            "Texts from memory",
            "Texts from engine",
        ),
        rows,
        note,
        2,
    )


def _yield_row(name: str, counts: Mapping[str, Any]) -> tuple[Cell, ...]:
    reasons = {str(reason): int(number) for reason, number in counts["rejected"].items()}
    accepted, rejected = int(counts["accepted"]), sum(reasons.values())
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    words = ", ".join(f"{reason} {number}" for reason, number in ordered if number) or "nothing rejected"
    ratio = Ratio(accepted, accepted + rejected)
    at_once = Ratio(int(counts.get("accepted_without_repair", accepted)), ratio.n)
    texts = (Ratio(int(counts[origin]), int(counts["texts"])) for origin in ("from_memory", "from_engine"))
    return (
        Cell(name),
        Cell(words),
        Cell(ratio.percent, ratio.counts),
        Cell(at_once.percent, at_once.counts),
        Cell(thousands(rejected)),
        *(Cell(str(text.k), f"of {text.n}") for text in texts),
    )


METRICS = {"chrf": "chrF", "chrfpp": "chrF++", "bleu": "BLEU", "bleu_char": "BLEU of characters"}


def quality_table(run: Run) -> Table | None:
    """Lay out the scores of the translation against references, with their intervals, and exact matches."""
    if not run.translation:
        return None
    rows = tuple(_quality_row(run, name, document) for name, document in run.translation.items())
    measured = list(run.translation.values())
    signatures = "; ".join(f"{words} {measured[0]['signature'][name]}" for name, words in METRICS.items())
    comet = {document["comet"]["model"] for document in measured if "comet" in document}
    note = f"In small print: 95% intervals over sentences. sacreBLEU signatures: {signatures}. Sentences that failed a check are scored with the rest."
    note += f" COMET: {', '.join(sorted(comet))}." if comet else ""
    columns = ("Sentences of", *METRICS.values(), *(["COMET"] if comet else []), "Exact, %", "Scored")
    return Table("Translation quality", columns, rows, note)


def _quality_row(run: Run, name: str, document: Mapping[str, Any]) -> tuple[Cell, ...]:
    exact = Ratio(document["exact"], document["sentences"])
    failed = run.records[name.replace("eval/translation", "translate")]["counts"].get("failed_checks", {})
    comet = document.get("comet")
    return (
        Cell(name.rsplit("/", 1)[-1]), *(_score(document[metric], document["intervals"][metric], 1) for metric in METRICS),
        *([_score(comet["score"], comet["interval"], 3)] if comet else []), Cell(exact.percent, exact.counts),
        Cell(thousands(document["sentences"]), f"{sum(failed.values())} failed a check"),
    )  # fmt: skip


def _score(value: float, interval: Sequence[float], decimals: int) -> Cell:
    low, high = (f"{end:.{decimals}f}" for end in interval)
    numbers = (("score", value), ("low", interval[0]), ("high", interval[1]))
    return Cell(f"{value:.{decimals}f}", f"{low}–{high}", numbers=numbers)


def worst_table(run: Run) -> Table | None:
    """Show the translations furthest from their references."""
    rows = tuple(
        (Cell(row["source"]), Cell(row["reference"]), Cell(row["translation"]), Cell(f"{row['chrf']:.1f}"))
        for document in run.translation.values() for row in document["worst"][:3]
    )  # fmt: skip
    return (
        Table("The translations of lowest chrF", ("Source", "Reference", "Translation", "chrF"), rows, "", 3)
        if rows
        else None
    )


def repair_table(run: Run) -> Table | None:
    """Lay out the repair ladder: on each rung, how many segments were tried and how many passed the checks."""
    rows = tuple(
        (Cell(name.partition("/")[2]), Cell(rung), Cell(thousands(count["asked"])), Cell(ratio.percent, ratio.counts))
        for name, record in run.of_kind("translate").items()
        for rung, count in sorted(record["counts"].get("rungs", {}).items(), key=lambda item: _place(item[0]))
        if (ratio := Ratio(count["passed"], count["asked"])).n
    )
    if not rows:
        return None
    note = "A segment that fails a check climbs: other shots, sampled candidates, sentence by sentence, the next engine. One that only bears a note gets one second chance, so more may be tried on the second rung than failed on the first."
    return Table("Repair, rung by rung", ("Data set", "Rung", "Segments tried", "Passed, %"), rows, note, 2)


RUNGS = ("first", "shots", "samples", "split", "engine", "source", "answers", "answers-samples")


def _place(rung: str) -> tuple[int, str]:
    """Order rungs as they are climbed; `engine deepl` is a rung `engine`."""
    name = rung.partition(" ")[0]
    return (RUNGS.index(name) if name in RUNGS else len(RUNGS)), rung


def task_table(run: Run) -> Table | None:
    """Lay out the rows whose task a translation would change, by rule and what was done with them."""
    rows = tuple(
        (Cell(name.partition("/")[2]), Cell(rule), Cell(action), Cell(thousands(number)))
        for name, record in run.of_kind("translate").items()
        for rule, actions in record["counts"].get("task_changes", {}).items()
        for action, number in actions.items()
    )
    note = "Skip: rejected. Keep: left in the source language. Around: the quoted text was kept, the rest translated."
    columns = ("Data set", "Rule", "Action", "Records")
    return Table("Tasks that a translation would change", columns, rows, note, 3) if rows else None
