"""Brings a published folder to the Hub: makes the repository, uploads what it lacks, and goes on where a lost network stopped it."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from kielo.errors import MissingExtraError, SourceError, UsageError
from kielo.records import read_json
from kielo.sharing.folder import MARK, files_in
from kielo.sharing.markdown import visible

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
Kind = Literal["dataset", "model"]
_OF_THE_HUB = frozenset({".gitattributes", "README.md"})
"""What a new repository may hold before anything was uploaded."""
_CURED_BY_WAITING = frozenset({408, 409, 412, 425, 429})
_TOKEN = "a token that may write (HF_TOKEN, or hf auth login)"


def check_name(name: str) -> str:
    """Check the name of a repository.

    Raises:
        UsageError: it is not written `owner/name`.
    """
    if not HUB_NAME.fullmatch(name) or "--" in name or ".." in name or name.endswith(".git"):
        raise UsageError(f"--hub {name}: write it as owner/name, such as my-group/oasst2-fi.")
    return name


def upload(folder: Path, name: str, kind: Kind, private: bool) -> str:
    """Upload a published folder; returns the address of the commit. Files that are there already are not sent again.

    Raises:
        UsageError: no token, no right to write, or the name is taken by something else.
        SourceError: the Hub does not answer; the same command goes on.
        MissingExtraError: huggingface_hub is not installed.
    """
    _check_address()
    try:
        import huggingface_hub
        from huggingface_hub import constants
    except ImportError as error:
        raise MissingExtraError("--hub needs the package huggingface_hub; pip install -e '.[train]'.") from error
    if constants.HF_HUB_OFFLINE:
        raise UsageError(
            "--hub: HF_HUB_OFFLINE is set, so nothing can be uploaded; unset it, or publish with --to alone."
        )
    token = huggingface_hub.get_token()
    if token is None:
        raise UsageError(f"--hub {name}: there is no token; give {_TOKEN}.")
    if not (token.isascii() and token.isprintable()):
        raise UsageError(f"--hub {name}: the token holds letters that no token has; give {_TOKEN}.")
    api = huggingface_hub.HfApi()
    with _sentences(name, kind, token):
        earlier = _claim(api, folder, name, kind, private)
        stale = sorted(set(earlier) - set(files_in(folder)))
        info: Any = api.upload_folder(
            repo_id=name, repo_type=kind, folder_path=folder, commit_message="Published by Kielo",
            allow_patterns=[glob.escape(each) for each in files_in(folder)],
            delete_patterns=[glob.escape(each) for each in stale] or None,
        )  # fmt: skip
    return str(info.commit_url)


def _check_address() -> None:
    """Check HF_ENDPOINT before the library reads it.

    Raises:
        UsageError: it is no address.
    """
    written = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    try:
        address = urlsplit(written)
        known = address.scheme in ("http", "https") and bool(address.hostname) and (address.port or 1) > 0
    except ValueError:  # brackets without an end, a port that is no number
        known = False
    if not known:
        raise UsageError(f"HF_ENDPOINT={visible(written)}: no address; write it as https://host, or unset it.")


def _claim(api: HfApi, folder: Path, name: str, kind: Kind, private: bool) -> list[str]:
    """Make the repository ours before anything large is sent: our mark comes first; returns the files of an earlier publication.

    Raises:
        UsageError: it is somebody else's, or public and was to be private.
    """
    try:
        api.create_repo(name, repo_type=kind, private=private, exist_ok=True)
    except KeyError as error:  # the library looks for an address in the answer `it exists`; one without says `not now`
        raise SourceError(
            f"--hub {name}: the Hub answered 409; run the same command again later: it goes on."
        ) from error
    info: Any = api.repo_info(name, repo_type=kind)
    there = {each.rfilename for each in info.siblings or ()}
    if private and not info.private:
        raise UsageError(
            f"--hub {name}: it exists and is public; make it private on the Hub first, or leave --private out."
        )
    mine = read_json(folder / MARK) or {}
    if MARK in there:
        mark = _remote_mark(api, name, kind)
        if mark.get("what") != mine.get("what"):
            raise UsageError(
                f"--hub {name}: the name is taken by another publication ('{mark.get('what')}'); choose another name."
            )
        return [each for each in mark.get("files", {}) if each in there]
    if there - _OF_THE_HUB:
        raise UsageError(
            f"--hub {name}: the name is taken, it holds {', '.join(sorted(there)[:3])}; choose another name, or empty it on the Hub."
        )
    api.upload_file(
        path_or_fileobj=folder / MARK, path_in_repo=MARK, repo_id=name, repo_type=kind, commit_message="Begun by Kielo"
    )
    return []


def _remote_mark(api: HfApi, name: str, kind: Kind) -> dict[str, Any]:
    """Read the mark in the repository; one that is not Kielo's JSON is no mark of ours."""
    path = api.hf_hub_download(name, MARK, repo_type=kind)
    try:
        value = json.loads(Path(path).read_text("utf-8"))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


@contextmanager
def _sentences(name: str, kind: Kind, token: str) -> Iterator[None]:
    """Say in one sentence what the Hub's refusals mean; a token is never part of it."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError, LocalEntryNotFoundError  # type: ignore[attr-defined]

    try:
        yield
    except HfHubHTTPError as error:
        raise _refused(name, kind, error, token) from error
    except (HTTPError, ConnectionError, TimeoutError, LocalEntryNotFoundError) as error:
        raise _lost(name, error) from error
    except RuntimeError as error:  # an upload that failed in a thread of the library, or in its native part
        cause = error.__cause__
        if isinstance(cause, HfHubHTTPError):
            raise _refused(name, kind, cause, token) from error
        if isinstance(cause, HTTPError | ConnectionError | TimeoutError) or _of_the_network(error):
            raise _lost(name, cause or error) from error
        raise


def _of_the_network(error: RuntimeError) -> bool:
    """Tell by its words a network's error of hf_xet, which has no types for them."""
    said = str(error).lower()
    return any(
        word in said for word in ("network", "connection", "timed out", "timeout", "dns", "error sending request")
    )


def _refused(name: str, kind: Kind, error: HfHubHTTPError, token: str) -> UsageError | SourceError:
    status, reason = error.response.status_code, visible(error.server_message or "").replace(token, "<KEY>")[:300]
    said = f" (it says: {reason})" if reason else ""
    if status == 401:
        return UsageError(f"--hub {name}: the Hub does not know this token{said}; give {_TOKEN}.")
    if status in (402, 403, 404):
        return UsageError(
            f"--hub {name}: this token may not write {kind}s there{said}; give {_TOKEN}, or a name under your own account."
        )
    if status >= 500 or status in _CURED_BY_WAITING:
        return SourceError(
            f"--hub {name}: the Hub answered {status}{said}; run the same command again later: it goes on."
        )
    return UsageError(
        f"--hub {name}: the Hub refuses what is sent, with {status}{said}; mend that and run the same command again."
    )


def _lost(name: str, error: BaseException) -> SourceError:
    return SourceError(
        f"--hub {name}: the Hub does not answer ({type(error.__cause__ or error).__name__}); run the same command again: it goes "
        "on, and files that arrived are not sent again."
    )
