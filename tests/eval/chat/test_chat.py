"""`kielo chat`: streaming, turns, commands, pipes, Ctrl-C, and what is said of models that are not there."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.chat import answering, chat_command
from eval.chat.answering import STOPPED, Speaker
from eval.chat.conversation import Conversation
from eval.chat.language_told import teller_of
from eval.chat.models import find_models
from eval.chat.session import Manner, Session, one_line, shown, typed
from kielo.errors import GenerationError, UsageError
from kielo.generation.hf import HfGenerator
from kielo.generation.hf_stream import StreamingGenerator
from kielo.generation.protocol import Request, Sampling
from kielo.records import Message
from kielo.schema import Engine
from tests.eval.chat.conftest import TRAINED, parsed
from tests.kielo.generation.http_server import Answer, Server


def chat(run_folder: Path, *more: object) -> None:
    chat_command.run(parsed(chat_command.add_arguments, run_folder, TRAINED[0], "--max-tokens", 8, *more))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_what_is_heard_is_what_the_engine_makes(tiny_chat_model: Path, temperature: float) -> None:
    """Random bytes are half characters most of the time: none may be heard before it is whole."""
    streaming, plain = (kind(str(tiny_chat_model / "model")) for kind in (StreamingGenerator, HfGenerator))
    for number in range(4):
        request = Request((Message("user", f"Hei {number}"),), Sampling(40, temperature))
        heard: list[str] = []
        made = streaming.stream(request, heard.append)
        assert made == next(plain.generate([request]))[1]
        assert "".join(heard) == made.text and len([each for each in heard if each]) > 3


def test_one_question_of_a_script(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chat(run_folder, "--prompt", "Hei!", "--json")
    row = json.loads(capsys.readouterr().out)
    assert (
        row["prompt"] == "Hei!"
        and row["ended"] in ("stop", "length")
        and set(row) == {"prompt", "response", "ended", "language"}
    )


def test_a_model_that_a_server_holds(
    run_folder: Path, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(body: dict[str, Any], number: int) -> Answer:
        choice = {"message": {"role": "assistant", "content": f"Vastaus {number}."}, "finish_reason": "stop"}
        return 200, {}, json.dumps({"choices": [choice], "usage": {"completion_tokens": 3}}).encode()

    server = serve(answer)
    monkeypatch.setattr("sys.stdin", io.StringIO("Hei!\nEntä nyt?\n"))
    chat(run_folder, "--engine", f"{{kind: openai, urls: ['{server.url}'], served_model: tuned}}")
    assert capsys.readouterr().out.splitlines() == ["Vastaus 0.", "Vastaus 1."]
    asked = [(body["model"], [turn["content"] for turn in body["messages"]]) for body in server.bodies]
    assert asked == [("tuned", ["Hei!"]), ("tuned", ["Hei!", "Vastaus 0.", "Entä nyt?"])]


def test_a_pipe_gets_one_line_for_each_answer(
    run_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Hei!\n\n/undo\nHei!\n/quit\nnever asked\n"))
    chat(run_folder)
    said = capsys.readouterr()
    lines = said.out.split("\n")
    assert len(lines) == 3 and lines[0] == lines[1] and lines[2] == "", "after /undo the same is asked again"
    assert "taken back" in said.err


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"/save", "/save needs the name of one file"),
        (b"/save new.jsonl", "there is nothing to save"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_a_mistake_in_a_pipe_ends_it(run_folder: Path, monkeypatch: pytest.MonkeyPatch, line: bytes, says: str) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(line + b"\n"), "utf-8"))
    with pytest.raises(UsageError, match=says):
        chat(run_folder)


def test_an_empty_question_is_refused(run_folder: Path) -> None:
    with pytest.raises(UsageError, match="--prompt: the question is empty"):
        chat(run_folder, "--prompt", " ")


@pytest.mark.parametrize(
    ("run", "model", "says"),
    [
        (
            "{run}",
            "sft/en-fi-50pct",
            "sft/en-fi-50pct is not trained yet; run `kielo run RECIPE --only sft/en-fi-50pct`",
        ),
        ("{run}", "sft/en-fi-10pct", "has no model 'sft/en-fi-10pct'; did you mean 'sft/en-fi-100pct'"),
        ("{run}", "qqq", "known here: base, sft/en-fi-0pct, sft/en-fi-100pct, sft/en-fi-50pct\\."),
        ("{run}/sft", "base", "no run folder"),
        ("{run}/nowhere", "base", "there is no such run folder"),
    ],
)
def test_models_that_are_not_there(run_folder: Path, run: str, model: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        find_models(Path(run.format(run=run_folder)), (model,))


class Scripted:
    """A speaker that says words, and is stopped where a script says so."""

    speaks_turns = True

    def __init__(self) -> None:
        self.asked: list[tuple[Message, ...]] = []

    def answer(self, messages: tuple[Message, ...], hear: Callable[[str], None], may_stop: bool) -> answering.Answer:
        self.asked.append(messages)
        question = messages[-1].content
        if question == "too long":
            raise GenerationError("prompt of 900 tokens exceeds context 256; shorten it, or begin again with /reset.")
        text = f"Tämä on suomenkielinen vastaus kysymykseen {question}."
        hear(text)
        return answering.Answer(text, "stop")


@pytest.fixture
def session(run_folder: Path) -> Session:
    (model,) = find_models(run_folder, (TRAINED[0],))
    speaker: Any = Scripted()
    return Session(speaker, teller_of(model.recipe), Conversation(model.name, "Ole lyhyt."), Manner(True, False, True))


def test_a_session_at_a_terminal(session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "my talk.jsonl"
    lines = ["yksi", "too long", "/undo", "kaksi", "//kolme", f"/save '{file}'", f"/save '{file}'", "/save ~nobody-of-this-name/x", f"/save {'x' * 300}", "/nonsense", "/help", "/reset", "neljä"]  # fmt: skip
    session.run(iter(lines))
    asked: Any = session.speaker
    roles = [[message.role for message in messages] for messages in asked.asked]
    assert roles[2] == ["system", "user"], "the first turn was taken back"
    assert roles[3] == ["system", "user", "assistant", "user"] and asked.asked[3][-1].content == "/kolme"
    assert roles[-1] == ["system", "user"], "after /reset"
    said = capsys.readouterr().out
    for words in (
        "exceeds context 256",
        "is there already",
        "File name too long",
        "no command /nonsense",
        "/undo",
        "\x1b[2mFinnish (fi 100%)\x1b[0m",
    ):
        assert words in said
    row = json.loads(file.read_text("utf-8"))
    assert [each["role"] for each in row["messages"]] == ["system", "user", "assistant", "user", "assistant"]


def test_ctrl_c_stops_the_answer_and_not_the_program(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (model,) = find_models(run_folder, (TRAINED[0],))
    speaker = Speaker(model, Engine(kind="hf"), Sampling(30), seed=0)

    def pressed(text: str) -> None:
        raise KeyboardInterrupt

    turns = (Message("user", "Hei"),)
    stopped = speaker.answer(turns, pressed, may_stop=True)
    assert stopped.ended == STOPPED and stopped.text, "what was heard is kept"
    whole = speaker.answer(turns, lambda text: None, may_stop=True)
    assert whole.text.startswith(stopped.text) and whole.ended != STOPPED, "it speaks on"
    with pytest.raises(KeyboardInterrupt):
        speaker.answer(turns, pressed, may_stop=False)


def test_turns_that_cannot_be_asked(run_folder: Path, tiny_chat_model: Path) -> None:
    (model,) = find_models(run_folder, (TRAINED[0],))
    speaker = Speaker(model, Engine(kind="hf"), Sampling(4), seed=0)
    with pytest.raises(GenerationError, match=r"exceeds context .*/reset"):
        speaker.answer((Message("user", "a" * 5000),), lambda text: None, may_stop=True)
    strict = run_folder / TRAINED[0] / "model"
    strict.unlink()
    shutil.copytree(tiny_chat_model / "model", strict)
    (strict / "chat_template.jinja").write_text("{{ raise_exception('no system turns here') }}", "utf-8")
    speaker = Speaker(model, Engine(kind="hf"), Sampling(4), seed=0)
    with pytest.raises(GenerationError, match="no system turns here.*leave --system out"):
        speaker.answer((Message("system", "a"), Message("user", "b")), lambda text: None, may_stop=True)


def test_the_base_model_goes_on_with_a_text(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = parsed(chat_command.add_arguments, run_folder, "base", "--prompt", "Kissa on", "--max-tokens", 6)
    chat_command.run(given)
    assert capsys.readouterr().out.strip()
    given.system = "Ole lyhyt."
    with pytest.raises(UsageError, match="base has no chat template"):
        chat_command.run(given)


def test_typing_survives_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    events = iter(["a", KeyboardInterrupt(), "b", EOFError()])

    def ask(prompt: str) -> str:
        event = next(events)
        if isinstance(event, str):
            return event
        raise event

    assert list(typed("> ", ask)) == ["a", "b"] and "/quit leaves" in capsys.readouterr().out


def test_answers_cannot_steer_the_terminal() -> None:
    assert shown("a\x1b[2Jb\n\tc") == "a\ufffd[2Jb\n\tc"
    assert one_line("a\\b\nc\x1b") == "a\\\\b\\nc "
    spelt = "10\u00a0000 \u3000 \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \U0001f469\u200d\U0001f467"
    assert shown(spelt) == one_line(spelt) == spelt, "wide blanks and joiners belong to the text"


@pytest.mark.parametrize(
    ("option", "value"), [("--temperature", "-1"), ("--temperature", "nan"), ("--top-p", "0"), ("--top-p", "1.5")]
)
def test_numbers_out_of_range(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(chat_command.add_arguments, "runs/x", "base", f"{option}={value}")
    assert option in capsys.readouterr().err
