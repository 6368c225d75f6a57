"""The tables of what went in and what it took: data per language, trainings, wall time, provenance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from eval.report.collect import Run, name_of
from eval.report.document import Cell, Paragraph, Table
from eval.report.numbers import duration, thousands
from eval.report.scored import Document

NOTHING = Cell("–")
TOKEN_COUNTS = {"tokens": "Tokens", "loss_tokens": "Loss tokens", "truncated": "Truncated rows"}
FOUND = {
    "text": "Same words",
    "near": "Most of its words",
    "similar": "Most of its letters",
    "source": "Translated from one",
}


def mix_table(run: Run) -> Table | None:
    """Lay out each mix by language and data set: rows, and what they are in tokens where these are made."""
    rows = [
        row for name, record in run.of_kind("mix").items() for row in _mix_rows(run, name.partition("/")[2], record)
    ]
    if not rows:
        return None
    blended = len({row[2] for row in rows}) > 1
    kept = [at for at in range(len(rows[0])) if (blended if at == 2 else any(row[at] is not NOTHING for row in rows))]
    texts = sum(at in kept for at in range(4))
    columns = ("Mix", "Language", "Data set", "Answers by", "Rows", *TOKEN_COUNTS.values(), "Tokens per word")
    note = (
        "Rows: of those available in the language. Loss tokens: the tokens that the loss is computed on. Truncated: rows longer than max_length."
        " Tokens per word: of the answers, words being what blanks separate."
    )
    if 3 in kept:
        note += " Answers by: the model that answered the prompts anew; the other rows have their authors' answers, or translations of them."
    cells = tuple(tuple(row[at] for at in kept) for row in rows)
    return Table("Training data", tuple(columns[at] for at in kept), cells, note, texts)


def _mix_rows(run: Run, name: str, record: Document) -> Iterator[tuple[Cell, ...]]:
    made = run.records.get(f"tokens/sft/{name}", {}).get("counts", {}).get("sources", {})
    for dataset, languages in record["counts"]["sources"].items():
        for code, counts in languages.items():
            tokens = made.get(dataset, {}).get(code, {})
            repeated = f", {thousands(counts['repeated'])} repeated" if counts["repeated"] else ""
            of = f"of {thousands(counts['available'])}{' selected' if _is_selected(run, name, code) else ''}"
            rows = Cell(thousands(counts["rows"]), f"{of}{repeated}")
            each = tokens.get("tokens_per_word")
            made_of = (*(_count(tokens.get(key)) for key in TOKEN_COUNTS), Cell(f"{each:.2f}") if each else NOTHING)
            yield (Cell(name), Cell(name_of(code)), Cell(dataset), _generator(run, dataset, code), rows, *made_of)


def _is_selected(run: Run, mix: str, code: str) -> bool:
    return mix in run.selected and code in run.selected[mix].languages


def _generator(run: Run, dataset: str, code: str) -> Cell:
    model = run.generator(dataset, code)
    return NOTHING if model is None else Cell(model)


def overlap_table(run: Run) -> Table | Paragraph | None:
    """Lay out the training rows whose prompt stands in a benchmark; None where there is no benchmark."""
    looked = {name: one for name, one in run.of_kind("tokens").items() if one["fields"]["eval"]["benchmarks"]}
    rows = [
        (Cell(name.partition("/")[2]), Cell(name_of(code)), *(_count(found.get(how, 0)) for how in FOUND))
        for name, record in looked.items()
        for code, found in record["counts"]["overlap"].items()
    ]
    if not rows:
        return Paragraph("No training prompt stands in the benchmark, in any language.") if looked else None
    done = "left out of the training" if run.recipe.eval.overlap == "drop" else "trained on all the same"
    note = f"Rows whose prompt has the words of a benchmark's prompt, half of its word triples, or 6 in 10 of its character 5-grams, or is translated from such a row; {done}. The tokens step lists each in overlap.jsonl."
    return Table(
        "Training prompts that stand in the benchmark", ("For", "Language", *FOUND.values()), tuple(rows), note, 2
    )


def trainings_table(run: Run) -> Table | None:
    """Lay out the trainings: what was trained on and dropped, steps, loss and speed."""
    trained = run.of_kind("sft") | run.of_kind("dpo")
    rows = tuple(_training_row(name, record["counts"]) for name, record in trained.items())
    note = "Rows: trained on in each epoch, with those dropped before training. Loss: first and last value that was logged."
    return (
        Table("Trainings", ("Model", "Dropped because", "Rows", "Steps", "Loss", "Tokens/s"), rows, note, 2)
        if rows
        else None
    )


def _training_row(name: str, counts: Mapping[str, Any]) -> tuple[Cell, ...]:
    dropped = [
        f"{name_of(code)} {reason} {number}"
        for code, of in counts.get("languages", {}).items()
        for reason, number in sorted(of.get("dropped", {}).items())
    ]
    loss, speed = counts.get("train_loss"), counts.get("tokens_per_second")
    return (
        Cell(name), Cell(", ".join(dropped) or "nothing dropped"), _count(counts.get("rows")), _count(counts.get("steps")),
        Cell(f"{loss['first']:.3f} → {loss['last']:.3f}") if loss else NOTHING, NOTHING if speed is None else _count(round(speed)),
    )  # fmt: skip


def _count(number: int | None) -> Cell:
    return NOTHING if number is None else Cell(thousands(number))


def time_table(run: Run) -> Table | None:
    """Lay out the wall time by kind of step and of all steps."""
    kinds: dict[str, list[float]] = {}
    for record in run.records.values():
        kinds.setdefault(record["kind"], []).append(record["wall_seconds"])
    rows = [(Cell(kind), Cell(str(len(seconds))), Cell(duration(sum(seconds)))) for kind, seconds in kinds.items()]
    rows.append((Cell("all"), Cell(str(len(run.records))), Cell(duration(total_seconds(run)))))
    note = "Wall time of the attempt that finished each step; steps that ran side by side on a cluster are added up all the same."
    return Table("Wall time", ("Kind of step", "Steps", "Wall time"), tuple(rows), note) if kinds else None


def step_times_table(run: Run) -> Table | None:
    """Lay out the wall time of every step, folded."""
    rows = tuple((Cell(name), Cell(duration(record["wall_seconds"]))) for name, record in run.records.items())
    return (
        Table(
            "Wall time of every step", ("Step", "Wall time"), rows, folded=f"Wall time of each of the {len(rows)} steps"
        )
        if rows
        else None
    )


def total_seconds(run: Run) -> float:
    """Add up the wall time of all steps."""
    return sum(float(record["wall_seconds"]) for record in run.records.values())


def provenance_table(run: Run) -> Table:
    """Lay out what the run was made from: model, seed, versions, commit."""
    recipe = run.recipe
    rows = [
        ("Recipe", recipe.name), ("Languages", f"{name_of(recipe.source_language)} to {name_of(recipe.language)}"),
        ("Base model", recipe.model), ("Model identity", _distinct(record["fields"].get("model") for record in run.records.values())),
        ("Chat template", recipe.chat_template), ("Seed", str(recipe.seed)),
        ("Seeds of the trainings", ", ".join(map(str, recipe.seeds))),
        ("Kielo commit", _distinct(_commit(record) for record in run.records.values())),
        ("Python", _distinct(record["surroundings"].get("python") for record in run.records.values())),
        ("Packages", _versions(run)),
    ]  # fmt: skip
    shown = tuple((Cell(name), Cell(value)) for name, value in rows if value)
    return Table(
        "Provenance",
        ("What", "Which"),
        shown,
        "Several values in a row: steps of this run differ in it; each step.json says which.",
        2,
    )


def _distinct(values: Iterator[Any]) -> str:
    return ", ".join(dict.fromkeys(str(value) for value in values if value))


def _commit(record: Document) -> str:
    around = record["surroundings"]
    return f"{around.get('commit', 'unknown')}{' with uncommitted changes' if around.get('uncommitted') else ''}"


def _versions(run: Run) -> str:
    found: dict[str, dict[str, None]] = {}
    for record in run.records.values():
        for package, version in record["fields"].get("versions", {}).items():
            found.setdefault(package, {})[version] = None
    return ", ".join(f"{package} {' and '.join(versions)}" for package, versions in sorted(found.items()))
