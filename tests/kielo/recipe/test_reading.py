"""Recipes and their YAML: what is refused, and where the sentence points."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kielo.errors import RecipeError
from kielo.recipe.reading import load
from kielo.reference.recipe import REFERENCE, SCHEMA, reference_text, schema_text

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_recipe_loads(path):
    if "shared" in path.read_text() and not (ROOT.parent / "shared" / "data").is_dir():
        pytest.skip("this recipe reads the real data, which are not here")
    assert load(path).name == path.stem


@pytest.mark.parametrize(
    ("change", "line", "sentence"),
    [
        (("model: pocket", "modle: pocket"), 2, r"unknown key 'modle'; did you mean 'model'\?"),
        (("rows: 6}", "rows: 6, language: fi, translate: false}"), 8, r"translate would do nothing with language; leave it out"),
        (("pocket: oasst2, rows: 12", "pocket: oasst2, rows: 12, language: fi"), 6, r"language would do nothing with kind conversations"),
        (("rows: 6}", "rows: 6, language: fi}"), 19, r"'ifeval' is written in 'fi' and is not translated, so it has no 'en' rows"),
        (("languages: [en, fi]}", "languages: [en, fi], also: [oasst2]}"), 19, r"no data set of kind ifeval 'oasst2'"),
        (("languages: [en, fi]}", "languages: [en, fi], also: [ifeval]}"), 19, r"'ifeval' is the part's dataset already"),
        (("  ifeval: {languages: [en, fi]}", "  questions: {ifeval: {}}"), 19, r"no data set of kind questions 'ifeval'"),
        (("  ifeval: {languages: [en, fi]}", "  comet: {command: [python]}"), 18, r"comet would do nothing without `translation`"),
        (("  ifeval: {languages: [en, fi]}", "  translation: held-out\n  comet: {model: ./none.ckpt, command: [python]}"), 20, r"no such checkpoint: .*none\.ckpt"),
        (("  ifeval: {languages: [en, fi]}", "  identifier: glotlid"), 18, r"identifier glotlid and identifier_file belong together"),
        (("  ifeval: {languages: [en, fi]}", "  identifier_file: m.bin"), 18, r"identifier glotlid and identifier_file belong together"),
        (("  ifeval: {languages: [en, fi]}", "  identifier: glotlid\n  identifier_file: none.bin"), 20, r"no such file: .*none\.bin"),
        (("  ifeval: {languages: [en, fi]}", "  identifier: fasttext"), 19, r"'py3langid', 'langdetect', 'lingua' or 'glotlid'"),
        (("prompt: {shots: 3", "engine: {kind: hf, model: ./nowhere}\n  prompt: {shots: 3"), 4, r"no such folder: .*nowhere"),
        (("language: fi", "language: no"), 1, r"no language pack recipes/languages/no\.yaml"),
        (("shots: 3", "shots: three"), 4, r"translate\.prompt\.shots: .*valid integer.*'three'"),
        (("rows: 12", "rowz: 12"), 6, r"unknown key 'translate\.datasets\.oasst2\.rowz'; did you mean 'rows'\?"),
        (("pocket: oasst2, ", ""), 6, r"exactly one of hub, local, pocket, prompts_of \(none given\)"),
        (("pocket: oasst2, rows: 12", "local: nowhere.jsonl"), 6, r"no such file: .*nowhere\.jsonl"),
        (("fi: X}", "fi: 1.5}"), 11, r"gives X, but no share is X"),
        (("fi: X}", "fi: -0.5}"), 11, r"greater than or equal to 0.*-0\.5"),
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
        (("neftune_noise_alpha: 5", "trainer: {per_device_train_batch_size: 5}"), 13, r"128 does not divide by .* 5"),
        (("neftune_noise_alpha: 5", "trainer: {lr_scheduler_type: reduce_lr_on_plateau}"), 13, "Input should be 'linear'"),
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
        (("X: [0, 0.5, 1.0]", "X: [0, 0.5, 0.500000001]"), 11, r"en-fi-Xpct\.X: two of its values are one percent"),
        (("en-fi-Xpct:", "en-fi:"), 11, r"a family needs one X in its name"),
        (("en-fi-Xpct:", "X-en-fi-Xpct:"), 11, r"a family needs one X in its name"),
        (("shares: {en: 1.0, fi: X}, X: [0, 0.5, 1.0]", "shares: {en: 1.0}, rows: {en: 5}"), 11, r"'en' has a share and a number of rows"),
        (("shares: {en: 1.0, fi: X}, X: [0, 0.5, 1.0]", "shares: {en: 0, fi: 0}"), 11, r"every share is 0"),
        (("shares: {en: 1.0, fi: X}, X: [0, 0.5, 1.0]", "rows: {en: 0}"), 11, r"rows\.en: .*greater than 0"),
        (("shares: {en: 1.0, fi: X}, X: [0, 0.5, 1.0]", "rows: {da: 5}"), 11, r"this recipe has no 'da' data; its languages are en and fi"),
        (("fi: X}", "fi: X, da: 0}"), 11, r"shares\.da: this recipe's languages are en and fi"),
        (("shares: {en: 1.0, fi: X}, X: [0, 0.5, 1.0]", "shares: {en: 2.0}, upsample: true"), 11, r"upsample: would do nothing without `rows`"),
        (("shares: {en: 1.0, fi: X}, X: [0, 0.5, 1.0]", "sources: {oasst: {rows: {en: 5}}}"), 11, r"no data set of kind conversations 'oasst'; did you mean 'oasst2'"),
        (("shares: {en: 1.0, fi: X}, X: [0, 0.5, 1.0]", "sources: {oasst2: {}}"), 11, r"nothing to take; give shares or rows"),
        (("shares: {en: 1.0, fi: X}", "sources: {oasst2: {shares: {en: X}}}, datasets: [oasst2]"), 11, r"datasets would do nothing with sources"),
        (("pocket: oasst2, ", "pocket: oasst2, translate: false, "), 11, r"'oasst2' is not translated .* so it has no 'fi' rows"),
        (("neftune_noise_alpha: 5", "sweep: {neftune_noise: [1, 5]}"), 13, r"sweep\.neftune_noise: no key 'neftune_noise'; did you mean 'neftune_noise_alpha'"),
        (("neftune_noise_alpha: 5", "sweep: {trainer.learnin_rate: [1e-5]}"), 13, r"no key 'trainer\.learnin_rate'; did you mean 'trainer\.learning_rate'"),
        (("neftune_noise_alpha: 5", "sweep: {trainer: [{}]}"), 13, r"no key 'trainer'; "),
        (("neftune_noise_alpha: 5", "sweep: {beta: [0.1]}"), 13, r"no key 'beta'; "),
        (("start: sft/en-fi-100pct", "trainer: {loss_type: sigmiod}\n  start: sft/en-fi-100pct"), 15, r"trainer\.loss_type: no preference loss 'sigmiod'; did you mean 'sigmoid'"),
        (("{data: {helpsteer2: [en, fi]}}", "{data: {helpsteer2: [en, fi]}, sweep: {trainer.loss_type: [ipo, mse]}}"), 17, r"sweep\.trainer\.loss_type: no preference loss 'mse'"),
        (("{data: {helpsteer2: [en, fi]}}", "{data: {helpsteer2: [en, fi]}, language_pairs: 2}"), 17, r"language_pairs: .*less than or equal to 1"),
        (("neftune_noise_alpha: 5", "sweep: {trainer.label_smoothing: [0.1]}"), 13, r"no key 'trainer\.label_smoothing'; "),
        (("neftune_noise_alpha: 5", "sweep: {trainer.learning_rate: [1e-5, fast]}"), 13, r"sweep\.trainer\.learning_rate: .*valid number.*'fast'"),
        (("neftune_noise_alpha: 5", "sweep: {neftune_noise_alpha: [5, -1]}"), 13, r"sweep\.neftune_noise_alpha: .*greater than or equal to 0.*-1"),
        (("neftune_noise_alpha: 5", "sweep: {neftune_noise_alpha: []}"), 13, r"at least 1 item"),
        (("neftune_noise_alpha: 5", "sweep: {neftune_noise_alpha: [5, 5]}"), 13, r"5 stands there twice"),
        (("neftune_noise_alpha: 5", "neftune_noise_alpha: 5, sweep: {neftune_noise_alpha: [5, 10]}"), 13, r"is swept, so the run's own value would do nothing"),
        (("neftune_noise_alpha: 5", "trainer: {max_steps: 5}, sweep: {trainer.num_train_epochs: [1, 2]}"), 13, r"sweep: give num_train_epochs or max_steps, not both"),
        (("neftune_noise_alpha: 5", "sweep: {trainer.learning_rate: [1e-5, 1.00000001e-5]}"), 13, r"two of its values make the name 'neftune-learning_rate-1e-05'"),
        (("neftune_noise_alpha: 5", "sweep: {trainer.lr_scheduler_kwargs: [{power: 2}]}"), 13, r"is no plain name, and it becomes a folder"),
        (("mix: en-fi-100pct, neftune_noise_alpha: 5", "mix: en-fi-0pct, sweep: {loss_on: [all, last]}}\n    neftune-loss_on-all: {mix: en-fi-0pct"), 12, r"two of them spell out to 'neftune-loss_on-all'"),
        (("mix: en-fi-100pct, neftune_noise_alpha: 5", "mix: en-fi-0pct, sweep: {mix: [en-fi-0pct]}"), 13, r"sweep\.mix: is swept"),
        (("neftune_noise_alpha: 5", "trainer: {global_batch_size: 16}, sweep: {trainer.per_device_train_batch_size: [4, 5]}"), 13, r"16 does not divide by .* 5"),
        (("helpsteer2: [en, fi]}", "helpsteer2: [en, fi]}, sweep: {start: [sft/neftune, sft/neftun]}"), 17, r"sweep\.start: no run 'sft/neftun'; did you mean 'sft/neftune'"),
        (("helpsteer2: [en, fi]}", "helpsteer2: [en, fi]}, sweep: {beta: [0.1, 0]}"), 17, r"sweep\.beta: .*greater than 0"),
        (("helpsteer2: [en, fi]}", "helpsteer2: [en, fi]}, sweep: {trainer.packing: [true]}"), 17, r"no key 'trainer\.packing'; "),
        (("model: pocket", "model: pocket\nseeds: [1, 1]"), 3, r"1 stands there twice"),
        (("model: pocket", "model: pocket\nseeds: [-1]"), 3, r"greater than or equal to 0"),
        (("model: pocket", "model: pocket\nseeds: [true]"), 3, r"seeds: true and false are no values for this key"),
        (("model: pocket", "model: pocket\nseeds: [4294967296]"), 3, r"less than 4294967296"),
        (("shares: {en: 1.0, fi: X}, X: [0, 0.5, 1.0]", "shares: {en: true}"), 11, r"shares: true and false are no values"),
        (("X: [0, 0.5, 1.0]", "X: [0, 100000000]"), 11, r"en-fi-Xpct\.X: 'en-fi-1e\+10pct' is no plain name"),
        (("neftune_noise_alpha: 5", "trainer: {deepspeed: {a: 1}}"), 13, r"deepspeed: would do nothing in sft/neftune without parallel: zero3"),
        (("start: sft/en-fi-100pct", "trainer: {label_smoothing_factor: 0.1}\n  start: sft/en-fi-100pct"), 15, r"belongs to sft\.trainer"),
        (("start: sft/en-fi-100pct", "trainer: {loss_type: [ipo, ipo]}\n  start: sft/en-fi-100pct"), 15, r"names a loss twice; give it a weight"),
        (("start: sft/en-fi-100pct", "trainer: {loss_type: []}\n  start: sft/en-fi-100pct"), 15, r"names no loss"),
        (("X: [0, 0.5, 1.0]}", "X: [0, 0.5, 1.0], select: {size: 9, languages: [da]}}"), 11, r"no 'da' rows to select from; it has en and fi"),
        (("X: [0, 0.5, 1.0]}", "X: [0, 0.5, 1.0], select: {size: 9, languages: [fi], budgets: {en: 1}}}"), 11, r"selected are rows in fi; give 'en' no budget"),
        (("X: [0, 0.5, 1.0]}", "X: [0, 0.5, 1.0], select: {size: 9, budgets: {fi: 1}}}"), 11, r"'en' has none, so no row of it would be selected"),
        (("X: [0, 0.5, 1.0]}", "X: [0, 0.5, 1.0], select: {size: 9, budgets: {en: 0.5, fi: 0.5}}}"), 11, r"mix en-fi-0pct has no 'fi' rows"),
        (("X: [0, 0.5, 1.0]}", "X: [0, 0.5, 1.0], select: {size: 9, budgets: {fi: 0.4}}}"), 11, r"add up to 0\.4; they are shares of the size, 1 in all"),
        (("X: [0, 0.5, 1.0]}", "X: [0, 0.5, 1.0], select: {size: 9, method: random, mig: {norm: true}}}"), 11, r"mig would do nothing with method random"),
        (("model: pocket", "model: pocket\nannotate: {scores: {kind: ifd}}"), 3, r"annotate\.scores: no mix selects rows by it"),
        (("    helpsteer2:", "    b: {kind: conversations, prompts_of: oast2, engine: {kind: hf}}\n    helpsteer2:"), 7, r"prompts_of: no data set of kind conversations 'oast2'; did you mean 'oasst2'"),
        (("    helpsteer2:", "    b: {kind: conversations, prompts_of: oasst2}\n    helpsteer2:"), 7, r"prompts_of needs one `engine` that answers"),
        (("    helpsteer2:", "    b: {kind: conversations, prompts_of: oasst2, engine: {kind: hf}, samples: 4}\n    helpsteer2:"), 7, r"samples would all be one answer at temperature 0"),
        (("  ifeval: {languages: [en, fi]}", "  models: [sft/en-fi-10pct]"), 19, r"no run 'sft/en-fi-10pct'; did you mean 'sft/en-fi-100pct'"),
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


def test_files_of_annotations_must_be_there(write_recipe):
    selecting = ("X: [0, 0.5, 1.0]}", "X: [0, 0.5, 1.0], select: {size: 9}}")
    path = write_recipe(
        selecting, ("model: pocket", "model: pocket\nannotate: {labels: {kind: file, file: tags.jsonl}}")
    )
    with pytest.raises(RecipeError, match=rf"{path}, line 3: annotate\.labels\.file: no such file: .*/tags\.jsonl"):
        load(path)


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


def test_a_sweep_is_no_run_to_start_from(write_recipe):
    swept = ("neftune_noise_alpha: 5", "sweep: {neftune_noise_alpha: [5, 10]}")
    says = r"'sft/neftune' is a sweep; name one of its runs: sft/neftune-neftune_noise_alpha-5, sft/neftune-neftune_noise_alpha-10"
    with pytest.raises(RecipeError, match=f"line 15: dpo.start: {says}"):
        load(write_recipe(swept, ("start: sft/en-fi-100pct", "start: sft/neftune")))
    with pytest.raises(RecipeError, match=f"line 19: eval.models.0: {says}"):
        load(write_recipe(swept, ("  ifeval: {languages: [en, fi]}", "  models: [sft/neftune]")))
    load(write_recipe(swept, ("start: sft/en-fi-100pct", "start: sft/neftune-neftune_noise_alpha-10")))


def test_runs_are_named_without_their_seed(write_recipe):
    seeds = ("model: pocket", "model: pocket\nseeds: [1, 2]")
    with pytest.raises(
        RecipeError, match="dpo.start: name it without its seed, 'sft/en-fi-0pct'; every seed has its own"
    ):
        load(write_recipe(seeds, ("start: sft/en-fi-100pct", "start: sft/en-fi-0pct-seed-2")))
    with pytest.raises(RecipeError, match="did you mean"):
        load(write_recipe(seeds, ("start: sft/en-fi-100pct", "start: sft/en-fi-0pct-seed-3")))


def test_shots_of_a_recipe_that_was_copied_are_found(write_recipe, tmp_path):
    (tmp_path / "fo.jsonl").write_text('{"source": "Good morning.", "target": "Góðan morgun."}\n' * 3, "utf-8")
    path = write_recipe(("shots_file: pocket", "shots_file: fo.jsonl"))
    with pytest.raises(RecipeError, match=r"line 4: .*fo\.jsonl is named after Faroese, .* into fi; name shots of it"):
        load(path)
    (tmp_path / "fo.jsonl").rename(tmp_path / "from-fo.jsonl")
    path.write_text(path.read_text("utf-8").replace("shots_file: fo.jsonl", "shots_file: from-fo.jsonl"), "utf-8")
    load(path)


def test_too_few_shots_are_found_before_anything_runs(write_recipe, tmp_path):
    (tmp_path / "few.jsonl").write_text('{"source": "Good morning.", "target": "Hyvää huomenta."}\n', "utf-8")
    path = write_recipe(("shots_file: pocket", "shots_file: few.jsonl"))
    with pytest.raises(RecipeError, match=r"line 4: .*few\.jsonl holds 1; write more or ask for fewer"):
        load(path)


def test_generated_files_are_fresh():
    assert SCHEMA.read_text("utf-8") == schema_text(), "run: python -m kielo.reference.recipe"
    assert REFERENCE.read_text("utf-8") == reference_text(), "run: python -m kielo.reference.recipe"


def test_a_judge_that_is_there_twice_is_refused(write_recipe):
    one = "{kind: openai, model: j, urls: ['http://a/v1']}"
    judged = f"questions: {{mt: {{}}}}\n  judge: {{engines: [{one}, {one}]}}"
    path = write_recipe(
        ("rows: 6}", "rows: 6}\n    mt: {kind: questions, pocket: questions, rows: 3, language: fi}"),
        ("ifeval: {languages: [en, fi]}", judged),
    )
    with pytest.raises(RecipeError, match="two of them are one model"):
        load(path)
