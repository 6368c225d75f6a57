"""Decides what a run's report says and in which order; a part of the recipe that is not there leaves no empty heading."""

from __future__ import annotations

from collections.abc import Iterator

from eval.report import data_tables, translation_tables
from eval.report.category_chart import draw_categories
from eval.report.collect import Run, name_of
from eval.report.comparisons import gains_table
from eval.report.document import Block, Items, Paragraph, Report, Section
from eval.report.examples import SHOWN, examples
from eval.report.findings import findings
from eval.report.line_chart import draw_mixes
from eval.report.numbers import duration, total
from eval.report.tables import mix_models, mixes_table, other_models, runs_table, spoken_table
from kielo.trainings import all_seeds, mix_names


def compose(run: Run) -> Report:
    """Put the report together."""
    sections = (
        _results(run),
        _categories(run),
        _translation(run),
        _examples(run),
        _data(run),
        _time(run),
        _provenance(run),
    )
    return Report(
        run.recipe.name,
        _lead(run),
        tuple(_facts(run)),
        findings(run),
        tuple(section for section in sections if section.blocks),
    )


def _lead(run: Run) -> str:
    source, target, tuned = (
        name_of(run.recipe.source_language),
        name_of(run.recipe.language),
        run.of_kind("sft") | run.of_kind("dpo"),
    )
    data = f"{source} data and their {target} translations" if run.of_kind("translate") else f"{source} data"
    models = f"{len(tuned)} {'model' if len(tuned) == 1 else 'models'}"
    what = f"{run.recipe.model} post-trained for {target} on {data}: {models}"
    told = " and ".join(name_of(code) for code in run.languages)
    described = f"{run.recipe.description.rstrip('.')}. " if run.recipe.description else ""
    return f"{described}{what}{f', evaluated in {told}' if told else ''}."


def _facts(run: Run) -> Iterator[tuple[str, str]]:
    yield "Base model", run.recipe.model
    yield "Languages", f"{name_of(run.recipe.source_language)} → {name_of(run.recipe.language)}"
    tuned = {"SFT": len(run.of_kind("sft")), "DPO": len(run.of_kind("dpo"))}
    yield "Tuned models", ", ".join(f"{count} {stage}" for stage, count in tuned.items() if count) or "none"
    if run.evaluations:
        sizes = {code: next(one for one in run.evaluations if one.language == code) for code in run.languages}
        yield "IFEval prompts", ", ".join(f"{len(one.followed)} {name_of(code)}" for code, one in sizes.items())
    yield "Wall time", duration(data_tables.total_seconds(run))


def _section(anchor: str, title: str, *blocks: Block | None) -> Section:
    return Section(anchor, title, tuple(block for block in blocks if block is not None))


def _results(run: Run) -> Section:
    family = widest_family(run)
    figure = draw_mixes(run, family) if len({run.shares[model] for model in family}) > 1 else None
    return _section(
        "results",
        "Instruction following",
        mixes_table(run),
        figure,
        runs_table(run),
        gains_table(run),
        spoken_table(run),
        _without_language(run),
    )


def widest_family(run: Run) -> list[str]:
    """Find the models to draw as one line: of the recipe's family of mixes with most evaluated members, one seed."""
    evaluated = mix_models(run)
    families = [
        [model for mix in mix_names(name, family) if (model := all_seeds(f"sft/{mix}", run.recipe)[0]) in evaluated]
        for name, family in run.recipe.sft.mixes.items()
    ]
    return max(families, key=len, default=[])


def _without_language(run: Run) -> Paragraph | None:
    missing = [
        name_of(code)
        for code in run.languages
        if code == run.recipe.language and not any(one.in_language for one in run.evaluations if one.language == code)
    ]
    if not missing:
        return None
    return Paragraph(f"The language of the answers was not measured: the language detector does not know {missing[0]}.")


def telling_models(run: Run) -> list[str]:
    """Choose the models for the close look: least and most target-language data, and the best further run."""
    mixes, others = run.of_one_seed(mix_models(run)), other_models(run)
    scored = [
        (total(one.followed).share, model) for model in others if (one := run.evaluation(model, run.recipe.language))
    ]
    best = [max(scored, key=lambda item: item[0])[1]] if scored else others[:1]
    return list(dict.fromkeys([*mixes[:1], *mixes[-1:], *best]))


def _categories(run: Run) -> Section:
    models = telling_models(run)
    return _section("categories", "By instruction category", draw_categories(run, models) if models else None)


def _translation(run: Run) -> Section:
    tables = (
        translation_tables.yield_table(run),
        translation_tables.repair_table(run),
        translation_tables.task_table(run),
        translation_tables.quality_table(run),
        translation_tables.worst_table(run),
    )
    return _section("translation", "Translation", *tables)


def _examples(run: Run) -> Section:
    models = run.of_one_seed(mix_models(run))
    pair = list(dict.fromkeys([*models[:1], *models[-1:]])) or run.models[:2]
    shown = examples(run, list(pair), run.recipe.language)
    if not shown:
        return _section("examples", "Examples")
    how = "The first, the middle and the last" if len(shown) == SHOWN else "The"
    text = (
        f"{how} {name_of(run.recipe.language)} prompts of the benchmark, chosen by their place and not by the answers."
    )
    return _section("examples", "Examples", Paragraph(text), *shown)


def _data(run: Run) -> Section:
    return _section(
        "data", "Training", data_tables.mix_table(run), data_tables.overlap_table(run), data_tables.trainings_table(run)
    )


def _time(run: Run) -> Section:
    return _section("time", "Wall time", data_tables.time_table(run), data_tables.step_times_table(run))


def _provenance(run: Run) -> Section:
    return _section("provenance", "Provenance", data_tables.provenance_table(run), _open_ends(run))


def _open_ends(run: Run) -> Items | None:
    left = [name for name in run.folders if name not in run.records]
    return Items(tuple(f"{name} is not complete and is not in this report." for name in left)) if left else None
