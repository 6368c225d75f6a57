"""An eval step with a tiny real model: answers, scores, resumption; and the translation-quality step."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from eval import responses, stage, translation_quality
from kielo.errors import GenerationError, SourceError
from kielo.generation.protocol import Completion
from kielo.languages import language
from kielo.plan import Workplace, make_plan
from kielo.recipe import load
from kielo.records import Prompt, Response, SentencePair, read_jsonl, write_records

TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"


@pytest.fixture(scope="module")
def tiny_chat_model(tmp_path_factory) -> Path:
    """A folder with model/: a random Llama over bytes with a chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("chat")
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    bpe = Tokenizer(models.BPE({token: at for at, token in enumerate(["<s>", "</s>", *letters])}, []))
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<s>", eos_token="</s>", chat_template=TEMPLATE
    ).save_pretrained(folder / "model")
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=len(letters) + 2,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        bos_token_id=0,
        eos_token_id=1,
        initializer_range=0.3,
    )
    LlamaForCausalLM(config).save_pretrained(folder / "model")
    return folder


def prompt(key: int, *ids: str, text: str = "Kirjoita runo.", **arguments: object) -> Prompt:
    return Prompt(
        f"ifeval/{key:05d}", "fi", key, text, ids, tuple(arguments if at == 0 else {} for at in range(len(ids)))
    )


PROMPTS = [
    prompt(7, "punctuation:no_comma", text="Ilman pilkkuja."),
    prompt(3, "detectable_format:title", "punctuation:no_comma", text="Otsikko, kiitos."),
    prompt(5, "language:response_language", text="Vastaa englanniksi.", language="en"),
    prompt(9, "startend:end_checker", text="Lopeta sanaan loppu.", end_phrase="loppu"),
]


def place_for(tmp_path: Path, write_recipe, model: Path) -> Workplace:
    recipe = load(write_recipe(("ifeval: {languages: [en, fi]}", "ifeval: {languages: [fi], max_tokens: 12}")))
    step = next(step for step in make_plan(_with_model(recipe)) if step.name == "eval/sft/en-fi-0pct/ifeval-fi")
    write_records(tmp_path / "translate/ifeval/accepted.jsonl", PROMPTS)
    inputs = {"sft/en-fi-0pct": model, "translate/ifeval": tmp_path / "translate/ifeval"}
    return Workplace(step, recipe, tmp_path / step.name, inputs)


def _with_model(recipe):
    return recipe.model_copy(update={"model": "example/base"})  # a Hub id: its identity needs no files


def test_an_eval_step_answers_in_order_and_counts_whole_numbers(tmp_path, write_recipe, tiny_chat_model):
    place = place_for(tmp_path, write_recipe, tiny_chat_model)
    outcome = stage.run(place)
    assert outcome.outputs == ("responses.jsonl", "scores.json")
    rows = [row for _, row in read_jsonl(place.folder / "responses.jsonl")]
    assert [row["key"] for row in rows] == [7, 3, 5, 9]
    assert len({row["response"] for row in rows}) > 1, "a model that always says the same would prove nothing"
    scores = json.loads((place.folder / "scores.json").read_text("utf-8"))
    assert (scores["model"], scores["benchmark"], scores["language"], scores["mode"]) == (
        "sft/en-fi-0pct",
        "ifeval",
        "fi",
        "compat",
    )
    assert (scores["totals"]["prompts"], scores["totals"]["instructions"]) == (4, 5)
    assert (scores["paper_subset"]["prompts"], scores["paper_subset"]["instructions"]) == (3, 4)
    assert scores["response_language"]["total"] == 3, "prompts that ask for a language do not count"
    assert sum(scores["finish_reasons"].values()) == 4
    assert [row["key"] for row in scores["prompts"]] == [7, 3, 5, 9]


def test_a_second_run_asks_the_model_nothing_and_writes_the_same_bytes(
    tmp_path, write_recipe, tiny_chat_model, monkeypatch
):
    from kielo.generation.hf import HfGenerator

    place = place_for(tmp_path, write_recipe, tiny_chat_model)
    stage.run(place)
    before = {name: (place.folder / name).read_bytes() for name in ("responses.jsonl", "scores.json")}
    (place.folder / "responses.jsonl").unlink()
    monkeypatch.setattr(HfGenerator, "generate", lambda *_: pytest.fail("asked again"))
    stage.run(place)
    assert before == {name: (place.folder / name).read_bytes() for name in before}


def test_a_prompt_without_an_answer_stops_the_step_instead_of_lowering_the_score(tmp_path):
    made = [Completion("hyvä", "stop", 1, 1), Completion("", "error", 1, 0, error="HTTP 500")]
    with pytest.raises(GenerationError, match=r"1 of 2 prompts got no answer \(the first: HTTP 500\)"):
        responses._refuse_errors(made, tmp_path)


def test_half_an_emoji_in_an_answer_can_be_written(tmp_path):
    response = responses._response(PROMPTS[0], Completion("ok \ud83d", "length", 1, 1))
    write_records(tmp_path / "x.jsonl", [response])
    assert response.response == "ok \ufffd"


def test_no_prompts_are_an_error_that_names_the_file(tmp_path):
    write_records(tmp_path / "accepted.jsonl", [])
    with pytest.raises(SourceError, match=r"accepted\.jsonl: holds no prompts"):
        responses.read_prompts(tmp_path)


def test_scores_of_known_answers():
    answers = [
        "Ei yhtään pilkkua tässä lauseessa.",
        "<<Otsikko>> Tässä on yksi, kaksi pilkkua.",
        "Gladly.",
        "Tämä on aivan suomenkielinen loppu",
    ]
    rows = [Response(p.id, p.key, "fi", p.text, text, "stop") for p, text in zip(PROMPTS, answers, strict=True)]
    document = stage.score_responses(PROMPTS, rows, language("fi"), "compat", "sentencex")
    strict = [list(row["strict"]) for row in document["prompts"]]
    assert [strict[0], strict[1], strict[3]] == [[True], [True, False], [True]]
    assert document["paper_subset"]["inst_strict"] == 3
    assert document["response_language"] == {
        "target": "fi",
        "asked": "fi",
        "in_target": 3,
        "total": 3,
        "by_code": {"fi": 3},
        "by_prompt": {str(p.key): "fi" for p in PROMPTS[:2] + PROMPTS[3:]},
    }
    assert document["floor"]["constant"] == {"reply": "lol", "inst_strict": 2, "instructions": 4}
    assert document["floor"]["echo"]["inst_strict"] == 1


def test_a_language_unknown_to_the_detector_has_no_share():
    unknown = language("fi").model_copy(update={"langdetect": None})
    assert stage.count_languages(PROMPTS, ["a"] * 4, unknown) is None


PAIRS = [
    SentencePair("held-out/00000", "en", "A cat.", "Kissa."),
    SentencePair("held-out/00001", "en", "The dog runs fast.", "Koira juoksee kovaa."),
    SentencePair("held-out/00002", "en", "Good morning to you.", "Hyvää huomenta sinulle."),
]


def quality_place(tmp_path: Path, write_recipe, translated: list[SentencePair]) -> Workplace:
    held_out = (
        "ifeval: {kind: ifeval, pocket: ifeval, rows: 6}",
        "ifeval: {kind: ifeval, pocket: ifeval, rows: 6}\n    held-out: {kind: sentences, pocket: parallel, rows: 3}",
    )
    recipe = load(write_recipe(held_out, ("ifeval: {languages: [en, fi]}", "translation: held-out")))
    step = next(step for step in make_plan(_with_model(recipe)) if step.kind == "translation-quality")
    write_records(tmp_path / "source/rows.jsonl", PAIRS)
    write_records(tmp_path / "translate/accepted.jsonl", translated)
    inputs = {"source/held-out": tmp_path / "source", "translate/held-out": tmp_path / "translate"}
    return Workplace(step, recipe, tmp_path / step.name, inputs)


def test_translation_quality_counts_exact_matches_and_names_the_worst_first(tmp_path, write_recipe):
    pytest.importorskip("sacrebleu")
    machine = [
        dataclasses.replace(PAIRS[2], language="fi"),
        dataclasses.replace(PAIRS[1], language="fi", target="Hevonen nukkuu."),
    ]
    place = quality_place(tmp_path, write_recipe, machine)
    counts = translation_quality.run(place).counts
    scores = json.loads((place.folder / "scores.json").read_text("utf-8"))
    assert (scores["exact"], scores["sentences"], len(scores["worst"])) == (1, 2, 1)
    assert 0 < scores["chrf"] < 100 and "version:" in scores["signature"]["chrf"]
    assert scores["worst"][0]["id"] == "held-out/00001" and scores["worst"][0]["translation"] == "Hevonen nukkuu."
    assert "worst" not in counts


def test_a_translation_of_no_known_sentence_is_an_error(tmp_path, write_recipe):
    place = quality_place(tmp_path, write_recipe, [SentencePair("held-out/00009", "fi", "A", "B")])
    with pytest.raises(SourceError, match="'held-out/00009' has no reference"):
        translation_quality.run(place)
