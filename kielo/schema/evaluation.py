"""The recipe's part `eval`: what is measured on every tuned model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from kielo.schema.engines import Engine
from kielo.schema.parts import Codes, Name, Part, once_each


class Ifeval(Part):
    """IFEval: which prompts, in which languages."""

    dataset: Name = Field("ifeval", description="a data set of kind ifeval")
    languages: Codes = Field((), description="default: the source and the target language")
    max_tokens: int = Field(1280, gt=0, description="longest answer")
    sentences: Literal["sentencex", "punkt"] = Field(
        "sentencex",
        description="who splits sentences: sentencex knows many languages and needs no data; punkt (nltk's English data, which must be at hand) is what lm-evaluation-harness takes",
    )


def _answers(engine: Engine) -> Engine:
    if engine.kind == "deepl" or engine.prompt is not None or engine.model is not None:
        raise ValueError(
            "an engine that answers is not deepl, takes the tuned models and has no translation prompt; leave that out"
        )
    return engine


class Evaluate(Part):
    """What is measured on every tuned model, and on the translation."""

    engine: Annotated[Engine, AfterValidator(_answers)] = Engine()
    models: Annotated[tuple[str, ...], AfterValidator(once_each)] = Field(
        (), description="sft/<run> and dpo/<run>; default: all of them"
    )
    ifeval: Ifeval | None = None
    overlap: Literal["report", "drop"] = Field(
        "report",
        description="training rows whose prompt stands in an evaluated data set, in any language: count and list them, or leave them out as well",
    )
    translation: Name | None = Field(
        None, description="a data set of kind sentences: chrF and BLEU of the translation engine on it"
    )
