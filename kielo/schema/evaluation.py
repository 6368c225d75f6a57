"""The recipe's part `eval`: what is measured on every tuned model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from kielo.schema.engines import Engine, Engines
from kielo.schema.parts import Codes, IdentifierName, Name, Part, check_identifier, once_each

Names = Annotated[tuple[Name, ...], AfterValidator(once_each)]


class Ifeval(Part):
    """IFEval: which prompts, in which languages."""

    dataset: Name = Field("ifeval", description="a data set of kind ifeval")
    languages: Codes = Field((), description="default: the source and the target language")
    also: Names = Field(
        (),
        description="further data sets of kind ifeval that are written in one language, such as native prompts of `kielo eval make-prompts`",
    )
    max_tokens: int = Field(1280, gt=0, description="longest answer")
    sentences: Literal["sentencex", "punkt"] = Field(
        "sentencex",
        description="who splits sentences in compat mode: sentencex knows many languages and needs no data; punkt (nltk's English data, which must be at hand) is what lm-evaluation-harness takes",
    )


class Questions(Part):
    """Open questions, such as MT-Bench or native prompts: every model answers them, turn by turn."""

    languages: Codes = Field(
        (), description="default: the language of the rows, and the target language where they are translated"
    )
    max_tokens: int = Field(1024, gt=0, description="longest answer to one turn")


class Judge(Part):
    """Language models that compare the answers to open questions with a baseline's, and rate them."""

    engines: Engines = Field(
        description="one or more judges; each names its `model` (an engine openai: `served_model` where the server calls it otherwise)"
    )
    benchmarks: Names = Field((), description="data sets of eval.questions; default: all of them")
    baseline: str | None = Field(
        None,
        description="sft/<run> or dpo/<run> that the others are compared with; default: dpo.start, else the first model",
    )
    modes: Annotated[tuple[Literal["pairwise", "single"], ...], Field(min_length=1), AfterValidator(once_each)] = Field(
        ("pairwise",), description="pairwise: against the baseline, in both orders; single: a rating from 1 to 10"
    )
    gate: Literal["lose", "exclude", "off"] = Field(
        "lose",
        description="answers in the wrong language, by our own identification before the judge is asked: they lose (both: a tie), are left out, or are judged like any other; counted in every case",
    )
    max_tokens: int = Field(1024, gt=0, description="longest judgement")

    @model_validator(mode="after")
    def _judges_are_named(self) -> Judge:
        for engine in self.engines:
            if engine.kind == "deepl" or engine.prompt is not None:
                raise ValueError("a judge is not deepl and has no translation prompt")
            if engine.model is None:
                raise ValueError(
                    "every judge needs its `model`: a Hub id, a folder, or what a server's model is called"
                )
        return self


class Comet(Part):
    """COMET, which scores translations with a model; its package needs older ones than ours, so it lives in an environment of its own."""

    model: str = Field(
        "Unbabel/wmt22-comet-da",
        description="a Hub id, or the path of a checkpoint relative to the recipe, written ./like/this",
    )
    command: tuple[str, ...] = Field(
        min_length=1, description="how to start Python where unbabel-comet lives, such as [/envs/comet/bin/python]"
    )
    batch_size: int = Field(16, gt=0, description="sentences at once; changes speed and memory alone")


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
    questions: dict[Name, Questions] = Field({}, description="data set of kind questions -> how it is answered")
    judge: Judge | None = Field(None, description="who compares the answers to `questions`; default: nobody")
    strip_thinking: bool = Field(
        False, description="score answers without their <think>...</think> blocks (reasoning models)"
    )
    identifier: IdentifierName = Field(
        "py3langid",
        description="who tells the languages of answers apart, in scores and in the judge's gate; lingua and glotlid are extras",
    )
    identifier_file: str | None = Field(None, description="glotlid: its model file, relative to the recipe")
    overlap: Literal["report", "drop"] = Field(
        "report",
        description="training rows whose prompt stands in an evaluated data set, in any language: count and list them, or leave them out as well",
    )
    translation: Name | None = Field(
        None, description="a data set of kind sentences: chrF, chrF++ and BLEU of the translation engine on it"
    )
    comet: Comet | None = Field(None, description="of `translation`: COMET's score as well")

    @model_validator(mode="after")
    def _identifier_has_its_file(self) -> Evaluate:
        check_identifier(self.identifier, self.identifier_file)
        return self

    @model_validator(mode="after")
    def _judge_has_questions(self) -> Evaluate:
        if self.judge is not None and not self.questions:
            raise ValueError("judge would do nothing without `questions`: give a data set of kind questions")
        if self.comet is not None and self.translation is None:
            raise ValueError("comet would do nothing without `translation`: give a data set of kind sentences")
        return self
