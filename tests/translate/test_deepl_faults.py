"""DeepL when it misbehaves: elements moved or lost, refusals, junk, silence; every text is translated, counted as failed, or safe to ask again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kielo.errors import GenerationError
from tests.translate.deepl_server import DeepLServer, backwards, serving, store_in, translator
from translate.answers import Answer, Failure, Segment, Translated

TAGGED = Segment("Run `one` and then [TWO] today", (("today", "tänään"),))
PLAIN = [Segment(f"Plain text {word}") for word in ("one", "two", "three", "four", "five")]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeepLServer]:
    with serving(monkeypatch) as server:
        yield server


@pytest.fixture
def ask(server: DeepLServer, tmp_path: Path) -> Callable[..., list[Answer]]:
    def ask(*segments: Segment, **engine: Any) -> list[Answer]:
        with store_in(tmp_path) as store:
            return translator(store, **engine).translate(segments)

    return ask


def is_failure(answer: Answer, reason: str, detail: str = "") -> bool:
    return isinstance(answer, Failure) and answer.reason == reason and detail in answer.detail


def test_moved_elements_are_welcome(server: DeepLServer, ask: Callable[..., list[Answer]]) -> None:
    server.answer_text = lambda text: text.replace('<x id="1">`one`</x>', "", 1) + '<x id="1">`one`</x>'
    assert ask(TAGGED) == [Translated("nuR  dna neht [TWO] tänään`one`", "deepl")]
    assert len(server.paid) == 1


@pytest.mark.parametrize(
    "tamper",
    [
        lambda text: text.replace('<x id="1">`one`</x>', ""),
        lambda text: text + '<x id="1">`one`</x>' if "<x" in text else text,
        lambda text: text + '<x id="9"/>' if "<x" in text else text,
        lambda text: text.replace("`one`", "`eno`"),
        lambda text: text.replace("</x>", ""),
        lambda text: text + " & <" if "<x" in text else text,
        lambda text: "" if "<x" in text else text,
    ],
    ids=["lost", "doubled", "invented", "changed", "not closed", "not escaped", "empty"],
)
def test_a_text_whose_elements_do_not_come_back_is_cut_at_them(
    server: DeepLServer, ask: Callable[..., list[Answer]], tamper: Callable[[str], str]
) -> None:
    server.answer_text = tamper
    answers = ask(TAGGED, *PLAIN)
    assert answers[0] == Translated("nuR `one` dna neht [TWO] tänään", "deepl")
    assert [answer.text for answer in answers[1:]] == [backwards(segment.text) for segment in PLAIN]
    assert server.paid[-2:] == ["Run", "and then"]
    paid = list(server.paid)
    assert ask(TAGGED, *PLAIN) == answers
    assert server.paid == paid, "what was wrong is not paid for again"


def test_elements_invented_everywhere_lose_the_text_and_say_so(
    server: DeepLServer, ask: Callable[..., list[Answer]]
) -> None:
    server.answer_text = lambda text: text + '<x id="7"/>'
    answers = ask(TAGGED, PLAIN[0])
    assert is_failure(answers[0], "span-lost", 'wanted no element in: nuR<x id="7"/>')
    assert is_failure(answers[1], "span-lost", "nialP txet eno")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(server: DeepLServer, ask: Callable[..., list[Answer]], status: int) -> None:
    server.statuses = [status] * 4
    assert ask(*PLAIN) == [Translated(backwards(segment.text), "deepl") for segment in PLAIN]
    assert len(server.requests) == 5
    assert len(server.paid) == 5


@pytest.mark.parametrize("status", [429, 500, 503, 529])
def test_a_server_that_stays_busy_ends_the_run(
    server: DeepLServer, ask: Callable[..., list[Answer]], status: int
) -> None:
    server.statuses = [status] * 6
    with pytest.raises(GenerationError, match=rf"{status}: .*; what was answered is kept; run the same command again"):
        ask(*PLAIN)
    assert ask(*PLAIN) == [Translated(backwards(segment.text), "deepl") for segment in PLAIN]


def test_the_text_that_is_refused_is_found(server: DeepLServer, ask: Callable[..., list[Answer]]) -> None:
    segments = [Segment(f"Text number {number}") for number in range(120)]
    segments[37] = segments[99] = Segment("This is bad")
    server.refused_word = "bad"
    answers = ask(*segments)
    failed = [number for number, answer in enumerate(answers) if isinstance(answer, Failure)]
    assert failed == [37, 99]
    assert is_failure(answers[37], "engine-refused", "400: Bad request, message: Bad request")
    assert sorted(server.paid) == sorted(segment.text for segment in set(segments) if "bad" not in segment.text)
    assert len(server.requests) < 3 + 2 * 7


def test_a_tagged_text_that_is_refused_is_tried_without_its_tags(
    server: DeepLServer, ask: Callable[..., list[Answer]]
) -> None:
    server.refused_word = "<x"
    assert ask(TAGGED, *PLAIN)[0] == Translated("nuR `one` dna neht [TWO] tänään", "deepl")


def test_a_server_that_refuses_everything_is_not_asked_for_every_text(
    server: DeepLServer, ask: Callable[..., list[Answer]]
) -> None:
    server.refused_word, server.message = "Text", "Value for 'model_type' not supported."
    with pytest.raises(
        GenerationError, match=r"400: .*'model_type' not supported; so it was with the first 10 texts\."
    ):
        ask(*(Segment(f"Text number {number}") for number in range(300)))
    assert len(server.requests) < 100


def test_a_body_too_large_for_this_server_is_halved(server: DeepLServer, ask: Callable[..., list[Answer]]) -> None:
    server.most_bytes = 2000
    segments = [Segment(f"{number} " + "word " * 60) for number in range(50)] + [Segment("long " * 400)]
    answers = ask(*segments)
    assert [answer.text for answer in answers[:-1]] == [backwards(segment.text) for segment in segments[:-1]]
    assert is_failure(answers[-1], "engine-refused", "413")


@pytest.mark.parametrize("change", [lambda rows: rows[:-1], lambda rows: [*rows, rows[0]], lambda rows: []])
def test_more_or_fewer_translations_than_texts_are_never_matched(
    server: DeepLServer, ask: Callable[..., list[Answer]], change: Callable[[list[Any]], list[Any]]
) -> None:
    server.answer = lambda reply: {"translations": change(rows) if len(rows := reply["translations"]) > 1 else rows}
    assert ask(*PLAIN) == [Translated(backwards(segment.text), "deepl") for segment in PLAIN]


JUNK = [
    b"", b"null", b"[]", b"junk", b"{}", b'{"translations": null}', b'{"translations": [null]}', b'{"translations": ["x"]}',
    b'{"translations": [{"text": 5, "billed_characters": 1}]}', b'{"translations": [{"billed_characters": 1}]}', b"[" * 200_000, b"1" * 5000,
    b"\xff\xfe\x00", b'{"translations": [{"text": null}]}',
]  # fmt: skip


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: str(junk[:48]))
def test_junk_is_a_failure_of_its_text_alone(
    server: DeepLServer, ask: Callable[..., list[Answer]], junk: bytes
) -> None:
    server.answer = lambda reply: junk if "eerht" in json.dumps(reply) else reply
    answers = ask(*PLAIN)
    assert [isinstance(answer, Failure) for answer in answers] == [False, False, True, False, False]
    assert is_failure(answers[2], "engine-error", "http://127.0.0.1")
    assert len(server.requests) == 1 + len(PLAIN)
    server.answer = lambda reply: reply
    assert ask(*PLAIN)[2] == Translated("nialP txet eerht", "deepl"), "it is asked for again"
    assert len(server.requests) == 2 + len(PLAIN)


@pytest.mark.parametrize("status", [400, 403, 500, 503])
@pytest.mark.parametrize("message", [{"message": 5}, {"message": ["x"], "detail": {}}, [1], "x" * 5000])
def test_junk_in_a_refusal(
    server: DeepLServer, ask: Callable[..., list[Answer]], status: int, message: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepl.http_client.max_network_retries", 0)
    monkeypatch.setattr(
        "tests.translate.deepl_server.Refusal.__init__", lambda self, *_, **__: _refuse(self, status, message)
    )
    server.statuses = [status]
    if status == 400:
        assert is_failure(ask(PLAIN[0])[0], "engine-refused", "400")
    else:
        with pytest.raises(GenerationError) as caught:
            ask(PLAIN[0])
        assert len(str(caught.value)) < 400


def _refuse(refusal: Any, status: int, reply: Any) -> None:
    refusal.status, refusal.reply = status, reply


def test_a_bill_that_is_missing_is_reckoned(server: DeepLServer, tmp_path: Path) -> None:
    server.answer = lambda reply: {"translations": [{"text": row["text"]} for row in reply["translations"]]}
    deepl = translator(store_in(tmp_path))
    assert deepl.translate(PLAIN[:2]) == [Translated(backwards(segment.text), "deepl") for segment in PLAIN[:2]]
    assert deepl.billed_characters == server.characters == sum(len(segment.text) for segment in PLAIN[:2])
    assert len(server.paid) == 2


def test_an_empty_translation_is_a_failure_that_is_paid_once(
    server: DeepLServer, ask: Callable[..., list[Answer]]
) -> None:
    server.answer_text = lambda text: " \n"
    assert is_failure(ask(PLAIN[0])[0], "empty", "Plain text one")
    assert is_failure(ask(PLAIN[0])[0], "empty")
    assert len(server.paid) == 1


def test_half_characters_do_not_reach_files(server: DeepLServer, ask: Callable[..., list[Answer]]) -> None:
    server.answer_text = lambda text: text + "\ud83c"
    assert ask(PLAIN[0]) == [Translated("nialP txet eno�", "deepl")]


@pytest.mark.parametrize("drips", [False, True])
def test_a_server_that_hangs_is_left(
    server: DeepLServer, ask: Callable[..., list[Answer]], monkeypatch: pytest.MonkeyPatch, drips: bool
) -> None:
    monkeypatch.setattr("deepl.http_client.max_network_retries", 1)
    monkeypatch.setattr("translate.translators.deepl_queue.RETRY_SECONDS", 0.5)
    server.drip, server.silent_after = drips, None if drips else 0
    with pytest.raises(GenerationError, match=r"no answer in 0\.3 seconds"):
        ask(PLAIN[0], timeout_seconds=0.3)
    assert server.hanging.is_set()


def test_what_is_under_way_when_another_request_ends_the_run_is_kept(
    server: DeepLServer, ask: Callable[..., list[Answer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepl.http_client.max_network_retries", 0)
    server.statuses = [500]
    server.answer = lambda reply: reply if server.refused_left.wait(30) else None
    segments = [Segment(f"Text number {number}") for number in range(1000)]
    with pytest.raises(GenerationError, match="500"):
        ask(*segments)
    paid = len(server.paid)
    assert paid <= 3 * 50, "nothing new is sent"
    assert len(ask(*segments)) == 1000
    assert len(server.paid) == len(set(server.paid)) == 1000
