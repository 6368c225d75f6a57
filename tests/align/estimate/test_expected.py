"""What `kielo plan` reckons with before there are rows: those that a recipe expects, and models that are only listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from align.batches.arrange import Room
from align.batches.steps import MicroBatches
from align.estimate.disk import disk
from align.estimate.expected import LETTERS
from align.estimate.hardware import Hardware, hardware
from align.estimate.memory import Setting, adapter_parameters
from align.estimate.model_shape import SHAPES, ModelShape, read_shape
from align.estimate.table import table
from align.estimate.trainings import Estimate, estimate
from kielo.errors import RecipeError
from kielo.plan import make_plan
from kielo.recipe.reading import load
from kielo.run_folder import RunFolder
from kielo.strict_yaml import load as load_yaml

ROOT = Path(__file__).resolve().parents[3]
PAPER = ROOT / "recipes" / "fi-poro-34b.yaml"
DIES = Hardware(32, "mi250x-gcd", 64, 191.5)
PORO = 34_216_949_760


def of(found: list[Estimate], name: str) -> Estimate:
    return next(each for each in found if each.name == name)


@pytest.fixture(scope="module")
def papers(tmp_path_factory) -> list[Estimate]:
    recipe = load(PAPER)
    return estimate(recipe, make_plan(recipe), RunFolder(tmp_path_factory.mktemp("run")), DIES)[0]


@pytest.mark.parametrize(
    ("training", "english", "finnish"),
    [
        ("sft/en-fi-0pct", 4692, 0), ("sft/en-fi-10pct", 4692, 440), ("sft/en-fi-100pct", 4692, 4399),
        ("sft/neftune", 4692, 4399), ("dpo/dpo-en", 7221, 0), ("dpo/dpo-fi", 0, 6037), ("dpo/dpo-both", 7221, 6037),
    ],
)  # fmt: skip
def test_rows_are_those_the_recipe_expects(papers, training: str, english: int, finnish: int) -> None:
    amount = of(papers, training).amount
    assert (amount.rows, amount.expected, amount.guessed) == (english + finnish, True, True)
    letters = LETTERS["sft" if training.startswith("sft") else "dpo"]
    assert amount.by_language.get("fi", 0) == finnish * letters // 4
    assert amount.tokens == pytest.approx((english + finnish) * letters / 4, abs=2)


@pytest.mark.parametrize(
    ("rows", "size", "times", "steps"), [(9091, 128, 3, 216), (7221, 64, 5, 565), (13258, 64, 5, 1040)]
)
def test_steps_are_those_that_the_batches_have(papers, rows: int, size: int, times: int, steps: int) -> None:
    batches = MicroBatches([10] * rows, size, 0, Room(10, 1, 0), 32, 0)
    held = [len(batches.rows(epoch, step)) for epoch in range(times) for step in range(batches.steps_per_epoch)]
    assert (len(held), sum(held)) == (steps, rows * times)
    found = next(each for each in papers if each.amount.rows == rows and each.kind != "reference")
    assert (found.steps, found.epochs) == (steps, times)
    assert found.quotient == pytest.approx(rows * times / size)


def test_a_limit_keeps_expectations_down(tmp_path: Path) -> None:
    recipe = load(PAPER)
    found, _ = estimate(recipe, make_plan(recipe, 100), RunFolder(tmp_path), DIES)
    assert of(found, "sft/en-fi-100pct").amount.rows == 200


def test_rows_of_a_mix_need_no_expectation(write_recipe, tmp_path: Path) -> None:
    recipe = load(write_recipe(("  mixes:\n", "  mixes:\n    fixed: {rows: {en: 30, fi: 12}}\n")))
    found, _ = estimate(recipe, make_plan(recipe), RunFolder(tmp_path), Hardware())
    amount = of(found, "sft/fixed").amount
    assert (amount.rows, dict(amount.by_language)) == (42, {"en": 30 * 425, "fi": 12 * 425})


def test_half_an_expectation_is_none(tmp_path: Path) -> None:
    text = PAPER.read_text("utf-8").replace(", expected: {en: 4692, fi: 4399}", ", expected: {en: 4692}")
    (tmp_path / "half.yaml").write_text(text, "utf-8")
    recipe = load(tmp_path / "half.yaml")
    found, _ = estimate(recipe, make_plan(recipe), RunFolder(tmp_path / "run"), DIES)
    assert of(found, "sft/en-fi-0pct").amount.rows == 4692
    assert of(found, "sft/en-fi-10pct").amount.rows is None


def test_the_table_marks_what_is_expected(papers) -> None:
    text = table(papers, [], DIES)
    assert "~9,091    216" in text


def test_an_expectation_changes_no_step(tmp_path: Path) -> None:
    text = PAPER.read_text("utf-8")
    assert "expected: {en: 4692, fi: 4399}" in text
    other = tmp_path / PAPER.name
    other.write_text(text.replace("expected: {en: 4692, fi: 4399}", "expected: {en: 1}"), "utf-8")
    assert make_plan(load(other)) == make_plan(load(PAPER))


@pytest.mark.parametrize(
    ("written", "instead", "sentence"),
    [
        ("expected: {en: 4692, fi: 4399}", "expected: {en: 4692, da: 3}", "this recipe has no 'da' data"),
        ("expected: {en: 4692, fi: 4399}", "expected: {en: 0}", "greater than 0"),
        ("expected: {en: 4692, fi: 4399}", "translate: false, expected: {fi: 9}", "so it has no 'fi' rows"),
        (
            "hub: google/IFEval,",
            "hub: google/IFEval, expected: {en: 541},",
            "expected would do nothing with kind ifeval",
        ),
    ],
)
def test_an_expectation_of_nothing_is_a_mistake(written: str, instead: str, sentence: str, tmp_path: Path) -> None:
    text = PAPER.read_text("utf-8")
    assert written in text
    (tmp_path / "bad.yaml").write_text(text.replace(written, instead), "utf-8")
    with pytest.raises(RecipeError, match=sentence):
        load(tmp_path / "bad.yaml")


@pytest.mark.parametrize(
    ("model", "billions"),
    [
        ("LumiOpen/Poro-34B", 34.2),
        ("LumiOpen/Viking-7B", 7.55),
        ("LumiOpen/Viking-13B", 14.0),
        ("LumiOpen/Viking-33B", 33.1),
    ],
)
def test_a_model_that_is_not_here_is_looked_up(model: str, billions: float, monkeypatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    found = read_shape(model, None)
    assert isinstance(found, ModelShape)
    assert found.parameters / 1e9 == pytest.approx(billions, rel=0.005)
    assert (found.listed, found.saved_bytes) == (True, 2)


def test_every_listed_model_can_be_counted() -> None:
    for model in load_yaml(SHAPES)[0]:
        assert isinstance(read_shape(model, None), ModelShape)


def setting(trainer: dict[str, object] | None = None, lora: dict[str, object] | None = None) -> Setting:
    return Setting(32, True, True, True, trainer or {}, lora)


def test_disk_follows_from_what_is_trained() -> None:
    shape = read_shape("LumiOpen/Poro-34B", None)
    assert isinstance(shape, ModelShape)
    usual = disk(shape, setting())
    assert (usual.kept, usual.checkpoint, usual.most) == (2 * PORO, 12 * PORO, 36 * PORO)
    one = disk(shape, setting({"save_total_limit": 1}))
    assert one.most == 24 * PORO
    assert disk(shape, setting({"parallel": "zero3"})).checkpoint == 14 * PORO
    assert disk(shape, setting({"dtype": "bfloat16"})).checkpoint == 6 * PORO
    assert disk(shape, setting({"optim": "adamw_8bit"})).checkpoint == 6 * PORO
    adapters = adapter_parameters(shape, 8)
    small = disk(shape, setting(lora={"r": 8}))
    assert (small.checkpoint, small.most) == (12 * adapters, 2 * 12 * adapters + 4 * adapters + 2 * PORO)


def test_a_device_that_is_half_a_module_says_so() -> None:
    assert hardware("mi250x-gcd", 32, None, None).words == "32 GCDs = 16 modules (mi250x-gcd)"
    assert hardware("mi250x-gcd", 2, None, None).words == "2 GCDs = 1 module (mi250x-gcd)"
    assert hardware("mi250x-gcd", 3, None, None).words == "3 x mi250x-gcd"
    assert hardware("a100-80", 4, None, None).words == "4 x a100-80"
    assert Hardware(1).words == "1 device"


BLEND = """\
  mixes:
    few: {{shares: {{en: 1.0, fi: 0.5}}, select: {{size: 60, languages: [fi]{budgets}}}}}
    blend: {{sources: {{oasst2: {{shares: {{fi: 0.5}}}}, anew: {{shares: {{fi: 1.0}}}}}}}}
    chosen: {{sources: {{oasst2: {{shares: {{fi: 1.0}}}}, anew: {{shares: {{fi: 1.0}}}}}}, select: {{size: 60}}}}
"""


@pytest.mark.parametrize(
    ("expected", "few", "blend", "chosen"),
    [(", expected: {en: 100, fi: 80}", 130, 120, 60), (", expected: {en: 100}", 130, None, None)],
)
def test_selections_and_answers_made_anew_are_reckoned_with(
    write_recipe, tmp_path: Path, expected: str, few: int, blend: int | None, chosen: int | None
) -> None:
    anew = "    anew: {kind: conversations, prompts_of: oasst2, engine: {kind: hf}}\n"
    changes = (
        ("rows: 12}\n", f"rows: 12{expected}}}\n{anew}"),
        ("  mixes:\n", BLEND.format(budgets="")),
    )
    recipe = load(write_recipe(*changes))
    found, _ = estimate(recipe, make_plan(recipe), RunFolder(tmp_path), Hardware())
    assert [of(found, f"sft/{name}").amount.rows for name in ("few", "blend", "chosen")] == [few, blend, chosen]
