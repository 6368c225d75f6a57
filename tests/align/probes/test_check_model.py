"""The probes: each holds on what is right and fails, with an example, on what it is there to find."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from align import sft
from align.machine import Machine
from align.preferences.pairs import PairTokens
from align.prepare import SUMMARY
from align.probes import model_probes, token_probes
from align.probes.check_model import check_model
from align.probes.findings import Finding, refuse_failed
from align.tokens.chat import load_chat
from align.tokens.masks import IGNORED, Wanted, tokenise
from align.tokens.tally import Tally
from align.training import neftune
from kielo.errors import RecipeError
from kielo.plan import Workplace, make_plan
from kielo.recipe.reading import load
from kielo.records import read_json, write_json, write_records
from kielo.run_folder import RunFolder
from kielo.schema import CHAT_TEMPLATES
from tests.align.architectures import any_model, make
from tests.align.conftest import MakePlace, conversation

__all__ = ["any_model"]
ALPHA, PAD = 5.0, 0
DOCUMENTS = [list(range(3, 43)), list(range(3, 60))]


@pytest.fixture(scope="module")
def chat(tiny: Path) -> Any:
    return load_chat(str(tiny), None, (CHAT_TEMPLATES / "chatml.jinja").read_text("utf-8"))


def rows_of(chat: Any, loss_on: Any = "assistant", limit: int | None = None) -> dict[str, list[dict[str, Any]]]:
    talks = [conversation(i, "en" if i % 2 else "fi", 1 + i % 2) for i in range(10)]
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in tokenise(talks, chat, Wanted(loss_on, limit, "cut"), Tally()):
        rows.setdefault(row.language, []).append(dataclasses.asdict(row))
    return rows


def test_what_is_trained_is_shown(chat: Any) -> None:
    for loss_on in ("assistant", "last", "all"):
        found = token_probes.trained(rows_of(chat, loss_on), loss_on, chat.tokenizer)
        assert found.ok and f"(loss_on: {loss_on})" in found.sentence
    found = token_probes.trained(rows_of(chat), "assistant", chat.tokenizer)
    fi = found.example.splitlines()[0]
    assert fi == (
        r"set/00000 (fi): masked '<|im_start|>user\nafter one?<|im_end|>\n<|im_start|>assistant\n\n', trained 'two three four<|im_end|>'"
    )


def test_a_mask_that_masks_nothing_or_everything_is_found(chat: Any) -> None:
    found = token_probes.trained(rows_of(chat, "all"), "assistant", chat.tokenizer)
    assert (
        not found.ok and "100% of the tokens in fi" in found.sentence and found.example.startswith("set/00000 (fi): ")
    )
    rows = rows_of(chat)
    rows["en"] = [{**row, "labels": [IGNORED] * len(row["labels"])} for row in rows["en"]]
    found = token_probes.trained(rows, "assistant", chat.tokenizer)
    assert not found.ok and "0% of the tokens in en" in found.sentence and "set/00001 (en)" in found.example
    assert not token_probes.trained(rows_of(chat), "all", chat.tokenizer).ok


def test_answers_that_never_end_are_found(chat: Any) -> None:
    found = token_probes.ends(rows_of(chat), chat.tokenizer, chat.stop_token_id)
    assert found.ok and found.sentence.startswith("<|im_end|> is trained in 100% of the rows in fi, 100%")
    shortest = min(row["labels"].index(chat.stop_token_id) for row in rows_of(chat)["fi"])
    found = token_probes.ends(rows_of(chat, limit=shortest), chat.tokenizer, chat.stop_token_id)
    assert not found.ok and "0% of the rows in fi" in found.sentence and "set/00000 ends with" in found.example


def test_pairs_that_teach_nothing_are_found(chat: Any) -> None:
    def pair(chosen: list[int], rejected: list[int], prompt: tuple[int, ...] = (5, 6)) -> dict[str, Any]:
        return dataclasses.asdict(PairTokens("set/1", "fi", "fi", list(prompt), chosen, rejected))

    stop = chat.stop_token_id
    good = pair([7, stop], [8, stop])

    def look(*rows: dict[str, Any], accept: tuple[str, ...] = ()) -> Finding:
        return token_probes.pairs({"fi": [good, *rows]}, accept, chat.tokenizer)

    assert look().ok and "1 pairs looked at (100% fi)" in look().sentence
    same = look(pair([7, stop], [7, stop]))
    assert (
        not same.ok
        and "the chosen answer of a pair is the rejected one" in same.sentence
        and "set/1 (fi)" in same.example
    )
    assert look(pair([7, stop], [7, stop]), accept=("identical",)).ok
    assert not look(pair([7], [8], prompt=())).ok and not look(pair([], [8])).ok
    assert token_probes.pair_ends({"fi": [good]}, chat.tokenizer, stop).ok
    cut = token_probes.pair_ends({"fi": [good], "en": [pair([7], [8])]}, chat.tokenizer, stop)
    assert not cut.ok and "0% of the rows in en" in cut.sentence


def test_the_noise_of_every_architecture_is_the_formulas(any_model: Any) -> None:
    import torch

    neftune.attach(any_model, ALPHA)
    before = torch.get_rng_state()
    found = model_probes.noise(any_model, DOCUMENTS, ALPHA, PAD)
    assert found.ok and "of mean size" in found.sentence and "on 20 tokens" in found.sentence
    assert torch.equal(before, torch.get_rng_state()), "a probe must not change what the training draws"


def test_noise_of_another_size_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    model = make("llama")
    assert not model_probes.noise(model, DOCUMENTS, ALPHA, PAD).ok, "none at all"
    neftune.attach(model, ALPHA / 2)
    found = model_probes.noise(model, DOCUMENTS, ALPHA, PAD)
    assert not found.ok and "alpha 5, width 32" in found.sentence

    def over_the_batch(embeddings: Any, lengths: Any, alpha: float) -> Any:
        """As transformers does: one length for all rows, padding counted and moved, too."""
        scale = alpha / (embeddings.shape[1] * embeddings.shape[2]) ** 0.5
        return torch.empty_like(embeddings).uniform_(-scale, scale)

    monkeypatch.setattr(neftune, "noise", over_the_batch)
    padded = make("llama")
    neftune.attach(padded, ALPHA)
    found = model_probes.noise(padded, DOCUMENTS, ALPHA, PAD)
    assert not found.ok and found.sentence.startswith("padding gets noise")


def test_number_format_attention_and_world() -> None:
    import torch

    model = make("llama")
    assert model_probes.number_format(model, "float32", bf16=False).ok
    half = model_probes.number_format(model.to(torch.float16), "float32", bf16=False)
    assert not half.ok and "weights in float16" in half.sentence
    assert model_probes.attention(model, None).ok and model_probes.attention(model, "sdpa").ok
    assert "asks for flash_attention_2" in model_probes.attention(model, "flash_attention_2").sentence
    one = Machine(1, "cpu", False)
    assert model_probes.world(one, None).ok and model_probes.world(one, "1").ok
    assert "but 8 are expected" in model_probes.world(one, "8").sentence


def test_packing_is_a_fault_only_where_it_is_asked_for() -> None:
    bloom, llama = make("bloom"), make("llama")
    assert model_probes.packing(llama, True).ok and model_probes.packing(bloom, None).ok
    found = model_probes.packing(bloom, True)
    assert not found.ok and "packed documents see each other on bloom" in found.sentence


def test_a_failure_is_one_sentence_with_its_example() -> None:
    good, bad = Finding("a", True, "fine.", "shown"), Finding("b", False, "wrong.", "row 7")
    refuse_failed([good], "sft/x")
    with pytest.raises(RecipeError, match=r"^sft/x: b: wrong\. \(for example row 7\)$"):
        refuse_failed([good, bad], "sft/x")
    assert list(bad.lines()) == ["FAILED b: wrong.", "         row 7"]


def test_a_training_probes_first_and_stops_at_a_failure(sft_place: MakePlace) -> None:
    place = sft_place(neftune=5.0, loss_on="assistant", trainer={"num_train_epochs": 1})
    sft.run(place)
    (tokens,) = place.inputs.values()
    found = {each["name"]: each for each in json.loads((place.folder / "probes.json").read_text())}
    assert all(each["ok"] for each in found.values())
    assert list(found) == [
        "what is trained", "end of turn", "world size", "number format", "attention", "NEFTune noise", "packing"
    ]  # fmt: skip
    other = sft_place("other", loss_on="all")
    (tokens,) = other.inputs.values()
    write_json(tokens / SUMMARY, {**(read_json(tokens / SUMMARY) or {}), "loss_on": "assistant"})
    with pytest.raises(
        RecipeError, match=r"^sft/other: what is trained: loss_on: assistant trains the answers and noth"
    ):
        sft.run(other)
    assert not (other.folder / "metrics.jsonl").exists() or not (other.folder / "metrics.jsonl").read_text()


@pytest.fixture
def written(tiny: Path, write_recipe: Callable[..., Path]) -> Callable[..., Any]:
    def write(*changes: tuple[str, str]) -> Any:
        return load(write_recipe(("model: pocket", f"model: {json.dumps(str(tiny))}"), *changes))

    return write


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    assert len({found.name for found in findings}) == len(findings)
    return {found.name: found for found in findings}


def test_check_before_anything_is_made(written: Callable[..., Any], tmp_path: Path) -> None:
    found = by_name(check_model(written(), RunFolder(tmp_path / "none")))
    assert all(each.ok for each in found.values()), [each for each in found.values() if not each.ok]
    assert {"world size", "number format", "attention", "packing", "NEFTune noise"} < set(found)
    shown = found["tokens/sft/en-fi-0pct (a few rows): what is trained"].example
    assert "sample/0 (en)" in shown and "Uusi kirjasto" in shown
    assert "tokens/dpo/dpo-both (a few rows): preference pairs" in found
    assert not (tmp_path / "none").exists(), "a check leaves nothing"


def test_check_on_rows_that_are_there(written: Callable[..., Any], tmp_path: Path) -> None:
    recipe, run = written(), RunFolder(tmp_path / "run")
    step = next(step for step in make_plan(recipe) if step.name == "source/oasst2")
    write_records(run.folder(step.name) / "rows.jsonl", [conversation(i) for i in range(5)])
    write_json(run.folder(step.name) / "step.json", {"fields": {}, "outputs": {}, "sizes": {}})
    found = by_name(check_model(recipe, run))
    shown = found["tokens/sft/en-fi-0pct (a few rows): what is trained"]
    assert shown.example.startswith("set/00000 (en)") and "in fi" not in shown.sentence


def test_check_on_the_tokens_of_the_run(written: Callable[..., Any], tmp_path: Path) -> None:
    from align import prepare

    recipe, run = written(), RunFolder(tmp_path / "run")
    plan = {step.name: step for step in make_plan(recipe)}
    step = dataclasses.replace(plan["tokens/sft/en-fi-0pct"])
    write_records(run.folder("mix/en-fi-0pct") / "train.jsonl", [conversation(i) for i in range(5)])
    for name in step.inputs:
        write_json(run.folder(name) / "step.json", {"fields": {}, "outputs": {}, "sizes": {}})
        for file in ("rows.jsonl", "accepted.jsonl"):
            write_records(run.folder(name) / file, [])
    began = run.begin(step)
    place = Workplace(step, recipe, run.folder(step.name), {name: run.folder(name) for name in step.inputs})
    run.finish(step, prepare.run(place), began)
    found = by_name(check_model(recipe, run))
    assert found["tokens/sft/en-fi-0pct: what is trained"].example.startswith("set/00000 (en)")
    assert "tokens/sft/en-fi-50pct (a few rows): what is trained" in found


def test_check_says_what_fails(written: Callable[..., Any], tmp_path: Path) -> None:
    no_end = "{% for m in messages %}{{ m.content }}{% endfor %}"
    (tmp_path / "own.jinja").write_text(no_end, "utf-8")
    with pytest.raises(RecipeError, match="answers end with ''"):
        check_model(written(("language: fi", "language: fi\nchat_template: own.jinja")), RunFolder(tmp_path / "none"))


def test_check_fails_where_every_answer_is_cut(written: Callable[..., Any], chat: Any, tmp_path: Path) -> None:
    talk = conversation(0)
    (whole,) = tokenise([talk], chat, Wanted("assistant", None, "cut"), Tally())
    limit = whole.labels.index(chat.stop_token_id)
    recipe = written(("sft:\n", f"sft:\n  loss_on: assistant\n  trainer: {{max_length: {limit}}}\n"))
    run = RunFolder(tmp_path / "run")
    folder = run.folder("source/oasst2")
    write_records(folder / "rows.jsonl", [talk])
    write_json(folder / "step.json", {"fields": {}, "outputs": {}, "sizes": {}})
    failed = [found for found in check_model(recipe, run) if not found.ok]
    assert [found.name for found in failed] == ["tokens/sft/en-fi-0pct (a few rows): end of turn"]
    assert failed[0].example.startswith("set/00000 ends with ")
