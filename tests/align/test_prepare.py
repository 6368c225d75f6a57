"""The step `tokens`: what it leaves for a training, what it counts, and benchmark prompts that stand in the data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from align import prepare
from align.prepare import SUMMARY, read_prepared
from align.tokens.masks import IGNORED
from align.tokens.token_file import TOKENIZER, TOKENS, read_tokens
from kielo.errors import RunFolderError, SourceError
from kielo.execute import Job, execute
from kielo.plan import STAGES, Outcome, Step, Workplace, make_plan, needed_for
from kielo.recipe.reading import load
from kielo.records import Conversation, Message, Prompt, read_jsonl, write_jsonl, write_records
from kielo.run_folder import RunFolder
from tests.align.conftest import conversation

Make = Callable[..., Workplace]


@pytest.fixture
def place(tiny: Path, write_recipe: Callable[..., Path], tmp_path: Path) -> Make:
    def make(
        rows: list[Conversation], benchmark: tuple[str, ...] = (), overlap: str = "report", **own: Any
    ) -> Workplace:
        recipe = load(write_recipe(("model: pocket", f"model: {json.dumps(str(tiny))}")))
        inputs = {"mix/m": tmp_path / "mix"}
        write_records(inputs["mix/m"] / "train.jsonl", rows)
        if benchmark:
            inputs["source/ifeval"] = tmp_path / "ifeval"
            prompts = [Prompt(f"ifeval/{n}", "en", n, text, (), ()) for n, text in enumerate(benchmark)]
            write_records(inputs["source/ifeval"] / "rows.jsonl", prompts)
        wanted = {"loss_on": "assistant", "over_length": "cut", "trainer": {"max_length": None}, **own}
        names = [name for name in inputs if name.startswith("source/")]
        settings: Mapping[str, Any] = {
            "model": "tiny", "seed": 0, "chat_template": "chatml", "eval": {"overlap": overlap, "benchmarks": names}, "sft": wanted,
        }  # fmt: skip
        folder = tmp_path / "tokens"
        folder.mkdir(exist_ok=True)
        return Workplace(Step("tokens/sft/m", "tokens", settings, tuple(inputs)), recipe, folder, inputs)

    return make


def run(place: Workplace) -> Outcome:
    outcome = prepare.run(place)
    assert all((place.folder / name).is_file() for name in outcome.outputs)
    return outcome


def test_what_it_leaves(place: Make) -> None:
    from transformers import AutoTokenizer

    rows = [conversation(i, "en" if i % 3 else "fi", 1 + i % 2) for i in range(600)]
    workplace = place(rows)
    outcome = run(workplace)
    prepared, dataset = read_prepared(workplace.folder), read_tokens(workplace.folder / TOKENS)
    assert dataset["id"] == [row.id for row in rows] and dataset["language"] == [row.language for row in rows]
    assert prepared.rows == len(rows) == outcome.counts["rows"]
    assert prepared.longest_row == max(len(ids) for ids in dataset["input_ids"])
    assert (prepared.kind, prepared.loss_on) == ("sft", "assistant")
    assert prepared.counts == outcome.counts["languages"] and list(prepared.sources) == ["set"]
    counts = prepared.counts["fi"]
    fi = [
        (ids, labels)
        for ids, labels, code in zip(*(dataset[c] for c in ("input_ids", "labels", "language")), strict=True)
        if code == "fi"
    ]
    assert (counts["rows"], counts["tokens"]) == (200, sum(len(ids) for ids, _ in fi))
    assert counts["loss_tokens"] == sum(label != IGNORED for _, labels in fi for label in labels)
    tokenizer = AutoTokenizer.from_pretrained(str(workplace.folder / TOKENIZER))
    assert tokenizer.decode([label for label in dataset[1]["labels"] if label != IGNORED]) == "".join(
        f"{message.content}<|im_end|>" for message in rows[1].messages if message.role == "assistant"
    )
    assert tokenizer.convert_tokens_to_ids("<|im_end|>") == prepared.stop_token_id


def test_the_same_rows_give_the_same_bytes(place: Make) -> None:
    rows = [conversation(i) for i in range(40)]
    first = place(rows)
    run(first)
    before = {name: (first.folder / name).read_bytes() for name in (TOKENS, SUMMARY)}
    run(place(rows))
    assert before == {name: (first.folder / name).read_bytes() for name in (TOKENS, SUMMARY)}
    run(place(rows[::-1]))
    assert json.loads(before[SUMMARY])["data"] != read_prepared(first.folder).data, "the order belongs to the data"


def test_what_was_lost_is_said(place: Make, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [conversation(1), Conversation("set/2", "fi", (Message("user", "one"),)), conversation(3, "fi", 2)]
    run(place(rows, trainer={"max_length": 40}))
    said = capsys.readouterr().err
    en, fi = said.splitlines()
    assert en.startswith("tokens/sft/m: en: 1 rows, 3") and "truncated" not in en and "dropped" not in en
    assert fi.startswith("tokens/sft/m: fi: 1 rows, 40 tokens, ") and fi.endswith(
        "; 1 truncated; 1 dropped (no_answer)"
    )


def test_nothing_to_train_on(place: Make) -> None:
    with pytest.raises(SourceError, match=r"tokens/sft/m: no row can be trained on \(fi: 1 no_answer\)"):
        run(place([Conversation("set/2", "fi", (Message("user", "one"),))]))
    with pytest.raises(SourceError, match=r"no row can be trained on \(there are none\)"):
        run(place([]))
    with pytest.raises(SourceError, match=r"en: 1 over_max_length\); raise sft\.trainer\.max_length"):
        run(place([conversation(1)], over_length="drop", trainer={"max_length": 5}))


def test_benchmark_prompts_in_the_data(place: Make, capsys: pytest.CaptureFixture[str]) -> None:
    prompt = "Write a long letter about the green house by the river"
    talk = (Message("user", f"{prompt.lower()}!"), Message("assistant", "two"))
    rows = [conversation(1), Conversation("set/2", "fi", talk), Conversation("set/3", "en", talk)]
    workplace = place(rows, benchmark=(prompt, "Something else entirely, said at length"))
    outcome = run(workplace)
    assert outcome.counts["overlap"] == {"fi": {"text": 1}, "en": {"text": 1}} and outcome.counts["rows"] == 3
    assert "overlap.jsonl" not in outcome.outputs, "another benchmark makes no other training"
    (first, second) = [row for _, row in read_jsonl(workplace.folder / "overlap.jsonl")]
    assert (first["id"], first["benchmark"], first["how"]) == ("set/2", "ifeval/0", "text") and second["id"] == "set/3"
    assert (
        "1 fi, 1 en rows have a prompt of source/ifeval (overlap.jsonl), trained on all the same"
        in capsys.readouterr().err
    )
    outcome = run(place(rows, benchmark=(prompt,), overlap="drop"))
    assert outcome.counts["rows"] == 1 and outcome.counts["languages"]["fi"]["dropped"] == {"in_benchmark": 1}


def test_a_folder_without_tokens(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="no tokens of a training; they are made by the step of that name"):
        read_prepared(tmp_path)
    (tmp_path / SUMMARY).write_text('{"kind": "sft"}')
    with pytest.raises(RunFolderError, match="no tokens of a training"):
        read_prepared(tmp_path)


LIGHTHOUSE = "Write a short poem about an old lighthouse keeper who talks with the seagulls every morning. Do not use any commas."
SLIPS = (
    "Write a short poem abuot an old lighthouse keper who talks with the seagulls every mornign. Do not use any comas."
)
ANSWER = "The keeper stands beside the lamp and counts the birds above the grey sea."
FINNISH = {
    LIGHTHOUSE: "Kirjoita lyhyt runo vanhasta majakanvartijasta, joka juttelee lokeille joka aamu. Älä käytä pilkkuja.",
    SLIPS: "Laadi pieni runo iäkkäästä majakan vartijasta, joka aamuisin keskustelee lokkien kanssa. Pilkkuja ei saa esiintyä.",
    "What is the capital of Finland?": "Mikä on Suomen pääkaupunki?",
    "How do bees make honey in the summer?": "Miten mehiläiset tekevät hunajaa kesällä?",
    ANSWER: "Vartija seisoo lampun vieressä ja laskee lintuja harmaan meren yllä.",
}
PLANTED = """\
language: fi
model: pocket
translate:
  engine: null
  memory: {file: memory.jsonl}
  datasets:
    talks: {kind: conversations, local: talks.jsonl}
    ifeval: {kind: ifeval, local: ifeval.jsonl}
sft: {mixes: {both: {shares: {en: 1.0, fi: 1.0}}}}
eval: {ifeval: {languages: [en]}}
"""


def test_a_planted_benchmark_and_its_translation_are_found_in_a_whole_plan(
    write_recipe: Callable[..., Path], tmp_path: Path
) -> None:
    """From source rows by translation and mix to tokens: a copy and one with slips of the pen, and what either became in Finnish."""
    asked = [text for text in FINNISH if text != ANSWER]
    talks = [
        {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": ANSWER}]} for text in asked
    ]
    write_jsonl(tmp_path / "talks.jsonl", talks)
    write_jsonl(tmp_path / "memory.jsonl", ({"source": text, "target": finnish} for text, finnish in FINNISH.items()))
    row = {"key": 1, "prompt": LIGHTHOUSE, "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
    write_jsonl(tmp_path / "ifeval.jsonl", [row])
    recipe = load(write_recipe(text=PLANTED))
    steps = needed_for(make_plan(recipe), STAGES["tokens"])
    execute(recipe, RunFolder(tmp_path / "run"), Job(tuple(steps)))
    found = [row for _, row in read_jsonl(tmp_path / "run/tokens/sft/both/overlap.jsonl")]
    assert {(row["id"], row["language"]): row["how"] for row in found} == {
        ("talks/00000", "en"): "text", ("talks/00000", "fi"): "source",
        ("talks/00001", "en"): "similar", ("talks/00001", "fi"): "source",
    }  # fmt: skip
    assert {row["benchmark"] for row in found} == {"ifeval/00000"}
