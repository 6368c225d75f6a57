"""The report's section on selected data: what each selection took of its pool, and every method against random rows of the same number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from eval.report.collect import Run, name_of, quoted, short
from eval.report.comparisons import gap_cell
from eval.report.document import Cell, Paragraph, Table
from eval.report.marks import Compared, Entry, legend, marked
from eval.report.numbers import p_words, thousands
from eval.report.scored import Document
from eval.report.standing import random_twin, selection_of, unselected
from eval.report.tables import NOTHING, TESTS
from kielo.recipe.mixes import Selection

COLUMNS = (
    "Mix", "Left out", "Selected", "Available", "Information, %", "Labels covered, %", "Same as at random, %", "Translation quality",
)  # fmt: skip
TEXTS = 2


def selections_table(run: Run) -> Table | None:
    """Lay out every selection: rows that there were and selected ones by language, what was left out, and what the method has to say."""
    made = [(name.partition("/")[2], record["counts"]) for name, record in run.of_kind("select").items()]
    rows = [_selection_row(run, mix, counts) for mix, counts in made if counts.get("languages")]
    if not rows:
        return None
    kept = [at for at in range(len(COLUMNS)) if at < TEXTS or any(row[at] is not NOTHING for row in rows)]
    cells = tuple(tuple(row[at] for at in kept) for row in rows)
    note = (
        "Available: rows of the languages that are selected from, before anything is left out; that is near-duplicates of a row that stays, and rows of which the method "
        "knows too little. Information: of the selected rows on the label graph, of that of all rows left; behind it that of random rows. Labels covered: those that a "
        "selected row has, of the labels that any row has. Same as at random: selected rows that the random selection of this size and seed has, too. Translation quality: "
        "the mean factor by which scores were multiplied, of the selected rows; behind it of all rows left."
    )
    return Table("Selected rows", tuple(COLUMNS[at] for at in kept), cells, note, TEXTS)


def _selection_row(run: Run, mix: str, counts: Document) -> tuple[Cell, ...]:
    told, languages = counts["picks"], counts["languages"]
    return (
        Cell(mix, counts["method"]), Cell(_left_out(counts, run.selected[mix].settings.missing)), _by_language(languages),
        Cell(thousands(sum(of["available"] for of in languages.values()))), _information(told), _coverage(told),
        _percent(counts["shared_with_random"]) if counts["method"] != "random" else NOTHING, _quality(counts.get("translation_quality")),
    )  # fmt: skip


def _left_out(counts: Document, policy: str) -> str:
    near = counts["near_duplicates"]
    thinned = sum(near["left_out"].values()) if near else 0
    parts = [f"{thousands(thinned)} near-duplicates"] if thinned else []
    instead = " given the lowest score" if policy == "minimum" else ""
    parts += [f"{reason} {thousands(number)}{instead}" for reason, number in counts["missing"].items()]
    return ", ".join(parts) or "nothing"


def _by_language(languages: Mapping[str, Mapping[str, int]]) -> Cell:
    """Write how many rows were selected and, where they are of several languages, the share of each."""
    total = sum(of["selected"] for of in languages.values())
    shares = ", ".join(f"{name_of(code)} {100 * of['selected'] / total:.0f}%" for code, of in languages.items())
    numbers = (("rows", total), *((f"rows of {code}", of["selected"]) for code, of in languages.items()))
    return Cell(thousands(total), shares if len(languages) > 1 else "", numbers=numbers)


def _information(told: Document) -> Cell:
    found = told.get("information")
    if not found or not found["pool"]:
        return NOTHING
    share, at_random = (100 * found[name] / found["pool"] for name in ("picks", "random"))
    numbers = tuple((name, found[name]) for name in ("picks", "pool", "random"))
    return Cell(f"{share:.1f}", f"random {at_random:.1f}", numbers=numbers)


def _coverage(told: Document) -> Cell:
    found = told.get("labels")
    if not found or not found["in_pool"]:
        return NOTHING
    numbers = (("selected", found["in_picks"]), ("pool", found["in_pool"]))
    return Cell(f"{100 * found['covered']:.1f}", f"{found['in_picks']}/{found['in_pool']}", numbers=numbers)


def _percent(share: float) -> Cell:
    return Cell(f"{100 * share:.1f}", numbers=(("share", share),))


def _quality(found: Mapping[str, float] | None) -> Cell:
    if not found:
        return NOTHING
    return Cell(f"{found['selected']:.3f}", f"all {found['pool']:.3f}", numbers=tuple(found.items()))


def methods_table(run: Run) -> Table | Paragraph | None:
    """Lay out how far every method's model leads that of random rows, size by size, and that of every row; the tests are corrected together."""
    rows = [_method_row(run, pair) for pair in compared(run)]
    if not any(pair.at_random for pair in compared(run)):
        return _nothing_to_compare(run)
    note = (
        "Differences in percentage points of accuracy, compared prompt by prompt, with their 95% intervals. Each method's model is set beside that of "
        "as many rows at random, and the largest of each beside that of every row where there is one; of the same mix and seed. "
        f"{legend(rows, 'the model it is set beside', TESTS)}"
    )
    columns = ("Model", "Method", "Against", "Rows", *(f"{name_of(code)} accuracy" for code in run.languages))
    return Table("Methods of selection against random rows", columns, marked(rows), note.strip(), 3)


def _nothing_to_compare(run: Run) -> Paragraph | None:
    if not any(selection_of(run, model) for model in run.models):
        return None
    return Paragraph(
        "No method has a random selection of the same size beside it, so nothing tells whether choosing the rows was worth it; "
        "a list such as method: [random, mig] makes one."
    )


@dataclass(frozen=True)
class Pair:
    """A selection's model, how its rows were selected, and the model that it is set beside: random rows, or all."""

    model: str
    selection: Selection
    other: str
    at_random: bool


def compared(run: Run) -> list[Pair]:
    """List what is tested: first against random rows, the smallest first, then the largest of each method against every row."""
    found = sorted(_pairs(run), key=lambda pair: (not pair.at_random, pair.selection.size))
    largest = {(pair.selection.method, run.seed_of(pair.model)): pair.model for pair in found}
    return [pair for pair in found if pair.at_random or pair.model in largest.values()]


def _pairs(run: Run) -> Iterator[Pair]:
    for model in run.models:
        selection = selection_of(run, model)
        for other, at_random in ((random_twin(run, model), True), (unselected(run, model), False)):
            if selection and other in run.models and other:
                yield Pair(model, selection, other, at_random)


def _method_row(run: Run, pair: Pair) -> list[Entry]:
    evaluations = [(run.evaluation(pair.model, code), run.evaluation(pair.other, code)) for code in run.languages]
    tests = [run.measures.paired(ours, theirs) for ours, theirs in evaluations]
    gaps: list[Entry] = [Compared(gap_cell(test), test) if test else NOTHING for test in tests]
    against = Cell(short(pair.other), "random" if pair.at_random else "every row")
    return [Cell(short(pair.model)), Cell(pair.selection.method), against, Cell(thousands(pair.selection.size)), *gaps]


def selection_findings(run: Run) -> Iterator[str]:
    """Say of every method what it gains on random rows in the target language, at each size and seed, whatever it is."""
    table, column = methods_table(run), f"{name_of(run.recipe.language)} accuracy"
    if not isinstance(table, Table) or column not in table.columns:
        return
    at = table.columns.index(column)
    told: dict[str, list[tuple[Pair, Cell]]] = {}
    for pair, row in zip(compared(run), table.rows, strict=True):
        if row[at].numbers and pair.at_random:
            told.setdefault(pair.selection.method, []).append((pair, row[at]))
    for method, cells in told.items():
        higher, lower = (sum(cell.verdict == verdict for _, cell in cells) for verdict in ("higher", "lower"))
        sizes = "; ".join(f"{_place(run, pair)} {_gap(cell)}" for pair, cell in cells)
        yield (
            f"{column} with rows chosen by `{method}` against as many at random: {sizes}. "
            f"Shown to be higher in {higher} and lower in {lower} of {len(cells)}."
        )


def _place(run: Run, pair: Pair) -> str:
    seed = f", seed {run.seed_of(pair.model)}" if run.recipe.seeds else ""
    return f"{thousands(pair.selection.size)} rows ({quoted(pair.model)}{seed})"


def _gap(cell: Cell) -> str:
    return (
        f"{cell.text} points {cell.small}, {cell.verdict} ({p_words(float(dict(cell.numbers)['p_holm']))} after Holm)"
    )
