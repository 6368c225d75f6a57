"""The tables of accuracy in the form of the paper's Tables 1 and 2, in both modes, with intervals, marks and floors."""

from __future__ import annotations

from collections.abc import Sequence

from eval.ifeval.registry import Mode
from eval.ifeval.scores_file import Level, Way
from eval.report.collect import Run, name_of, quoted, short
from eval.report.document import Cell, Table
from eval.report.marks import Compared, Entry, legend, marked
from eval.report.measures import share_interval
from eval.report.numbers import Ratio, span
from eval.report.scored import Evaluation
from eval.report.standing import baseline_of, mix_models, other_models, spoken_languages, start_of
from eval.statistics import Interval, Paired

NOTHING = Cell("–")
MODE_NAMES = {"compat": "", "fair": ", fair mode"}
FLOORS = {"constant": "“{reply}” to every prompt", "echo": "the prompt repeated", "empty": "an empty answer"}
TESTS = "permutation test over prompts"
LANGUAGE_TESTS = "answers in a language: McNemar's exact test"


def mixes_table(run: Run, mode: Mode = "compat") -> Table | None:
    """Lay out the mixes (the paper's Table 1) in one mode; None without any."""
    models = mix_models(run)
    if not models:
        return None
    rows = [_row(run, model, mode, baseline_of(run, model), "the baseline") for model in models]
    baselines = list(dict.fromkeys(quoted(baseline_of(run, model)) for model in models))
    against = baselines[0] if len(baselines) == 1 else f"the baseline of the same seed ({', '.join(baselines)})"
    return _table(run, f"Table 1. Data mixes{MODE_NAMES[mode]}", mode, rows, against)


def runs_table(run: Run, mode: Mode = "compat") -> Table | None:
    """Lay out the other runs under the models they are compared with (the paper's Table 2); None without any."""
    models = other_models(run)
    if not models:
        return None
    starts = [
        start
        for start in dict.fromkeys(start_of(run, model) for model in models)
        if start in run.models and start not in models
    ]
    rows = [_row(run, start, mode, start, "the start") for start in starts]
    rows += [_row(run, model, mode, start_of(run, model), "") for model in models]
    return _table(run, f"Table 2. Other runs{MODE_NAMES[mode]}", mode, rows, "the start of the run")


def accuracy_cell(ratio: Ratio, interval: Interval) -> Cell:
    """Write a share as the paper does, with its counts and interval in small print."""
    numbers = (
        ("percent", 100 * ratio.share), ("k", ratio.k), ("n", ratio.n), ("low", 100 * interval.low), ("high", 100 * interval.high),
    )  # fmt: skip
    return Cell(ratio.cell, f"{ratio.counts}, {span(interval)}", numbers=numbers) if ratio.n else NOTHING


def floor_names(one: Evaluation) -> dict[str, Cell]:
    """Name the replies without any model that a benchmark was scored with, by their kind, as the first cells of rows."""
    floors = one.scores.floors["compat"]
    return {
        kind: Cell(words.format(reply=floors[kind].reply), "no model")
        for kind, words in FLOORS.items()
        if kind in floors
    }


def floor_cell(one: Evaluation, mode: Mode, kind: str, level: Level = "instruction", way: Way = "strict") -> Cell:
    """Write what a reply without any model scores on a model's benchmark."""
    ratio = Ratio(*one.scores.floors[mode][kind].followed(level, way))
    return Cell(ratio.cell, ratio.counts, numbers=(("percent", 100 * ratio.share), ("k", ratio.k), ("n", ratio.n)))


def _row(run: Run, model: str, mode: Mode, start: str, role: str) -> list[Entry]:
    """Write a model's row; it is tested against `start`, unless it is that model, whose `role` is then said."""
    own = model == start
    row: list[Entry] = [Cell(short(model), role if own else "")]
    for code in run.languages:
        one = run.evaluation(model, code)
        test = None if own else run.measures.paired(one, run.evaluation(start, code), mode)
        row.append(_tested(accuracy_cell(one.accuracy(mode), run.measures.interval(one, mode)) if one else None, test))
    for code in spoken_languages(run, mode):
        one, other = run.evaluation(model, code), run.evaluation(start, code)
        row.append(
            _spoken(run, one, None if own else other)
            if mode == "compat"
            else _normalised(run, one, None if own else other)
        )
    return row


def _tested(cell: Cell | None, test: Paired | None) -> Entry:
    if cell is None:
        return NOTHING
    return Compared(cell, test) if test else cell


def _spoken(run: Run, one: Evaluation | None, start: Evaluation | None) -> Entry:
    if one is None or one.detected is None:
        return NOTHING
    test = run.measures.spoken(one, start)
    return _tested(accuracy_cell(one.detected, share_interval(one.detected)), test.gap if test else None)


def _normalised(run: Run, one: Evaluation | None, start: Evaluation | None) -> Entry:
    found = run.measures.normalised(one, "fair") if one else None
    if found is None:
        return NOTHING
    return _tested(accuracy_cell(*found), run.measures.paired(one, start, "fair", normalised=True))


def _table(run: Run, title: str, mode: Mode, rows: Sequence[Sequence[Entry]], against: str) -> Table:
    first = [next(one for one in run.evaluations if one.language == code) for code in run.languages]
    untold = [NOTHING] * len(spoken_languages(run, mode))
    floors = [
        (name, *(floor_cell(one, mode, kind) for one in first), *untold) for kind, name in floor_names(first[0]).items()
    ]
    tests = f"{TESTS}; {LANGUAGE_TESTS}" if mode == "compat" and spoken_languages(run) else TESTS
    note = f"{_note(run, mode)} {legend(rows, against, tests)}".strip()
    return Table(title, ("Model", *score_columns(run, mode)), (*marked(rows), *floors), note)


def score_columns(run: Run, mode: Mode) -> list[str]:
    """Head the columns of scores: accuracy by language, then what tells of the language of the answers."""
    names = [name_of(code) for code in spoken_languages(run, mode)]
    spoken = [f"Answers in {name}, %" if mode == "compat" else f"{name} accuracy in {name}, %" for name in names]
    return [*(f"{name_of(code)} accuracy, %" for code in run.languages), *spoken]


def _note(run: Run, mode: Mode) -> str:
    how = ", ".join(dict.fromkeys(_rules(one, mode) for one in run.evaluations))
    said = (
        f"Accuracy: IFEval's instruction-level strict accuracy ({how}), two decimals, cut off as in the paper; in small print the "
        "instructions followed of all, and the 95% interval over prompts. Prompts that ask for a response language are left out, as in the paper."
    )
    spoken = spoken_languages(run, mode)
    if spoken and mode == "compat":
        said += " Answers in a language: of the prompts in it, as seeded langdetect sees them."
    elif spoken:
        said += " Accuracy in a language: an instruction counts as followed only if its answer is in the language of the prompt."
    return said + (_missing(run.evaluations) if mode == "compat" else _meaningless(run.evaluations))


def _rules(one: Evaluation, mode: Mode) -> str:
    made = one.document["modes"][mode]
    return f"{mode} mode: {made['rules']}, sentences by {made['tokenizer']}"


def _missing(shown: Sequence[Evaluation]) -> str:
    """Say how many answers the token limit cut off and how many prompts have none, where these are most."""
    cut = [
        (Ratio(one.document["finish_reasons"].get("length", 0), sum(one.document["finish_reasons"].values())), one)
        for one in shown
    ]
    counts = [(one.scores.responses, one) for one in shown]
    empty = [(Ratio(of.null + of.blank + of.missing, len(one.document["prompts"])), one) for of, one in counts]
    return _most("Answers cut off at max_tokens", cut) + _most(
        "Prompts without an answer, scored as not followed", empty
    )


def _most(what: str, counted: Sequence[tuple[Ratio, Evaluation]]) -> str:
    most, one = max(counted, key=lambda item: item[0].share)
    return f" {what}: at most {most.words}, by {quoted(one.model)} in {name_of(one.language)}." if most.k else ""


def _meaningless(shown: Sequence[Evaluation]) -> str:
    """Say how many instructions ask for capitals or small letters in a script that has none."""
    found = {one.language: sum(one.document["meaningless"].values()) for one in shown}
    said = [
        f"{count} instructions about letter case, which {name_of(code)} does not have"
        for code, count in found.items()
        if count
    ]
    return f" Followed by no answer: {', '.join(said)}." if said else ""
