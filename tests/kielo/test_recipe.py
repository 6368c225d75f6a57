"""Recipes and their YAML: what is refused, where the sentence points, what a family of mixes becomes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kielo.errors import RecipeError
from kielo.links import expand_mixes
from kielo.recipe import load
from kielo.recipe_docs import REFERENCE, SCHEMA, reference_text, schema_text

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_recipe_loads(path):
    if "shared" in path.read_text() and not (ROOT.parent / "shared" / "data").is_dir():
        pytest.skip("this recipe reads the real data, which are not here")
    assert load(path).name == path.stem


@pytest.mark.parametrize(
    ("change", "line", "sentence"),
    [
        (("model: pocket", "modle: pocket"), 2, r"unknown key 'modle'; did you mean 'model'\?"),
        (("language: fi", "language: no"), 1, r"no language pack recipes/languages/no\.yaml"),
        (("shots: 3", "shots: three"), 4, r"translate\.prompt\.shots: .*valid integer.*'three'"),
        (("rows: 12", "rowz: 12"), 6, r"unknown key 'translate\.datasets\.oasst2\.rowz'; did you mean 'rows'\?"),
        (("pocket: oasst2, ", ""), 6, r"exactly one of hub, local, pocket \(none given\)"),
        (("pocket: oasst2, rows: 12", "local: nowhere.jsonl"), 6, r"no such file: .*nowhere\.jsonl"),
        (("fi: X}", "fi: 1.5}"), 11, r"less than or equal to 1"),
        (("X: [0, 0.5, 1.0]", ""), 11, r"uses X without saying its values"),
        (("fi: X}", "sv: X}"), 11, r"no language pack recipes/languages/sv\.yaml|languages are en and fi"),
        (("mix: en-fi-100pct", "mix: en-fi-10pct"), 13, r"no mix 'en-fi-10pct'; did you mean 'en-fi-100pct'"),
        (("start: sft/en-fi-100pct", "start: sft/en-fi-99pct"), 15, r"no run 'sft/en-fi-99pct'; did you mean"),
        (("helpsteer2: [en, fi]", "oasst2: [en, fi]"), 17, r"no data set of kind preferences 'oasst2'"),
        (("neftune_noise_alpha: 5", "trainer: {lerning_rate: 1}"), 13, r"did you mean 'learning_rate'"),
        (("neftune_noise_alpha: 5", "trainer: {label_smoothing: 0.1}"), 13, r"belongs to dpo\.trainer"),
        (("pocket: oasst2, rows: 12", "hub: a/b, rows: 12"), 6, r"rows would do nothing with hub; leave it out"),
        (("pocket: oasst2", "pocket: oast"), 6, r"'oast'"),
        (("prompt: {shots: 3", "engine: {kind: hf, tensor_parallel: 2}\n  prompt: {shots: 3"), 4, r"tensor_parallel would do nothing with kind hf"),
        (("prompt: {shots: 3", "engine: {kind: openai, urls: ['http://me:secret@host/v1']}\n  prompt: {shots: 3"), 4, r"no user name or password"),
        (("X: [0, 0.5, 1.0]", "X: [0, 1.0, 1.0]"), 11, r"1\.0 stands there twice"),
        (("  runs:\n    neftune", "    en-fi-100pct: {shares: {en: 1.0}}\n  runs:\n    neftune"), 10, r"two of them spell out to 'en-fi-100pct'"),
        (("neftune_noise_alpha: 5", "trainer: {global_batch_size: 16, per_device_train_batch_size: 5}"), 13, r"16 does not divide by .* 5"),
        (("neftune_noise_alpha: 5", "trainer: {lr_scheduler_type: cosin}"), 13, r"'cosin'"),
        (("  ifeval: {languages: [en, fi]}", "  engine: {kind: openai, urls: [http://a/v1]}"), 19, r"cannot hold every tuned model"),
        (("languages: [en, fi]", "languages: [fi, fi]"), 19, r"fi stands there twice"),
        (("helpsteer2: [en, fi]", "helpsteer2: []"), 17, r"at least 1 item"),
        (("model: pocket", "model: pocket\nchat_template: chatlm"), 3, r"no chat template 'chatlm'; did you mean 'chatml'"),
        (("model: pocket", "model: ./nowhere"), 2, r"no such folder: .*nowhere"),
        (("model: pocket", "model: pocket\nmodel: other"), 3, r"key 'model' stands already in line 2"),
        (("model: pocket", "model: &m pocket\ndescription: *m"), 3, r"aliases \(\*m\) are not read"),
        (("neftune_noise_alpha: 5", "trainer: {learning_rate: .inf}"), 13, r"valid number"),
        (("model: pocket", "model: [pocket"), None, r"not valid YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_with_file_line_and_fix(write_recipe, change, line, sentence):
    path = write_recipe(change)
    with pytest.raises(RecipeError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}, line {line}:" if line else f"{path}, line ")
    assert re.search(sentence, message), message
    assert "\n" not in message


def test_a_missing_key_is_named(write_recipe):
    with pytest.raises(RecipeError, match="key 'model' is missing"):
        load(write_recipe(("model: pocket\n", "")))


def test_files_that_are_no_recipes(tmp_path):
    with pytest.raises(RecipeError, match="no such file"):
        load(tmp_path / "nothing.yaml")
    with pytest.raises(RecipeError, match="a folder"):
        load(tmp_path)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("description: käännös".encode("latin-1"))
    with pytest.raises(RecipeError, match="not UTF-8 at byte 14"):
        load(latin)
    empty = tmp_path / "empty.yaml"
    empty.write_text("")
    with pytest.raises(RecipeError, match="a mapping"):
        load(empty)


def test_yaml_traps_are_gone(write_recipe):
    recipe = load(
        write_recipe(
            ("sft:\n", "sft:\n  trainer: {learning_rate: 2e-5, num_train_epochs: 3}\n"),
            ("language: fi", "language: fi\ndescription: no"),
        )
    )
    assert recipe.sft.trainer.learning_rate == 2e-5
    assert recipe.description == "no"


def test_a_family_becomes_one_mix_per_share(write_recipe):
    recipe = load(write_recipe(("X: [0, 0.5, 1.0]", "X: [0, 0.1, 0.125, 1.0]")))
    assert expand_mixes(recipe.sft.mixes) == {
        "en-fi-0pct": {"en": 1.0, "fi": 0.0},
        "en-fi-10pct": {"en": 1.0, "fi": 0.1},
        "en-fi-12.5pct": {"en": 1.0, "fi": 0.125},
        "en-fi-100pct": {"en": 1.0, "fi": 1.0},
    }


def test_too_few_shots_are_found_before_anything_runs(write_recipe, tmp_path):
    (tmp_path / "few.jsonl").write_text('{"source": "Good morning.", "target": "Hyvää huomenta."}\n', "utf-8")
    path = write_recipe(("shots_file: pocket", "shots_file: few.jsonl"))
    with pytest.raises(RecipeError, match=r"line 4: .*few\.jsonl holds 1; write more or ask for fewer"):
        load(path)


def test_generated_files_are_fresh():
    assert SCHEMA.read_text("utf-8") == schema_text(), "run: python -m kielo.recipe_docs"
    assert REFERENCE.read_text("utf-8") == reference_text(), "run: python -m kielo.recipe_docs"
