"""Mixes, runs, sweeps and seeds spelled out as trainings: names, starts, and what each is trained with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kielo.recipe.mixes import Taken, expand_mixes, selections
from kielo.recipe.reading import load
from kielo.recipe.trainings import all_seeds, dpo_names, dpo_trainings, expand_run, sft_names, sft_trainings
from kielo.schema import Recipe, SftRun

FAMILY = "shares: {en: 1.0, fi: X}, X: [0, 0.5, 1.0]"


@pytest.fixture
def make(write_recipe: Callable[..., Path]) -> Callable[..., Recipe]:
    """Load the small recipe with texts replaced."""
    return lambda *changes: load(write_recipe(*changes))


def test_a_family_becomes_one_mix_per_share(make):
    mixes = expand_mixes(make(("X: [0, 0.5, 1.0]", "X: [0, 0.1, 0.125, 1.0, 1.5]")))
    assert mixes == {
        name: (Taken(("oasst2",), {"en": 1.0, "fi": share}, {}),)
        for name, share in (("en-fi-0pct", 0), ("en-fi-10pct", 0.1), ("en-fi-12.5pct", 0.125), ("en-fi-100pct", 1.0), ("en-fi-150pct", 1.5))
    }  # fmt: skip
    assert [mixes[name][0].languages for name in ("en-fi-0pct", "en-fi-10pct")] == [("en",), ("en", "fi")]


def test_a_selection_becomes_one_mix_per_method_and_size(make):
    both = "shares: {en: 1.0, fi: 1.0}, select: {method: [random, mig], size: [5, 9], languages: [fi]}"
    found = selections(
        make(
            (FAMILY, both),
            ("start: sft/en-fi-100pct", "start: sft/neftune"),
            ("mix: en-fi-100pct", "mix: en-fi-Xpct-mig-9"),
        )
    )
    names = [f"en-fi-Xpct-{method}-{size}" for method in ("random", "mig") for size in (5, 9)]
    assert list(found) == names
    assert [(each.method, each.size, each.languages) for each in found.values()] == [
        (method, size, ("fi",)) for method in ("random", "mig") for size in (5, 9)
    ]  # fmt: skip


def test_one_method_and_one_size_leave_the_name_as_it_is(make):
    found = selections(make((FAMILY, f"{FAMILY}, select: {{size: 7}}")))
    assert {name: each.method for name, each in found.items()} == dict.fromkeys(
        ("en-fi-0pct", "en-fi-50pct", "en-fi-100pct"), "mig"
    )
    assert found["en-fi-0pct"].languages == ("en", "fi"), "a share of X is of a language, whatever X is"


def test_a_share_of_0_of_what_is_selected_from_is_one_mix_without_a_selection(make):
    family = f"{FAMILY}, select: {{method: [random, mig], size: 7, languages: [fi]}}"
    recipe = make(
        (FAMILY, family), ("sft/en-fi-100pct", "sft/en-fi-100pct-mig"), ("mix: en-fi-100pct", "mix: en-fi-0pct")
    )
    selecting = [f"en-fi-{share}pct-{method}" for share in (50, 100) for method in ("random", "mig")]
    assert list(expand_mixes(recipe)) == ["en-fi-0pct", *selecting] and list(selections(recipe)) == selecting


@pytest.mark.parametrize(
    ("size", "shares", "budgets"),
    [
        (10, "{}", {}),
        (10, "{en: 0.3, fi: 0.7}", {"en": 3, "fi": 7}),
        (7, "{en: 0.5, fi: 0.5}", {"en": 4, "fi": 3}),
        (100, "{en: 0.29, fi: 0.71}", {"en": 29, "fi": 71}),
    ],
)
def test_budgets_are_rows_that_add_up_to_the_size(make, size, shares, budgets):
    family = FAMILY.replace("X: [0, 0.5, 1.0]", "X: [0.5, 1.0]")
    recipe = make((FAMILY, f"{family}, select: {{size: {size}, budgets: {shares}}}"))
    assert dict(selections(recipe)["en-fi-100pct"].budgets) == budgets


def test_x_and_rows_in_a_blend(make):
    second = ("    helpsteer2:", "    b: {kind: conversations, pocket: oasst2}\n    helpsteer2:")
    blend = "sources: {oasst2: {shares: {fi: X}}, b: {rows: {en: 9}}}, X: [0, 1.0]"
    mixes = expand_mixes(make(second, (FAMILY, blend)))
    assert mixes["en-fi-0pct"] == (Taken(("oasst2",), {"fi": 0.0}, {}), Taken(("b",), {}, {"en": 9}))
    assert mixes["en-fi-100pct"][0].shares == {"fi": 1.0}
    pooled = expand_mixes(make(second))["en-fi-0pct"]
    assert [taken.datasets for taken in pooled] == [("oasst2", "b")], "without sources every data set is one pool"


def test_every_mix_gives_a_training_and_the_runs_follow(make):
    recipe = make()
    assert sft_names(recipe) == ["en-fi-0pct", "en-fi-50pct", "en-fi-100pct", "neftune"]
    assert [training.name for training in sft_trainings(recipe)] == sft_names(recipe)
    neftune = sft_trainings(recipe)[-1]
    assert (neftune.run, neftune.mix, neftune.neftune_noise_alpha, neftune.seed) == ("neftune", "en-fi-100pct", 5, 0)
    (tuning,) = dpo_trainings(recipe)
    assert (tuning.name, tuning.start, tuning.data) == ("dpo-both", "sft/en-fi-100pct", {"helpsteer2": ("en", "fi")})


def test_a_run_can_do_without_the_adapters_of_its_part(make):
    recipe = make(
        ("sft:\n", "sft:\n  lora: {r: 4}\n"),
        ("alpha: 5}", "alpha: 5, lora: null}\n    own: {mix: en-fi-0pct, lora: {r: 8}}"),
    )
    ranks = {training.name: training.lora and training.lora.r for training in sft_trainings(recipe)}
    assert (ranks["en-fi-0pct"], ranks["neftune"], ranks["own"]) == (4, None, 8)


def test_a_sweep_is_every_combination_by_name(make):
    recipe = make(
        ("neftune_noise_alpha: 5", "sweep: {neftune_noise_alpha: [null, 5], trainer.learning_rate: [1e-5, 2.0e-5]}")
    )
    swept = {training.name: training for training in sft_trainings(recipe) if training.run == "neftune"}
    assert {name: (each.neftune_noise_alpha, each.trainer["learning_rate"]) for name, each in swept.items()} == {
        "neftune-neftune_noise_alpha-none-learning_rate-1e-05": (None, 1e-5),
        "neftune-neftune_noise_alpha-none-learning_rate-2e-05": (None, 2e-5),
        "neftune-neftune_noise_alpha-5-learning_rate-1e-05": (5, 1e-5),
        "neftune-neftune_noise_alpha-5-learning_rate-2e-05": (5, 2e-5),
    }


def test_a_sweep_stands_over_the_defaults_and_beside_the_runs_own_keys(make):
    recipe = make(
        ("  start: sft/en-fi-100pct", "  start: sft/en-fi-100pct\n  beta: 0.5\n  trainer: {num_train_epochs: 2}"),
        ("helpsteer2: [en, fi]}", "helpsteer2: [en, fi]}, trainer: {max_steps: 9}, sweep: {beta: [0.01, 0.05]}"),
    )
    assert dpo_names(recipe) == ["dpo-both-beta-0.01", "dpo-both-beta-0.05"]
    assert [(each.beta, each.trainer) for each in dpo_trainings(recipe)] == [
        (0.01, {"max_steps": 9}), (0.05, {"max_steps": 9}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "values", "ends"),
    [
        ("trainer.gradient_checkpointing", (True, False), ("true", "false")),
        ("loss_on", ("all", "last"), ("all", "last")),
        ("mix", ("en-fi-0pct", "m.1"), ("en-fi-0pct", "m.1")),
        ("trainer.max_steps", (5, 10), ("5", "10")),
        ("neftune_noise_alpha", (None, 2.5), ("none", "2.5")),
    ],
)
def test_names_of_swept_values(key, values, ends):
    run = SftRun.model_validate({"mix": "m", "sweep": {key: values}})
    assert list(expand_run("r", run)) == [f"r-{key.removeprefix('trainer.')}-{end}" for end in ends]


def test_a_swept_start_starts_from_each(make):
    recipe = make(
        ("helpsteer2: [en, fi]}", "helpsteer2: [en, fi]}, sweep: {start: [sft/en-fi-0pct, sft/en-fi-100pct]}")
    )
    assert {training.name: training.start for training in dpo_trainings(recipe)} == {
        "dpo-both-start-sft-en-fi-0pct": "sft/en-fi-0pct", "dpo-both-start-sft-en-fi-100pct": "sft/en-fi-100pct",
    }  # fmt: skip


def test_every_seed_is_a_training_and_starts_from_its_own(make):
    recipe = make(("model: pocket", "model: pocket\nseed: 9\nseeds: [0, 3]"))
    assert [(each.name, each.seed) for each in sft_trainings(recipe)][:2] == [
        ("en-fi-0pct-seed-0", 0),
        ("en-fi-0pct-seed-3", 3),
    ]
    assert [(each.name, each.start, each.run) for each in dpo_trainings(recipe)] == [
        ("dpo-both-seed-0", "sft/en-fi-100pct-seed-0", "dpo-both"),
        ("dpo-both-seed-3", "sft/en-fi-100pct-seed-3", "dpo-both"),
    ]
    assert all_seeds("sft/neftune", recipe) == ("sft/neftune-seed-0", "sft/neftune-seed-3")
    assert all_seeds("sft/neftune", make()) == ("sft/neftune",)
    assert sft_names(recipe) == sft_names(make()), "a recipe names its runs without the seed"
