"""The report's first sentences, each built from the numbers and saying as much when they point the other way."""

from __future__ import annotations

from collections.abc import Iterator

from eval.report.collect import Evaluation, Run, name_of, quoted
from eval.report.comparisons import spoken_test
from eval.report.numbers import FEWEST, Difference, Ratio, difference
from eval.report.tables import mix_models, other_models, spoken_languages, start_of


def findings(run: Run) -> tuple[str, ...]:
    """Say what the numbers show, most telling first."""
    return (*_answer_language(run), *_mixes(run), *_runs(run), *_spoken_runs(run), *_floors(run), *_translation(run))


def _answer_language(run: Run) -> Iterator[str]:
    """Compare the answers of the mix without target-language data with those of every mix that has some."""
    target, name = run.recipe.language, name_of(run.recipe.language)
    rates = [
        (model, one.in_language)
        for model in mix_models(run)
        if (one := run.evaluation(model, target)) and one.in_language
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
    """Compare the mixes with the least and the most target-language data, language by language and seed by seed."""
    models = run.of_one_seed(mix_models(run))
    if len(models) < 2 or run.shares[models[0]] == run.shares[models[-1]]:
        return
    for code in sorted(run.languages, key=lambda code: code != run.recipe.language):
        least, most = run.evaluation(models[0], code), run.evaluation(models[-1], code)
        if least is None or most is None:
            continue
        gap = difference(most.followed, least.followed)
        sentence = f"{name_of(code)} accuracy: {least.accuracy.words} with {quoted(models[0])}, {most.accuracy.words} with {quoted(models[-1])}"
        yield f"{sentence}: {_judged(gap)}{_other_seeds(run, models, code)}." if gap else f"{sentence}."


def _other_seeds(run: Run, models: list[str], code: str) -> str:
    """Name the same difference for the other seeds."""
    ends = [run.supervised[model].mix for model in (models[0], models[-1])]
    of_mix = {(one.mix, one.seed): model for model, one in run.supervised.items() if model in run.shares}
    told = ""
    for seed in run.recipe.seeds[1:]:
        least, most = (run.evaluation(of_mix[mix, seed], code) for mix in ends)
        gap = difference(most.followed, least.followed) if most and least else None
        told += f"; with seed {seed} {gap.text}" if gap else ""
    return told


def _judged(gap: Difference) -> str:
    verdict = "beyond noise" if gap.beyond_chance else "within noise" if gap.prompts >= FEWEST else "too few to tell"
    return f"{gap.text} points on {gap.prompts} prompts, {verdict}"


def _runs(run: Run) -> Iterator[str]:
    """Name the run that gains most on its start, per language, and how many gain beyond noise."""
    for code in sorted(run.languages, key=lambda code: code != run.recipe.language):
        gaps = [(model, gap) for model in other_models(run) if (gap := _gain(run, model, code))]
        if not gaps:
            continue
        best, gap = max(gaps, key=lambda item: item[1].points)
        known = sum(gap.points > 0 and gap.beyond_chance for _, gap in gaps)
        name, start = quoted(best), quoted(start_of(run, best))
        of = "the one further run" if len(gaps) == 1 else f"the {len(gaps)} further runs"
        if gap.points <= 0 and len(gaps) == 1:
            yield f"In {name_of(code)}, {name} does not gain on its start {start}: {_judged(gap)}."
        elif gap.points <= 0:
            yield f"In {name_of(code)}, none of {of} gains on its start; nearest is {name} against {start}: {_judged(gap)}."
        else:
            yield f"In {name_of(code)}, {name} gains most of {of} on its start {start}: {_judged(gap)}. Runs that gain beyond noise: {known} of {len(gaps)}."


def _spoken_runs(run: Run) -> Iterator[str]:
    """Name the run that answers in the asked language most more often than its start, per language."""
    for code in spoken_languages(run):
        tests = [(model, test) for model in other_models(run) if (test := spoken_test(run, model, code))]
        if not tests:
            continue
        best, test = max(tests, key=lambda item: item[1].gap.points)
        more = sum(test.gap.points > 0 and test.beyond_chance for _, test in tests)
        what = f"{name_of(code)} answers to {name_of(code)} prompts"
        if test.gap.points <= 0:
            yield f"{what}: no further run gives more than its start."
        else:
            yield f"{what}: {quoted(best)} gains most on its start {quoted(start_of(run, best))}: {test.gap.text} points on {test.gap.prompts} prompts ({test.words}). Runs that give more, beyond noise: {more} of {len(tests)}."


def _gain(run: Run, model: str, code: str) -> Difference | None:
    ours, theirs = run.evaluation(model, code), run.evaluation(start_of(run, model), code)
    return difference(ours.followed, theirs.followed) if ours and theirs else None


def _floors(run: Run) -> Iterator[str]:
    """Name the models that do no better than a reply without any model: a constant one, or the prompt repeated."""
    for kind, words in (("constant", "a constant “{}”"), ("echo", "repeating {}")):
        beaten = [
            f"{quoted(one.model)} in {name_of(one.language)} at {one.accuracy.words}"
            for one in run.evaluations
            if not _above_floor(one, kind)
        ]
        if beaten:
            reply = run.evaluations[0].document["floor"][kind]["reply"]
            more = f" and {len(beaten) - 4} more of {len(run.evaluations)}" if len(beaten) > 4 else ""
            yield f"Not above {words.format(reply)}: {', '.join(beaten[:4])}{more}."


def _above_floor(one: Evaluation, kind: str) -> bool:
    floor = one.document["floor"][kind]
    return one.accuracy.share > Ratio(floor["inst_strict"], floor["instructions"]).share


def _translation(run: Run) -> Iterator[str]:
    for document in run.translation.values():
        exact = Ratio(document["exact"], document["sentences"])
        yield f"Translation on held-out sentences: chrF {document['chrf']:.1f}, BLEU {document['bleu']:.1f}, exact {exact.words}."
