"""Puts an analysis together: its page, the figures and tables in it, and the same as one JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.analyse import (
    inheritance_part,
    preferences_part,
    published_style,
    similarity_part,
    style_part,
    throughput_part,
)
from eval.analyse.answers import Answers
from eval.analyse.preferences_part import Rated
from eval.analyse.runs import AnalysedRun, Model
from eval.report.collect import name_of
from eval.report.document import Block, Items, Paragraph, Report, Section
from eval.style import Profile

PAPER = (
    "With --paper, similarity and style are as WildChat-50M (2025) published them: running averages instead of means, counts over whole pages "
    "instead of answers. Each table says what is wrong with that. Preference rates and flips are the published ones in any case."
)
NAMED = 6
"""Models that a sentence names at most."""
NO_PAIRS = (
    "No model here is known to be tuned on the answers of another one here, which the ratio on shared prompts needs: name such a pair with "
    "`--tuned-on TUNED=GENERATOR`, and the run that holds the generator; `kielo eval style` does the same for files of answers."
)


@dataclass(frozen=True)
class Material:
    """All that an analysis is made of."""

    runs: Sequence[AnalysedRun]
    models: Sequence[Model]
    answers: Sequence[Answers]
    ratings: Sequence[Rated]
    pairs: Mapping[str, str]
    """Tuned model -> the model that wrote its data, where both are here."""
    paper: bool


@dataclass(frozen=True)
class Part:
    """One section with the same as JSON, under `key` of its language's part."""

    section: Section
    key: str
    document: Any
    sentence: str = ""
    """What it shows first of all."""


def compose(material: Material) -> tuple[Report, dict[str, Any]]:
    """Make the page and the document of an analysis."""
    sections: list[Section] = []
    languages: dict[str, dict[str, Any]] = {}
    findings = [PAPER] if material.paper else []
    for answers in material.answers:
        parts = list(_language(material, answers))
        sections += [part.section for part in parts]
        findings += [part.sentence for part in parts if part.sentence]
        languages[answers.language] = {
            "benchmarks": list(answers.benchmarks), "empty_answers": dict(answers.empty), "repeated_answers": dict(answers.repeated), **{part.key: part.document for part in parts}
        }  # fmt: skip
    measured = throughput_part.read_measured(material.runs)
    sections.append(
        Section("generation", "Generation", tuple(throughput_part.throughput_blocks(material.runs, measured)))
    )
    document = {
        "runs": [{"name": run.name, "recipe": run.recipe["name"]} for run in material.runs], "paper": material.paper,
        "tuned_on": dict(material.pairs), "languages": languages, "generation": throughput_part.throughput_document(measured),
    }  # fmt: skip
    shown = tuple(section for section in sections if section.blocks)
    return Report(
        _title(material), _lead(material), tuple(_facts(material)), (*findings, *_cautions(material)), shown, "analysis"
    ), document


def _title(material: Material) -> str:
    return " and ".join(run.name for run in material.runs)


def _lead(material: Material) -> str:
    count = len(material.models)
    codes = " and ".join(name_of(each.language) for each in material.answers)
    return f"How alike {count} tuned {'model answers' if count == 1 else 'models answer'}, in which style, what they took over from their training data, and which is preferred; in {codes}."


def _facts(material: Material) -> Iterator[tuple[str, str]]:
    yield "Runs", str(len(material.runs))
    yield "Models", str(len(material.models))
    for each in material.answers:
        prompts = {prompt for texts in each.texts.values() for prompt in texts}
        yield f"Prompts, {name_of(each.language)}", f"{len(prompts)} ({', '.join(each.benchmarks)})"


def _cautions(material: Material) -> Iterator[str]:
    for run in material.runs:
        if run.unanswered:
            names = _listed([name.partition("/")[2] for name in run.unanswered])
            yield f"Left out of `{run.name}`, without answers so far: {names}; `kielo run` with its recipe goes on where it stopped."
    for each in material.answers:
        name = name_of(each.language)
        if not each.open_questions:
            yield f"{name}: the answers are to IFEval prompts, many of which prescribe the form of an answer; open questions (`eval.questions`) tell more of a model's own style."
        absent = [model.name for model in material.models if model.name not in {*each.texts, *each.empty}]
        if absent:
            yield f"{name}: {_listed(absent)} answered nothing of {', '.join(each.benchmarks)} and {'is' if len(absent) == 1 else 'are'} left out; `--benchmark NAME` compares other answers."
        if each.empty:
            yield f"{name}: {_counted(each.empty)} without any text are left out."
        if each.repeated:
            yield f"{name}: {_counted(each.repeated)} to a prompt that the same model answered before are left out: the first one counts."


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(f'`{name}`' for name in names[:NAMED])}{f' and {len(names) - NAMED} more' if len(names) > NAMED else ''}"


def _counted(of: Mapping[str, int]) -> str:
    most = max(of, key=lambda model: of[model])
    total = sum(of.values())
    return f"{total} {'answer' if total == 1 else 'answers'} ({of[most]} of `{most}`)"


def _language(material: Material, answers: Answers) -> Iterator[Part]:
    if material.paper:
        yield _published_similarity(answers)
        yield _published_style(material, answers)
    else:
        yield _similarity(answers)
        found = style_part.profiles(answers.texts)
        yield _style(answers, found)
        yield _inheritance(material, answers, found)
    yield _preferences(material, answers)


def _section(answers: Answers, anchor: str, title: str, blocks: Sequence[Block | None]) -> Section:
    shown = tuple(block for block in blocks if block is not None)
    return Section(f"{anchor}-{answers.language}", f"{title}, {name_of(answers.language)}", shown)


def _similarity(answers: Answers) -> Part:
    found = similarity_part.similarity(answers)
    if found is None:
        return _nothing_shared(answers, "no prompt that two of them answered")
    blocks = (
        similarity_part.similarity_figure(answers, found), similarity_part.similarity_table(answers, found), similarity_part.pairs_table(answers, found),
    )  # fmt: skip
    section = _section(answers, "similarity", "Similarity", blocks)
    sentence = similarity_part.similarity_sentence(answers, found)
    return Part(section, "similarity", similarity_part.similarity_document(found), sentence)


def _published_similarity(answers: Answers) -> Part:
    averages = similarity_part.published_averages(answers)
    if averages is None:
        return _nothing_shared(answers, "no prompt that all of them answered, which the published averages need")
    section = _section(answers, "similarity", "Similarity", [similarity_part.published_table(answers, averages)])
    return Part(section, "similarity", similarity_part.published_document(averages))


def _nothing_shared(answers: Answers, found: str) -> Part:
    said = Paragraph(f"Similarity needs models that answered the same prompts; here is {found}.")
    return Part(_section(answers, "similarity", "Similarity", [said]), "similarity", None)


def _style(answers: Answers, found: Mapping[str, Profile]) -> Part:
    blocks = (style_part.style_figure(answers, found), style_part.style_table(answers, found))
    return Part(
        _section(answers, "style", "Style", blocks),
        "style",
        style_part.style_document(found),
        style_part.style_sentence(answers, found),
    )


def _inheritance(material: Material, answers: Answers, found: Mapping[str, Profile]) -> Part:
    inherited = inheritance_part.from_training(answers, found, material.models)
    ratios = inheritance_part.from_generators(found, material.pairs)
    generators = inheritance_part.generators_table(answers, ratios)
    blocks = (inheritance_part.training_table(answers, inherited), generators or Items((NO_PAIRS,)))
    document = {
        "from_training": [
            {"model": each.model, "mix": each.origin.mix, "data_set": each.origin.dataset, "generator": each.origin.generator,
             "marks": inheritance_part.ratios_document(each.ratios)}
            for each in inherited
        ],
        "from_generators": inheritance_part.generators_document(ratios),
    }  # fmt: skip
    return Part(_section(answers, "inheritance", "Inheritance", blocks), "inheritance", document)


def _published_style(material: Material, answers: Answers) -> Part:
    judged = published_style.judged_texts(material.models)
    totals = published_style.page_totals(answers, judged)
    ratios = published_style.published_ratios(totals, material.pairs)
    blocks: list[Block] = [published_style.pages_table(answers, totals, bool(judged))]
    blocks.append(published_style.published_ratios_table(answers, ratios) if ratios else Items((NO_PAIRS,)))
    document = published_style.published_style_document(totals, ratios)
    return Part(_section(answers, "style", "Style and inheritance", blocks), "style", document)


def _preferences(material: Material, answers: Answers) -> Part:
    blocks = preferences_part.preference_blocks(material.ratings, material.pairs, answers.language)
    document = preferences_part.preference_document(material.ratings, material.pairs, answers.language)
    return Part(_section(answers, "preferences", "Preferences", blocks), "preferences", document)
