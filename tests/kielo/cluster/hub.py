"""A stand-in for the Hub, which cannot be reached from tests: a server of repositories that keeps the real one's rules.

It gives 401 for gated and unknown repositories (with the header that tells them apart), 404 for unknown revisions and
files, the commit and the ETag of every file, ranges, and a redirect to another place for large files. `cut_off` breaks the
connection in the middle of a file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.serving import serving

LARGE_BYTES = 1 << 15
_ADDRESS = re.compile(
    r"/(api/)?(models/|datasets/)?([\w.-]+/[\w.-]+)(?:/(revision|tree|paths-info|resolve)/([^/]+)(?:/(.*))?)?"
)


@dataclass
class Repository:
    """Commits, the newest last, each with its files; `token` is what a gated one asks for."""

    commits: dict[str, Mapping[str, bytes]]
    token: str | None = None
    card: dict[str, Any] = field(default_factory=dict)

    def commit(self, revision: str) -> str | None:
        """Resolve a revision: `main` or a commit."""
        return list(self.commits)[-1] if revision == "main" else revision if revision in self.commits else None


@dataclass
class Hub:
    """What the server holds and what it was asked."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    url: str = ""
    large_url: str = ""
    """Where large files lie: another host, which must never be shown a token."""
    asked: list[str] = field(default_factory=list)
    sent_bytes: int = 0
    cut_off: str | None = None
    """A file in whose middle the connection breaks, every time."""

    def add(self, name: str, files: Mapping[str, bytes], token: str | None = None, **card: Any) -> str:
        """Put a repository, or another commit of it, on the server; returns the commit."""
        written = repr((name, sorted(files), [hashlib.sha256(each).hexdigest() for each in files.values()]))
        commit = hashlib.sha1(written.encode()).hexdigest()
        repository = self.repositories.setdefault(name, Repository({}, token, card))
        repository.commits[commit] = files
        return commit


@contextmanager
def serving_hub() -> Iterator[Hub]:
    """Serve a Hub without repositories on a free port until the end."""
    hub = Hub()
    with serving(type("Handler", (_Handler,), {"hub": hub})) as port:
        hub.url, hub.large_url = (f"http://{host}:{port}" for host in ("127.0.0.1", "localhost"))
        yield hub


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:  # noqa: N802
        self._answer()

    def do_GET(self) -> None:  # noqa: N802
        self._answer()

    def do_POST(self) -> None:  # noqa: N802
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _answer(self, body: bytes = b"") -> None:
        address = urlsplit(self.path)
        self.hub.asked.append(f"{self.command} {self.path}")
        if address.path.startswith("/large/"):
            assert "Authorization" not in self.headers, "a token was shown to another host"
            self._file(self._large(address.path), {}, address.path)
            return
        match = _ADDRESS.fullmatch(unquote(address.path))
        if match is None:
            self._refuse(404, "EntryNotFound")
            return
        api, kind, name, verb, revision, rest = match.groups()
        repository = self.hub.repositories.get(f"datasets/{name}" if kind == "datasets/" else name)
        if repository is None:
            self._refuse(401, "RepoNotFound")
            return
        # As the real one: anybody may see that a gated repository is there, and read its file list.
        if repository.token and not api and self.headers.get("Authorization") != f"Bearer {repository.token}":
            self._refuse(401 if "Authorization" not in self.headers else 403, "GatedRepo")
            return
        commit = repository.commit(unquote(revision or "main"))
        if commit is None:
            self._refuse(404, "RevisionNotFound")
        elif api:
            self._describe(name, repository, commit, verb, rest or "", body, parse_qs(address.query))
        else:
            self._resolve(name, kind or "", repository.commits[commit], commit, rest)

    def _describe(
        self,
        name: str,
        repository: Repository,
        commit: str,
        verb: str,
        rest: str,
        body: bytes,
        query: Mapping[str, Any],
    ) -> None:
        files = repository.commits[commit]
        if verb == "tree":
            below = [path for path in files if path.startswith(f"{rest}/" if rest else "")]
            if rest and not below:
                self._refuse(404, "EntryNotFound")
                return
            self._json(list(_listed(files, below, rest, query.get("recursive") in (["true"], ["True"]))))
        elif verb == "paths-info":
            given = body.decode()
            paths = json.loads(given)["paths"] if given.startswith("{") else parse_qs(given)["paths"]
            self._json([_entry(path, files[path]) for path in paths if path in files])
        else:
            blobs = "blobs" in query
            siblings = [
                {"rfilename": path, **({"size": len(content)} if blobs else {})} for path, content in files.items()
            ]
            info = {"id": name, "sha": commit, "siblings": siblings, "private": False, "gated": bool(repository.token)}
            self._json({**info, "tags": [], "downloads": 0, "likes": 0, "cardData": repository.card})

    def _resolve(self, name: str, kind: str, files: Mapping[str, bytes], commit: str, path: str) -> None:
        if path not in files:
            self._refuse(404, "EntryNotFound", {"X-Repo-Commit": commit})
            return
        content = files[path]
        named = {"X-Repo-Commit": commit}
        if len(content) < LARGE_BYTES:
            self._file(content, {**named, "ETag": f'"{_git_id(content)}"'})
            return
        large = hashlib.sha256(content).hexdigest()
        self.send_response(302)
        linked = {"X-Linked-Size": str(len(content)), "X-Linked-ETag": f'"{large}"'}
        place = f"/large/{kind}{name}/{commit}/{path}"
        self._headers({**named, **linked, "Location": f"{self.hub.large_url}{place}", "Content-Length": "0"})

    def _large(self, path: str) -> bytes:
        kind, owner, name, commit, file = re.fullmatch(
            r"/large/(datasets/)?([^/]+)/([^/]+)/([^/]+)/(.*)", path
        ).groups()  # type: ignore[union-attr]
        return self.hub.repositories[f"{kind or ''}{owner}/{name}"].commits[commit][unquote(file)]

    def _file(self, content: bytes, headers: Mapping[str, str], path: str = "") -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first, last = (int(asked[1]), int(asked[2] or len(content) - 1)) if asked else (0, len(content) - 1)
        part = content[first : last + 1]
        self.send_response(206 if asked else 200)
        placed = {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(content)}"} if asked else {}
        self._headers({**headers, **placed, "Content-Length": str(len(part)), "Accept-Ranges": "bytes"})
        if self.command == "HEAD":
            return
        if self.hub.cut_off is not None and path.endswith(self.hub.cut_off):
            self.close_connection = True
            return
        self.wfile.write(part)
        self.hub.sent_bytes += len(part)

    def _refuse(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self._headers({**(headers or {}), "X-Error-Code": code, "X-Error-Message": code, "Content-Length": "0"})

    def _json(self, value: object) -> None:
        written = json.dumps(value).encode()
        self.send_response(200)
        self._headers({"Content-Type": "application/json", "Content-Length": str(len(written))})
        if self.command != "HEAD":
            self.wfile.write(written)

    def _headers(self, headers: Mapping[str, str]) -> None:
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _listed(files: Mapping[str, bytes], below: list[str], folder: str, recursive: bool) -> Iterator[dict[str, Any]]:
    """List a folder as the tree endpoint does: its files, and its folders or what is in them."""
    start = len(folder) + 1 if folder else 0
    for name in dict.fromkeys(path[start:].split("/")[0] for path in below if "/" in path[start:]):
        yield {"type": "directory", "path": f"{folder}/{name}".lstrip("/"), "size": 0, "oid": _git_id(name.encode())}
    yield from (_entry(path, files[path]) for path in below if recursive or "/" not in path[start:])


def _entry(path: str, content: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": _git_id(content)}
    if len(content) >= LARGE_BYTES:
        entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
    return entry


def _git_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
