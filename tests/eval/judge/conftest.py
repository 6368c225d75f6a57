"""What the judge's tests share: servers that judge, a trial on few Finnish answers, and engines to reach a server."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from eval.judge.cases import Answers, Case
from eval.judge.gate import Gate
from eval.judge.judging import judge
from eval.judge.trial import Trial
from kielo.generation.openai import OpenAiGenerator
from kielo.languages.pack import language
from tests.kielo.generation.http_server import Server, serving

serve = pytest.fixture(serving)


class opened:
    """An engine on a test server, closed at the end."""

    def __init__(self, server: Server, name: str) -> None:
        self.generator = OpenAiGenerator(f"{name}@main", (server.url,), name, concurrency=1, first_wait_seconds=0.01)

    def __enter__(self) -> OpenAiGenerator:
        return self.generator

    def __exit__(self, *_: object) -> None:
        self.generator.close()


@pytest.fixture
def run_trial(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Judge a trial with servers, one a judge; answers in the scores' folder `tmp_path`."""

    def run(trial: Trial, *servers: Server, folder: str = "judge") -> dict[str, Any]:
        judges = {
            f"judge-{number}": partial(opened, server, f"judge-{number}") for number, server in enumerate(servers)
        }
        return judge(trial, judges, tmp_path / folder)

    return run


def make_trial(
    ours: Answers, theirs: Answers, modes: tuple[str, ...] = ("pairwise",), gate: str = "off", **more: Answers
) -> Trial:
    """Make a trial of questions with as many turns as our answers have."""
    turns = {key: max(len(ours.get(key, ())), len(theirs.get(key, ()))) for key in {**ours, **theirs}}
    cases = [
        Case(key, "writing", tuple(f"Kysymys {key}.{number}" for number in range(turn + 1)))
        for key in turns
        for turn in range(turns[key])
    ]
    answers = {"base": theirs, "tuned": ours, **more}
    return Trial("bench", cases, answers, "base", Gate(gate, language("fi"), language("en")), modes, 256)
