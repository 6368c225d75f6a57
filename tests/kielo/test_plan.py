"""The plan: what stands on what, what trainings share, and which keys make a step another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from kielo.errors import UsageError
from kielo.languages import pack as languages
from kielo.plan import STAGES, Step, make_plan, needed_for, select, tuned_models
from kielo.provenance import canonical
from kielo.recipe.reading import load

Plan = Mapping[str, Step]


@pytest.fixture
def plan(write_recipe: Callable[..., Path]) -> Callable[..., Plan]:
    """Make the plan of the small recipe with texts replaced, by step name."""

    def make(*changes: tuple[str, str]) -> Plan:
        steps = make_plan(load(write_recipe(*changes)))
        named = {step.name: step for step in steps}
        assert len(named) == len(steps), "two steps of one name would share a folder"
        return named

    return make


def of_kind(plan: Plan, kind: str) -> list[str]:
    return [name for name, step in plan.items() if step.kind == kind]


SEEDS = ("model: pocket", "model: pocket\nseeds: [0, 1, 2]")
BETAS = ("helpsteer2: [en, fi]}", "helpsteer2: [en, fi]}, sweep: {beta: [0.01, 0.05, 0.1]}")


def test_every_step_stands_after_its_inputs(plan):
    made = plan(SEEDS, BETAS)
    seen: set[str] = set()
    for name, step in made.items():
        assert set(step.inputs) <= seen, f"{name} stands before {set(step.inputs) - seen}"
        assert canonical(step.settings)
        seen.add(name)
    assert made["report"].inputs == tuple(name for name in made if name != "report")


def test_the_chain_of_the_small_recipe(plan):
    made = plan()
    assert made["mix/en-fi-0pct"].inputs == ("source/oasst2",), "a language of which nothing is taken is not waited for"
    assert made["mix/en-fi-50pct"].inputs == ("source/oasst2", "translate/oasst2")
    assert made["tokens/sft/en-fi-50pct"].inputs == (
        "mix/en-fi-50pct", "source/ifeval", "translate/ifeval", "source/oasst2",
    )  # fmt: skip
    assert made["sft/neftune"].inputs == ("tokens/sft/en-fi-100pct",), "NEFTune changes no token"
    assert made["reference/dpo-both"].inputs == ("sft/en-fi-100pct", "tokens/dpo/dpo-both")
    assert made["dpo/dpo-both"].inputs == ("sft/en-fi-100pct", "tokens/dpo/dpo-both", "reference/dpo-both")
    assert {name for name, step in made.items() if step.accelerator} == {
        *of_kind(made, "translate"), *of_kind(made, "sft"), *of_kind(made, "reference"), *of_kind(made, "dpo"), *of_kind(made, "responses"),
    }  # fmt: skip


def test_masking_is_another_set_of_tokens(plan):
    made = plan(("neftune_noise_alpha: 5", "loss_on: assistant"))
    assert made["sft/neftune"].inputs == ("tokens/sft/neftune",)
    assert made["tokens/sft/neftune"].settings["sft"]["loss_on"] == "assistant"


def test_a_sweep_of_betas_shares_tokens_and_reference(plan):
    made = plan(BETAS)
    assert of_kind(made, "reference") == ["reference/dpo-both"]
    assert [name for name in of_kind(made, "tokens") if "/dpo/" in name] == ["tokens/dpo/dpo-both"]
    assert of_kind(made, "dpo") == [f"dpo/dpo-both-beta-{beta}" for beta in ("0.01", "0.05", "0.1")]
    assert {made[name].inputs for name in of_kind(made, "dpo")} == {
        ("sft/en-fi-100pct", "tokens/dpo/dpo-both", "reference/dpo-both")
    }
    assert [made[name].settings["dpo"]["beta"] for name in of_kind(made, "dpo")] == [0.01, 0.05, 0.1]


def test_swept_starts_need_a_reference_each(plan):
    made = plan(("helpsteer2: [en, fi]}", "helpsteer2: [en, fi]}, sweep: {start: [sft/en-fi-0pct, sft/en-fi-50pct]}"))
    starts = {name: made[name].inputs[0] for name in of_kind(made, "reference")}
    assert starts == {
        "reference/dpo-both": "sft/en-fi-0pct", "reference/dpo-both-start-sft-en-fi-50pct": "sft/en-fi-50pct",
    }  # fmt: skip
    assert all(made[name].inputs[0] == made[made[name].inputs[2]].inputs[0] for name in of_kind(made, "dpo"))


def test_seeds_share_data_and_go_through_the_chain(plan):
    made = plan(SEEDS)
    assert of_kind(made, "mix") == of_kind(plan(), "mix") and of_kind(made, "tokens") == of_kind(plan(), "tokens")
    assert len(of_kind(made, "sft")) == 3 * len(of_kind(plan(), "sft"))
    assert made["dpo/dpo-both-seed-2"].inputs[0] == "sft/en-fi-100pct-seed-2"
    assert made["sft/neftune-seed-1"].settings["seed"] == 1
    assert len(of_kind(made, "reference")) == 3, "every seed has a start model of its own"
    assert "eval/sft/neftune-seed-1/ifeval-fi" in made


def test_a_moving_reference_has_no_pass_of_its_own(plan):
    made = plan(("  start: sft/en-fi-100pct", "  start: sft/en-fi-100pct\n  trainer: {sync_ref_model: true}"))
    assert not of_kind(made, "reference")
    assert made["dpo/dpo-both"].inputs == ("sft/en-fi-100pct", "tokens/dpo/dpo-both")


def test_models_asked_for_are_evaluated_with_every_seed(write_recipe):
    models = ("eval:\n", "eval:\n  models: [dpo/dpo-both, sft/neftune]\n")
    recipe = load(write_recipe(SEEDS, models))
    assert tuned_models(recipe) == tuple(
        f"{name}-seed-{seed}" for name in ("dpo/dpo-both", "sft/neftune") for seed in range(3)
    )


def test_tokens_know_what_benchmarks_were_translated_from(plan):
    finnish = plan(("languages: [en, fi]", "languages: [fi]"))["tokens/sft/en-fi-100pct"]
    assert finnish.settings["eval"] == {"overlap": "report", "benchmarks": ["source/ifeval", "translate/ifeval"]}
    english = plan(("languages: [en, fi]", "languages: [en]"))["tokens/sft/en-fi-0pct"]
    assert english.settings["eval"]["benchmarks"] == ["source/ifeval"]
    assert english.inputs == ("mix/en-fi-0pct", "source/ifeval"), "nothing translated, no source rows to look at"
    assert plan(("  ifeval: {languages: [en, fi]}", "  {}"))["tokens/sft/en-fi-100pct"].inputs == ("mix/en-fi-100pct",)


def test_a_blend_reads_what_it_takes_only(plan):
    second = ("    helpsteer2:", "    b: {kind: conversations, pocket: oasst2}\n    helpsteer2:")
    blend = "sources: {oasst2: {shares: {fi: X}}, b: {rows: {en: 9}}}, X: [0, 1.0]"
    made = plan(second, ("shares: {en: 1.0, fi: X}, X: [0, 0.5, 1.0]", blend))
    assert made["mix/en-fi-0pct"].inputs == ("source/b",)
    assert made["mix/en-fi-100pct"].inputs == ("translate/oasst2", "source/b")
    assert made["mix/en-fi-100pct"].settings["sft"]["mixes"]["en-fi-100pct"] == {
        "takes": [
            {"datasets": ["oasst2"], "shares": {"fi": 1.0}, "rows": {}}, {"datasets": ["b"], "shares": {}, "rows": {"en": 9}},
        ],
        "upsample": False,
    }  # fmt: skip


def test_steps_are_found_by_name_stage_and_need(write_recipe):
    steps = make_plan(load(write_recipe()))
    assert [step.name for step in select(steps, ("sft/neftune", "mix"))][-1] == "sft/neftune"
    with pytest.raises(UsageError, match="no step 'sft/neftun' in this plan; did you mean 'sft/neftune'"):
        select(steps, ("sft/neftun",))
    needed = [step.name for step in needed_for(steps, ("tokens",))]
    assert "translate/ifeval" in needed and "sft/en-fi-0pct" not in needed


NATIVE = (
    "sft:",
    "    native: {kind: ifeval, pocket: ifeval, rows: 6, language: fi}\n"
    "    open: {kind: questions, pocket: questions, rows: 6, language: fi}\n"
    "    mt: {kind: questions, pocket: questions, rows: 6}\nsft:",
)
EVAL = (
    "ifeval: {languages: [en, fi]}",
    "ifeval: {languages: [en, fi], also: [native]}\n  questions: {open: {}, mt: {}}",
)


def test_one_step_answers_every_benchmark_and_each_is_scored_by_itself(plan):
    made = plan(NATIVE, EVAL)
    answered = made["responses/dpo/dpo-both"]
    assert {name: each["rows"] for name, each in answered.settings["eval"]["benchmarks"].items()} == {
        "ifeval-en": "source/ifeval", "ifeval-fi": "translate/ifeval", "native-fi": "source/native",
        "open-fi": "source/open", "mt-en": "source/mt", "mt-fi": "translate/mt",
    }  # fmt: skip
    assert answered.inputs == (
        "dpo/dpo-both", "source/ifeval", "translate/ifeval", "source/native", "source/open", "source/mt", "translate/mt",
    )  # fmt: skip
    kinds = {name.rpartition("/")[2]: step.kind for name, step in made.items() if name.startswith("eval/dpo/dpo-both/")}
    assert kinds == {
        "ifeval-en": "ifeval-scores", "ifeval-fi": "ifeval-scores", "native-fi": "ifeval-scores",
        "open-fi": "question-scores", "mt-en": "question-scores", "mt-fi": "question-scores",
    }  # fmt: skip
    assert made["eval/dpo/dpo-both/native-fi"].inputs == ("responses/dpo/dpo-both", "source/native")


def test_rows_in_their_own_language_are_not_translated_and_are_benchmarks_all_the_same(plan):
    made = plan(NATIVE, EVAL)
    assert {"source/native", "source/open", "translate/mt"} <= set(made)
    assert not {"translate/native", "translate/open"} & set(made)
    benchmarks = made["tokens/sft/en-fi-0pct"].settings["eval"]["benchmarks"]
    assert benchmarks == [
        "source/ifeval",
        "translate/ifeval",
        "source/native",
        "source/open",
        "source/mt",
        "translate/mt",
    ]


def test_eval_of_a_recipe_stands_on_every_models_answers(write_recipe):
    """One allocation can answer for all checkpoints: `kielo eval RECIPE` walks them one after the other."""
    steps = make_plan(load(write_recipe(NATIVE, EVAL)))
    walked = [step.name for step in needed_for(steps, STAGES["eval"])]
    models = tuned_models(load(write_recipe(NATIVE, EVAL)))
    assert [name for name in walked if name.startswith("responses/")] == [f"responses/{model}" for model in models]
    assert len(models) == 5


def test_a_licence_makes_no_step_another_one(plan):
    before, after = plan(), plan(("oasst2, rows: 12}", "oasst2, rows: 12, licence: MIT}"))
    assert {name: step.settings for name, step in before.items()} == {
        name: step.settings for name, step in after.items()
    }


def test_an_edited_pack_is_another_scoring_and_translation(plan, tmp_path, monkeypatch):
    """The rules of fair mode and what checks know stand in the pack: scores by an older one must not stand beside scores by this one."""
    for code in ("en", "fi"):
        (tmp_path / f"{code}.yaml").write_bytes((languages.PACKS / f"{code}.yaml").read_bytes())
    monkeypatch.setattr(languages, "PACKS", tmp_path)
    before = plan()
    with (tmp_path / "fi.yaml").open("a") as pack:
        pack.write("# another rule\n")
    after = plan()
    changed = {name for name in before if before[name].settings != after[name].settings}
    scored = {name for name in of_kind(before, "ifeval-scores") if name.endswith("-fi")}
    assert changed == {*scored, *of_kind(before, "translate")}


def test_the_judge_stands_on_all_answers_and_not_on_scores(plan):
    judge = "\n  judge: {engines: {kind: openai, urls: ['http://a/v1'], model: m}}"
    made = plan(NATIVE, (EVAL[0], EVAL[1] + judge))
    assert of_kind(made, "judge") == ["judge/open-fi", "judge/mt-en", "judge/mt-fi"]
    assert made["judge/open-fi"].inputs == ("source/open", *of_kind(made, "responses"))
    assert made["judge/open-fi"].settings["eval"]["judge"]["baseline"] == "sft/en-fi-100pct"


def test_another_identifier_is_another_scoring_and_judging(plan, tmp_path):
    judge = (EVAL[0], EVAL[1] + "\n  judge: {engines: {kind: openai, urls: ['http://a/v1'], model: m}}")
    kinds = {"ifeval-scores", "question-scores", "judge"}
    before, after = plan(NATIVE, judge), plan(NATIVE, judge, ("eval:\n", "eval:\n  identifier: lingua\n"))
    changed = {name for name in before if before[name].settings != after[name].settings}
    assert changed == {name for name in before if before[name].kind in kinds}
    assert all({"langdetect", "py3langid"} <= set(before[name].versions) for name in changed)
    assert all("lingua-language-detector" in after[name].versions for name in changed)
    assert not any("py3langid" in after[name].versions for name in changed)


def test_an_exchanged_model_of_an_identifier_is_another_scoring(plan, tmp_path):
    named = ("eval:\n", "eval:\n  identifier: glotlid\n  identifier_file: model.bin\n")
    (tmp_path / "model.bin").write_bytes(b"one")
    before = plan(named)
    (tmp_path / "model.bin").write_bytes(b"another")
    after = plan(named)
    changed = {name for name in before if before[name].settings != after[name].settings}
    assert changed == set(of_kind(before, "ifeval-scores"))
