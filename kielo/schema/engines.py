"""Who generates text: the engines of a recipe and how a language model is prompted to translate."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, model_validator

from kielo.schema.parts import Part, refuse_idle


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
        refuse_idle(self, f"kind {self.kind}", _KEYS_OF_ENGINES - _ENGINE_KEYS[self.kind])
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
