"""DeepL as translator, against a server with its rules: what is sent, what comes back, what is billed, what is said of bad settings."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from kielo.errors import GenerationError, RecipeError
from kielo.records import read_jsonl
from tests.translate.deepl_server import KEY, MOST_BYTES, DeepLServer, backwards, serving, store_in, translator
from translate.answers import Answer, Segment, Translated
from translate.masks import mask
from translate.protect import restore


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeepLServer]:
    with serving(monkeypatch) as server:
        yield server


def texts(answers: list[Answer]) -> list[str]:
    assert all(isinstance(answer, Translated) and answer.engine == "deepl" for answer in answers), answers
    return [answer.text for answer in answers]


def expected(segment: Segment) -> str:
    masked = mask(segment)
    restored = restore(backwards(masked.text), masked)
    assert restored is not None
    return restored


SEGMENTS = [
    Segment("Hello there, world"),
    Segment("Run `pip install x` & see <b>bold</b> at https://a.fi/?b=1&c=2 now"),
    Segment('Say "mom" twice, [NAME]', (("mom", "äiti"),)),
    Segment("  Hello there, world\n"),
    Segment("a < b && c > d, \x00 and \ud800 too\r\nnext line"),
    Segment("`code only` 12"),
    Segment(""),
    Segment(" \n"),
]


def test_everything_but_words_comes_back_as_it_was(server: DeepLServer, tmp_path: Path) -> None:
    deepl = translator(store_in(tmp_path))
    answers = deepl.translate([*SEGMENTS, SEGMENTS[0]])
    assert texts(answers) == [expected(segment) for segment in (*SEGMENTS, SEGMENTS[0])]
    assert len(server.paid) == len(set(server.paid)) == 4, (
        "a text is sent once, whatever its blanks; nothing empty is sent"
    )
    assert deepl.billed_characters == server.characters > 0
    assert server.language_requests == 1
    assert any(agent.endswith(" kielo/0.1.0") for agent in server.user_agents)


def test_real_messages(server: DeepLServer, tmp_path: Path, oasst_file: Path) -> None:
    messages = [Segment(row["text_en"]) for _, row in read_jsonl(oasst_file)][:400]
    deepl = translator(store_in(tmp_path))
    answers = deepl.translate(messages)
    assert texts(answers) == [expected(message) for message in messages]
    assert len(server.requests) < 20
    assert server.largest_body <= MOST_BYTES


def test_what_is_asked(server: DeepLServer, tmp_path: Path) -> None:
    deepl = translator(
        store_in(tmp_path), formality="prefer_more", glossary_id="0a1b-glossary", model_type="quality_optimized"
    )
    deepl.translate([Segment("Hello", context="not asked for"), Segment("See `x`")])
    plain, marked = sorted(server.requests, key=len)
    assert plain == {
        "text": ["Hello"], "source_lang": "EN", "target_lang": "FI", "split_sentences": "nonewlines", "preserve_formatting": True,
        "formality": "prefer_more", "glossary_id": "0a1b-glossary", "model_type": "quality_optimized", "show_billed_characters": True,
    }  # fmt: skip
    assert marked == plain | {
        "text": ['See <x id="1">`x`</x>'], "tag_handling": "xml", "tag_handling_version": "v2", "outline_detection": False,
        "non_splitting_tags": ["x"], "ignore_tags": ["x"],
    }  # fmt: skip


def test_each_context_is_a_request_and_is_free(server: DeepLServer, tmp_path: Path) -> None:
    segments = [Segment(f"Line {word}", context=f"Before {word[0]}") for word in ("one", "other", "two", "three")]
    deepl = translator(store_in(tmp_path), context=True)
    assert texts(deepl.translate(segments)) == [backwards(segment.text) for segment in segments]
    assert {body["context"]: body["text"] for body in server.requests} == {
        "Before o": ["Line one", "Line other"],
        "Before t": ["Line two", "Line three"],
    }
    assert server.characters == deepl.billed_characters == sum(len(segment.text) for segment in segments)


@pytest.mark.parametrize("context", ["", "Ä" * 50_000])
def test_texts_of_every_size_fit_the_body(server: DeepLServer, tmp_path: Path, context: str) -> None:
    sizes = [1, 10_000, 50_000, 99_999, *range(3, 300)]
    segments = [Segment("Yö " * size, context=context) for size in sizes]
    segments += [Segment("🌱 sana [NAME] & " * 6000, context=context)]
    answers = translator(store_in(tmp_path), context=True).translate(segments)
    assert texts(answers) == [expected(segment) for segment in segments]
    assert 90 * 1024 < server.largest_body <= 100 * 1024
    assert max(len(body["text"]) for body in server.requests) == 50


def test_answers_are_kept_and_cost_nothing_again(server: DeepLServer, tmp_path: Path) -> None:
    with store_in(tmp_path) as store:
        first = translator(store)
        answers = first.translate(SEGMENTS)
    paid, requests = len(server.paid), len(server.requests)
    with store_in(tmp_path) as store:
        again = translator(store)
        assert again.translate(SEGMENTS) == answers
        assert again.billed_characters == first.billed_characters
        assert (len(server.paid), len(server.requests), server.language_requests) == (paid, requests, 1)
        translator(store, formality="prefer_less").translate(SEGMENTS[:1])
    assert len(server.paid) == paid + 1, "other terms make other translations"


def test_no_key(server: DeepLServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPL_AUTH_KEY")
    with pytest.raises(RecipeError, match="needs a key: put it in the environment variable DEEPL_AUTH_KEY"):
        translator(store_in(tmp_path))


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DEEPL_AUTH_KEY", "two words", "holds blanks or characters that no key has"),
        ("DEEPL_AUTH_KEY", "öäå-secret", "holds blanks or characters that no key has"),
        ("DEEPL_SERVER_URL", "localhost:8000", "must be a URL like"),
        ("DEEPL_SERVER_URL", "http://me:password@localhost", "without user name, password and query"),
        ("DEEPL_SERVER_URL", "http://localhost/?auth_key=secret", "without user name, password and query"),
    ],
)
def test_an_environment_that_cannot_be_used(
    server: DeepLServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(RecipeError, match=sentence) as caught:
        translator(store_in(tmp_path))
    assert not any(secret in str(caught.value) for secret in ("secret", "words", "password@"))


def test_a_key_with_a_line_end_is_read_without_it(
    server: DeepLServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPL_AUTH_KEY", f"{KEY}\n")
    assert texts(translator(store_in(tmp_path)).translate([Segment("Hello")])) == ["olleH"]


def test_a_wrong_key_is_told_and_never_shown(
    server: DeepLServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "0badc0de-secret-key-of-somebody:fx"
    monkeypatch.setenv("DEEPL_AUTH_KEY", wrong)
    with pytest.raises(
        GenerationError, match=r"403: .*unknown key DeepL-Auth-Key \*\*\*; check DEEPL_AUTH_KEY"
    ) as caught:
        translator(store_in(tmp_path)).translate([Segment("Hello")])
    assert caught.value.__suppress_context__, "a traceback would show the client's own message"
    assert "Response details" in caplog.text, "the client logs what it is told"
    assert wrong not in str(caught.value) + caplog.text
    assert not server.paid


def test_a_server_that_says_the_key_in_every_place(
    server: DeepLServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answer_text = lambda text: f"{text} {KEY}"
    server.refused_word, server.message = "bad", f"not with {KEY}: " + "." * 150 + KEY
    with store_in(tmp_path) as store:
        answers = translator(store).translate([Segment("Hello"), Segment("bad")])
    shard = (store.folder / "0001.jsonl").read_text("utf-8")
    assert "olleH ***" in shard
    assert KEY not in repr(answers) + caplog.text + shard
    assert KEY[:12] not in repr(answers), "not a part of it either, where a message is cut"


def test_a_target_that_deepl_does_not_have(server: DeepLServer, tmp_path: Path) -> None:
    server.languages = [{"language": "DE", "name": "German", "supports_formality": True}]
    with pytest.raises(RecipeError, match=r"fi\.yaml: deepl: FI is no target language of http\S+; it has DE\."):
        translator(store_in(tmp_path)).translate([Segment("Hello")])
    assert not server.requests


def test_a_formality_that_the_target_does_not_have(server: DeepLServer, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="formality: more: DeepL has none in Finnish; write prefer_more"):
        translator(store_in(tmp_path), formality="more").translate([Segment("Hello")])
    assert texts(translator(store_in(tmp_path), formality="prefer_more").translate([Segment("Hello")])) == ["olleH"]


@pytest.mark.parametrize("languages", [{"no": "list"}, [], [{"name": "without code"}], b"<html>", b"[" * 200_000])
def test_a_server_that_is_not_deepl(server: DeepLServer, tmp_path: Path, languages: object) -> None:
    server.languages = languages
    with pytest.raises(GenerationError, match=r"http://127\.0\.0\.1:\d+/?: the reply .*; check DEEPL_SERVER_URL"):
        translator(store_in(tmp_path)).translate([Segment("Hello")])


def test_a_server_with_a_path_and_one_that_is_not_there(
    server: DeepLServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPL_SERVER_URL", f"{server.url}/deeper")
    with pytest.raises(GenerationError, match="404: Not found.*; check DEEPL_SERVER_URL and the engine's glossary_id"):
        translator(store_in(tmp_path)).translate([Segment("Hello")])
    monkeypatch.setenv("DEEPL_SERVER_URL", "http://127.0.0.1:9")
    with pytest.raises(
        GenerationError, match=r"cannot be reached \(\[Errno \d+\] Connection refused\); what was answered"
    ):
        translator(store_in(tmp_path)).translate([Segment("Hello")])
