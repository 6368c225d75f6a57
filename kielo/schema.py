"""What a recipe can say: every key, its type and its default (none live in YAML); kielo/recipe.py reads the file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

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


class FewShot(Part):
    """The prompt that a language model translates by."""

    format: Literal["names", "tags", "chat", "auto"] = Field(
        "names",
        description="names: `Finnish:` before each text; tags: the paper's <|user|>...<|assistant|>; both continue text, for base models; chat: messages, for instruct models; auto: the one of best chrF on held-out shots",
    )
    shots: int = Field(5, ge=1, le=32, description="translation pairs before the text")
    shots_file: str | None = Field(
        None, description="path relative to the recipe, or `pocket`; default: the language pack's"
    )
    context: Literal["none", "previous"] = Field(
        "none",
        description="previous: the segment or turn before is shown, so that pronouns and terms agree; prompts share less, so it is slower",
    )


class Repair(Part):
    """What is tried, in this order, for a segment whose translation fails a check; an empty list rejects its record at once."""

    rungs: Annotated[
        tuple[Literal["shots", "samples", "split", "engine", "source"], ...], AfterValidator(_once_each)
    ] = Field(
        ("shots", "samples", "split", "engine"),
        description="shots: other few-shot pairs; samples: the best of several sampled candidates, by the checks; split: sentence by sentence; engine: the next engine of the list; source: keep the source text",
    )
    samples: int = Field(4, gt=0, le=64, description="candidates that rung `samples` draws")
    temperature: float = Field(0.5, gt=0, le=2, description="of rung `samples`")


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 80) > 0
    except ValueError:
        sound = False
    if not sound or any(letter.isspace() for letter in url):
        raise ValueError(f"'{url}' is no base URL of a server; write it like http://node1:8000/v1")


class Engine(Part):
    """A text generator."""

    kind: Literal["hf", "openai", "vllm-server", "deepl"] = Field(
        "hf",
        description="hf: transformers in this process; openai: a running OpenAI-compatible server; vllm-server: vLLM servers that Kielo starts and ends; deepl: DeepL, for translation only (key in the environment variable DEEPL_AUTH_KEY)",
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
    timeout_seconds: float = Field(600, gt=0, description="openai, vllm-server, deepl: limit of one request")
    command: tuple[str, ...] = Field(
        (),
        description="vllm-server: how to start Python where vLLM lives, such as [/envs/vllm/bin/python] or [singularity, exec, image.sif, python]; default: this Python",
    )
    servers: int = Field(1, gt=0, description="vllm-server: how many servers to start on this machine")
    tensor_parallel: int = Field(1, gt=0, description="vllm-server: devices of one server")
    extra_args: tuple[str, ...] = Field((), description="vllm-server: further arguments of the server")
    startup_seconds: float = Field(1800, gt=0, description="vllm-server: limit for a server to become healthy")
    formality: Literal["default", "more", "less", "prefer_more", "prefer_less"] = Field(
        "default", description="deepl: how to address the reader"
    )
    glossary_id: str | None = Field(None, description="deepl: a glossary of the account")
    model_type: Literal["quality_optimized", "prefer_quality_optimized", "latency_optimized"] | None = Field(
        None, description="deepl: which of its models"
    )
    model: str | None = Field(
        None,
        description="translation: a model other than the recipe's, as a Hub id or a folder (for openai: to tell its translations apart)",
    )
    prompt: FewShot | None = Field(
        None, description="translation: how this engine is prompted, where it differs from translate.prompt"
    )

    @model_validator(mode="after")
    def _only_what_its_kind_reads(self) -> Engine:
        if self.kind == "openai" and not self.urls:
            raise ValueError("engine kind openai needs `urls`, such as [http://localhost:8000/v1]")
        for url in self.urls:
            _check_url(url)
        if any("@" in url for url in self.urls):
            raise ValueError(
                "urls must hold no user name or password; give the key in the environment variable OPENAI_API_KEY"
            )
        _refuse_idle(self, f"kind {self.kind}", _KEYS_OF_ENGINES - _ENGINE_KEYS[self.kind])
        return self


_ENGINE_KEYS = {
    "hf": frozenset({"batch_tokens", "dtype", "model", "prompt"}),
    "openai": frozenset({"urls", "served_model", "concurrency", "timeout_seconds", "model", "prompt"}),
    "vllm-server": frozenset({"dtype", "concurrency", "timeout_seconds", "command", "servers", "tensor_parallel", "extra_args", "startup_seconds", "model", "prompt"}),
    "deepl": frozenset({"timeout_seconds", "formality", "glossary_id", "model_type"}),
}  # fmt: skip
_KEYS_OF_ENGINES = frozenset().union(*_ENGINE_KEYS.values())


Engines = Annotated[
    tuple[Engine, ...],
    Field(min_length=1),
    BeforeValidator(
        lambda value: (value,) if isinstance(value, dict | Engine) else value,
        json_schema_input_type=Engine | tuple[Engine, ...],
    ),
]
"""One engine, or a list of them."""


class Memory(Part):
    """A translation memory: a JSONL file of earlier translations, used for every text, else for every segment of a text, that stands in it as it is."""

    file: str = Field(description="path, relative to the recipe; .jsonl or .jsonl.gz")
    source: str = Field("source", description="the column of the source text")
    target: str = Field("target", description="the column of the translation")


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
    engine: Engines | None = Field(None, description="an engine, or a list of them, for this data set alone")
    answers: Literal["translate", "regenerate"] = Field(
        "translate",
        description="conversations: translate the answers, or translate the user's turns and let the model answer them",
    )
    arguments: str | None = Field(
        None, description="ifeval: path relative to the recipe: TSV of reviewed arguments, as the step writes it"
    )
    memory: Memory | None = Field(None, description="a translation memory for this data set alone")

    @model_validator(mode="after")
    def _one_place(self) -> Dataset:
        places = [name for name in ("hub", "local", "pocket") if getattr(self, name) is not None]
        if len(places) != 1:
            raise ValueError(f"give exactly one of hub, local, pocket ({', '.join(places) or 'none'} given)")
        _refuse_idle(self, places[0], frozenset({"revision", "config", "split", "rows"}) - _DATASET_KEYS[places[0]])
        for kind, key in (("preferences", "score"), ("conversations", "answers"), ("ifeval", "arguments")):
            if self.kind != kind:
                _refuse_idle(self, f"kind {self.kind}", frozenset({key}))
        return self


_DATASET_KEYS = {
    "hub": frozenset({"revision", "config", "split"}),
    "local": frozenset[str](),
    "pocket": frozenset({"rows"}),
}


class Translate(Part):
    """How source-language data become target-language data."""

    engine: Engines | None = Field(
        (Engine(),),
        description="who translates; a list: each is asked for what those before it could not translate; null: translation memory alone",
    )
    prompt: FewShot = FewShot()
    memory: Memory | None = Field(None, description="earlier translations, used before the engine is asked")
    max_tokens_ratio: float = Field(3.0, gt=0, description="most tokens of a translation per token of its source")
    checks: Literal["default", "strict", "paper"] = Field(
        "default",
        description="what a translation must pass; paper: the published rules (150% of the words, 30% non-alphanumeric, compression under 30%) alone",
    )
    identifier: Literal["py3langid", "langdetect", "lingua", "glotlid"] = Field(
        "py3langid", description="who tells languages apart in the checks; lingua and glotlid are extras"
    )
    identifier_file: str | None = Field(None, description="glotlid: its model file, relative to the recipe")
    repair: Repair = Repair()
    sentinels: Literal["auto", "brackets", "tags", "double-brackets", "words"] = Field(
        "auto",
        description="how code, links and placeholders are written in prompts; auto: the way this model copies best",
    )
    protect_numbers: bool = Field(False, description="numbers with their units come through untouched, too")
    code: Literal["keep", "comments"] = Field(
        "keep", description="code blocks: keep them; comments: translate the comments and string values in them"
    )
    task_changes: dict[str, Literal["skip", "keep", "around", "translate"]] = Field(
        {},
        description="rule of the source language's pack (such as grammar, rhyme, translation) -> what to do with rows whose task a translation would change; skip: reject; keep: leave in the source language; around: translate around the quoted text; translate: translate like any other; `all` stands for every rule",
    )
    glossary: str | None = Field(
        None, description="path relative to the recipe: TSV of source term and target term, put in as they stand there"
    )
    verdicts: str | None = Field(
        None, description="path relative to the recipe: TSV of a reviewer's verdicts, as the review page exports it"
    )
    datasets: dict[Name, Dataset] = Field(
        min_length=1, description="name -> data set; the name becomes the first part of every row's id"
    )

    def engines(self, dataset: Dataset) -> tuple[Engine, ...]:
        """List who translates a data set, in the order they are asked."""
        return dataset.engine or self.engine or ()

    @model_validator(mode="after")
    def _identifier_has_its_file(self) -> Translate:
        if (self.identifier == "glotlid") != (self.identifier_file is not None):
            raise ValueError("identifier glotlid and identifier_file belong together; give both or neither")
        return self


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


def _answers(engine: Engine) -> Engine:
    if engine.kind == "deepl" or engine.prompt is not None or engine.model is not None:
        raise ValueError(
            "an engine that answers is not deepl, takes the tuned models and has no translation prompt; leave that out"
        )
    return engine


class Evaluate(Part):
    """What is measured on every tuned model, and on the translation."""

    engine: Annotated[Engine, AfterValidator(_answers)] = Engine()
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
        return self.named_model(self.model)

    def named_model(self, name: str) -> str:
        """Resolve a model's name as a recipe writes it: a folder relative to the recipe, `pocket`, or a Hub id."""
        return str(self.path(name)) if name.startswith(("/", ".")) else model_path(name)

    @property
    def chat_template_path(self) -> Path:
        """The template's file: a shipped one of that name, else a path relative to the recipe."""
        shipped = CHAT_TEMPLATES / f"{self.chat_template}.jinja"
        return shipped if shipped.is_file() else self.path(self.chat_template)

    def shots_of(self, prompt: FewShot) -> Path:
        """Name the file of a prompt's few-shot pairs: its own, else the language pack's."""
        return shots_of(self.language) if prompt.shots_file is None else self.path(prompt.shots_file)

    def path(self, written: str) -> Path:
        """Resolve a path written in the recipe, relative to the recipe's own folder."""
        return (self.file.parent / written).resolve()


def json_schema() -> dict[str, Any]:
    """Make the JSON Schema that editors complete recipes with."""
    schema = Recipe.model_json_schema()
    schema["properties"].pop("file")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Kielo recipe"}
