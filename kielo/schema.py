"""What a recipe can say: every key, its type and its default (none live in YAML); kielo/recipe.py reads the file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from kielo.errors import RecipeError
from kielo.languages import language, shots_of
from kielo.models import model_path
from kielo.trainer_fields import Trainer

Share = Annotated[float, Field(ge=0, le=1)]
CHAT_TEMPLATES = Path(__file__).resolve().parent.parent / "recipes" / "chat_templates"
PLAIN_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")


def _plain_name(name: str) -> str:
    if not PLAIN_NAME.fullmatch(name):
        raise ValueError(f"'{name}' is no plain name; use letters, digits, '.', '_' and '-' (it becomes a folder)")
    return name


Name = Annotated[str, AfterValidator(_plain_name)]


def _known_language(code: str) -> str:
    try:
        return language(code).code
    except RecipeError as error:
        raise ValueError(str(error).rstrip(".")) from error


Code = Annotated[str, AfterValidator(_known_language)]


def _once_each(values: tuple[Any, ...]) -> tuple[Any, ...]:
    twice = sorted({str(value) for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} stands there twice")
    return values


def _refuse_idle(part: BaseModel, chosen: str, idle: frozenset[str]) -> None:
    """Refuse keys that the chosen kind does not read: a key that does nothing is a mistake that nobody sees."""
    written = sorted(part.model_fields_set & idle)
    if written:
        raise ValueError(f"{', '.join(written)} would do nothing with {chosen}; leave it out")


Codes = Annotated[tuple[Code, ...], AfterValidator(_once_each)]


class Part(BaseModel):
    """Base of every part of a recipe: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Engine(Part):
    """A text generator."""

    kind: Literal["hf", "openai", "vllm-server"] = Field(
        "hf",
        description="hf: transformers in this process; openai: a running OpenAI-compatible server; vllm-server: vLLM servers that Kielo starts and ends",
    )
    batch_tokens: int = Field(16384, gt=0, description="hf: prompt and completion tokens in one batch, at most")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="hf, vllm-server: number format of the weights"
    )
    urls: tuple[str, ...] = Field((), description="openai: base URLs of the servers, such as http://node1:8000/v1")
    served_model: str | None = Field(
        None, description="openai: the model's name on the server, where it differs from the recipe's"
    )
    concurrency: int = Field(128, gt=0, description="openai, vllm-server: requests under way at once at each server")
    timeout_seconds: float = Field(600, gt=0, description="openai, vllm-server: limit of one request")
    command: tuple[str, ...] = Field(
        (),
        description="vllm-server: how to start Python where vLLM lives, such as [/envs/vllm/bin/python] or [singularity, exec, image.sif, python]; default: this Python",
    )
    servers: int = Field(1, gt=0, description="vllm-server: how many servers to start on this machine")
    tensor_parallel: int = Field(1, gt=0, description="vllm-server: devices of one server")
    extra_args: tuple[str, ...] = Field((), description="vllm-server: further arguments of the server")
    startup_seconds: float = Field(1800, gt=0, description="vllm-server: limit for a server to become healthy")

    @model_validator(mode="after")
    def _only_what_its_kind_reads(self) -> Engine:
        if self.kind == "openai" and not self.urls:
            raise ValueError("engine kind openai needs `urls`, such as [http://localhost:8000/v1]")
        if any("@" in url for url in self.urls):
            raise ValueError(
                "urls must hold no user name or password; give the key in the environment variable OPENAI_API_KEY"
            )
        _refuse_idle(self, f"kind {self.kind}", _KEYS_OF_ENGINES - _ENGINE_KEYS[self.kind])
        return self


_ENGINE_KEYS = {
    "hf": frozenset({"batch_tokens", "dtype"}),
    "openai": frozenset({"urls", "served_model", "concurrency", "timeout_seconds"}),
    "vllm-server": frozenset({"dtype", "concurrency", "timeout_seconds", "command", "servers", "tensor_parallel", "extra_args", "startup_seconds"}),
}  # fmt: skip
_KEYS_OF_ENGINES = frozenset().union(*_ENGINE_KEYS.values())


class Memory(Part):
    """A translation memory: a JSONL file of earlier translations, used for every text, else for every segment of a text, that stands in it as it is."""

    file: str = Field(description="path, relative to the recipe; .jsonl or .jsonl.gz")
    source: str = Field("source", description="the column of the source text")
    target: str = Field("target", description="the column of the translation")


class FewShot(Part):
    """The few-shot prompt that a base model translates by."""

    shots: int = Field(5, ge=1, le=32, description="translation pairs before the text")
    shots_file: str | None = Field(
        None, description="path relative to the recipe, or `pocket`; default: the language pack's"
    )


class Dataset(Part):
    """One data set: exactly one of hub, local, pocket says where its rows come from."""

    kind: Literal["conversations", "preferences", "ifeval", "sentences"] = Field(
        description="what records its rows become"
    )
    hub: str | None = Field(None, description="Hub data set id")
    revision: str | None = Field(
        None, description="hub: commit, tag or branch; pin a commit for a run that can be repeated"
    )
    config: str | None = Field(None, description="hub: configuration name")
    split: str = Field("train", description="hub: split")
    local: str | None = Field(None, description="path, relative to the recipe; .jsonl or .jsonl.gz")
    pocket: Literal["oasst2", "helpsteer2", "ifeval", "parallel"] | None = Field(
        None, description="a data set of the pocket world"
    )
    rows: int = Field(400, gt=0, description="pocket: how many items to make")
    fields: dict[str, str] = Field({}, description="field name Kielo reads -> column of the rows, where they differ")
    score: str = Field(
        "helpfulness", description="preferences in HelpSteer2 rows: the column that ranks the two answers"
    )
    licence: str | None = Field(None, description="licence of the rows, recorded beside them")
    translate: bool = Field(True, description="false: keep in the source language only")
    engine: Engine | None = Field(None, description="an engine for this data set alone")
    memory: Memory | None = Field(None, description="a translation memory for this data set alone")

    @model_validator(mode="after")
    def _one_place(self) -> Dataset:
        places = [name for name in ("hub", "local", "pocket") if getattr(self, name) is not None]
        if len(places) != 1:
            raise ValueError(f"give exactly one of hub, local, pocket ({', '.join(places) or 'none'} given)")
        _refuse_idle(self, places[0], frozenset({"revision", "config", "split", "rows"}) - _DATASET_KEYS[places[0]])
        if self.kind != "preferences":
            _refuse_idle(self, f"kind {self.kind}", frozenset({"score"}))
        return self


_DATASET_KEYS = {
    "hub": frozenset({"revision", "config", "split"}),
    "local": frozenset[str](),
    "pocket": frozenset({"rows"}),
}


class Translate(Part):
    """How source-language data become target-language data."""

    engine: Engine | None = Field(
        Engine(), description="who completes the few-shot prompts; null: translation memory alone"
    )
    prompt: FewShot = FewShot()
    memory: Memory | None = Field(None, description="earlier translations, used before the engine is asked")
    max_tokens_ratio: float = Field(3.0, gt=0, description="most tokens of a translation per token of its source")
    datasets: dict[Name, Dataset] = Field(
        min_length=1, description="name -> data set; the name becomes the first part of every row's id"
    )


class Mix(Part):
    """Training conversations by language: the first `share` of one seeded order of each language's rows (nested)."""

    shares: dict[Code, Share | Literal["X"]] = Field(
        min_length=1, description="language -> share of its rows, 0 to 1; X: the values below"
    )
    X: Annotated[tuple[Share, ...], AfterValidator(_once_each)] = Field(
        (), description="a family: one mix per share; X in the mix's name becomes the percent"
    )
    datasets: Annotated[tuple[Name, ...], AfterValidator(_once_each)] = Field(
        (), description="data sets to mix; default: every one of kind conversations"
    )


class Lora(Part):
    """Low-rank adapters instead of all weights (peft's names)."""

    r: int = Field(16, gt=0)
    lora_alpha: int = Field(32, gt=0)
    lora_dropout: float = Field(0.0, ge=0, lt=1)
    target_modules: tuple[str, ...] | Literal["all-linear"] = "all-linear"


class SftRun(Part):
    """One supervised fine-tuning: a mix and what differs from the `sft` defaults."""

    mix: Name
    loss_on: Literal["all", "assistant"] | None = Field(None, description="overrides sft.loss_on")
    neftune_noise_alpha: float | None = Field(None, gt=0, description="NEFTune noise; null: none")
    lora: Lora | None = None
    trainer: Trainer = Field(Trainer(), description="keys that override sft.trainer for this run")


class Sft(Part):
    """Supervised fine-tuning: every mix gives a run of its own name; `runs` adds others."""

    trainer: Trainer = Trainer()
    loss_on: Literal["all", "assistant"] = Field(
        "all",
        description="all: every token of the conversation; assistant: the answers and their end-of-turn (the paper's prompt masking)",
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
    lora: Lora | None = None
    trainer: Trainer = Field(Trainer(), description="keys that override dpo.trainer for this run")


class Dpo(Part):
    """Direct preference optimisation."""

    start: str = Field(description="the SFT run that every DPO run starts from, as sft/<run>")
    beta: float = Field(0.1, gt=0)
    trainer: Trainer = Trainer()
    lora: Lora | None = None
    runs: dict[Name, DpoRun] = Field(min_length=1)


class Ifeval(Part):
    """IFEval: which prompts, in which languages."""

    dataset: Name = Field("ifeval", description="a data set of kind ifeval")
    languages: Codes = Field((), description="default: the source and the target language")
    max_tokens: int = Field(1280, gt=0, description="longest answer")
    sentences: Literal["sentencex", "punkt"] = Field(
        "sentencex",
        description="who splits sentences: sentencex knows many languages and needs no data; punkt (nltk's English data, which must be at hand) is what lm-evaluation-harness takes",
    )


class Evaluate(Part):
    """What is measured on every tuned model, and on the translation."""

    engine: Engine = Engine()
    models: Annotated[tuple[str, ...], AfterValidator(_once_each)] = Field(
        (), description="sft/<run> and dpo/<run>; default: all of them"
    )
    ifeval: Ifeval | None = None
    translation: Name | None = Field(
        None, description="a data set of kind sentences: chrF and BLEU of the translation engine on it"
    )


class Recipe(Part):
    """From a base model to a chat model in one language."""

    name: Name = Field("", description="names the run folder; default: the file's name", validate_default=False)
    description: str = ""
    language: Code = Field(description="target language: a pack under recipes/languages/")
    source_language: Code = "en"
    model: str = Field(
        min_length=1,
        description="Hub id; a folder, written /like/this or ./like/this (relative to the recipe); or `pocket`, the small base model shipped with Kielo",
    )
    revision: str | None = Field(None, description="of the model on the Hub")
    chat_template: str = Field(
        "chatml",
        description="a template of recipes/chat_templates/, or a path to a .jinja file, relative to the recipe",
    )
    seed: int = Field(0, ge=0)
    translate: Translate
    sft: Sft
    dpo: Dpo | None = None
    eval: Evaluate = Evaluate()
    file: Path = Field(Path(), exclude=True, json_schema_extra={"hidden": True})

    @property
    def model_path(self) -> str:
        """Where the model lies: a folder or a Hub id."""
        return str(self.path(self.model)) if self.model.startswith(("/", ".")) else model_path(self.model)

    @property
    def chat_template_path(self) -> Path:
        """The template's file: a shipped one of that name, else a path relative to the recipe."""
        shipped = CHAT_TEMPLATES / f"{self.chat_template}.jinja"
        return shipped if shipped.is_file() else self.path(self.chat_template)

    @property
    def shots_path(self) -> Path:
        """The file of few-shot pairs: the recipe's own, else the language pack's."""
        written = self.translate.prompt.shots_file
        return shots_of(self.language) if written is None else self.path(written)

    def path(self, written: str) -> Path:
        """Resolve a path written in the recipe, relative to the recipe's own folder."""
        return (self.file.parent / written).resolve()


def json_schema() -> dict[str, Any]:
    """Make the JSON Schema that editors complete recipes with."""
    schema = Recipe.model_json_schema()
    schema["properties"].pop("file")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Kielo recipe"}
