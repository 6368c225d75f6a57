"""The recipe's parts `sft` and `dpo`: mixes, trainings, sweeps; kielo/recipe/trainings.py spells them out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from kielo.schema.parts import Code, Codes, Name, Part, once_each, refuse_idle
from kielo.schema.selection import Select
from kielo.schema.trainer import Trainer

Amount = Annotated[float, Field(ge=0)]
LossOn = Literal["all", "assistant", "last"]
OverLength = Literal["cut", "drop"]
Sweep = Annotated[
    dict[str, Annotated[tuple[Any, ...], Field(min_length=1), AfterValidator(once_each)]],
    Field(
        description="key of this run, or trainer.<key> -> values: one training for each combination, its name made of the run's, the key and the value (dpo-fi-beta-0.05)"
    ),
]
Unusual = Literal["identical", "tied", "cross-language", "over-length"]


class Pool(Part):
    """What a mix takes from some data sets: of each language a share or a number of its rows, the first ones of a seeded order."""

    shares: dict[Code, Amount | Literal["X"]] = Field(
        {}, description="language -> share of its rows (1: all; above 1 rows are repeated); X: the values of `X`"
    )
    rows: dict[Code, Annotated[int, Field(gt=0)]] = Field({}, description="language -> number of rows")

    @model_validator(mode="after")
    def _one_amount_each(self) -> Pool:
        both = sorted(set(self.shares) & set(self.rows))
        if both:
            raise ValueError(f"'{both[0]}' has a share and a number of rows; give one of them")
        return self


class Mix(Pool):
    """Training conversations by language: smaller shares lie within larger ones, and the same ids come first in every language."""

    X: Annotated[tuple[Amount, ...], AfterValidator(once_each)] = Field(
        (), description="a family: one mix per share; X in the mix's name becomes the percent"
    )
    datasets: Annotated[tuple[Name, ...], AfterValidator(once_each)] = Field(
        (),
        description="data sets that shares and rows are taken from; default: every one of kind conversations without prompts_of",
    )
    sources: dict[Name, Pool] = Field(
        {}, description="a blend: data set -> what is taken of it, in place of shares, rows and datasets"
    )
    upsample: bool = Field(False, description="repeat rows where `rows` asks for more than there are")
    select: Select | None = Field(
        None, description="choose rows first, by what `annotate` knows of them; the shares are then of the chosen ones"
    )

    @model_validator(mode="after")
    def _pools_or_sources(self) -> Mix:
        if self.sources:
            refuse_idle(self, "sources", frozenset({"shares", "rows", "datasets"}))
        for pool in self.pools.values():
            if not pool.shares and not pool.rows:
                raise ValueError("nothing to take; give shares or rows, or sources")
        return self

    @property
    def pools(self) -> Mapping[Name | None, Pool]:
        """What is taken, by data set; None: of all the mix's data sets together."""
        return {name: pool for name, pool in self.sources.items()} if self.sources else {None: self}


class Lora(Part):
    """Low-rank adapters instead of all weights (peft's names)."""

    r: int = Field(16, gt=0)
    lora_alpha: int = Field(32, gt=0)
    lora_dropout: float = Field(0.0, ge=0, lt=1)
    target_modules: tuple[str, ...] | Literal["all-linear"] = "all-linear"
    quantise: Literal["4bit", "8bit"] | None = Field(
        None, description="keep the model's own weights in 4 or 8 bits while adapters are trained (QLoRA; bitsandbytes)"
    )


class SftRun(Part):
    """One supervised fine-tuning: a mix and what differs from the `sft` defaults."""

    mix: Name
    loss_on: LossOn | None = Field(None, description="overrides sft.loss_on")
    neftune_noise_alpha: float | None = Field(
        None, ge=0, le=1000, description="NEFTune noise (the paper's authors used 5 to 15); null or 0: none"
    )
    lora: Lora | None = Field(None, description="overrides sft.lora; null: all weights are trained")
    trainer: Trainer = Field(Trainer(), description="keys that override sft.trainer for this run")
    sweep: Sweep = {}


class Sft(Part):
    """Supervised fine-tuning: every mix gives a run of its own name; `runs` adds others."""

    trainer: Trainer = Trainer()
    loss_on: LossOn = Field(
        "all",
        description="all: every token of the conversation; assistant: the answers and their end-of-turn (the paper's prompt masking); last: the last answer alone",
    )
    over_length: OverLength = Field(
        "cut", description="rows over max_length: cut their end off, or drop them; both are counted by language"
    )
    lora: Lora | None = None
    mixes: dict[Name, Mix] = Field(min_length=1)
    runs: dict[Name, SftRun] = {}


class DpoRun(Part):
    """One preference tuning."""

    data: dict[Name, Annotated[Codes, Field(min_length=1)]] = Field(
        min_length=1, description="data set of kind preferences -> languages"
    )
    start: str | None = Field(None, description="sft/<run> to start from; default: dpo.start")
    beta: float | None = Field(None, gt=0, description="overrides dpo.beta")
    language_pairs: float = Field(
        0,
        ge=0,
        le=1,
        description="response-language pairs per pair of the data: chosen is its chosen answer in the prompt's language, rejected the same answer in the other one",
    )
    lora: Lora | None = Field(None, description="overrides dpo.lora; null: all weights are trained")
    trainer: Trainer = Field(Trainer(), description="keys that override dpo.trainer for this run")
    sweep: Sweep = {}


class Dpo(Part):
    """Direct preference optimisation."""

    start: str = Field(description="the SFT run that every DPO run starts from, as sft/<run>")
    beta: float = Field(0.1, gt=0)
    accept: Annotated[tuple[Unusual, ...], AfterValidator(once_each)] = Field(
        (),
        description="pairs that are refused, and counted, unless named here: identical answers; chosen and rejected of equal score, where the data give scores and an order all the same (tied); answers not in the prompt's language (cross-language); pairs over max_length, whose answers are then cut",
    )
    trainer: Trainer = Trainer()
    lora: Lora | None = None
    runs: dict[Name, DpoRun] = Field(min_length=1)
