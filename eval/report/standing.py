"""Which models of a run a report sets beside which: the mixes in order, the further runs, and what each is compared with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from eval.ifeval.registry import Mode
from eval.report.collect import Run
from kielo.recipe.mixes import Member, Selection, expand_mixes, members
from kielo.recipe.trainings import all_seeds
from kielo.schema import Mix


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


def baseline_of(run: Run, model: str) -> str:
    """Name the mix that a mix is compared with: what preference tuning starts from by default, else the one with most target-language data.

    Of several with as much, one whose rows were not selected, else one of a random selection.
    """
    mixes = [mix for mix in mix_models(run) if run.seed_of(mix) == run.seed_of(model)]
    start = run.recipe.dpo.start if run.recipe.dpo else None
    starts = all_seeds(start, run.recipe) if start else ()
    most = [mix for mix in mixes if run.shares[mix] == run.shares[mixes[-1]]]
    return next((mix for mix in mixes if mix in starts), min(reversed(most), key=lambda mix: _chosen(run, mix)))


def _chosen(run: Run, model: str) -> int:
    """Rank how much choosing is in a mix: none, at random, by a method."""
    selection = selection_of(run, model)
    return 0 if selection is None else 1 if selection.method == "random" else 2


def selection_of(run: Run, model: str) -> Selection | None:
    """Say how the rows of a model's mix were selected; None where they were not."""
    return run.selected.get(run.supervised[model].mix) if model in run.supervised else None


def unselected(run: Run, model: str) -> str | None:
    """Find the model of the mix that takes the same as a selecting one, every row of it, of the same seed."""
    if selection_of(run, model) is None:
        return None
    mixes, seed = expand_mixes(run.recipe), run.seed_of(model)
    taken = mixes[run.supervised[model].mix]
    same = (mix for mix in run.shares if run.seed_of(mix) == seed and selection_of(run, mix) is None)
    return next((mix for mix in same if mixes[run.supervised[mix].mix] == taken), None)


def random_twin(run: Run, model: str) -> str | None:
    """Find the model of the random selection of the same size from the same mix, of the same seed; None for itself, too."""
    selection = selection_of(run, model)
    if selection is None or selection.method == "random":
        return None
    mixes, seed = expand_mixes(run.recipe), run.seed_of(model)
    alike = replace(selection, method="random")
    taken = mixes[run.supervised[model].mix]
    return next(
        (mix for mix in run.shares if run.seed_of(mix) == seed and selection_of(run, mix) == alike and mixes[run.supervised[mix].mix] == taken),
        None,
    )  # fmt: skip


def spoken_languages(run: Run, mode: Mode = "compat") -> list[str]:
    """List the languages other than the source in which the language of answers was told: by langdetect, in fair mode by line."""
    measured = {one.language for one in run.evaluations if (one.detected if mode == "compat" else one.lines())}
    return [code for code in run.languages if code in measured and code != run.recipe.source_language]


def families(run: Run, models: Collection[str]) -> dict[str, list[str]]:
    """Group those of `models` that are mixes, of one seed, by the key of the recipe that wrote them, and by selection method."""
    found: dict[str, list[str]] = {}
    for family, mix in run.recipe.sft.mixes.items():
        for name, member in members(family, mix, run.recipe).items():
            model = all_seeds(f"sft/{name}", run.recipe)[0]
            if model in models:
                found.setdefault(_line(family, mix, name, member), []).append(model)
    return found


def _line(family: str, mix: Mix, name: str, member: Member) -> str:
    """Name the line of a figure that a mix is a point of: its name without the size, or its family where there is but one."""
    if member.selection is None or mix.select is None:
        return family
    if len(mix.select.size) > 1:
        return name.removesuffix(f"-{member.selection.size}")
    return f"{family}-{member.selection.method}" if len(mix.select.method) > 1 else family


def widest_family(run: Run) -> list[str]:
    """Find the models to draw as one line: of the recipe's family of mixes with most evaluated members, one seed."""
    return max(families(run, run.models).values(), key=len, default=[])


def telling_models(run: Run) -> list[str]:
    """Choose the models for the close look: least and most target-language data, and the best further run."""
    mixes, others = run.of_one_seed(mix_models(run)), other_models(run)
    scored = [(one.accuracy().share, model) for model in others if (one := run.evaluation(model, run.recipe.language))]
    best = [max(scored, key=lambda item: item[0])[1]] if scored else others[:1]
    return list(dict.fromkeys([*mixes[:1], *mixes[-1:], *best]))
