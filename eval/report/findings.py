"""The report's first sentences, each built from the numbers and saying as much when they point the other way."""

from __future__ import annotations

from collections.abc import Iterator

from eval.report.collect import Run, name_of, quoted
from eval.report.comparisons import gains_table
from eval.report.document import Cell, Table
from eval.report.judge_tables import pairwise_table
from eval.report.mode_tables import differing
from eval.report.numbers import Ratio, gap_span, p_words, signed
from eval.report.scored import Evaluation
from eval.report.selection_tables import selection_findings
from eval.report.standing import baseline_of, mix_models, other_models, spoken_languages, start_of
from eval.report.tables import mixes_table

NAMED = 4  # models that a sentence names at most


def findings(run: Run) -> tuple[str, ...]:
    """Say what the numbers show, most telling first."""
    return (
        *_answer_language(run),
        *_mixes(run),
        *selection_findings(run),
        *_runs(run),
        *_modes(run),
        *_floors(run),
        *_judge(run),
        *_translation(run),
    )


def _answer_language(run: Run) -> Iterator[str]:
    """Compare the answers of the mix without target-language data with those of every mix that has some."""
    target, name = run.recipe.language, name_of(run.recipe.language)
    rates = [
        (model, one.detected) for model in mix_models(run) if (one := run.evaluation(model, target)) and one.detected
    ]
    without = [(model, rate) for model, rate in rates if run.shares[model] == 0]
    others = [(model, rate) for model, rate in rates if run.shares[model] > 0]
    if not without or not others:
        return
    model, rate = max(without, key=lambda item: item[1].share)
    lowest, least = min(others, key=lambda item: item[1].share)
    most_without = "at most " if len(without) > 1 else ""
    start = (
        f"{name} answers to {name} prompts: {most_without}{rate.words} with no {name} data in the mix ({quoted(model)})"
    )
    mixes = "models of mixes" if run.recipe.seeds else "mixes"
    highest, most = max(others, key=lambda item: item[1].share)
    if len(others) == 1:
        yield f"{start}, {least.words} with some ({quoted(lowest)})."
    elif least.share > rate.share:
        yield f"{start}, at least {least.words} in every one of the {len(others)} {mixes} with {name} data (lowest in {quoted(lowest)})."
    else:
        yield f"{start}; {name} data do not raise this in every mix: from {least.words} in {quoted(lowest)} to {most.words} in {quoted(highest)}."


def _mixes(run: Run) -> Iterator[str]:
    """Compare the mix furthest from the baseline in data with it, language by language and seed by seed."""
    table, models = mixes_table(run), run.of_one_seed(mix_models(run))
    if table is None or len(models) < 2 or run.shares[models[0]] == run.shares[models[-1]]:
        return
    base = baseline_of(run, models[0])
    other = models[-1] if base == models[0] else models[0]
    for code in _target_first(run):
        ours, theirs = run.evaluation(other, code), run.evaluation(base, code)
        if ours and theirs and (told := _judged(run, table, other, code)):
            sentence = f"{name_of(code)} accuracy: {ours.accuracy().words} with {quoted(other)} against {theirs.accuracy().words} with {quoted(base)}"
            yield f"{sentence}: {told}{_other_seeds(run, table, other, code)}."


def _other_seeds(run: Run, table: Table, model: str, code: str) -> str:
    """Say the same of the other seeds."""
    mix = run.supervised[model].mix
    same = [other for other in mix_models(run) if run.supervised[other].mix == mix and other != model]
    told = {run.seed_of(other): _judged(run, table, other, code) for other in same}
    return "".join(f"; with seed {seed}: {words}" for seed, words in told.items() if words)


def _judged(run: Run, table: Table, model: str, code: str) -> str:
    """Say how far a mix is from its baseline, with the interval and what Table 1 makes of it; empty where that cannot be told."""
    gap = run.measures.paired(run.evaluation(model, code), run.evaluation(baseline_of(run, model), code))
    cell = _cell(table, mix_models(run).index(model), f"{name_of(code)} accuracy, %")
    if gap is None:
        return ""
    p = float(dict(cell.numbers)["p_holm"])
    return f"{signed(100 * gap.difference)} points {gap_span(gap.interval)} on {gap.prompts} prompts, {cell.verdict} ({p_words(p)} after Holm)"


def _target_first(run: Run) -> list[str]:
    return sorted(run.languages, key=lambda code: code != run.recipe.language)


def _cell(table: Table, row: int, column: str) -> Cell:
    return table.rows[row][table.columns.index(column)]


def _runs(run: Run) -> Iterator[str]:
    """Name the run that gains most on its start, in accuracy and in the language of its answers, and how many gains are real."""
    table = gains_table(run)
    if table is None:
        return
    models = [model for model in other_models(run) if start_of(run, model) in run.models]
    for code in _target_first(run):
        yield from _best(run, table, models, f"{name_of(code)} accuracy", f"In {name_of(code)}")
    for code in spoken_languages(run):
        yield from _best(
            run, table, models, f"Answers in {name_of(code)}", f"In {name_of(code)} answers to {name_of(code)} prompts"
        )


def _best(run: Run, table: Table, models: list[str], column: str, where: str) -> Iterator[str]:
    cells = (
        [(model, cell) for at, model in enumerate(models) if (cell := _cell(table, at, column)).numbers]
        if column in table.columns
        else []
    )
    if not cells:
        return
    best, cell = max(cells, key=lambda item: dict(item[1].numbers)["points"])
    numbers = dict(cell.numbers)
    gained = float(numbers["points"]) > 0
    known = sum(each.verdict == "higher" for _, each in cells)
    told = f"{cell.text} points {cell.small} on {numbers['prompts']} prompts, {cell.verdict} ({p_words(float(numbers['p_holm']))} after Holm)"
    name, start = quoted(best), quoted(start_of(run, best))
    if len(cells) == 1:
        yield f"{where}, {name} {'gains' if gained else 'does not gain'} on its start {start}: {told}."
    elif gained:
        yield f"{where}, {name} gains most of the {len(cells)} further runs on its start {start}: {told}. Runs shown to be higher: {known} of {len(cells)}."
    else:
        yield f"{where}, none of the {len(cells)} further runs gains on its start; nearest is {name} against {start}: {told}."


def _modes(run: Run) -> Iterator[str]:
    """Say how many verdicts on target-language answers hang on the mode, and on which instruction type most."""
    target = run.recipe.language
    found = [one for one in run.evaluations if one.language == target]
    by_type = differing(found)
    fair, compat = (sum(getattr(of, name) for of in by_type.values()) for name in ("fair_alone", "compat_alone"))
    if not fair and not compat:
        return
    most = max(by_type, key=lambda name: by_type[name].fair_alone + by_type[name].compat_alone)
    both = by_type[most].fair_alone + by_type[most].compat_alone
    total = sum(of.instructions for of in by_type.values())
    yield (
        f"Of {total} verdicts on {name_of(target)} answers, fair mode passes {fair} that compat fails and fails {compat} that compat passes, "
        f"most of them of `{most}` ({both})."
    )


def _floors(run: Run) -> Iterator[str]:
    """Name the models that are not shown to do better than a reply without any model: a constant one, or the prompt repeated."""
    for kind, words in (("constant", "a constant “{}”"), ("echo", "repeating {}")):
        reached = [
            f"{quoted(one.model)} in {name_of(one.language)} at {one.accuracy().words}"
            for one in run.evaluations
            if not _above_floor(run, one, kind)
        ]
        if reached:
            reply = run.evaluations[0].scores.floors["compat"][kind].reply
            more = f" and {len(reached) - NAMED} more of {len(run.evaluations)}" if len(reached) > NAMED else ""
            yield f"Not shown to be above {words.format(reply)} (95% interval): {', '.join(reached[:NAMED])}{more}."


def _above_floor(run: Run, one: Evaluation, kind: str) -> bool:
    floor = Ratio(*one.scores.floors["compat"][kind].followed("instruction", "strict"))
    return run.measures.interval(one).low > floor.share


def _judge(run: Run) -> Iterator[str]:
    """Name the model that wins most against the baseline, by every judged benchmark."""
    for table in _judged_tables(run):
        column = table.columns.index("Win rate, %")
        rows = [row for row in table.rows if row[column].numbers]
        if not rows:
            continue
        best = max(rows, key=lambda row: float(dict(row[column].numbers)["percent"]))
        cell = best[column]
        higher = sum(row[column].verdict == "higher" for row in rows)
        yield f"{table.title.removeprefix('Judge: ')}, judged: `{best[0].text}` wins {cell.text}% [{cell.small}] against the baseline, {cell.verdict or 'not tested'}. Models shown to win more than half: {higher} of {len(rows)}."


def _judged_tables(run: Run) -> list[Table]:
    """List the tables of comparisons with the baseline."""
    return [table for document in run.judged.values() if (table := pairwise_table(document))]


def _translation(run: Run) -> Iterator[str]:
    for document in run.translation.values():
        exact = Ratio(document["exact"], document["sentences"])
        low, high = document["intervals"]["chrf"]
        yield f"Translation on held-out sentences: chrF {document['chrf']:.1f} [{low:.1f}–{high:.1f}], chrF++ {document['chrfpp']:.1f}, BLEU {document['bleu']:.1f}, exact {exact.words}."
