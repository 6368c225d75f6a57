"""The names inside `sft`, `dpo` and `eval.models`: mixes, runs, what sweeps and seeds make of them; kielo/recipe/links.py asks for them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping

from pydantic import ValidationError

from kielo.recipe.losses import loss_mistakes
from kielo.recipe.mixes import expand_mixes, mix_names
from kielo.recipe.trainings import (
    TRAINER,
    DpoTraining,
    SftTraining,
    all_seeds,
    dpo_names,
    dpo_trainings,
    expand_run,
    sft_names,
    sft_trainings,
)
from kielo.schema import DpoRun, Pool, Recipe, SftRun, Trainer
from kielo.schema.parts import PLAIN_NAME
from kielo.schema.trainer import DEFAULT_GLOBAL_BATCH_SIZE, DPO_ONLY, SFT_ONLY

Where = tuple[str | int, ...]
Broken = tuple[Where, str]


def broken_trainings(recipe: Recipe) -> Iterator[Broken]:
    """Yield (path of keys, sentence) of every mix, run and sweep that cannot be made as it is written."""
    unswept = [*_mixes(recipe), *_sweeps(recipe)]
    yield from unswept
    if not unswept:  # else there are no trainings to speak of
        yield from _clashes(recipe)
        yield from _starts(recipe)
        yield from _batches(recipe)
        yield from dict.fromkeys(_losses(recipe))
        yield from _idle(recipe)


def _mixes(recipe: Recipe) -> Iterator[Broken]:
    for name, mix in recipe.sft.mixes.items():
        where = ("sft", "mixes", name)
        pools = {(*where, "sources", dataset) if dataset else where: pool for dataset, pool in mix.pools.items()}
        uses_x = any("X" in pool.shares.values() for pool in pools.values())
        if uses_x != bool(mix.X):
            yield where, "uses X without saying its values (X: [0, 0.1])" if uses_x else "gives X, but no share is X"
        if mix.X and name.count("X") != 1:
            yield where, "a family needs one X in its name, where the percent goes (en-fi-Xpct)"
        elif len({f"{100 * value:g}" for value in mix.X}) < len(mix.X):
            yield (*where, "X"), "two of its values are one percent in the mixes' names; write them further apart"
        for bad in [each for each in mix_names(name, mix, recipe) if not PLAIN_NAME.fullmatch(each)][:1]:
            yield (*where, "X"), f"'{bad}' is no plain name, and it becomes a folder; X is a share (1: all rows)"
        if not mix.X and not any(pool.rows or any(pool.shares.values()) for pool in pools.values()):
            yield where, "every share is 0, nothing would be trained on"
        if mix.upsample and not any(pool.rows for pool in pools.values()):
            yield (*where, "upsample"), "would do nothing without `rows`; a share above 1 repeats rows by itself"
        for at_pool, pool in pools.items():
            yield from _languages(recipe, at_pool, pool)


def _languages(recipe: Recipe, where: Where, pool: Pool) -> Iterator[Broken]:
    known = {recipe.source_language, recipe.language}
    for key in ("shares", "rows"):
        for code in sorted(set(getattr(pool, key)) - known):
            yield (*where, key, code), f"this recipe's languages are {' and '.join(sorted(known))}"


def _runs(recipe: Recipe) -> list[tuple[str, Mapping[str, SftRun | DpoRun]]]:
    return [("sft", recipe.sft.runs), ("dpo", recipe.dpo.runs if recipe.dpo else {})]


def _sweeps(recipe: Recipe) -> Iterator[Broken]:
    for part, runs in _runs(recipe):
        for name, run in runs.items():
            where = (part, "runs", name, "sweep")
            keys = [*_sweep_keys(part, run, where)]
            yield from keys or _expansion(where, name, run)


def _sweep_keys(part: str, run: SftRun | DpoRun, where: Where) -> Iterator[Broken]:
    others = DPO_ONLY if part == "sft" else SFT_ONLY
    known = [key for key in type(run).model_fields if key not in ("trainer", "sweep")]
    known += [TRAINER + key for key in Trainer.model_fields if key not in others]
    written = {*run.model_fields_set, *(TRAINER + key for key in run.trainer.model_fields_set)}
    for key in run.sweep:
        if key not in known:
            yield (*where, key), unknown("key", key, known)
        elif key in written:
            yield (*where, key), "is swept, so the run's own value would do nothing; leave one of them out"


def _expansion(where: Where, name: str, run: SftRun | DpoRun) -> Iterator[Broken]:
    """Look at what a sweep becomes: its values must fit, and its names must be folders."""
    try:
        expanded = expand_run(name, run)
    except ValidationError as error:
        first = error.errors()[0]
        keys = ".".join(map(str, first["loc"]))
        key = next((key for key in run.sweep if f"{keys}.".startswith(f"{key}.")), None)
        message = first["msg"].removeprefix("Value error, ")
        yield (*where, key) if key else where, f"{message} (it is {first['input']!r})" if key else message
    except ValueError as error:
        yield where, str(error)
    else:
        for bad in [each for each in expanded if not PLAIN_NAME.fullmatch(each)][:1]:
            yield where, f"'{bad}' is no plain name, and it becomes a folder; write these values as runs of their own"


def _clashes(recipe: Recipe) -> Iterator[Broken]:
    """Find names that two mixes or two trainings would share."""
    names = [name for family, mix in recipe.sft.mixes.items() for name in mix_names(family, mix, recipe)]
    yield from ((("sft", "mixes"), sentence) for sentence in _twice(names))
    for name in recipe.sft.runs:
        if name in names:
            yield (
                ("sft", "runs", name),
                "a mix has this name already (every mix gives a run of its own); choose another",
            )
    for part, known in (("sft", sft_names(recipe)), ("dpo", dpo_names(recipe))):
        yield from (((part, "runs"), sentence) for sentence in _twice(known))


def _twice(names: list[str]) -> list[str]:
    clashing = sorted({name for name in names if names.count(name) > 1})
    return [f"two of them spell out to '{name}'; name one differently" for name in clashing]


def _starts(recipe: Recipe) -> Iterator[Broken]:
    """Check the mixes and runs that trainings and the evaluation start from."""
    mixes = expand_mixes(recipe)
    for name, run in recipe.sft.runs.items():
        for each in expand_run(name, run).values():
            if each.mix not in mixes:
                yield _place("sft", name, run, "mix"), unknown("mix", each.mix, mixes)
    sft = [f"sft/{name}" for name in sft_names(recipe)]
    tuned = [*sft, *(f"dpo/{name}" for name in dpo_names(recipe))]
    if recipe.dpo:
        if recipe.dpo.start not in sft:
            yield ("dpo", "start"), _no_run(recipe.dpo.start, sft, recipe)
        for name, tuning in recipe.dpo.runs.items():
            for swept in expand_run(name, tuning).values():
                if swept.start is not None and swept.start not in sft:
                    yield _place("dpo", name, tuning, "start"), _no_run(swept.start, sft, recipe)
    for index, model in enumerate(recipe.eval.models):
        if model not in tuned:
            yield ("eval", "models", index), _no_run(model, tuned, recipe)


def _place(part: str, name: str, run: SftRun | DpoRun, key: str) -> Where:
    return (part, "runs", name, "sweep", key) if key in run.sweep else (part, "runs", name, key)


def _no_run(name: str, known: list[str], recipe: Recipe) -> str:
    """Say that there is no such run, and what to write where it is one of a sweep or of seeds."""
    swept = [each for each in known if each.startswith(f"{name}-")]
    if name in [f"{part}/{run}" for part, runs in _runs(recipe) for run, each in runs.items() if each.sweep] and swept:
        return f"'{name}' is a sweep; name one of its runs: {', '.join(swept)}"
    seeded = [each for each in known if name in all_seeds(each, recipe)]
    if seeded:
        return f"name it without its seed, '{seeded[0]}'; every seed has its own"
    return unknown("run", name, known)


def _batches(recipe: Recipe) -> Iterator[Broken]:
    supervised: list[tuple[str, SftTraining | DpoTraining]] = [("sft", training) for training in sft_trainings(recipe)]
    runs = dict(_runs(recipe))
    for part, training in [*supervised, *(("dpo", training) for training in dpo_trainings(recipe))]:
        size = training.trainer.get("global_batch_size", DEFAULT_GLOBAL_BATCH_SIZE)
        per_device = training.trainer.get("per_device_train_batch_size")
        if per_device and size % per_device:
            own = runs[part].get(training.run)
            key = next((key for key in ("sweep", "trainer") if own and key in own.model_fields_set), None)
            where = (part, "runs", training.run, key) if key else (part, "trainer")
            yield where, f"global_batch_size {size} does not divide by per_device_train_batch_size {per_device}"


def _losses(recipe: Recipe) -> Iterator[Broken]:
    runs = recipe.dpo.runs if recipe.dpo else {}
    for training in dpo_trainings(recipe):
        run = runs[training.run]
        for key, sentence in loss_mistakes(training.trainer):
            written = ("trainer", key) if key in run.trainer.model_fields_set else ("sweep", TRAINER + key)
            own = written[0] == "trainer" or written[1] in run.sweep
            yield (("dpo", "runs", training.run, *written) if own else ("dpo", "trainer", key)), sentence


def _idle(recipe: Recipe) -> Iterator[Broken]:
    """Find settings of one way to share a model in a training that goes another; fsdp2 is what several GPUs do unasked."""
    trainings: list[tuple[str, SftTraining | DpoTraining]] = [("sft", training) for training in sft_trainings(recipe)]
    for part, training in [*trainings, *(("dpo", training) for training in dpo_trainings(recipe))]:
        for key, ways in (("deepspeed", ("zero3",)), ("fsdp_config", ("fsdp2", None))):
            written = training.trainer.get("parallel")
            if key in training.trainer and written not in ways:
                without = f"with parallel {written}" if written else f"without parallel: {ways[0]}"
                own = dict(_runs(recipe))[part].get(training.run)
                below = ("runs", training.run) if own and key in own.trainer.model_fields_set else ()
                yield (
                    (part, *below, "trainer", key),
                    f"would do nothing in {part}/{training.name} {without}; leave it out",
                )


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Say that a recipe names something which is not there, with the nearest that is."""
    near = difflib.get_close_matches(name, list(known), 1)
    hint = f"did you mean '{near[0]}'" if near else f"known: {', '.join(known) or 'none'}"
    return f"no {what} '{name}'; {hint}"
