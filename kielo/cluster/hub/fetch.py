"""Asks the Hub what a need is made of, and brings it into the cache that jobs use; runs where there is a network."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (  # type: ignore[attr-defined]
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,  # of httpx or httpx2, whichever it is built on
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from kielo.cluster.hub.needs import HYPERPARAMETERS, Need, hub_folder, is_there, tables_folder
from kielo.errors import FULL, RunFolderError, SourceError
from translate.rows.sources import hub_rows

_SAFETENSORS = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
_PICKLED = re.compile(r"pytorch_model(-\d+-of-\d+)?\.bin")
_LAYERS = re.compile(r"\d+_\w+/")
"""Folders of a model of sentence-transformers: its layers behind the network."""
_OF_TOKENIZERS = (".json", ".txt", ".model", ".jinja", ".tiktoken")
_TABLES_PER_FILE = 3
"""Bytes of the tables that datasets makes of a byte of a data set's files, where its card states none: parquet is packed."""


class UnreachableError(SourceError):
    """The Hub does not answer at all, so that the next question would fail, too."""


@dataclass(frozen=True)
class Found:
    """What the Hub holds of a need, now."""

    need: Need
    commit: str
    files: tuple[tuple[str, int], ...]
    """Names and bytes of the files to fetch; a data set's are chosen by datasets itself."""
    bytes: int | None
    """None: the Hub does not say (a data set whose card states no size may be one of many in its repository)."""
    there: bool

    @property
    def bytes_to_fetch(self) -> int:
        """Count what the cache must still take in; 0 where the Hub does not say."""
        return 0 if self.there or self.bytes is None else self.bytes


def look(need: Need, home: Path) -> Found:
    """Ask the Hub for the commit and the sizes of what is needed; nothing is written.

    Raises:
        SourceError: there is no such repository or revision, it is gated, or the Hub does not answer.
    """
    with _sentences(need):
        if need.kind == "data set":
            info: Any = HfApi().dataset_info(need.repo, revision=need.revision)
            commit = str(info.sha)
            return Found(need, commit, (), _stated_bytes(info, need.config), is_there(_at(need, commit), home))
        info = HfApi().model_info(need.repo, revision=need.revision, files_metadata=True)
    commit = str(info.sha)
    sizes = {each.rfilename: each.size or 0 for each in info.siblings or ()}
    files = tuple((name, sizes[name]) for name in _chosen(need, list(sizes)))
    folder = hub_folder(home) / need.folder / "snapshots" / commit
    lacking = [size for name, size in files if not (folder / name).is_file()]
    return Found(need, commit, files, sum(lacking) if lacking else sum(size for _, size in files), not lacking)


def fetch(found: Found, home: Path) -> None:
    """Bring everything of a need into the cache; no file that is whole is fetched again.

    Raises:
        SourceError: the Hub refuses, does not answer any more, or has other files than it had a moment ago.
        RunFolderError: the disk is full.
    """
    need = found.need
    with _sentences(need), _room(home):
        if need.kind == "data set":
            hub_rows(need.repo, need.config, need.split, need.revision)
            _make_latest(need, found.commit, home)
            return
        first = HYPERPARAMETERS if need.kind == "COMET" else "config.json"
        # Fetched under the name that jobs ask by: the cache then knows which commit that is.
        named = hf_hub_download(need.repo, first, revision=need.revision, cache_dir=hub_folder(home))
        if found.commit not in Path(named).parts:
            raise SourceError(f"{need}: it was changed on the Hub a moment ago; run the same command again.")
        for name, _ in found.files:
            hf_hub_download(need.repo, name, revision=found.commit, cache_dir=hub_folder(home))


def _at(need: Need, commit: str) -> Need:
    return Need(need.kind, need.repo, commit, need.by, need.config, need.split)


def _chosen(need: Need, names: Sequence[str]) -> list[str]:
    """Choose the files that jobs read: of a model its weights in one format, its configuration and its tokenizer."""
    if need.kind == "COMET":
        return list(names)
    words = [name for name in names if name.endswith(_OF_TOKENIZERS) and _is_read(name)]
    if need.kind == "tokenizer":
        return words
    weights = [name for name in names if _SAFETENSORS.fullmatch(name)]
    weights = weights or [name for name in names if _PICKLED.fullmatch(name)]
    if not weights or "config.json" not in names:
        raise SourceError(
            f"{need}: its repository holds no config.json with weights that transformers reads; name another."
        )
    layers = [name for name in names if need.kind == "embedder" and _LAYERS.match(name)]
    return words + weights + layers


def _is_read(name: str) -> bool:
    folder, _, _ = name.rpartition("/")
    return folder in ("", "additional_chat_templates")


def _stated_bytes(info: Any, config: str | None) -> int | None:
    """Count the bytes of a data set's files and of the tables made of them, as its card states them."""
    stated = (info.card_data or {}).get("dataset_info") or []
    for part in [stated] if isinstance(stated, dict) else stated:
        if isinstance(part, dict) and part.get("config_name", "default") == (config or "default"):
            files, tables = part.get("download_size"), part.get("dataset_size")
            if isinstance(files, int):
                return files + (tables if isinstance(tables, int) else _TABLES_PER_FILE * files)
    return None


def _make_latest(need: Need, commit: str, home: Path) -> None:
    """Mark a data set's tables as the latest of its repository: those are what datasets takes without a network."""
    for folder in tables_folder(home).glob(f"*/*/*/{commit}"):
        os.utime(folder)


@contextmanager
def _room(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (*FULL, errno.EROFS, errno.EACCES):
            raise
        raise RunFolderError(
            f"{home}: the cache cannot be written ({error.strerror}); make room or name another `hub_cache`, and run the "
            "same command again: files that are whole are kept."
        ) from error


@contextmanager
def _sentences(need: Need) -> Iterator[None]:
    """Say in one sentence what the Hub's refusals mean; a token is never part of it."""
    token = "a token that may read it (HF_TOKEN, or hf auth login)"
    try:
        yield
    except GatedRepoError as error:
        raise SourceError(f"{need}: gated; accept its terms on the Hub and give {token}.") from error
    except RevisionNotFoundError as error:
        raise SourceError(f"{need}: it has no such revision; mend it in the recipe ({need.by}).") from error
    except RepositoryNotFoundError as error:
        raise SourceError(
            f"{need}: not on the Hub, or private; mend it in the recipe ({need.by}), or give {token}."
        ) from error
    except HfHubHTTPError as error:
        raise SourceError(f"{need}: the Hub answered {error.response.status_code}; try again later.") from error
    except (HTTPError, ConnectionError, LocalEntryNotFoundError) as error:
        raise UnreachableError(
            f"{need}: the Hub does not answer ({type(error.__cause__ or error).__name__}); run the same command again where there "
            "is a network, such as on a login node: files that are whole are kept."
        ) from error
