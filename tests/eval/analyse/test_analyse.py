"""`kielo analyse` on a made-up run: similarity, style, inheritance, preferences and generation, what is missing, and its files."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from eval.analyse import command
from eval.analyse.answers import read_answers_by_language
from eval.analyse.origins import tuned_on
from eval.analyse.runs import models_of, read_runs
from eval.style import count
from kielo.errors import KieloError, UsageError
from tests.eval.analyse.conftest import BOLD, answer, make, write_rows
from tests.eval.fixture_run import Built

Document = dict[str, Any]


def analyse(*given: str | Path) -> Path:
    """Run the command; returns the folder that it wrote."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    arguments = parser.parse_intermixed_args([*map(str, given)])
    command.run(arguments)
    return arguments.out or arguments.runs[0] / "analysis"


def document(folder: Path) -> Document:
    found: Document = json.loads((folder / "analysis.json").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def written(analysed: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    return analyse(analysed.folder, "--out", out, "--tuned-on", "taught=own", "--tuned-on", "own=plain")


def test_style_is_the_mean_of_first_answers_to_open_questions(written: Path) -> None:
    found = document(written)["languages"]["fi"]
    assert found["benchmarks"] == ["mt-bench"]
    for model in BOLD:
        marks = found["style"][model]["marks"]
        assert found["style"][model]["answers"] == 80
        assert marks["strong"]["mean"] == sum(count(answer(model, number)).strong for number in range(80)) / 80
        assert marks["strong"]["interval"][0] <= marks["strong"]["mean"] <= marks["strong"]["interval"][1]
    assert document(written)["languages"]["en"]["benchmarks"] == ["ifeval"]


def test_answers_to_one_prompt_are_compared_whatever_their_order(analysed: Built, tmp_path: Path) -> None:
    shutil.copytree(analysed.folder, tmp_path / "run")
    path = tmp_path / "run/responses/sft/own/mt-bench-fi.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    write_rows(path, rows[::-1])
    runs = [analyse(folder, "--language", "fi", "--out", tmp_path / str(at)) for at, folder in enumerate((analysed.folder, tmp_path / "run"))]  # fmt: skip
    first, second = (document(out)["languages"]["fi"]["similarity"] for out in runs)
    assert first["pairs"] == second["pairs"]
    alike = {tuple(pair["models"]): pair["chrf"]["mean"] for pair in first["pairs"]}
    assert set(alike) == {("own", "plain"), ("own", "taught"), ("plain", "taught")} and all(
        0.4 < value < 0.95 for value in alike.values()
    )


def test_inheritance_is_told_from_training_answers_and_from_generators(written: Path) -> None:
    found = document(written)["languages"]["fi"]["inheritance"]
    by_model = {each["model"]: each for each in found["from_training"]}
    assert by_model["taught"]["generator"] == "example/teacher" and by_model["own"]["generator"] is None
    assert "plain" not in by_model, "its mix holds no Finnish rows"
    assert by_model["taught"]["marks"]["strong"]["ratio"] == pytest.approx(4.5 / 5)
    assert by_model["own"]["marks"]["strong"]["ratio"] == pytest.approx(1.5)
    assert by_model["own"]["marks"]["h1"] is None, "none in the training answers"
    ratios = {(each["model"], each["generator"]): each["marks"]["strong"] for each in found["from_generators"]}
    assert ratios["taught", "own"]["ratio"] == pytest.approx(4.5 / 1.5) and ratios["taught", "own"]["prompts"] == 80
    table = (written / "tables/inheritance-from-the-training-answers-finnish.csv").read_text("utf-8")
    assert "taught,anew,example/teacher," in table and 'own,oasst2,"its authors, translated",' in table


def rated(scores: Document, model: str) -> dict[Any, float]:
    """Average a model's ratings by question."""
    found: dict[Any, list[float]] = {}
    for each in scores["questions"]:
        found.setdefault(each["key"], []).append(each["models"][f"sft/{model}"]["single"]["rating"])
    return {key: sum(ratings) / len(ratings) for key, ratings in found.items()}


def test_preferences_are_counted_by_question_and_flips_by_generators(analysed: Built, written: Path) -> None:
    (found,) = document(written)["languages"]["fi"]["preferences"]
    scores = json.loads((analysed.folder / "judge/mt-bench-fi/scores.json").read_text("utf-8"))
    rates = {(rate["row"], rate["column"]): rate for rate in found["rates"]}
    for row in BOLD:
        for column in set(BOLD) - {row}:
            rate, ours, theirs = rates[row, column], rated(scores, row), rated(scores, column)
            assert rate["higher"] == sum(ours[key] > theirs[key] for key in ours.keys() & theirs.keys())
            assert rate["higher"] == rates[column, row]["lower"] and rate["higher"] + rate["lower"] + rate["ties"] == 80
    (flips,) = found["flips"]
    assert sorted(flips["models"]) == ["own", "taught"] and 0 < flips["flipped"] <= flips["decided"] <= 80


def test_generation_is_shown_by_step_and_what_is_not_measured_is_named(written: Path) -> None:
    (found,) = document(written)["generation"]
    assert (found["step"], found["completion_tokens"], found["sessions"]) == ("regenerate/anew", 8000, 2)
    assert "regenerate/anew,example/teacher@main,openai,40,250,4000,250.0,500,8000,500.0,16 s" in (
        written / "tables/generation-by-step.csv"
    ).read_text("utf-8")
    assert re.search(r"Not measured:.*responses/sft/own", (written / "index.html").read_text("utf-8"))


def test_generation_names_models_as_the_recipe_and_the_run_do(analysed: Built, tmp_path: Path) -> None:
    shutil.copytree(analysed.folder, tmp_path / "run")
    measured = json.loads((tmp_path / "run/regenerate/anew/generation.json").read_text("utf-8"))
    before = {**measured, "model": "sha256:0123456789abcdef0123456789abcdef"}
    tuned = {**measured, "model": "sha256:fedcba9876543210fedcba9876543210", "others": [before]}
    (tmp_path / "run/responses/sft/own/generation.json").write_text(json.dumps(tuned), "utf-8")
    out = analyse(tmp_path / "run", "--language", "en", "--out", tmp_path / "out")
    names = [(each["step"], each["name"]) for each in document(out)["generation"]]
    assert names == [
        ("regenerate/anew", "example/teacher@main"), ("responses/sft/own", "sft/own"), ("responses/sft/own", "sha256:01234567…"),
    ]  # fmt: skip


def test_models_without_answers_so_far_are_named(
    analysed: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(analysed.folder, tmp_path / "run")
    (tmp_path / "run/responses/sft/plain/step.json").unlink()
    analyse(tmp_path / "run", "--language", "fi", "--out", tmp_path / "out")
    assert "without answers so far: `plain`; `kielo run`" in capsys.readouterr().out


def test_models_that_answered_other_questions_are_named(
    analysed: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(analysed.folder, tmp_path / "run")
    record = tmp_path / "run/responses/sft/plain/step.json"
    asked = json.loads(record.read_text("utf-8"))
    del asked["fields"]["eval"]["benchmarks"]["mt-bench-fi"]
    record.write_text(json.dumps(asked), "utf-8")
    analyse(tmp_path / "run", "--language", "fi", "--out", tmp_path / "out")
    assert (
        "Finnish: `plain` answered nothing of mt-bench and is left out; `--benchmark NAME`" in capsys.readouterr().out
    )


def test_the_page_and_its_figures_are_well_formed_and_load_nothing(written: Path) -> None:
    page = (written / "index.html").read_text("utf-8")
    assert "Kielo analysis" in page and " style=" not in page and not re.search('(src|href)="[^#]', page)
    figures = sorted(path.name for path in (written / "figures").iterdir())
    assert figures == ["similarity-en.svg", "similarity-fi.svg", "style-en.svg", "style-fi.svg"]
    assert page.count('class="kielo-figure narrow"') == 2, "a heat map of three models stands in its own size"
    for name in figures:
        root = ElementTree.fromstring((written / "figures" / name).read_text("utf-8"))
        assert not any("class" in element.attrib for element in root.iter())


def test_names_and_answers_cannot_become_markup(analysed: Built, tmp_path: Path) -> None:
    shutil.copytree(analysed.folder, tmp_path / "run")
    path = tmp_path / "run/recipe.json"
    recipe = json.loads(path.read_text("utf-8")) | {"name": "<script>alert(1)</script>"}
    path.write_text(json.dumps(recipe), "utf-8")
    page = (analyse(tmp_path / "run", "--language", "fi") / "index.html").read_text("utf-8")
    assert "&lt;script&gt;alert(1)" in page and "<script>" not in page


def test_equal_runs_give_equal_bytes(analysed: Built, tmp_path: Path) -> None:
    first, second = (analyse(analysed.folder, "--language", "fi", "--out", tmp_path / name) for name in ("a", "b"))
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert names and all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


def test_paper_mode_shows_the_published_figures_and_says_what_is_wrong(analysed: Built, tmp_path: Path) -> None:
    out = analyse(analysed.folder, "--paper", "--language", "fi", "--out", tmp_path, "--tuned-on", "taught=own")
    found, page = document(out)["languages"]["fi"], (out / "index.html").read_text("utf-8")
    assert document(out)["paper"] and "5.7 prompts" in page and "over whole pages" in page
    bold = {model: sum(count(answer(model, number)).strong for number in range(80)) for model in BOLD}
    assert {model: of["strong"] for model, of in found["style"]["totals"].items()} == bold
    (ratio,) = found["style"]["ratios"]
    assert ratio["marks"]["strong"] == pytest.approx(3.0) and ratio["marks"]["h1"] == 1.0


def test_several_runs_stand_side_by_side_on_shared_prompts(analysed: Built, tmp_path: Path) -> None:
    other = make(tmp_path / "other", "other")
    out = analyse(analysed.folder, other.folder, "--language", "fi", "--out", tmp_path / "out")
    found = document(out)["languages"]["fi"]["similarity"]
    same = next(pair for pair in found["pairs"] if pair["models"] == ["three: own", "other: own"])
    assert same["rougeL"] == {"mean": 1.0, "interval": [1.0, 1.0], "prompts": 80}


def test_what_is_missing_is_said(analysed: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(analysed.folder, tmp_path / "run")
    shutil.rmtree(tmp_path / "run/judge")
    shutil.rmtree(tmp_path / "run/mix")
    path = tmp_path / "run/responses/sft/own/mt-bench-fi.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    rows[0]["responses"] = ["  ", "x"]
    write_rows(path, [*rows, rows[1]])
    analyse(tmp_path / "run", "--language", "fi")
    said = capsys.readouterr().out
    assert "No judge rated" in said and "`modes: [single]`" in said
    assert "No model's training answers in Finnish are at hand" in said and "--tuned-on TUNED=GENERATOR" in said
    assert "1 answer (1 of `own`) without any text" in said and "1 answer (1 of `own`) to a prompt that" in said


def test_json_is_printed_alone(analysed: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = analyse(analysed.folder, "--json", "--language", "en", "--out", tmp_path)
    assert json.loads(capsys.readouterr().out) == document(out)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["--language", "et"], "--language et: these runs have no answers"),
        (["--benchmark", "mt_bench"], "--benchmark mt_bench: .*they have ifeval, mt-bench"),
        (["--tuned-on", "taught"], "--tuned-on taught: write TUNED=GENERATOR"),
        (["--tuned-on", "taught=teacher"], "they are own, taught, plain|they are own, plain, taught"),
    ],
)
def test_wrong_options_are_one_sentence(analysed: Built, tmp_path: Path, given: list[str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        analyse(analysed.folder, "--out", tmp_path, *given)


def test_wrong_folders_are_one_sentence(analysed: Built, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run folder"):
        analyse(tmp_path)
    with pytest.raises(UsageError, match="named twice"):
        analyse(analysed.folder, analysed.folder)
    file = tmp_path / "a-file"
    file.touch()
    with pytest.raises(UsageError, match="no run folder"):
        analyse(file)
    (tmp_path / "recipe.json").write_text('{"language": "fi"}', "utf-8")
    with pytest.raises(UsageError, match="no run folder"):
        analyse(tmp_path)
    (tmp_path / "recipe.json").write_text('{"name": "empty", "language": "fi"}', "utf-8")
    with pytest.raises(UsageError, match="no model has answered anything"):
        analyse(tmp_path)
    (tmp_path / "mix/own").mkdir(parents=True)
    (tmp_path / "mix/own/step.json").write_text("{", "utf-8")
    with pytest.raises(KieloError, match="damaged"):
        analyse(tmp_path)


def test_a_generator_that_is_a_model_of_these_runs_is_found_by_its_weights(analysed: Built, tmp_path: Path) -> None:
    shutil.copytree(analysed.folder, tmp_path / "run")
    weights = tmp_path / "run/sft/own/model"
    weights.mkdir(parents=True)
    (weights / "model.safetensors").write_bytes(b"weights of own")
    runs = read_runs([tmp_path / "run"])
    models = models_of(runs)
    assert tuned_on(models, []) == {}
    from kielo.models import model_identity

    record = tmp_path / "run/regenerate/anew/step.json"
    made = json.loads(record.read_text("utf-8"))
    made["fields"]["translate"]["engine"]["model"] = model_identity(str(weights))
    record.write_text(json.dumps(made), "utf-8")
    assert tuned_on(models_of(read_runs([tmp_path / "run"])), []) == {"taught": "own"}


def test_a_model_of_preference_tuning_has_the_mix_it_started_from(tmp_path: Path) -> None:
    from tests.eval.fixture_run import build

    built = build(tmp_path / "run", prompts=2)
    (built.folder / "recipe.json").write_text(json.dumps(built.recipe.model_dump(mode="json")), "utf-8")
    (run,) = read_runs([built.folder])
    assert run.mix_of("dpo/dpo-fi") == "mix/en-fi-100pct" and run.mix_of("sft/en-fi-10pct") == "mix/en-fi-10pct"
    assert len(read_answers_by_language(models_of([run]), "fi")[0].texts) == 12
