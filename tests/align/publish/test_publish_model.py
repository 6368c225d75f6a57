"""Models as they are published: 16 bits, shards, a card whose scores the Hub's own parser reads, the licence of base and data."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from align.publish.weights import INDEX, plan_weights, write_model
from kielo.errors import RunFolderError, UsageError
from kielo.plan import Outcome, make_plan
from kielo.recipe.reading import load
from kielo.records import write_json, write_records
from kielo.run_folder import RunFolder
from kielo.verbs import publish
from kielo.verbs.lazy import Tool
from tests.align.conftest import conversation

RECIPE = """\
language: fi
model: MODEL
translate:
  engine: {kind: deepl}
  datasets:
    talks: {kind: conversations, local: rows.jsonl, licence: LICENCE}
    ifeval: {kind: ifeval, pocket: ifeval, rows: 2, language: fi}
sft:
  mixes: {both: {shares: {en: 1.0, fi: 1.0}}}
eval:
  ifeval: {languages: [fi]}
"""
SCORES = {
    "benchmark": "ifeval", "language": "fi", "floors": {}, "response_language": {"lines": {"target": 90}, "total": 100},
    "modes": {mode: {"paper_subset": {"inst_strict": hits, "instructions": 200}} for mode, hits in (("compat", 50), ("fair", 61))},
}  # fmt: skip


@pytest.fixture
def make_run(write_recipe, tmp_path: Path, tiny: Path):
    """Make a run whose one training is done: its model is the tiny one, in 32 bits."""

    def make(model: str = "pocket", licence: str = "Apache-2.0") -> Path:
        write_records(tmp_path / "rows.jsonl", [conversation(0)])
        recipe = load(write_recipe(text=RECIPE.replace("MODEL", model).replace("LICENCE", licence)))
        run = RunFolder(tmp_path / "run")
        counts = {"rows": 1, "tokens": 9, "loss_tokens": 5, "truncated": 0, "dropped": {}}
        translated = {"id": "talks/00000", "accepted": True, "engine": "deepl"}
        files: dict[str, dict[str, Any]] = {
            "source/talks": {"rows.jsonl": {}}, "translate/talks": {"translations.jsonl": translated}, "mix/both": {"train.jsonl": {}},
            "tokens/sft/both": {"tokens.json": {"sources": {"talks": {"en": counts, "fi": counts}}}},
            "sft/both": {"job.json": {"kind": "sft", "trainer": {}}, "model/config.json": {}},
            "source/ifeval": {"rows.jsonl": {}}, "responses/sft/both": {"ifeval-fi.jsonl": {}}, "eval/sft/both/ifeval-fi": {"scores.json": SCORES},
        }  # fmt: skip
        for step in make_plan(recipe):
            if step.name in files:
                began = run.begin(step)
                for name, value in files[step.name].items():
                    path = run.folder(step.name) / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(json.dumps(value) + "\n", "utf-8")
                if step.name == "sft/both":
                    shutil.copytree(tiny, run.folder(step.name) / "model", dirs_exist_ok=True)
                run.finish(step, Outcome(tuple(files[step.name]), {"overlap": {}}), began)
        (run.folder("translate/talks") / "rejected.jsonl").write_bytes(b"")
        run.claim(recipe)
        return run.path

    return make


def publish_model(*given: object) -> None:
    publish.run(Tool("kielo.verbs.publish", "publish").parse("kielo publish", list(map(str, given))))


def test_a_published_model_is_16_bits_and_answers_as_before(make_run, tmp_path, tiny, capsys) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    publish_model(make_run(), "--model", "sft/both", "--to", tmp_path / "out")
    assert "written anew, in 16 bits" in capsys.readouterr().out
    before = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.bfloat16)
    after = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert after.dtype == torch.bfloat16
    ids = AutoTokenizer.from_pretrained(tmp_path / "out")("one two three", return_tensors="pt").input_ids
    assert torch.equal(before(ids).logits, after(ids).logits)
    assert json.loads((tiny / "config.json").read_text("utf-8"))["dtype"] == "float32", "the run's own files stay"


def test_its_card_has_the_scores_where_the_hub_reads_them(make_run, tmp_path) -> None:
    from huggingface_hub import ModelCard

    publish_model(make_run(), "--model", "sft/both", "--to", tmp_path / "out")
    card = ModelCard.load(tmp_path / "out/README.md")
    scores = {(each.dataset_name, each.metric_type): each.metric_value for each in card.data.eval_results}
    assert scores == {
        ("ifeval (fi)", "inst_strict_compat"): 0.25, ("ifeval (fi)", "inst_strict_fair"): 0.305,
        ("ifeval (fi)", "answers_in_language"): 0.9,
    }  # fmt: skip
    assert (card.data.license, card.data.license_name) == ("other", "apache-2.0-with-deepl")
    assert "Apache-2.0 with DeepL's clause" in card.text
    assert "Kielo chooses none" not in card.text
    licence = (tmp_path / "out/LICENSE.md").read_text("utf-8")
    assert "base model pocket: Apache-2.0" in licence
    assert "rows of rows.jsonl: Apache-2.0" in licence


@pytest.mark.parametrize(
    ("model", "licence", "name"),
    [
        ("Qwen/Qwen3-8B", "MIT", "Apache-2.0 with DeepL's clause"),
        ("google/gemma-3-4b-pt", "MIT", "Gemma with DeepL's clause"),
        ("pocket", "CC-BY-SA-4.0", "Apache-2.0 with a note on share-alike data and DeepL's clause"),
        ("pocket", "CC-BY-NC-4.0", "Apache-2.0 with a note on non-commercial data and DeepL's clause"),
    ],
)
def test_the_licence_is_the_base_models_with_what_its_data_ask(
    make_run, tmp_path, capsys, model, licence, name
) -> None:
    publish_model(make_run(model, licence), "--model", "sft/both", "--dry-run")
    said = capsys.readouterr().out
    assert f"licence: {name}\n" in said
    assert ("It is made of a Gemma model" in said) == model.startswith("google/gemma")


def test_an_unknown_licence_of_base_or_data_is_refused(make_run, tmp_path) -> None:
    for model, licence, said in (
        ("some/model", "MIT", "base model some/model"),
        ("pocket", "mine alone", "'mine alone'"),
    ):
        with pytest.raises(UsageError, match=re.escape(said)):
            publish_model(make_run(model, licence), "--model", "sft/both", "--to", tmp_path / "out")
        shutil.rmtree(tmp_path / "run")
    with pytest.raises(UsageError, match="did you mean 'sft/both'"):
        publish_model(make_run(), "--model", "sft/boht")
    assert not (tmp_path / "out").exists()


def test_a_damaged_model_and_another_recipe_are_refused(make_run, tmp_path) -> None:
    run = make_run()
    recipe = tmp_path / "small.yaml"
    recipe.write_text(recipe.read_text("utf-8").replace("shares: {en: 1.0", "shares: {en: 0.5"), "utf-8")
    with pytest.raises(UsageError, match=r"mix/both was made with other settings .*0\.5"):
        publish_model(recipe, "--run", run, "--model", "sft/both", "--to", tmp_path / "out")
    (run / "sft/both/model/config.json").write_text("{}", "utf-8")
    with pytest.raises(UsageError, match=r"'model/config\.json' was changed"):
        publish_model(run, "--model", "sft/both", "--to", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_licence_on_the_base_models_own_card_counts(make_run, tmp_path, tiny, capsys) -> None:
    shutil.copytree(tiny, tmp_path / "base")
    (tmp_path / "base/README.md").write_text("---\nlicense: cc-by-4.0\n---\n# A model\n", "utf-8")
    make_run("./base")
    publish_model(tmp_path / "small.yaml", "--run", tmp_path / "run", "--model", "sft/both", "--dry-run")
    assert "licence: CC-BY-4.0 with DeepL's clause" in capsys.readouterr().out


def test_large_weights_come_in_shards_that_load_as_one(tmp_path, tiny) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    weights = plan_weights(tiny, most_bytes=30_000)
    assert len(weights.shards) > 1
    (tmp_path / "out").mkdir()
    write_model(tiny, tmp_path / "out", weights)
    files = sorted(path.name for path in (tmp_path / "out").glob("*.safetensors"))
    assert files == sorted(weights.shards)
    assert (tmp_path / "out" / INDEX).is_file()
    whole = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.bfloat16).state_dict()
    parts = AutoModelForCausalLM.from_pretrained(tmp_path / "out").state_dict()
    assert set(whole) == set(parts)
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_weights_in_16_bits_are_taken_as_they_are(tmp_path, tiny) -> None:
    (tmp_path / "half").mkdir()
    write_model(tiny, tmp_path / "half", plan_weights(tiny))
    (tmp_path / "again").mkdir()
    weights = plan_weights(tmp_path / "half")
    assert weights.as_they_are
    write_json(tmp_path / "half/run.json", {})
    write_model(tmp_path / "half", tmp_path / "again", weights)
    assert (tmp_path / "again/model.safetensors").samefile(tmp_path / "half/model.safetensors"), "no second copy of it"
    assert not (tmp_path / "again/run.json").exists()
    with pytest.raises(RunFolderError, match="holds no weights"):
        plan_weights(tmp_path)
