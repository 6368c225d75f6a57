"""The real pocket model made unreliable: hot, cut off, chatting on. Repair must keep what dropping loses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kielo.generation import engines
from kielo.generation.protocol import Completion, Generator, Request
from kielo.models import POCKET
from tests.translate.conftest import pocket_recipe

pytestmark = pytest.mark.skipif(not POCKET.is_dir(), reason="the pocket base model has not been made yet")
RECIPE = pocket_recipe(
    "talks: {kind: conversations, pocket: oasst2, rows: 200}",
    "pairs: {kind: preferences, pocket: helpsteer2, rows: 120}",
)
CHATTER = " English: The dog reads a book. Finnish: Koira lukee kirjaa."


class Unreliable:
    """A generator of which one answer in eight is sampled hot, one in twelve is cut off, and one in twelve chats on."""

    def __init__(self, sound: Generator) -> None:
        self.sound, self.model = sound, sound.model

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        asked = [self._heated(request) for request in requests]
        for index, completion in self.sound.generate(asked):
            draw = _draw(requests[index]) % 24
            if draw in (0, 1):
                completion = replace(
                    completion, text=completion.text[: len(completion.text) // 2], finish_reason="length"
                )
            elif draw in (2, 3):
                completion = replace(completion, text=completion.text + CHATTER)
            yield index, completion

    def _heated(self, request: Request) -> Request:
        if _draw(request) % 24 not in (4, 5, 6):
            return request
        return replace(request, sampling=replace(request.sampling, temperature=2.0))

    def close(self) -> None:
        self.sound.close()


def _draw(request: Request) -> int:
    body = json.dumps([request.prompt, request.sampling.temperature, request.replicate])
    return int(hashlib.sha256(body.encode()).hexdigest()[:8], 16)


@pytest.fixture
def unreliable_model(monkeypatch: pytest.MonkeyPatch) -> None:
    open_sound = engines.open_generator

    @contextmanager
    def open_unreliable(*arguments: Any) -> Iterator[Unreliable]:
        with open_sound(*arguments) as sound:
            yield Unreliable(sound)

    monkeypatch.setattr(engines, "open_generator", open_unreliable)


@pytest.mark.usefixtures("unreliable_model")
def test_repair_keeps_what_dropping_loses(
    write_recipe: Callable[..., Path], run_steps: Callable[..., dict[str, Mapping[str, Any]]]
) -> None:
    counts = run_steps(write_recipe(text=RECIPE))
    for name, least in (("talks", 0.97), ("pairs", 0.95)):
        done = counts[f"translate/{name}"]
        kept, dropping = done["accepted"] / done["records"], done["accepted_without_repair"] / done["records"]
        print(f"{name}: repair keeps {kept:.1%}, dropping keeps {dropping:.1%}; {done['rungs']}; {done['rejected']}")
        assert kept >= least
        assert dropping < kept - 0.1
        assert done["rungs"]["shots"]["passed"] > 0 < done["rungs"]["samples"]["passed"]
