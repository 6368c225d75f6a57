"""A model for lm-evaluation-harness that gives stored answers, so that the harness runs without any: `python stored_answers.py run ...`.

--model_args answers=FILE names a JSON object, prompt -> list of answers, given to that prompt in turn, over and over.
"""

from __future__ import annotations

import json
from itertools import cycle
from pathlib import Path
from typing import Any

from lm_eval.__main__ import cli_evaluate
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model


@register_model("stored")
class StoredAnswers(LM):
    def __init__(self, answers: str, **_: Any) -> None:
        super().__init__()
        self.answers = {prompt: cycle(given) for prompt, given in json.loads(Path(answers).read_text("utf-8")).items()}

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        return [next(self.answers[request.args[0]]) for request in requests]

    def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> Any:
        raise AssertionError("the task asks for generated answers only")

    loglikelihood_rolling = loglikelihood


if __name__ == "__main__":
    cli_evaluate()
