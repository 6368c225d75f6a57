"""COMET's scores of translations, got from `comet_script.py` in the Python that a recipe names, and checked."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.statistics import mean_interval
from eval.translation_quality.comet_script import NO_COMET
from eval.translation_quality.metrics import Translated
from kielo.errors import MissingExtraError, SourceError
from kielo.records import write_jsonl
from kielo.schema import Recipe
from kielo.schema.evaluation import Comet

SCRIPT = Path(__file__).with_name("comet_script.py")
LOG = "logs/comet.log"
START_SECONDS, SENTENCE_SECONDS = 3600.0, 10.0
"""How long the model may take to be fetched and loaded, and each sentence on a slow processor."""
_END_OF_LOG_BYTES = 20_000


def comet_document(recipe: Recipe, comet: Comet, pairs: Sequence[Translated], folder: Path) -> dict[str, Any]:
    """Score translations by COMET: the mean over sentences with its bootstrap interval, the model, its package's version.

    Raises:
        MissingExtraError: the Python that was named has no unbabel-comet, or is not there.
        SourceError: COMET failed, or what it wrote are no scores of these sentences.
    """
    model = _model(recipe, comet.model)
    sentences, out, log = folder / "comet-in.jsonl", folder / "comet-out.json", folder / LOG
    write_jsonl(sentences, ({"src": each.source, "mt": each.translation, "ref": each.reference} for each in pairs))
    out.unlink(missing_ok=True)
    command = [*comet.command, str(SCRIPT), model, str(sentences), str(out)]
    seconds = START_SECONDS + SENTENCE_SECONDS * len(pairs)
    _run([*command, str(comet.batch_size)], log, seconds)
    scores, version = _checked(out, len(pairs), log)
    for file in (sentences, out):
        file.unlink()
    interval = mean_interval({each.id: score for each, score in zip(pairs, scores, strict=True)})
    return {
        "model": comet.model, "version": version, "score": round(math.fsum(scores) / len(scores), 4),
        "interval": [round(interval.low, 4), round(interval.high, 4)],
    }  # fmt: skip


def _model(recipe: Recipe, written: str) -> str:
    return str(recipe.path(written)) if written.startswith(("/", ".")) else written


def _run(command: Sequence[str], log: Path, limit_seconds: float) -> None:
    """Run COMET to its end; it is ended when this process is stopped."""
    if shutil.which(command[0]) is None:
        raise MissingExtraError(
            f"eval.comet.command: there is no program {command[0]}; name a Python with unbabel-comet."
        )
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stream:
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, timeout=limit_seconds, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise SourceError(
                f"COMET was not done after {limit_seconds:.0f} seconds and was ended; see {log}, or leave out eval.comet."
            ) from error
    if done.returncode == NO_COMET:
        raise MissingExtraError(
            f"{command[0]} has no unbabel-comet ({_last_line(log)}): install it in an environment of its own and name "
            "that environment's Python in eval.comet.command."
        )
    if done.returncode:
        raise SourceError(f"COMET ended with status {done.returncode} ({_last_line(log)}); the whole of it: {log}.")


def _last_line(log: Path) -> str:
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _END_OF_LOG_BYTES))
        lines = stream.read().decode("utf-8", "replace").split("\n")
    return next((f"{line.strip():.300}" for line in reversed(lines) if line.strip()), "it said nothing")


def _checked(out: Path, sentences: int, log: Path) -> tuple[list[float], str]:
    """Read what COMET wrote: a finite number for every sentence, and the version of its package."""
    try:
        written = json.loads(out.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(f"COMET left no scores that can be read ({error}); see {log}.") from error
    scores = written.get("scores") if isinstance(written, dict) else None
    if not isinstance(scores, list) or len(scores) != sentences or not all(map(_is_score, scores)):
        found = f"{len(scores)} values" if isinstance(scores, list) else "no list"
        raise SourceError(f"COMET gave no finite score for each of {sentences} sentences ({found}); see {log}.")
    return scores, f"{written.get('version')!s:.100}"


def _is_score(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)
