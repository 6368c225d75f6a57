"""Recipes in miniature: the same trainings on small data, and one of them run from source rows to report."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from align.training.job import read_job
from align.training.weights import adapter_config, load_model
from kielo.cli import main
from kielo.execute import Job, execute
from kielo.miniature import ROWS, miniature_name, miniature_recipe
from kielo.plan import make_plan, tuned_models
from kielo.recipe.reading import load
from kielo.records import read_jsonl
from kielo.run_folder import RunFolder

RECIPES = Path(__file__).resolve().parents[3] / "recipes"
REAL = sorted(file for file in RECIPES.glob("*.yaml") if "/" in load(file).model)
SMALL = """\
description: What it was.
language: fi
model: google/gemma-3-4b-pt
chat_template: gemma
seeds: [1, 2, 3]
translate:
  engine: [{kind: vllm-server, tensor_parallel: 2}, {kind: deepl}]
  datasets:
    oasst2: {kind: conversations, hub: a/b, revision: main}
    helpsteer2: {kind: preferences, hub: c/d, score: quality, engine: {kind: vllm-server, model: utter-project/EuroLLM-9B}}
    ifeval: {kind: ifeval, hub: e/f}
    native: {kind: questions, hub: g/h, language: fi}
    anew: {kind: conversations, prompts_of: oasst2, engine: {kind: vllm-server, model: some/teacher}, samples: 4, temperature: 1}
sft:
  trainer: {num_train_epochs: 3, learning_rate: 1e-4, global_batch_size: 128, optim: adamw_bnb_8bit, attn_implementation: flash_attention_2, parallel: fsdp2, report_to: wandb}
  mixes:
    both: {rows: {en: 4000, fi: 2000}}
  runs:
    noisy: {mix: both, neftune_noise_alpha: 5, trainer: {num_train_epochs: 5}}
dpo:
  start: sft/both
  runs:
    dpo: {data: {helpsteer2: [en, fi]}, lora: {r: 4, quantise: 4bit}}
eval:
  engine: {kind: vllm-server}
  models: [sft/both, dpo/dpo]
  ifeval: {}
  questions: {native: {}}
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A recipe that uses much of what is cut, and its miniature."""
    folder = tmp_path_factory.mktemp("small")
    file = folder / "small.yaml"
    file.write_text(SMALL, "utf-8")
    recipe = load(file)
    return recipe, miniature_recipe(recipe, folder / "run"), folder / "run"


@pytest.mark.parametrize("file", REAL, ids=lambda file: file.stem)
def test_every_recipe_has_a_miniature_of_the_same_trainings(file, tmp_path):
    recipe = load(file)
    small = miniature_recipe(recipe, tmp_path / "run")
    assert small.name == miniature_name(recipe) == f"{file.stem}-miniature"
    assert (small.language, small.chat_template) == (recipe.language, recipe.chat_template)
    if not any(mix.select for mix in recipe.sft.mixes.values()):  # sizes of selections are in the names, and are cut
        assert tuned_models(small) == tuned_models(recipe)
    assert len(tuned_models(small)) == len(tuned_models(recipe))
    assert not any(dataset.hub for dataset in small.translate.datasets.values())
    assert "scores mean nothing" in small.description and recipe.model in small.description


def test_what_is_long_is_cut_and_what_is_computed_stays(small):
    recipe, cut, _ = small
    trainer = cut.sft.trainer.model_dump(exclude_none=True)
    assert trainer == {"num_train_epochs": 1, "learning_rate": 1e-4, "global_batch_size": 4, "max_length": 256}
    assert cut.sft.runs["noisy"].neftune_noise_alpha == 5
    assert cut.sft.mixes["both"].rows == {"en": ROWS, "fi": ROWS // 2}
    assert cut.dpo.runs["dpo"].lora.r == 4 and cut.dpo.runs["dpo"].lora.quantise is None
    assert cut.seeds == recipe.seeds[:2]
    assert cut.eval.ifeval.max_tokens == cut.eval.questions["native"].max_tokens == 16, (
        "where the recipe says nothing, too"
    )


def test_engines_are_this_process(small):
    _, cut, _ = small
    assert [engine.kind for engine in cut.translate.engine] == ["hf"], "two engines of one model are one"
    (other,) = cut.translate.datasets["helpsteer2"].engine
    assert Path(other.model).name == "utter-project--EuroLLM-9B" and Path(other.model, "model.safetensors").is_file()
    assert cut.eval.engine.kind == "hf"


def test_rows_are_the_pocket_worlds(small):
    _, cut, _ = small
    kinds = {
        name: [row for _, row in read_jsonl(Path(each.local))]
        for name, each in cut.translate.datasets.items()
        if each.local
    }
    assert len(kinds["ifeval"]) == 8 and len(kinds["native"]) == 4
    assert any(letter in "äö" for row in kinds["native"] for turn in row["turns"] for letter in turn)
    memory = {row["source"] for _, row in read_jsonl(Path(cut.translate.datasets["oasst2"].memory.file))}
    texts = {row["text"] for row in kinds["oasst2"]}
    assert texts & memory and texts - memory, "the memory knows most, the model is asked for the rest"


def test_the_pocket_model_makes_answers_anew(small):
    _, cut, _ = small
    anew = cut.translate.datasets["anew"]
    assert (anew.prompts_of, anew.engine[0].model, anew.samples) == ("oasst2", "pocket", 2), (
        "random weights end no answer"
    )
    assert "Answers made anew are the pocket model's" in cut.description


def test_judges(write_recipe, tmp_path):
    judge = "judge: {engines: [{kind: openai, urls: ['http://h:1/v1'], model: a/b}, {kind: vllm-server, model: c/d}]}"
    file = write_recipe(
        ("    ifeval:", "    mt: {kind: questions, hub: x/y}\n    ifeval:"),
        ("  ifeval: {languages: [en, fi]}", f"  questions: {{mt: {{}}}}\n  comet: {{command: [python]}}\n  translation: flores\n  {judge}"),
        ("  datasets:\n", "  datasets:\n    flores: {kind: sentences, hub: f/g}\n"),
    )  # fmt: skip
    small = miniature_recipe(load(file), tmp_path / "run")
    (judge_engine,) = small.eval.judge.engines
    assert "chat_template" in "".join(path.name for path in Path(judge_engine.model).iterdir())
    assert small.eval.comet is None and small.eval.translation == "flores"
    assert "a/b, c/d: the miniature stands in" in small.description


def test_a_miniature_runs_from_rows_to_report_and_stays_made(small):
    recipe, cut, folder = small
    run = RunFolder(folder)
    (Path(cut.model) / "preprocessor_config.json").write_text("{}", "utf-8")
    one = cut.model_copy(update={"seeds": ()})
    plan = make_plan(one, ROWS)
    execute(one, run, Job(tuple(plan)))
    assert all(run.record(step.name) for step in plan)
    assert (folder / "regenerate/anew/accepted.jsonl").read_text("utf-8")
    report = (folder / "report" / "report.md").read_text("utf-8")
    assert "its scores mean nothing" in report
    again = miniature_recipe(recipe, folder).model_copy(update={"seeds": ()})
    assert all(run.standing(step).state == "complete" for step in make_plan(again, ROWS))
    _look_at_the_part_for_images(folder)


def _look_at_the_part_for_images(folder):
    """It stays as it was and goes on with the model: text gives it no gradients, and servers want to know how to read images."""
    from transformers import AutoTokenizer

    job = read_job(folder / "sft" / "both" / "job.json")
    model = load_model(job, AutoTokenizer.from_pretrained(folder / "sft" / "both" / "model"), "float32")
    trained = {name for name, value in model.named_parameters() if value.requires_grad}
    assert trained and not any("vision" in name or "projector" in name for name in trained)
    assert "vision_tower" in adapter_config(dataclasses.replace(job, lora={"r": 1, "lora_alpha": 1, "lora_dropout": 0, "target_modules": "all-linear"}), model).exclude_modules  # fmt: skip
    assert all((folder / place / "model" / "preprocessor_config.json").is_file() for place in ("sft/both", "dpo/dpo"))


def test_a_folder_of_other_files_is_left_as_it_is(write_recipe, tmp_path, capsys):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine", "utf-8")
    assert main(["run", str(write_recipe()), "--miniature", "--run", str(folder)]) == 2
    assert "holds other files and no run of Kielo" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
