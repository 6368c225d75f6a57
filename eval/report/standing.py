"""Which models of a run a report sets beside which: the mixes in order, the further runs, and what each is compared with."""

from __future__ import annotations

from collections.abc import Collection

from eval.ifeval.registry import Mode
from eval.report.collect import Run
from kielo.mixes import mix_names
from kielo.trainings import all_seeds


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
    """Name the mix that a mix is compared with: what preference tuning starts from by default, else the one with most target-language data."""
    mixes = [mix for mix in mix_models(run) if run.seed_of(mix) == run.seed_of(model)]
    start = run.recipe.dpo.start if run.recipe.dpo else None
    starts = all_seeds(start, run.recipe) if start else ()
    return next((mix for mix in mixes if mix in starts), mixes[-1])


def spoken_languages(run: Run, mode: Mode = "compat") -> list[str]:
    """List the languages other than the source in which the language of answers was told: by langdetect, in fair mode by line."""
    measured = {one.language for one in run.evaluations if (one.detected if mode == "compat" else one.lines())}
    return [code for code in run.languages if code in measured and code != run.recipe.source_language]


def families(run: Run, models: Collection[str]) -> dict[str, list[str]]:
    """Group those of `models` that are mixes, of one seed, by the key of the recipe that wrote them."""
    found = {
        name: [
            model
            for mix in mix_names(name, family, run.recipe)
            if (model := all_seeds(f"sft/{mix}", run.recipe)[0]) in models
        ]
        for name, family in run.recipe.sft.mixes.items()
    }
    return {name: members for name, members in found.items() if members}


def widest_family(run: Run) -> list[str]:
    """Find the models to draw as one line: of the recipe's family of mixes with most evaluated members, one seed."""
    return max(families(run, run.models).values(), key=len, default=[])


def telling_models(run: Run) -> list[str]:
    """Choose the models for the close look: least and most target-language data, and the best further run."""
    mixes, others = run.of_one_seed(mix_models(run)), other_models(run)
    scored = [(one.accuracy().share, model) for model in others if (one := run.evaluation(model, run.recipe.language))]
    best = [max(scored, key=lambda item: item[0])[1]] if scored else others[:1]
    return list(dict.fromkeys([*mixes[:1], *mixes[-1:], *best]))
