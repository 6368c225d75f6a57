"""Fixtures of the probe's tests: the pocket world's sentences as a development file, a random-weight miniature, and the verb."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kielo.miniature import make_miniature
from kielo.pocket.datasets import parallel_rows
from kielo.records import write_jsonl
from kielo.verbs.lazy import Tool

PROBE = Tool("translate.probe.command", "what a model can do in a language")


@pytest.fixture(scope="session")
def development(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentence pairs of the pocket world, the pocket model's own language."""
    file = tmp_path_factory.mktemp("development") / "pocket.jsonl"
    write_jsonl(file, ({"source": row["source"], "target": row["target"]} for row in parallel_rows(48, 0)))
    return file


@pytest.fixture(scope="session")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of random weights with a tokenizer that knows the pocket world."""
    return make_miniature("LumiOpen/Viking-7B", tmp_path_factory.mktemp("models"))


def probe(*given: object) -> None:
    """Run `kielo probe`."""
    arguments = PROBE.parse("kielo probe", [str(each) for each in given])
    arguments.function(arguments)


def probed(out: Path, *given: object) -> dict[str, Any]:
    """Run `kielo probe` with its completions beside `out`; returns what --json wrote."""
    probe(*given, "--folder", out.parent / "kept", "--json", out)
    found: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return found
