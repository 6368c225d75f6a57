"""The tables of results, in the form of the paper's Tables 1 and 2."""

from __future__ import annotations

from collections.abc import Sequence

from eval.report.collect import Evaluation, Run, name_of, quoted, short
from eval.report.document import Cell, Table
from eval.report.numbers import Ratio, margin
from kielo.languages import language

NOTHING = Cell("–")


def mix_models(run: Run) -> list[str]:
    """List the evaluated models that are plain mixes, the least target-language data first."""
    return sorted((model for model in run.models if model in run.shares), key=lambda model: run.shares[model])


def other_models(run: Run) -> list[str]:
    """List the evaluated models that are runs of their own: masking, noise, preferences."""
    mixes = mix_models(run)
    return [model for model in run.models if model not in mixes]


def start_of(run: Run, model: str) -> str:
    """Name the model that a run is to be compared with: the plain run of its mix, or what DPO started from."""
    if model in run.preferring:
        return run.preferring[model].start
    ours = run.supervised[model]
    return next(
        plain for plain in run.shares if (run.supervised[plain].mix, run.seed_of(plain)) == (ours.mix, ours.seed)
    )


def mixes_table(run: Run) -> Table | None:
    """Lay out the mixes (the paper's Table 1); None without any."""
    models = mix_models(run)
    if not models:
        return None
    rows = tuple((Cell(short(model)), *_scores(run, model)) for model in models)
    return Table("Table 1. Data mixes", ("Model", *_columns(run)), rows, _note(run, models))


def runs_table(run: Run) -> Table | None:
    """Lay out the other runs under the models they are compared with (the paper's Table 2); None without any."""
    models = other_models(run)
    if not models:
        return None
    starts = [
        start
        for start in dict.fromkeys(start_of(run, model) for model in models)
        if start in run.models and start not in models
    ]
    rows = [(Cell(short(start), "the start"), *_scores(run, start)) for start in starts]
    rows += [(Cell(short(model)), *_scores(run, model)) for model in models]
    note = "As in Table 1." if mix_models(run) else _note(run, [*starts, *models])
    return Table("Table 2. Other runs", ("Model", *_columns(run)), tuple(rows), note)


def spoken_table(run: Run) -> Table | None:
    """Lay out which languages the models answered target-language prompts in; None where that was not measured."""
    source, target = (language(code) for code in (run.recipe.source_language, run.recipe.language))
    rows = []
    for one in run.evaluations:
        if one.language != target.code or one.in_language is None:
            continue
        counts, total = dict(one.document["response_language"]["by_code"]), one.in_language.n
        own, foreign = counts.pop(target.langdetect, 0), counts.pop(source.langdetect, 0)
        words = ", ".join(
            f"{code} {number}" for code, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        )
        rows.append(
            (
                Cell(short(one.model)),
                Cell(words or "none"),
                *(_ratio(Ratio(count, total)) for count in (own, foreign, total - own - foreign)),
            )
        )
    columns = ("Model", "The other languages, by answers", f"{target.name}, %", f"{source.name}, %", "Other, %")
    note = "As langdetect (seeded) sees them, of all prompts that ask for no language; it takes text in capitals and code for other languages readily."
    return Table(f"Languages of the answers to {target.name} prompts", columns, tuple(rows), note, 2) if rows else None


def _columns(run: Run) -> tuple[str, ...]:
    accuracies = tuple(f"{name_of(code)} accuracy, %" for code in run.languages)
    return accuracies + tuple(f"Answers in {name_of(code)}, %" for code in spoken_languages(run))


def spoken_languages(run: Run) -> list[str]:
    """List the languages other than the source whose share of the answers was measured."""
    measured = {one.language for one in run.evaluations if one.in_language}
    return [code for code in run.languages if code in measured and code != run.recipe.source_language]


def _scores(run: Run, model: str) -> list[Cell]:
    found = {code: run.evaluation(model, code) for code in run.languages}
    spoken = [one.in_language if (one := found[code]) else None for code in spoken_languages(run)]
    return [_ratio(one.accuracy if one else None) for one in found.values()] + [_ratio(ratio) for ratio in spoken]


def _ratio(ratio: Ratio | None) -> Cell:
    return Cell(ratio.cell, ratio.counts) if ratio else NOTHING


def _note(run: Run, models: Sequence[str]) -> str:
    shown = [one for one in run.evaluations if one.model in models]
    widest = max(shown, key=lambda one: margin(one.followed))
    ways = ", ".join(
        sorted({f"{one.document['mode']} mode with sentences split by {one.document['tokenizer']}" for one in shown})
    )
    points = margin(widest.followed)
    so = ", so differences of a couple of points are within noise" if points >= 2 else ""
    floors = "".join(f" {text}" for code in run.languages if (text := _floor(shown, code)))
    return (
        f"Accuracy: IFEval's instruction-level strict accuracy by the rules of lm-evaluation-harness ({ways}), two decimals, "
        "cut off as in the paper; beside it, instructions followed of all instructions. Answers in a language: of all prompts in it. "
        "Prompts that ask for a response language are left out, as in the paper. "
        f"Chance alone moves an accuracy here by up to ±{points:.1f} points (95% interval, {len(widest.followed)} prompts){so}.{floors}{_cut_off(shown)}"
    )


def _cut_off(shown: Sequence[Evaluation]) -> str:
    """Say how many answers the token limit cut off, where it cut most."""
    cut = [
        (Ratio(one.document["finish_reasons"].get("length", 0), sum(one.document["finish_reasons"].values())), one)
        for one in shown
    ]
    most, one = max(cut, key=lambda item: item[0].share)
    return (
        f" Answers cut off at max_tokens: at most {most.words}, by {quoted(one.model)} in {name_of(one.language)}."
        if most.k
        else ""
    )


def _floor(shown: Sequence[Evaluation], code: str) -> str:
    """Say what no model at all scores in a language."""
    floor = next((one.document["floor"] for one in shown if one.language == code), None)
    if floor is None:
        return ""
    constant, echo = (Ratio(floor[kind]["inst_strict"], floor[kind]["instructions"]) for kind in ("constant", "echo"))
    return f"{name_of(code)} without a model: “{floor['constant']['reply']}” scores {constant.words}, the prompt repeated {echo.words}."
