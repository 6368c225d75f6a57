"""Where a model named in a recipe lies, and what identifies it in fingerprints and completion keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from kielo.errors import KieloError, RecipeError

POCKET = Path(__file__).resolve().parent / "pocket" / "base"
_IDENTIFYING = (".safetensors", ".bin", "config.json", "tokenizer.json")
_SAMPLES, _SAMPLE_BYTES = 64, 1 << 18


def model_path(name: str) -> str:
    """Resolve a recipe's `model`: `pocket` is the model shipped with Kielo, a folder is itself, anything else a Hub id."""
    return str(POCKET) if name == "pocket" else name


def has_chat_template(path: str, revision: str | None = None) -> bool:
    """Say whether a model has a chat template: one in a folder, or a Hub id whose tokenizer has been fetched."""
    files = {name: model_file(path, name, revision) for name in ("chat_template.jinja", "tokenizer_config.json")}
    settings = files["tokenizer_config.json"]
    return files["chat_template.jinja"] is not None or (
        settings is not None and '"chat_template"' in settings.read_text("utf-8")
    )


def model_file(path: str, name: str, revision: str | None = None) -> Path | None:
    """Find a file of a model in its folder, or among what was fetched from the Hub.

    The Hub's library finds it just so, and loads its HTTP client first: a third of the time of a plan.
    """
    if Path(path).is_dir():
        file = Path(path) / name
        return file if file.is_file() else None
    try:
        from huggingface_hub import constants
    except ImportError:
        return None
    fetched = Path(constants.HF_HUB_CACHE) / f"models--{path.replace('/', '--')}"
    reference = fetched / "refs" / (revision or "main")
    commit = reference.read_text("utf-8").strip() if reference.is_file() else revision
    file = fetched / "snapshots" / (commit or "main") / name
    return file if file.is_file() else None


@contextmanager
def loading(model: str) -> Iterator[None]:
    """Say in one sentence that a model's files are missing, torn, or do not fit together; the libraries use many words.

    Raises:
        RecipeError: they are.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        of_system = isinstance(error, OSError) and error.errno is not None
        of_run = isinstance(error, RuntimeError) and "mismatched" not in str(error)
        if isinstance(error, KieloError) or of_system or of_run:
            raise
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        how = "" if model.startswith(("/", ".")) else f" (hf download {model})"
        raise RecipeError(
            f"model {model}: it cannot be loaded ({reason}); fetch it{how}, or name a folder that holds all its files."
        ) from error


@cache
def model_identity(path: str, revision: str | None = None) -> str:
    """Identify a model: a digest of its weights and tokenizer where it lies in a folder, else `id@revision`.

    Files over 16 MiB are digested by their size and 64 samples spread over them: a plan must not read 70 GB of weights.

    Raises:
        RecipeError: the folder holds no weights.
    """
    folder = Path(path)
    if not folder.is_dir():
        return f"{path}@{revision or 'main'}"
    files = sorted(file for file in folder.iterdir() if file.name.endswith(_IDENTIFYING))
    if not any(file.suffix in (".safetensors", ".bin") for file in files):
        raise RecipeError(f"{folder}: no weights (*.safetensors) in this folder; give a model folder or a Hub id.")
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + _digest(file))
    return f"sha256:{digest.hexdigest()[:32]}"


def _digest(file: Path) -> bytes:
    size = file.stat().st_size
    with file.open("rb") as stream:
        if size <= _SAMPLES * _SAMPLE_BYTES:
            return hashlib.file_digest(stream, "sha256").digest()
        digest = hashlib.sha256(str(size).encode())
        for number in range(_SAMPLES):
            stream.seek((size - _SAMPLE_BYTES) * number // (_SAMPLES - 1))
            digest.update(stream.read(_SAMPLE_BYTES))
        return digest.digest()
