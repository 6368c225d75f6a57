"""Step `regenerate`: prompts answered anew by a model of one's choice, gated, the best of several samples, resumed, blended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from align import mix
from kielo.cli import main
from kielo.errors import GenerationError, KieloError, RecipeError, SourceError
from kielo.generation.protocol import Completion, Request
from kielo.generation.spent import GENERATION, SESSIONS
from kielo.models import POCKET
from kielo.plan import Workplace, make_plan
from kielo.recipe import reading as recipe
from kielo.records import Conversation, Message, read_jsonl, write_records
from tests.kielo.generation.http_server import Answer, Server, serving
from tests.translate.conftest import pocket_recipe
from translate.regenerate import stage
from translate.shards import Shard

ROOT = Path(__file__).resolve().parents[3]
needs_pocket_model = pytest.mark.skipif(not POCKET.is_dir(), reason="the pocket base model has not been made yet")
pytestmark = needs_pocket_model

ANEW = "anew: {kind: conversations, prompts_of: talks, engine: {kind: openai, urls: [URL], model: someone/instruct}"
TALKS = "talks: {kind: conversations, pocket: oasst2, rows: 6}"
FINNISH = "Kissa istuu ikkunalla ja katselee pihalla leikkiviä lapsia koko pitkän päivän."
LONGER = "Koira juoksee metsässä talon takana, koska se haluaa löytää kadonneen luunsa ennen iltaa."
ENGLISH = "The cat is sitting at the window and watches the children who are playing in the yard."
PROMPTS = {
    "fi": ("Kerro minulle, mitä kissa tekee ikkunalla tänään.", "Entä mitä koira tekee metsässä?"),
    "en": ("Tell me what the cat does at the window today.", "And what does the dog do?"),
}

Said = Callable[[Request], Completion]


class Speaker:
    """An engine that says what a function says, and keeps what it was asked."""

    model = "someone/instruct@main"

    def __init__(self, says: Said) -> None:
        self.says, self.asked = says, list[Request]()

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            self.asked.append(request)
            yield index, self.says(request)

    def close(self) -> None:
        pass


def said(text: str, logprob: float = -1.0) -> Completion:
    return Completion(text, "stop", 10, 5, logprob=logprob)


@pytest.fixture
def answered(
    write_recipe: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Mapping[str, Any], Path, Speaker]]:
    """Run the step over two-turn conversations in both languages; returns its counts, folder and the engine."""

    def run(says: Said, keys: str = "", languages: Sequence[str] = ("fi",), shard: Shard | None = None):
        text = pocket_recipe(TALKS, f"{ANEW.replace('URL', 'http://localhost:1/v1')}{keys}}}")
        loaded = recipe.load(write_recipe(text=text))
        step = next(step for step in make_plan(loaded) if step.kind == "regenerate")
        for name in step.inputs:
            code = "en" if name.startswith("source/") else "fi"
            rows = [*map(conversation, range(3), [code] * 3)] if code in languages else []
            file = "rows.jsonl" if code == "en" else "accepted.jsonl"
            kept = (
                [conversation(3, "en")] if code == "fi" else []
            )  # as translation keeps rows whose task it would change
            write_records(tmp_path / name / file, [*rows, *kept])
        speaker = Speaker(says)
        monkeypatch.setattr("kielo.generation.engines.open_generator", lambda *_: nullcontext(speaker))
        place = Workplace(step, loaded, tmp_path / step.name, {name: tmp_path / name for name in step.inputs})
        if shard is not None:
            return stage.run_shard(place, shard), place.folder, speaker
        return stage.run(place).counts, place.folder, speaker

    return run


def conversation(number: int, code: str) -> Conversation:
    first, second = PROMPTS[code]
    turns = ("system", f"Ole lyhyt ({number})."), ("user", first), ("assistant", "Vanha."), ("user", second)
    turns = (*turns, ("assistant", "Vanhempi."))
    return Conversation(f"talks/{number:05d}", code, tuple(Message(role, content) for role, content in turns))


def rows(file: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_jsonl(file)]


def test_later_turns_see_the_new_answers_and_the_system_turn_stays(answered) -> None:
    counts, folder, speaker = answered(lambda request: said(FINNISH if len(request.prompt) == 2 else LONGER))
    accepted = rows(folder / "accepted.jsonl")
    assert [row["id"] for row in accepted] == ["anew/00000", "anew/00001", "anew/00002"]
    assert [turn["content"] for turn in accepted[1]["messages"]] == [
        "Ole lyhyt (1).", PROMPTS["fi"][0], FINNISH, PROMPTS["fi"][1], LONGER,
    ]  # fmt: skip
    assert [turn.content for turn in speaker.asked[3].prompt] == ["Ole lyhyt (0).", PROMPTS["fi"][0], FINNISH, PROMPTS["fi"][1]]  # fmt: skip
    assert {request.sampling.max_tokens for request in speaker.asked} == {2048}
    assert (counts["records"], counts["accepted"], counts["answers"], counts["rejected"]) == (3, 3, 6, {})
    assert (counts["generator"], counts["language_gate"]) == ("someone/instruct", {"fi": "py3langid"})


def test_an_answer_in_another_language_rejects_its_row(answered) -> None:
    def says(request: Request) -> Completion:
        return said(ENGLISH if "(1)" in request.prompt[0].content and len(request.prompt) > 2 else FINNISH)

    counts, folder, _ = answered(says)
    (rejected,) = rows(folder / "rejected.jsonl")
    assert (rejected["id"], rejected["reason"], rejected["where"]) == ("anew/00001", "wrong-language", "messages[4]")
    assert rejected["record"]["answers"] == {"messages[2]": FINNISH, "messages[4]": ENGLISH}
    assert counts["rejected"] == {"wrong-language": 1}
    assert [row["id"] for row in rows(folder / "accepted.jsonl")] == ["anew/00000", "anew/00002"]


def test_in_the_source_language_the_gate_looks_the_other_way(answered) -> None:
    def says(request: Request) -> Completion:
        return said(FINNISH if "(2)" in request.prompt[0].content else ENGLISH)

    counts, folder, _ = answered(says, ", answer_in: [en, fi]", ("en", "fi"))
    assert counts["languages"] == {"en": {"records": 3, "accepted": 2}, "fi": {"records": 3, "accepted": 1}}
    assert [(row["id"], row["language"]) for row in rows(folder / "accepted.jsonl")] == [
        ("anew/00000", "en"), ("anew/00001", "en"), ("anew/00002", "fi"),
    ]  # fmt: skip


def test_the_best_sample_stays(answered) -> None:
    offers = [said(ENGLISH, -0.1), said(FINNISH, -0.9), said(LONGER, -0.4), Completion(LONGER, "length", 9, 9)]
    counts, folder, speaker = answered(
        lambda request: offers[request.replicate], ", samples: 4, temperature: 0.7, max_tokens: 300"
    )
    answers = rows(folder / "answers.jsonl")
    assert {(row["answer"], row["samples"], row["passing"], row["taken"]) for row in answers} == {(LONGER, 4, 2, 3)}
    assert (counts["samples"], counts["passed_samples"], counts["taken"]) == (24, 12, {"3": 6})
    assert counts["finish_reasons"] == {"length": 6, "stop": 18}
    assert counts["failed_checks"] == {"truncated": 6, "wrong-language": 6}
    assert {request.sampling.temperature for request in speaker.asked} == {0.7}
    assert {request.sampling.max_tokens for request in speaker.asked} == {300}


def test_equal_samples_are_one_by_their_order(answered) -> None:
    _, folder, _ = answered(lambda request: said(FINNISH), ", samples: 3, temperature: 1.0")
    assert {row["taken"] for row in rows(folder / "answers.jsonl")} == {1}


def test_nothing_that_passes_is_one_sentence(answered) -> None:
    with pytest.raises(KieloError, match=r"none of 3 prompts of anew .*wrong-language: 3.*more `samples`"):
        answered(lambda request: said(ENGLISH))


def test_no_prompts_are_one_sentence(answered) -> None:
    with pytest.raises(SourceError, match=r"accepted.jsonl: no 'fi' rows, whose prompts anew would answer"):
        answered(lambda request: said(FINNISH), languages=())


def test_a_request_without_an_answer_stops_the_step_and_keeps_the_others(answered) -> None:
    def says(request: Request) -> Completion:
        failed = "(1)" in request.prompt[0].content
        return Completion("", "error", 0, 0, "busy") if failed else said(FINNISH)

    with pytest.raises(GenerationError, match="1 of 3 requests got no answer"):
        answered(says)
    _, _, speaker = answered(lambda request: said(FINNISH))
    assert len(speaker.asked) == 1 + 3, "the two first answers that were given are in the store"


def test_shards_make_the_completions_that_the_whole_finds(answered) -> None:
    for number in (1, 2):
        answered(lambda request: said(FINNISH), shard=Shard(number, 2))
    counts, folder, speaker = answered(lambda request: said(ENGLISH))
    assert (counts["shards"], counts["accepted"], speaker.asked) == (2, 3, [])
    assert {row["answer"] for row in rows(folder / "answers.jsonl")} == {FINNISH}


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (", samples: 3", "samples would all be one answer at temperature 0"),
        (", answer_in: [da]", "this recipe has no 'da' data"),
        (", answers: regenerate", "answers would do nothing with prompts_of"),
        (", engine: {kind: hf, prompt: {shots: 2}}", "answers and translates nothing; leave its `prompt` out"),
    ],
)
def test_mistakes_of_a_recipe_are_one_sentence(write_recipe: Callable[..., Path], keys: str, sentence: str) -> None:
    text = pocket_recipe(TALKS, f"{ANEW.partition(', engine')[0]}{keys}{'' if 'engine' in keys else ', engine: {}'}}}")
    with pytest.raises(RecipeError, match=sentence):
        recipe.load(write_recipe(text=text))


BLEND = (
    pocket_recipe(
        TALKS.replace("6", "24"),
        "anew: {kind: conversations, prompts_of: talks, engine: {kind: hf}, answer_in: [en], max_tokens: 200}",
    ).partition("sft:")[0]
    + "sft: {mixes: {blend: {sources: {talks: {rows: {en: 6}}, anew: {rows: {en: 4}}}}}}\n"
)


def test_the_pocket_model_answers_and_a_blend_takes_its_rows_by_count(
    write_recipe: Callable[..., Path], tmp_path: Path
) -> None:
    file, run = write_recipe(text=BLEND), tmp_path / "run"
    assert main(["run", str(file), "--run", str(run), "--only", "source/talks", "--only", "regenerate/anew"]) == 0
    counts = json.loads((run / "regenerate/anew/step.json").read_text())["counts"]
    assert counts["records"] == 24 and counts["accepted"] >= 16
    assert counts["accepted"] + sum(counts["rejected"].values()) == 24
    assert counts["finish_reasons"]["stop"] >= 16
    loaded = recipe.load(file)
    step = next(step for step in make_plan(loaded) if step.name == "mix/blend")
    assert step.inputs == ("source/talks", "regenerate/anew")
    place = Workplace(step, loaded, run / "mix/blend", {name: run / name for name in step.inputs})
    place.folder.mkdir(parents=True)
    mixed = mix.run(place).counts
    assert {name: of["en"]["rows"] for name, of in mixed["sources"].items()} == {"talks": 6, "anew": 4}
    assert mixed["generators"] == {"anew": "pocket"}
    sources = {row["id"]: row for row in rows(run / "source/talks/rows.jsonl")}
    new = [row for row in rows(place.folder / mix.TRAIN) if row["id"].startswith("anew/")]
    for row in new:
        source = sources[row["id"].replace("anew", "talks")]
        assert [turn["content"] for turn in row["messages"][::2]] == [
            turn["content"] for turn in source["messages"][::2]
        ]
    assert any(row["messages"] != sources[row["id"].replace("anew", "talks")]["messages"] for row in new)
    spent = json.loads((run / "regenerate/anew" / GENERATION).read_text())
    assert spent["requests"] == counts["answers"] and spent["peak_memory_bytes"] > 50_000_000


SLOW_SECONDS = 0.03


@pytest.fixture
def slow_server() -> Iterator[Server]:
    """A chat server that answers the same to the same request, and takes its time."""

    def answer(body: dict[str, Any], _: int) -> Answer:
        time.sleep(SLOW_SECONDS)
        text = f"{FINNISH if body['seed'] % 2 else LONGER} {len(body['messages'])}."
        choice = {"message": {"content": text}, "finish_reason": "stop", "logprobs": {"content": [{"logprob": -0.5}]}}
        usage = {"prompt_tokens": 7, "completion_tokens": 3}
        return 200, {}, json.dumps({"choices": [choice], "usage": usage}).encode()

    starting = serving()
    yield next(starting)(answer)
    next(starting, None)


def test_kill_9_changes_nothing_and_what_was_spent_adds_up(slow_server: Server, tmp_path: Path) -> None:
    anew = f"{ANEW.replace('URL', slow_server.url)}, samples: 2, temperature: 0.8, answer_in: [en]}}"
    anew = anew.replace("model:", "concurrency: 2, model:")
    text = pocket_recipe("talks: {kind: conversations, local: talks.jsonl, translate: false}", anew)
    (tmp_path / "anew.yaml").write_text(text, "utf-8")
    talks = [[{"role": "user", "content": f"{PROMPTS['en'][0]} {n}"}, {"role": "assistant", "content": "Old."}] for n in range(60)]  # fmt: skip
    (tmp_path / "talks.jsonl").write_text("".join(json.dumps({"messages": talk}) + "\n" for talk in talks), "utf-8")
    swap_languages(tmp_path / "anew.yaml")
    folder = tmp_path / "killed/regenerate/anew"
    with translating(tmp_path / "anew.yaml", tmp_path / "killed") as process:
        while not list((folder / "completions" / SESSIONS).glob("*.json")):
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    assert not (folder / "accepted.jsonl").exists()
    for run in ("killed", "whole"):
        with translating(tmp_path / "anew.yaml", tmp_path / run) as process:
            _, said_by_it = process.communicate(timeout=60)
            assert process.returncode == 0, said_by_it
    for name in stage.OUTPUTS:
        assert (folder / name).read_bytes() == (tmp_path / "whole/regenerate/anew" / name).read_bytes()
    whole = json.loads((tmp_path / "whole/regenerate/anew" / GENERATION).read_text())
    assert (whole["requests"], whole["prompt_tokens"], whole["completion_tokens"], whole["sessions"]) == (
        120,
        840,
        360,
        1,
    )
    assert whole["seconds"] > 120 / 2 * SLOW_SECONDS * 0.9
    assert (whole["engine"], whole["device"], whole["peak_memory_bytes"]) == ("openai", None, None)
    added = json.loads((folder / GENERATION).read_text())
    # one answer may be counted and not yet stored at the kill: it was paid for, and is asked for again
    assert added["sessions"] == 2 and 60 < added["requests"] <= 121
    assert added["completion_tokens"] == 3 * added["requests"]


def swap_languages(file: Path) -> None:
    """Let the answers, which are Finnish, be of the source language: no translation is needed before them."""
    text = file.read_text("utf-8").replace("language: fi\n", "language: en\nsource_language: fi\n")
    file.write_text(text.replace("answer_in: [en]", "answer_in: [fi]").replace("shares: {en", "shares: {fi"), "utf-8")


class translating(subprocess.Popen[bytes]):
    """`kielo translate` as a user starts it; whatever happens, it is ended at the end."""

    def __init__(self, recipe_file: Path, run: Path) -> None:
        command = [sys.executable, "-m", "kielo.cli", "translate", str(recipe_file), "--run", str(run)]
        super().__init__(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE)

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.communicate()
