"""What an IFEval set gives to replies without any model, so that a score can be told from nothing: a part of every scores file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kielo.records import Prompt

if TYPE_CHECKING:  # score.py's floors come from here
    from eval.ifeval.score import Totals

CONSTANT_REPLY = "lol"


def replies(prompts: Sequence[Prompt]) -> Mapping[str, tuple[str, list[str]]]:
    """List the replies without a model: name -> what it says, for a reader, and its text for every prompt."""
    return {
        "constant": (CONSTANT_REPLY, [CONSTANT_REPLY] * len(prompts)),
        "echo": ("the prompt itself", [prompt.text for prompt in prompts]),
        "empty": ("nothing", [""] * len(prompts)),
    }


def floors(prompts: Sequence[Prompt], totals: Callable[[Sequence[str]], Totals]) -> dict[str, dict[str, Any]]:
    """Give the totals of every reply; `totals` scores one text per prompt, in one mode, on the paper's subset."""
    return {
        name: {"reply": described, **asdict(totals(texts))} for name, (described, texts) in replies(prompts).items()
    }
