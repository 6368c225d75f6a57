"""COMET in a process of its own: a small `comet` with the real one's calls stands in for it and can misbehave; what it returns is checked."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.translation_quality import comet_process, comet_script, stage
from eval.translation_quality.comet_process import comet_document
from eval.translation_quality.metrics import Translated
from kielo.errors import KieloError, MissingExtraError, RecipeError, SourceError
from kielo.plan import make_plan
from kielo.recipe.reading import load
from kielo.schema import Recipe
from tests.eval.translation_quality.test_metrics import PAIRS, quality_place

# unbabel-comet 2.2.7: download_model(model, saving_directory, local_files_only) gives <snapshot>/checkpoints/model.ckpt,
# load_from_checkpoint wants hparams.yaml two folders up, predict takes a list of dicts of texts.
FAKE = '''
import os
__version__ = "2.2.7"


def download_model(model, saving_directory=None, local_files_only=False):
    if model.count("/") != 1:
        raise KeyError(f"Model '{model}' not supported by COMET.")
    return os.path.join(os.environ["FAKE_SNAPSHOT"], "checkpoints", "model.ckpt")


def load_from_checkpoint(checkpoint_path, reload_hparams=False, strict=False, local_files_only=False):
    if not os.path.isfile(checkpoint_path):
        raise Exception(f"Invalid checkpoint path: {checkpoint_path}")
    if not os.path.isfile(os.path.join(os.path.dirname(os.path.dirname(checkpoint_path)), "hparams.yaml")):
        raise Exception("hparams.yaml file is missing")
    return Model()


class Prediction(dict):
    __getattr__ = dict.__getitem__


class Model:
    def predict(self, samples, batch_size=16, gpus=1, devices=None, mc_dropout=0, progress_bar=True,
                accelerator="auto", num_workers=None, length_batching=True):
        assert isinstance(samples, list) and isinstance(batch_size, int) and isinstance(gpus, int)
        assert all(set(row) == {"src", "mt", "ref"} and all(isinstance(text, str) for text in row.values()) for row in samples)
        scores = [1.0 if row["mt"] == row["ref"] else 0.5 for row in samples]
        print("scoring", len(samples))
        SAY
        return Prediction(scores=scores, system_score=sum(scores) / len(scores))
'''  # fmt: skip
TRANSLATED = [Translated(row.id, row.source, row.target, row.target if n else "Koira.") for n, row in enumerate(PAIRS)]


@pytest.fixture
def comet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a stand-in for comet (and for the torch that it brings) on the path of started Pythons; `say` runs before it answers."""

    def install(say: str = "pass") -> Path:
        modules, snapshot = tmp_path / "modules", tmp_path / "snapshot"
        for folder in (modules, snapshot / "checkpoints"):
            folder.mkdir(parents=True)
        (modules / "comet.py").write_text(FAKE.replace("SAY", say), "utf-8")
        (modules / "torch.py").write_text("class cuda:\n    device_count = staticmethod(lambda: 0)\n", "utf-8")
        (snapshot / "hparams.yaml").write_text("class_identifier: regression_metric\n", "utf-8")
        (snapshot / "checkpoints/model.ckpt").write_bytes(b"weights")
        monkeypatch.setenv("PYTHONPATH", str(modules))
        monkeypatch.setenv("FAKE_SNAPSHOT", str(snapshot))
        return snapshot

    return install


def asking(write_recipe: Callable[..., Path], comet: str = f"{{command: [{sys.executable}]}}") -> Recipe:
    held_out = ("sft:", "    held-out: {kind: sentences, pocket: parallel, rows: 3}\nsft:")
    return load(write_recipe(held_out, ("ifeval: {languages: [en, fi]}", f"translation: held-out\n  comet: {comet}")))


def scored(recipe: Recipe, folder: Path) -> dict[str, object]:
    assert recipe.eval.comet is not None
    return comet_document(recipe, recipe.eval.comet, TRANSLATED, folder / "step")


def test_scores_come_back_with_mean_interval_model_and_version(comet, write_recipe, tmp_path) -> None:
    comet()
    document = scored(asking(write_recipe), tmp_path)
    assert document == {
        "model": "Unbabel/wmt22-comet-da", "version": "2.2.7", "score": 0.8333, "interval": [0.5, 1.0],
    }  # fmt: skip
    assert {path.name for path in (tmp_path / "step").iterdir()} == {"logs"}
    assert "scoring 3" in (tmp_path / "step" / comet_process.LOG).read_text("utf-8")


def test_a_checkpoint_beside_the_recipe_is_taken_as_it_is(comet, write_recipe, tmp_path) -> None:
    comet()
    recipe = asking(
        write_recipe, f"{{model: ./snapshot/checkpoints/model.ckpt, batch_size: 2, command: [{sys.executable}]}}"
    )
    assert scored(recipe, tmp_path)["score"] == 0.8333
    with pytest.raises(RecipeError, match=r"eval\.comet\.model: no such checkpoint: .*nowhere\.ckpt"):
        asking(write_recipe, "{model: ./nowhere.ckpt, command: [python]}")


def test_the_step_writes_it_beside_the_other_metrics(comet, write_recipe, tmp_path) -> None:
    comet()
    recipe = asking(write_recipe)
    made = quality_place(tmp_path, write_recipe, [PAIRS[0], PAIRS[1]])
    step = next(step for step in make_plan(recipe) if step.kind == "translation-quality")
    outcome = stage.run(type(made)(step, recipe, made.folder, made.inputs))
    scores = json.loads((made.folder / "scores.json").read_text("utf-8"))
    assert scores["comet"]["score"] == outcome.counts["comet"]["score"] == 1.0
    assert step.accelerator and step.settings["comet"] == "Unbabel/wmt22-comet-da"


@pytest.mark.parametrize(
    ("say", "sentence"),
    [
        ("raise RuntimeError('CUDA out of memory')", r"COMET ended with status 1 \(RuntimeError: CUDA out of memory\); .*comet\.log"),
        ("import sys; sys.exit(0)", r"COMET left no scores that can be read .*comet\.log"),
        ("scores.pop()", r"no finite score for each of 3 sentences \(2 values\)"),
        ("scores[1] = float('nan')", r"no finite score for each of 3 sentences \(3 values\)"),
        ("scores[1] = float('inf')", r"no finite score"),
        ("import time; time.sleep(60)", r"not done after 2 seconds and was ended"),
    ],
)  # fmt: skip
def test_every_failure_is_one_sentence(comet, write_recipe, tmp_path, monkeypatch, say: str, sentence: str) -> None:
    comet(say)
    monkeypatch.setattr(comet_process, "START_SECONDS", 2.0 if "sleep" in say else 60.0)
    monkeypatch.setattr(comet_process, "SENTENCE_SECONDS", 0.0)
    with pytest.raises(KieloError, match=sentence):
        scored(asking(write_recipe), tmp_path)


def test_an_unknown_model_is_told_in_comets_own_words(comet, write_recipe, tmp_path) -> None:
    comet()
    with pytest.raises(SourceError, match=r"Model 'wmt99' not supported by COMET"):
        scored(asking(write_recipe, f"{{model: wmt99, command: [{sys.executable}]}}"), tmp_path)


def test_a_python_without_comet_is_named_with_the_way_out(write_recipe, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "")
    recipe = asking(write_recipe, f"{{command: [{sys.executable}, -I]}}")
    with pytest.raises(
        MissingExtraError, match=r"has no unbabel-comet \(.*\): install it in an environment of its own"
    ):
        scored(recipe, tmp_path)
    with pytest.raises(MissingExtraError, match="there is no program no-such-python"):
        scored(asking(write_recipe, "{command: [no-such-python]}"), tmp_path)


def test_the_script_needs_the_standard_library_alone() -> None:
    text = Path(comet_script.__file__).read_text("utf-8")
    assert not [line for line in text.splitlines() if "import" in line and ("kielo" in line or "eval." in line)]
