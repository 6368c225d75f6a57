"""A stand-in for the Hub that takes uploads: repositories made, files sent small or large, committed; it can refuse and break off.

It keeps the real one's rules: 401 without a good token, 403 for names of others, 409 for what exists, large files by Git LFS
(asked for in a batch, put to another address without the token), commits as lines of JSON. Xet storage is none of it:
clients must be told HF_HUB_DISABLE_XET.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote, urlsplit

from tests.serving import serving

LARGE_BYTES = 1 << 15
TOKEN = "hf_" + "aTokenForTestsAlone0123456789xyz"
OWNER = "group"


@dataclass
class Stored:
    """One repository: its files as the last commit has them."""

    files: dict[str, bytes] = field(default_factory=dict)
    private: bool = False
    commits: int = 0


@dataclass
class UploadHub:
    """What the server holds, what it was asked, and what it shall do wrong."""

    url: str = ""
    repositories: dict[str, Stored] = field(default_factory=dict)
    """By `datasets/owner/name` or `owner/name`."""
    large: dict[str, bytes] = field(default_factory=dict)
    """Large files that arrived, by digest."""
    asked: list[str] = field(default_factory=list)
    break_off_after: int | None = None
    """The first so many large files that are begun arrive whole; the others' connections are cut in the middle, every time."""
    begun: list[str] = field(default_factory=list)
    """Large files in the order in which their sending began, by digest."""
    received_bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def serving_uploads() -> Iterator[UploadHub]:
    """Serve an empty Hub on a free port until the end."""
    hub = UploadHub()
    with serving(type("Handler", (_Handler,), {"hub": hub})) as port:
        hub.url = f"http://127.0.0.1:{port}"
        yield hub


class _Handler(BaseHTTPRequestHandler):
    hub: UploadHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:  # noqa: N802
        self._answer()

    def do_HEAD(self) -> None:  # noqa: N802
        self._answer()

    def do_PUT(self) -> None:  # noqa: N802
        self._put(unquote(urlsplit(self.path).path).removeprefix("/large/"))

    def do_POST(self) -> None:  # noqa: N802
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _answer(self, body: bytes = b"") -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        if path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._refuse(401)
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif match := re.fullmatch(r"/((?:datasets/)?[\w.-]+/[\w.-]+)\.git/info/lfs/objects/batch", path):
            self._batch(json.loads(body))
        elif match := re.fullmatch(r"/api/(models|datasets)/([\w.-]+/[\w.-]+)(?:/(\w+)(?:/.*)?)?", path):
            self._of_repository("datasets/" * (match[1] == "datasets") + match[2], match[3], body)
        elif match := re.fullmatch(r"/((?:datasets/)?[\w.-]+/[\w.-]+)/resolve/[^/]+/(.+)", path):
            self._resolve(match[1], match[2])
        else:
            self._refuse(404)

    def _create(self, asked: dict) -> None:
        kind = "datasets/" if asked.get("type") == "dataset" else ""
        name = f"{kind}{asked['organization']}/{asked['name']}"
        if asked["organization"] != OWNER:
            self._refuse(403)
        elif name in self.hub.repositories:
            self._send(409, json.dumps({"url": f"{self.hub.url}/{name}"}).encode(), {})
        else:
            private = asked.get("visibility") == "private" or asked.get("private") is True
            self.hub.repositories[name] = Stored({".gitattributes": b"*.parquet filter=lfs\n"}, private)
            self._json({"url": f"{self.hub.url}/{name}", "name": name, "id": name})

    def _of_repository(self, name: str, verb: str | None, body: bytes) -> None:
        stored = self.hub.repositories.get(name)
        if stored is None:
            self._refuse(404, "RepoNotFound")
        elif verb == "preupload":
            self._json({"files": [self._mode(each) for each in json.loads(body)["files"]]})
        elif verb == "commit":
            self._commit(name, stored, body)
        elif verb == "tree":
            self._json(
                [{"type": "file", "path": path, "size": len(of), "oid": "0" * 40} for path, of in stored.files.items()]
            )
        else:
            siblings = [{"rfilename": path} for path in stored.files]
            self._json({"id": name.removeprefix("datasets/"), "sha": f"{stored.commits:040d}", "private": stored.private, "siblings": siblings, "tags": []})  # fmt: skip

    def _mode(self, file: dict) -> dict:
        mode = "lfs" if file["size"] >= LARGE_BYTES or file["path"].endswith(".parquet") else "regular"
        return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": None}

    def _batch(self, asked: dict) -> None:
        objects = []
        for each in asked["objects"]:
            there = each["oid"] in self.hub.large
            upload = {"upload": {"href": f"{self.hub.url}/large/{each['oid']}", "header": {}}}
            objects.append({"oid": each["oid"], "size": each["size"], **({} if there else {"actions": upload})})
        self._json({"transfer": "basic", "objects": objects})

    def _put(self, digest: str) -> None:
        assert "Authorization" not in self.headers, "a token was shown to the storage of large files"
        size, hub = int(self.headers["Content-Length"]), self.hub
        hub.asked.append(f"PUT {digest}")
        with hub.lock:
            hub.begun += [digest] if digest not in hub.begun else []
        if digest not in hub.begun[: hub.break_off_after]:
            hub.received_bytes += len(self.rfile.read(size // 2))
            self.close_connection = True
            self.connection.close()
            return
        content = self.rfile.read(size)
        hub.received_bytes += size
        assert hashlib.sha256(content).hexdigest() == digest
        hub.large[digest] = content
        self._json({})

    def _commit(self, name: str, stored: Stored, body: bytes) -> None:
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                stored.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                stored.files[value["path"]] = self.hub.large[value["oid"]]
            elif line["key"] == "deletedFile":
                del stored.files[value["path"]]
        stored.commits += 1
        commit = f"{stored.commits:040d}"
        self._json(
            {
                "commitUrl": f"{self.hub.url}/{name}/commit/{commit}",
                "commitOid": commit,
                "hookOutput": "",
                "success": True,
            }
        )

    def _resolve(self, name: str, path: str) -> None:
        stored = self.hub.repositories.get(name)
        if stored is None or path not in stored.files:
            self._refuse(404, "EntryNotFound" if stored else "RepoNotFound")
            return
        content = stored.files[path]
        etag = hashlib.sha1(content).hexdigest()
        self._send(200, content, {"X-Repo-Commit": f"{stored.commits:040d}", "ETag": f'"{etag}"'})

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _refuse(self, status: int, code: str = "") -> None:
        self._send(status, b"{}", {"X-Error-Code": code} if code else {})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
