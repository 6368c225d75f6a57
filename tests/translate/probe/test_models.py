"""`kielo probe` on the pocket model and on a random-weight miniature: the verdicts differ, and for the right reasons."""

from __future__ import annotations

from pathlib import Path

import pytest

from kielo.errors import GenerationError
from kielo.miniature import make_miniature
from kielo.schema import CHAT_TEMPLATES
from tests.translate.probe.conftest import probe, probed

POCKET_RECIPE = Path(__file__).resolve().parents[3] / "recipes" / "pocket.yaml"


@pytest.fixture(scope="module")
def of_pocket(tmp_path_factory, development):
    return probed(
        tmp_path_factory.mktemp("pocket") / "probe.json", "pocket", "--language", "fi", "--development", development
    )


@pytest.fixture(scope="module")
def of_miniature(tmp_path_factory, development, miniature):
    out = tmp_path_factory.mktemp("miniature") / "probe.json"
    return probed(out, miniature, "--language", "fi", "--development", development, "--data", POCKET_RECIPE)


def verdicts(found):
    return {each["stage"]: each["verdict"] for each in found["verdicts"]}


def measures(found):
    return {each["name"]: each for each in found["measures"]}


def test_the_pocket_model_can(of_pocket):
    assert verdicts(of_pocket) == {"translate": "can", "sft": "can", "evaluation": "can"}
    found = measures(of_pocket)
    assert found["chrf"]["value"] > 95
    assert found["chrf_over_floor"]["value"] > 50
    assert found["stopped"]["value"] == found["target_share"]["value"] == 1
    assert found["sentinels"]["value"] >= 0.5
    assert found["knows_order"]["value"] > 0.95
    assert of_pocket["bits_per_byte"] < 1
    assert of_pocket["prompt"]["format"] == "names"
    assert not of_pocket["chat_template"]
    assert of_pocket["context_tokens"] == 1024


def test_random_weights_cannot_and_the_tokenizer_is_not_to_blame(of_miniature):
    said = {each["stage"]: each for each in of_miniature["verdicts"]}
    assert said["translate"]["verdict"] == "cannot"
    assert {"chrf", "chrf_over_floor", "target_share", "stopped"} <= set(said["translate"]["decided_by"])
    assert said["sft"]["verdict"] == "cannot"
    assert said["sft"]["decided_by"] == ["knows_order"]
    found = measures(of_miniature)
    for name in (
        "price_ratio",
        "tokens_per_byte",
        "broken_share",
        "unknown_share",
        "round_trip",
        "prompts_over",
        "cut_rows",
    ):
        assert found[name]["verdict"] == "can", name
    assert found["sentinels"]["value"] == 0
    assert found["stopped"]["high"] < 0.2
    assert found["knows_order"]["value"] < 0.5
    assert of_miniature["bits_per_byte"] > 2


def test_every_sample_has_an_interval_and_every_number_its_limits(of_pocket):
    for name, each in measures(of_pocket).items():
        assert {"can", "care", "means", "reason"} <= set(each["threshold"])
        if each["value"] is not None and name not in ("prompts_over", "cut_rows", "answers_over"):
            assert each["low"] <= each["value"] <= each["high"], name


def test_an_interrupted_probe_goes_on_where_it_was(tmp_path, development, monkeypatch, capsys):
    given = (
        "pocket",
        "--language",
        "fi",
        "--development",
        development,
        "--samples",
        "8",
        "--folder",
        tmp_path / "kept",
    )
    probe(*given)
    first = capsys.readouterr().out
    monkeypatch.setattr("kielo.generation.engines._open", lambda *_: pytest.fail("a completion was made again"))
    probe(*given)
    assert capsys.readouterr().out == first
    assert "translate" in first
    assert "try more" in first, "eight sentences are too few to be sure"


def test_a_context_too_small_for_the_data_is_found(tmp_path, development):
    rows = tmp_path / "long.jsonl"
    turns = (
        '{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "'
        + "The dog sees the cat. " * 900
        + '"}'
    )
    rows.write_text(f'{{"messages": [{turns}]}}\n', "utf-8")
    found = measures(
        probed(tmp_path / "probe.json", "pocket", "--language", "fi", "--development", development, "--data", rows)
    )
    assert found["cut_rows"]["value"] == 1
    assert found["answers_over"]["verdict"] is None
    assert found["cut_rows"]["verdict"] == "cannot"
    assert found["prompts_over"]["verdict"] == "cannot"


def test_real_sentences_are_beyond_the_pocket_model(tmp_path, shared_data):
    sides = [shared_data / "flores200" / f"{code}.devtest.gz" for code in ("eng", "fin")]
    found = probed(tmp_path / "probe.json", "pocket", "--language", "fi", "--development", *sides, "--samples", "12")
    assert verdicts(found)["translate"] == "cannot"
    assert measures(found)["chrf"]["high"] < 20
    assert found["fertility"]["fi"]["per_word"] > 3, "its tokenizer has never seen real Finnish"


def test_a_chat_model_is_tried_in_messages_too(tmp_path, development):
    template = (CHAT_TEMPLATES / "chatml.jinja").read_text("utf-8")
    model = make_miniature("utter-project/EuroLLM-9B", tmp_path, chat_template=template)
    found = probed(tmp_path / "probe.json", model, "--language", "fi", "--development", development, "--samples", "8")
    assert found["chat_template"]
    assert {each["format"] for each in found["prompt"]["tried"]} == {"names", "tags", "chat"}


def test_an_engine_that_reads_no_given_text_leaves_knowledge_unmeasured(tmp_path, development, monkeypatch):
    def refuse(self, requests, places):
        if places:
            raise GenerationError("no echo")
        return iter(())

    monkeypatch.setattr("kielo.generation.hf.HfGenerator._read_given", refuse)
    found = probed(
        tmp_path / "probe.json", "pocket", "--language", "fi", "--development", development, "--samples", "8"
    )
    assert "no echo" in measures(found)["knows_order"]["detail"]
    sft = next(each for each in found["verdicts"] if each["stage"] == "sft")
    assert "knows_order" in sft["not_measured"] and sft["verdict"] == "with care", "the tokenizer alone says too little"
