"""`--engine` of the verbs that ask a model that they are given: how it is run, as a recipe writes it."""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml
from pydantic import ValidationError

from kielo.errors import UsageError
from kielo.recipe.reading import sentence_of
from kielo.schema import Engine


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Add the option; `engine_of` reads it."""
    parser.add_argument(
        "--engine", default="hf", metavar="KIND|YAML",
        help="how the model is run, as a recipe writes it, such as vllm-server, '{kind: vllm-server, tensor_parallel: 2}' or "
        "'{kind: openai, urls: [\"http://node1:8000/v1\"]}' (default: hf, in this process)",
    )  # fmt: skip


def engine_of(written: str) -> Engine:
    """Read it: a kind, or what a recipe writes behind `engine:`.

    Raises:
        UsageError: it is no engine, or one that is no model's or another model's.
    """
    try:
        value = yaml.safe_load(written)
        engine = Engine.model_validate({"kind": value} if isinstance(value, str) else value)
    except yaml.YAMLError as error:
        raise UsageError(f"--engine {written}: not YAML; write it as a recipe's engine, such as hf.") from error
    except ValidationError as error:
        sentence = sentence_of(error, Path("--engine"), {}, Engine)
        raise UsageError(f"{sentence} Write it as a recipe's engine, such as {{kind: vllm-server}}.") from error
    if engine.kind == "deepl" or engine.model or engine.prompt:
        raise UsageError(
            f"--engine {written}: the model that is asked is named already; leave deepl, model and prompt out."
        )
    return engine
