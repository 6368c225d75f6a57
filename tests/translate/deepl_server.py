"""A server that enforces DeepL's limits and rules, translates every word backwards, keeps a ledger of what was paid, and misbehaves on request."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from kielo.generation.store import CompletionStore
from kielo.languages.pack import language
from kielo.schema import Engine
from translate.translators.deepl import DeepLTranslator, open_deepl

KEY = "5f0b1c2d-secret-4e5f-key-000000000001"
MOST_TEXTS = 50
MOST_BYTES = 128 * 1024
TARGETS = {"FI": False, "DE": True, "EN-GB": False, "EN-US": False}  # code -> whether it has formality
SOURCES = ("EN", "FI", "DE")
GLOSSARIES = ("0a1b-glossary",)
ONE_OF = {
    "target_lang": tuple(TARGETS),
    "source_lang": SOURCES,
    "split_sentences": ("0", "1", "nonewlines"),
    "preserve_formatting": (True, False),
    "formality": ("default", "more", "less", "prefer_more", "prefer_less"),
    "glossary_id": GLOSSARIES,
    "model_type": ("quality_optimized", "prefer_quality_optimized", "latency_optimized"),
    "tag_handling": ("xml",),
    "tag_handling_version": ("v1", "v2"),
    "outline_detection": (True, False),
    "show_billed_characters": (True, False),
}
LISTS = ("text", "non_splitting_tags", "ignore_tags")


def backwards(text: str) -> str:
    """Write every word backwards and leave everything else as it is."""
    return re.sub(r"[^\W\d_]+", lambda word: word.group()[::-1], text)


class Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, **reply: Any) -> None:
        super().__init__(status)
        self.status, self.reply = status, reply


class DeepLServer:
    """The server; its public attributes say how it misbehaves, and may be changed while it runs."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        """Answered to the next requests for translations, one each, instead of a translation."""
        self.refused_word: str | None = None
        """A request with this word in one of its texts is answered 400."""
        self.most_bytes = MOST_BYTES
        self.character_limit = 1_000_000_000
        self.answer_text: Callable[[str], str] = lambda text: text
        """Changes the translation of a text."""
        self.answer: Callable[[dict[str, Any]], Any] = lambda reply: reply
        """Changes a whole reply; bytes are sent as they are."""
        self.message: str | None = None
        """What it says when it refuses."""
        self.languages: Any = None
        self.silent_after: int | None = None
        """So many requests for translations are answered; those after them hang, unpaid."""
        self.drip = False
        """Replies come a byte at a time and never end."""

        self.paid: list[str] = []
        """Every text that was translated, and billed."""
        self.characters = 0
        self.requests: list[dict[str, Any]] = []
        """The bodies of all requests for translations, refused ones included."""
        self.largest_body = 0
        self.user_agents: set[str] = set()
        self.language_requests = 0
        self.hanging = threading.Event()
        """Set when a request hangs."""
        self.refused_left = threading.Event()
        """Set when a client that was refused has closed its connection."""
        self.connections = 0
        self._end, self._lock = threading.Event(), threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def sent(self) -> list[str]:
        """The texts of all requests, in their order."""
        return [text for body in self.requests for text in body["text"]]

    def close(self) -> None:
        self._end.set()
        self._http.shutdown()
        self._http.server_close()

    def wait_until_left(self) -> None:
        """Wait until every client is gone and all that it sent is answered."""
        while self.connections:
            time.sleep(0.005)

    def count_connection(self, step: int) -> None:
        with self._lock:
            self.connections += step

    def hang(self) -> None:
        self.hanging.set()
        self._end.wait(60)

    def translate(self, content: bytes) -> Any:
        """Answer a request as DeepL would; bill it, unless it is refused."""
        with self._lock:
            self.largest_body = max(self.largest_body, len(content))
            body = json.loads(content)
            number = len(self.requests)
            self.requests.append(body)
            if self.statuses:
                raise Refusal(self.statuses.pop(0), message=self.message or "as told")
        if self.silent_after is not None and number >= self.silent_after:
            self.hang()
        with self._lock:
            if len(content) > self.most_bytes:
                raise Refusal(413, message="Request Entity Too Large")
            _check(body)
            if self.refused_word and any(self.refused_word in text for text in body["text"]):
                raise Refusal(400, message=self.message or "Bad request")
            billed = [_billed(text, body) for text in body["text"]]
            if self.characters + sum(billed) > self.character_limit:
                raise Refusal(456, message="Quota Exceeded")
            translations = [
                {"detected_source_language": "EN", "text": self.answer_text(_translated(text, body)),
                 "billed_characters": characters}
                for text, characters in zip(body["text"], billed, strict=True)
            ]  # fmt: skip
            self.paid += body["text"]
            self.characters += sum(billed)
            return self.answer({"translations": translations})

    def usage(self) -> Any:
        return {"character_count": self.characters, "character_limit": self.character_limit}

    def target_languages(self) -> Any:
        self.language_requests += 1
        named = [{"language": code, "name": code, "supports_formality": has} for code, has in TARGETS.items()]
        return named if self.languages is None else self.languages


def _check(body: dict[str, Any]) -> None:
    for name, value in body.items():
        known = name in ONE_OF or name in LISTS or name == "context"
        if not known or (name in ONE_OF and value not in ONE_OF[name]):
            raise Refusal(400, message=f"Value for '{name}' not supported.")
        if name in LISTS and not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
            raise Refusal(400, message=f"'{name}' must be a list of texts.")
    if not 1 <= len(body.get("text", ())) <= MOST_TEXTS or "target_lang" not in body:
        raise Refusal(400, message="Too many or no texts, or no target_lang.")
    if not isinstance(body.get("context", ""), str):
        raise Refusal(400, message="'context' must be a text.")
    if body.get("formality") in ("more", "less") and not TARGETS[body["target_lang"]]:
        raise Refusal(400, message="'formality' is not supported for given 'target_lang'.")
    if "glossary_id" in body and "source_lang" not in body:
        raise Refusal(400, message="'source_lang' is needed with a glossary.")


def _translated(text: str, body: dict[str, Any]) -> str:
    if body.get("tag_handling") != "xml":
        return backwards(text)
    root = _parsed(text)
    _turn(root, body.get("ignore_tags", []))
    return ElementTree.tostring(root, encoding="unicode").removeprefix("<t>").removesuffix("</t>").replace("<t />", "")


def _parsed(text: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(f"<t>{text}</t>")
    except (ElementTree.ParseError, UnicodeEncodeError):
        raise Refusal(400, Message="Tag handling parsing failed, please check input.") from None


def _turn(element: ElementTree.Element, ignored: list[str]) -> None:
    """Translate content, but not that of ignored elements; what follows an element belongs to its parent."""
    if element.tag not in ignored:
        element.text = backwards(element.text or "")
        for child in element:
            _turn(child, ignored)
            child.tail = backwards(child.tail or "")


def _billed(text: str, body: dict[str, Any]) -> int:
    """Count characters as DeepL bills them: of content, not of tags; context is free."""
    return len("".join(_parsed(text).itertext())) if body.get("tag_handling") == "xml" else len(text)


def _handler(server: DeepLServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # headers and body are two writes, and the second would wait 40 ms
        refused = False

        def handle(self) -> None:
            server.count_connection(1)
            try:
                with suppress(ConnectionResetError):
                    super().handle()
            finally:
                if self.refused:
                    server.refused_left.set()
                server.count_connection(-1)

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            self._serve(lambda: server.translate(content) if self.path == "/v2/translate" else _unknown())

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            routes = {"/v2/languages": server.target_languages, "/v2/usage": server.usage}
            self._serve(routes.get(self.path.partition("?")[0], _unknown))

        def _serve(self, make: Callable[[], Any]) -> None:
            server.user_agents.add(self.headers["User-Agent"])
            try:
                if self.headers["Authorization"] != f"DeepL-Auth-Key {KEY}":
                    raise Refusal(403, message=f"unknown key {self.headers['Authorization']}")
                status, reply = 200, make()
            except Refusal as refusal:
                self.refused, status, reply = True, refusal.status, refusal.reply
            content = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
            with suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if server.drip and self.command == "POST":
                    self._drip()
                self.wfile.write(content)

        def _drip(self) -> None:
            server.hanging.set()
            while not server._end.is_set():
                self.wfile.write(b" ")
                time.sleep(0.02)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _unknown() -> Any:
    raise Refusal(404, message="Not found")


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeepLServer]:
    """Run a server with the environment pointing to it; skips where DeepL's client is not installed."""
    pytest.importorskip("deepl")
    server = DeepLServer()
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)
    # The client waits 1, 1.6, ... 6.6 seconds before it tries again; no public setting changes that.
    monkeypatch.setattr("deepl.http_client._BackoffTimer.BACKOFF_INITIAL", 0.002)
    try:
        yield server
    finally:
        server.close()


def environment(server: DeepLServer) -> Mapping[str, str]:
    """What a process needs to reach the server."""
    return {"DEEPL_AUTH_KEY": KEY, "DEEPL_SERVER_URL": server.url, "NO_PROXY": "127.0.0.1"}


def translator(store: CompletionStore, context: bool = False, target: str = "fi", **engine: Any) -> DeepLTranslator:
    """Open DeepL from English with an engine's keys."""
    settings = Engine(kind="deepl", **{"timeout_seconds": 5, **engine})
    return open_deepl(settings, language("en"), language(target), store, "deepl", context)


def store_in(folder: Path) -> CompletionStore:
    return CompletionStore(folder / "completions")
