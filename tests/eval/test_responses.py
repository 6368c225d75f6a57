"""A tuned model answers all benchmarks at once, turn by turn: order, resumption, kill -9, thoughts, errors."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from eval import responses
from eval.responses import Asked, answer, finish_reasons, read_answers, read_rows
from kielo.errors import GenerationError, SourceError
from kielo.execute import Job, execute
from kielo.generation.hf import HfGenerator
from kielo.generation.protocol import Completion, Request
from kielo.generation.store import CompletionStore
from kielo.plan import Outcome, Workplace, make_plan
from kielo.recipe.reading import load
from kielo.records import Prompt, Question, QuestionResponse, Response, read_jsonl, write_records
from kielo.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]
PROMPTS = [
    Prompt(f"ifeval/{key:05d}", "fi", key, text, ("punctuation:no_comma",), ({},))
    for key, text in ((7, "Ilman pilkkuja."), (3, "Otsikko, kiitos."), (5, "Vastaa."), (9, "Lopeta tähän."))
]
QUESTIONS = [
    Question("open/00000", "fi", 81, "writing", ("Kerro kissasta.", "Lyhyemmin.")),
    Question("open/00001", "fi", 82, "maths", ("Laske 2 + 2.",), ("4",)),
    Question("open/00002", "fi", 83, "writing", ("Kerro koirasta.", "Lyhyemmin.", "Vielä kerran.")),
]
EVAL = "  engine: {kind: hf, batch_tokens: 256}\n  ifeval: {languages: [fi], max_tokens: 12}\n  questions: {open: {max_tokens: 10}}\n"
FILES = ("ifeval-fi.jsonl", "open-fi.jsonl")


def write_inputs(folder: Path, prompts: Sequence[Prompt], questions: Sequence[Question]) -> None:
    write_records(folder / "translate/ifeval/accepted.jsonl", prompts)
    write_records(folder / "source/open/rows.jsonl", questions)


def place_at(folder: Path, recipe_file: Path, model: Path) -> Workplace:
    """The place of a responses step whose rows `write_inputs` has written."""
    recipe = load(recipe_file).model_copy(update={"model": "example/base"})  # a Hub id: its identity needs no files
    step = next(step for step in make_plan(recipe) if step.name == "responses/sft/en-fi-0pct")
    inputs = {name: folder / name for name in step.inputs} | {"sft/en-fi-0pct": model}
    return Workplace(step, recipe, folder / step.name, inputs)


@pytest.fixture
def recipe_file(write_recipe: Callable[..., Path], tmp_path: Path) -> Path:
    (tmp_path / "open.jsonl").write_text('{"prompt": "Hei"}\n', "utf-8")
    data = "    open: {kind: questions, local: open.jsonl, language: fi}\nsft:"
    file: Path = write_recipe(("sft:", data), ("  ifeval: {languages: [en, fi]}\n", EVAL))
    return file


@pytest.fixture
def place(recipe_file: Path, tmp_path: Path, tiny_chat_model: Path) -> Workplace:
    write_inputs(tmp_path, PROMPTS, QUESTIONS)
    return place_at(tmp_path, recipe_file, tiny_chat_model)


def contents(place: Workplace) -> dict[str, bytes]:
    return {name: (place.folder / name).read_bytes() for name in FILES}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Every request that reaches the engine from here on."""
    seen: list[Request] = []
    generate = HfGenerator.generate

    def counting(self: HfGenerator, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        seen.extend(requests)
        return generate(self, requests)

    monkeypatch.setattr(HfGenerator, "generate", counting)
    return seen


def test_all_benchmarks_are_answered_in_order_with_one_opening_of_the_engine(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    opener = responses.open_generator
    monkeypatch.setattr(responses, "open_generator", lambda *given: opened.append(given) or opener(*given))
    outcome = responses.run(place)
    assert (len(opened), outcome.outputs) == (1, FILES)
    prompts = [row for row in read_answers(place.folder / FILES[0]) if isinstance(row, Response)]
    questions = [row for row in read_answers(place.folder / FILES[1]) if isinstance(row, QuestionResponse)]
    assert [(row.id, row.key, row.prompt) for row in prompts] == [(row.id, row.key, row.text) for row in PROMPTS]
    assert [(row.key, row.category, row.turns) for row in questions] == [
        (row.key, row.category, row.turns) for row in QUESTIONS
    ]
    assert [len(row.responses) for row in questions] == [2, 1, 3]
    assert len({row.response for row in prompts}) > 1, "a model that always says the same would prove nothing"
    assert outcome.counts["ifeval-fi"] == {"answers": 4, "finish_reasons": finish_reasons(prompts)}
    assert sum(outcome.counts["open-fi"]["finish_reasons"].values()) == 6


def test_every_turn_sees_the_answers_before_it(place: Workplace, asked: list[Request]) -> None:
    responses.run(place)
    (row,) = (
        row for row in read_answers(place.folder / FILES[1]) if isinstance(row, QuestionResponse) and row.key == 83
    )
    last = next(each.prompt for each in asked if len(each.prompt) == 5)
    assert not isinstance(last, str)
    assert [turn.content for turn in last] == [
        "Kerro koirasta.", row.responses[0], "Lyhyemmin.", row.responses[1], "Vielä kerran.",
    ]  # fmt: skip
    assert {each.sampling.max_tokens for each in asked} == {10, 12}
    assert {each.sampling.temperature for each in asked} == {0.0}


def test_a_second_run_asks_nothing_and_writes_the_same_bytes(place: Workplace, asked: list[Request]) -> None:
    responses.run(place)
    before, once = contents(place), len(asked)
    (place.folder / FILES[0]).unlink()
    responses.run(place)
    assert (len(asked), contents(place)) == (once, before)
    assert once == 4 + 6


def test_a_resumed_run_asks_only_for_lost_answers_in_any_turn(place: Workplace, asked: list[Request]) -> None:
    responses.run(place)
    before, once = contents(place), len(asked)
    (shard,) = (place.folder / "completions").glob("*.jsonl")
    lines = shard.read_bytes().splitlines(keepends=True)
    shard.write_bytes(b"".join(lines[::2]) + lines[1][:20])
    responses.run(place)
    assert contents(place) == before
    assert len(asked) - once == len(lines) - len(lines[::2])


def test_kill_9_in_the_middle_then_the_same_bytes_and_nothing_twice(
    recipe_file: Path, tmp_path: Path, tiny_chat_model: Path
) -> None:
    prompts = [Prompt(f"ifeval/{n:05d}", "fi", n, f"Laske {n}.", ("punctuation:no_comma",), ({},)) for n in range(60)]
    questions = [Question(f"open/{n:05d}", "fi", n, "maths", (f"Luku {n}.", "Ja?")) for n in range(60)]
    program = (
        "import sys; from pathlib import Path; from eval import responses; from tests.eval.test_responses import place_at; "
        "responses.run(place_at(*map(Path, sys.argv[1:])))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    made = []
    for name in ("whole", "killed"):
        write_inputs(tmp_path / name, prompts, questions)
        folder = tmp_path / name / "responses/sft/en-fi-0pct"
        command = [sys.executable, "-c", program, *map(str, (tmp_path / name, recipe_file, tiny_chat_model))]
        if name == "killed":
            _kill_when_answers_come(command, environment, folder / "completions")
            assert not (folder / FILES[0]).exists(), "the kill came too late to prove anything"
        subprocess.run(command, env=environment, check=True, capture_output=True)
        made.append([(folder / file).read_bytes() for file in FILES])
    assert made[0] == made[1]
    shards = (tmp_path / "killed/responses/sft/en-fi-0pct/completions").glob("*.jsonl")
    keys = [json.loads(line)["key"] for shard in shards for line in shard.read_text("utf-8").splitlines()]
    assert len(keys) == len(set(keys)) == 180


def _kill_when_answers_come(command: list[str], environment: dict[str, str], store: Path) -> None:
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        deadline = time.monotonic() + 120
        while not sum(shard.stat().st_size for shard in store.glob("*.jsonl")):
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL


def test_a_recipe_with_a_further_benchmark_asks_only_for_that(
    write_recipe: Callable[..., Path], tmp_path: Path, tiny_chat_model: Path, asked: list[Request]
) -> None:
    run = RunFolder(tmp_path / "run")
    english = [dataclasses.replace(row, language="en", text=f"In English: {row.text}") for row in PROMPTS]
    write_records(run.folder("source/ifeval") / "rows.jsonl", english)
    write_records(run.folder("translate/ifeval") / "accepted.jsonl", PROMPTS)
    shutil.copytree(tiny_chat_model, run.folder("sft/en-fi-0pct"))
    files = []
    for codes in ("[fi]", "[fi, en]"):
        recipe = load(write_recipe(("languages: [en, fi]", f"languages: {codes}, max_tokens: 12")))
        steps = {step.name: step for step in make_plan(recipe)}
        for name, made in (
            ("source/ifeval", "rows.jsonl"),
            ("translate/ifeval", "accepted.jsonl"),
            ("sft/en-fi-0pct", "model/config.json"),
        ):
            run.finish(steps[name], Outcome((made,)), run.begin(steps[name]))
        execute(recipe, run, Job((steps["responses/sft/en-fi-0pct"],)))
        files.append({path.name: path.read_bytes() for path in run.folder("responses/sft/en-fi-0pct").glob("*.jsonl")})
    assert files[1].keys() == {"ifeval-fi.jsonl", "ifeval-en.jsonl"} and files[0].items() <= files[1].items()
    said = [each.prompt[0].content for each in asked if not isinstance(each.prompt, str)]
    assert sorted(said) == sorted(row.text for row in [*PROMPTS, *english])


class Scripted:
    """An engine that says what a function gives for the last turn; None is an error."""

    model = "scripted"

    def __init__(self, says: Callable[[str], str | None]) -> None:
        self.says, self.seen = says, list[tuple[str, ...]]()

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            assert not isinstance(request.prompt, str)
            self.seen.append(tuple(turn.content for turn in request.prompt))
            text = self.says(request.prompt[-1].content)
            yield (
                index,
                Completion(
                    text or "", "stop" if text is not None else "error", 1, 1, error=None if text else "HTTP 500"
                ),
            )


OPEN = [Asked("open-fi", tuple(QUESTIONS), 10)]


def test_an_error_stops_the_step_and_only_that_answer_is_asked_for_again(tmp_path: Path) -> None:
    with CompletionStore(tmp_path) as store:
        broken = Scripted(lambda turn: None if turn.startswith("Laske") else "hyvä")
        with pytest.raises(GenerationError, match=r"1 of 3 prompts got no answer \(the first: HTTP 500\)"):
            answer(OPEN, broken, store, False)
        mended = Scripted(lambda turn: "hyvä")
        answer(OPEN, mended, store, False)
    assert ("Laske 2 + 2.",) in mended.seen
    assert not {("Kerro kissasta.",), ("Kerro koirasta.",)} & set(mended.seen)


@pytest.mark.parametrize(("without", "seen"), [(True, "Hei!"), (False, "<think>Mitä?</think> Hei!")])
def test_thoughts_are_kept_in_the_record_and_shown_to_the_next_turn_unless_asked(
    tmp_path: Path, without: bool, seen: str
) -> None:
    engine = Scripted(lambda turn: "<think>Mitä?</think> Hei!")
    with CompletionStore(tmp_path) as store:
        made = answer(OPEN, engine, store, without)
    assert ("Kerro kissasta.", seen, "Lyhyemmin.") in engine.seen
    assert made["open-fi", "open/00000"][0].text == "<think>Mitä?</think> Hei!"


def test_half_an_emoji_goes_into_the_next_turn_and_into_the_file(tmp_path: Path) -> None:
    engine = Scripted(lambda turn: "ok \ud83d")
    with CompletionStore(tmp_path) as store:
        made = answer(OPEN, engine, store, False)
    assert ("Kerro kissasta.", "ok \ufffd", "Lyhyemmin.") in engine.seen
    record = responses._record(QUESTIONS[0], made["open-fi", "open/00000"])
    write_records(tmp_path / "x.jsonl", [record])
    assert read_answers(tmp_path / "x.jsonl") == [record]


def test_no_rows_are_an_error_that_names_the_file(tmp_path: Path) -> None:
    write_records(tmp_path / "accepted.jsonl", [])
    with pytest.raises(SourceError, match=r"accepted\.jsonl: holds no rows"):
        read_rows("ifeval", tmp_path)


@pytest.mark.parametrize(
    "row", [{"id": "a"}, {"id": "a", "turns": ["b"]}, {"id": "a", "turns": 3, "responses": [], "finish_reasons": []}]
)
def test_a_row_that_is_no_answer_is_named(tmp_path: Path, row: dict[str, Any]) -> None:
    (tmp_path / "x.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    assert len(list(read_jsonl(tmp_path / "x.jsonl"))) == 1
    with pytest.raises(SourceError, match=r"x\.jsonl, line 1: not an answer as Kielo writes it"):
        read_answers(tmp_path / "x.jsonl")
