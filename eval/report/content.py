"""Decides what a run's report says and in which order; a part of the recipe that is not there leaves no empty heading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from eval.report import data_tables, translation_tables
from eval.report.browser.answers import browser
from eval.report.category_chart import draw_categories
from eval.report.collect import Run, name_of
from eval.report.comparisons import gains_table, pairs_table
from eval.report.document import Block, Figure, Items, Paragraph, Report, Section, Table
from eval.report.examples import SHOWN, examples
from eval.report.findings import findings
from eval.report.further import further_sections
from eval.report.judge_tables import judge_tables
from eval.report.language_chart import draw_languages
from eval.report.language_tables import spoken_table
from eval.report.line_chart import draw_mixes
from eval.report.mode_tables import modes_table
from eval.report.numbers import duration
from eval.report.question_tables import question_tables
from eval.report.selection_tables import methods_table, selections_table
from eval.report.size_chart import draw_judged_sizes, draw_selections, draw_sizes
from eval.report.standing import mix_models, telling_models, widest_family
from eval.report.tables import mixes_table, runs_table
from eval.report.wide_tables import measures_table, types_table


def compose(run: Run) -> Report:
    """Put the report together."""
    sections = (
        _results(run),
        _selection(run),
        _modes(run),
        _languages(run),
        _categories(run),
        *further_sections(run),
        _questions(run),
        _translation(run),
        _examples(run),
        _data(run),
        _time(run),
        _provenance(run),
        _browser(run),
    )
    shown = tuple(section for section in sections if section.blocks)
    return Report(run.recipe.name, _lead(run), tuple(_facts(run)), findings(run), (*shown, *_files(shown)))


def _files(sections: Iterable[Section]) -> Iterator[Section]:
    """Name the files that every table and figure is in as well, section by section."""
    named = []
    for section in sections:
        tables, figures = (
            [f"`{block.name}`" for block in section.blocks if isinstance(block, kind)] for kind in (Table, Figure)
        )
        parts = [f"{what} {', '.join(names)}" for what, names in (("tables", tables), ("figures", figures)) if names]
        named += [f"{section.title}: {'; '.join(parts)}."] if parts else []
    words = "Every table is in the folder `tables` as LaTeX (.tex) and CSV (.csv, with the numbers behind each cell), every figure in `figures` as SVG and PDF."
    yield _section("files", "Files for papers", Items((words, *named)))


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
        yield "IFEval prompts", ", ".join(f"{len(one.scores.counted)} {name_of(code)}" for code, one in sizes.items())
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
        draw_sizes(run),
        runs_table(run),
        gains_table(run),
        measures_table(run, run.evaluations, "Every measure of accuracy"),
        *(pairs_table(run, code) for code in run.languages),
    )


def _selection(run: Run) -> Section:
    return _section("selection", "Selection", draw_selections(run), methods_table(run), selections_table(run))


def _modes(run: Run) -> Section:
    tables = [table(run, "fair") for table in (mixes_table, runs_table, gains_table)]
    words = (
        "Fair mode asks the same of an answer in its own language: capitals need not be English, quotation marks, markers, letters and inflected "
        "keywords are those of the language. Compat mode, above, gives the verdicts of lm-evaluation-harness."
    )
    return _section("modes", "Fair mode", Paragraph(words) if any(tables) else None, *tables, modes_table(run))


def _languages(run: Run) -> Section:
    tables = [spoken_table(run, code) for code in sorted(run.languages, key=lambda code: code != run.recipe.language)]
    figure = draw_languages(run)
    return _section("languages", "Language of the answers", figure, *tables, _without_language(run))


def _questions(run: Run) -> Section:
    return _section("questions", "Open questions", *judge_tables(run), *draw_judged_sizes(run), *question_tables(run))


def _without_language(run: Run) -> Paragraph | None:
    missing = [
        name_of(code)
        for code in run.languages
        if code == run.recipe.language and not any(one.spoken for one in run.evaluations if one.language == code)
    ]
    if not missing:
        return None
    return Paragraph(f"The language of the answers was not measured: no identifier at hand knows {missing[0]}.")


def _categories(run: Run) -> Section:
    models = telling_models(run)
    types = [types_table(run, code) for code in run.languages]
    return _section("categories", "By instruction category", draw_categories(run, models) if models else None, *types)


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


def _browser(run: Run) -> Section:
    return _section("answers", "Answers, prompt by prompt", browser(run))


def _open_ends(run: Run) -> Items | None:
    left = [name for name in run.folders if name not in run.records]
    return Items(tuple(f"{name} is not complete and is not in this report." for name in left)) if left else None
