"""The server that stands for DeepL, asked by DeepL's own client: it must refuse what DeepL refuses, and bill what DeepL bills."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.translate.deepl_server import KEY, MOST_BYTES, DeepLServer, serving

deepl = pytest.importorskip("deepl")
XML = {"tag_handling": "xml", "tag_handling_version": "v2"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeepLServer]:
    with serving(monkeypatch) as server:
        yield server


def client(server: DeepLServer, key: str = KEY) -> Any:
    return deepl.DeepLClient(key, server_url=server.url)


def test_it_translates_words_and_bills_content_alone(server: DeepLServer) -> None:
    text = '<b>Hello</b> <x id="1">code</x> &lt;world&gt;'
    (result,) = client(server).translate_text(
        [text], source_lang="EN", target_lang="FI", context="free of charge", ignore_tags="x", **XML
    )
    assert result.text == '<b>olleH</b> <x id="1">code</x> &lt;dlrow&gt;'
    assert result.billed_characters == len("Hello code <world>")
    usage = client(server).get_usage()
    assert (usage.character.count, usage.character.limit) == (result.billed_characters, 1_000_000_000)
    assert [language.code for language in client(server).get_target_languages()] == ["FI", "DE", "EN-GB", "EN-US"]


@pytest.mark.parametrize(
    ("texts", "options", "status"),
    [
        (["x"] * 51, {}, 400),
        ([], {}, 400),
        (["é" * (MOST_BYTES // 6)], {}, 413),
        (["a & b"], XML, 400),
        (['<x id="1">'], XML, 400),
        (["a\x00b"], XML, 400),
        (["\ud800"], XML, 400),
        (["Hello"], {"formality": "more"}, 400),
        (["Hello"], {"target_lang": "XX"}, 400),
        (["Hello"], {"extra_body_parameters": {"unheard_of": 1}}, 400),
        (["Hello"], {"source_lang": "EN", "glossary": "of somebody else"}, 400),
        (["Hello"], {"model_type": "best"}, 400),
        (["Hello world, this is more than the quota"], {}, 456),
    ],
)
def test_it_refuses_what_deepl_refuses_and_bills_nothing(
    server: DeepLServer, texts: list[str], options: dict[str, Any], status: int
) -> None:
    server.character_limit = 20 if status == 456 else 10**9
    with pytest.raises(deepl.DeepLException) as caught:
        client(server).translate_text(texts, **{"target_lang": "FI", **options})
    assert caught.value.http_status_code == status
    assert (server.paid, server.characters) == ([], 0)
    with pytest.raises(deepl.AuthorizationException):
        client(server, "another key").translate_text(texts, target_lang="FI")
