"""The recipe's parts `annotate` (what is known of the rows) and `select` of a mix (which rows are taken, and how they are chosen)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from kielo.schema.engines import Engine
from kielo.schema.parts import Code, Codes, Part, Share, once_each, refuse_idle

Method = Literal["random", "longest", "score", "ifd", "instag", "deita", "car", "qdit", "mig"]
Knowledge = Literal["labels", "scores", "embeddings", "ifd"]
NEEDS: Mapping[Method, frozenset[Knowledge]] = {
    "random": frozenset(), "longest": frozenset(), "score": frozenset({"scores"}), "ifd": frozenset({"ifd"}),
    "instag": frozenset({"labels"}), "mig": frozenset({"labels", "scores"}), "deita": frozenset({"scores", "embeddings"}),
    "car": frozenset({"scores", "embeddings"}), "qdit": frozenset({"scores", "embeddings"}),
}  # fmt: skip
"""What each method must know of the rows; `annotate` makes that and no more."""


class Embedder(Part):
    """Who turns texts into vectors: of rows, and of the names of labels."""

    kind: Literal["characters", "sentence-transformers", "model2vec"] = Field(
        "characters",
        description="characters: TF-IDF of character n-grams in fewer dimensions, without any model, for every script; sentence-transformers, model2vec: a model of that library",
    )
    model: str | None = Field(
        None, description="sentence-transformers, model2vec: a Hub id, or a folder written ./like/this; choose one that knows the languages"
    )  # fmt: skip
    revision: str | None = Field(None, description="of the model on the Hub")
    prefix: str = Field("", description="put before every text, as some models want it (`query: `)")
    dimensions: int = Field(128, ge=2, le=4096, description="characters: length of a vector")

    @model_validator(mode="after")
    def _only_what_its_kind_reads(self) -> Embedder:
        if self.kind == "characters":
            refuse_idle(self, "kind characters", frozenset({"model", "revision", "prefix"}))
        else:
            refuse_idle(self, f"kind {self.kind}", frozenset({"dimensions"}))
            if self.model is None:
                raise ValueError(f"kind {self.kind} needs its `model`: a Hub id or a folder")
        return self


def _asks(engine: Engine | None) -> Engine | None:
    if engine is not None and (engine.kind == "deepl" or engine.prompt is not None):
        raise ValueError("an engine that annotates is not deepl and has no translation prompt; leave that out")
    return engine


Asked = Annotated[Engine | None, AfterValidator(_asks)]


class Labels(Part):
    """The labels of a row: what its task is about."""

    kind: Literal["clusters", "llm", "file"] = Field(
        "clusters",
        description="clusters: the nearest k-means centroids of the rows' vectors, no model is asked; llm: tags that a language model writes, brought together as InsTag does; file: tags made elsewhere",
    )
    engine: Asked = Field(None, description="llm: who writes the tags; its `model` default is the recipe's")
    file: str | None = Field(
        None, description="file: JSONL of {id, labels: [...]}, relative to the recipe; ids as in source/<dataset>/rows.jsonl"
    )  # fmt: skip
    clusters: Annotated[tuple[Annotated[int, Field(ge=2)], ...], AfterValidator(once_each)] = Field(
        (), description="clusters: how many, at one or more granularities; default: the square root of half the rows, and its double"
    )  # fmt: skip
    nearest: int = Field(3, ge=1, le=16, description="clusters: how many of each granularity a row belongs to")
    least: int = Field(2, ge=1, description="llm, file: tags that fewer rows have are left out, and counted")

    @model_validator(mode="after")
    def _only_what_its_kind_reads(self) -> Labels:
        own = {"clusters": {"clusters", "nearest"}, "llm": {"engine", "least"}, "file": {"file", "least"}}
        refuse_idle(self, f"kind {self.kind}", frozenset().union(*own.values()) - own[self.kind])
        _needs(self, "llm", "engine")
        _needs(self, "file", "file")
        return self


class Scores(Part):
    """The score of a row: how much it is worth."""

    kind: Literal["none", "llm", "ifd", "file"] = Field(
        "none",
        description="none: every row counts the same; llm: quality times complexity, each from 1 to 6, as a language model rates them turn by turn; ifd: instruction-following difficulty by the recipe's base model; file: scores made elsewhere",
    )
    engine: Asked = Field(
        None, description="llm: who rates; ifd: how the base model runs (hf, vllm-server or openai; default: hf)"
    )
    file: str | None = Field(
        None, description="file: JSONL of {id, score} or {id, quality, complexity}, relative to the recipe"
    )

    @model_validator(mode="after")
    def _only_what_its_kind_reads(self) -> Scores:
        own = {"none": set[str](), "llm": {"engine"}, "ifd": {"engine"}, "file": {"file"}}
        refuse_idle(self, f"kind {self.kind}", frozenset({"engine", "file"}) - own[self.kind])
        _needs(self, "llm", "engine")
        _needs(self, "file", "file")
        return self


def _needs(part: Labels | Scores, kind: str, key: str) -> None:
    if part.kind == kind and getattr(part, key) is None:
        raise ValueError(f"kind {kind} needs `{key}`")


class Annotate(Part):
    """What selections know of the rows: found once for every source row, and carried to its translation by id."""

    embedder: Embedder = Embedder()
    labels: Labels = Labels()
    scores: Scores = Scores()


class NearDuplicates(Part):
    """Rows whose prompts are nearly the same: one of each group stays."""

    threshold: float = Field(0.8, gt=0, le=1, description="Jaccard similarity of the prompts' character 5-grams")
    keep: Literal["best", "first", "longest"] = Field("best", description="which one stays: the best score (the first of equals), the first, or the one of the longest answers")  # fmt: skip
    semantic: float | None = Field(
        None, gt=0, le=1, description="also prompts whose vectors have at least this cosine; measure it for your embedder, there is no number for all"
    )  # fmt: skip


class Mig(Part):
    """Information gain on the label graph (MIG, arXiv 2504.13835); the defaults are those of its published sampler."""

    threshold: float = Field(
        0.9, gt=0, le=1, description="labels are joined where their vectors have at least this cosine"
    )
    propagation: float = Field(1.0, ge=0, le=1e6, description="weight of what a label gives to those it is joined with")
    norm: bool = Field(
        False,
        description="divide a row's score by its number of labels; off in the published command line, on in its class",
    )
    gain: Literal["linear", "true"] = Field(
        "linear", description="linear: the slope at what is there (published); true: the difference itself"
    )
    information: Literal["power", "exponential"] = Field(
        "power", description="power: (x + offset)^exponent; exponential: 1 - exp(-rate x)"
    )
    exponent: float = Field(0.8, gt=0, le=1, description="power")
    offset: float = Field(1e-6, ge=1e-12, description="power")
    rate: float = Field(1.0, gt=0, description="exponential")

    @model_validator(mode="after")
    def _only_what_its_form_reads(self) -> Mig:
        idle = {"power": {"rate"}, "exponential": {"exponent", "offset"}}[self.information]
        refuse_idle(self, f"information {self.information}", frozenset(idle))
        return self


class Deita(Part):
    """The best rows that are not too near to one taken already."""

    threshold: float = Field(
        0.9, gt=-1, le=1, description="a row is passed over above this cosine to one that was taken"
    )


class Car(Part):
    """The best rows of all, and the best of each cluster."""

    of_all: Share = Field(
        0.5, description="share of the size that the best of all have; the clusters have the rest in turns"
    )
    clusters: int | None = Field(None, ge=1, description="default: the square root of half the rows")
    variance: float = Field(0.95, gt=0, le=1, description="share of the variance that the principal components keep")


class Qdit(Part):
    """Quality and facility location: rows that are good and near to what was left out."""

    alpha: Share = Field(0.5, description="weight of quality; the rest is that of diversity")
    neighbours: int = Field(100, ge=1, description="nearest rows of each row that count")


Axis = BeforeValidator(lambda value: value if isinstance(value, list | tuple) else (value,))


class Select(Part):
    """Which rows a mix takes of some languages: its shares and rows are then of the selected ones."""

    method: Annotated[tuple[Method, ...], Axis, Field(min_length=1), AfterValidator(once_each)] = Field(
        ("mig",), json_schema_extra={"anyOf": [{"type": "string"}, {"type": "array"}]},
        description="one, or a list: one mix for each, its name with the method's behind. ZIP is not among them: it takes 54 hours of recompressing for what MIG finds in seconds, and scored below random",
    )  # fmt: skip
    size: Annotated[tuple[Annotated[int, Field(gt=0)], ...], Axis, Field(min_length=1), AfterValidator(once_each)] = Field(
        description="rows to select, of all its languages together; a list: one mix for each, its name with the size behind"
    )  # fmt: skip
    languages: Codes = Field(
        (),
        description="whose rows are selected; default: every language of the mix; rows of the others stay as they are",
    )
    budgets: dict[Code, Share] = Field({}, description="language -> share of the size; default: the method decides")
    missing: Literal["refuse", "skip", "minimum"] = Field(
        "refuse",
        description="rows that the method knows too little of: refuse the recipe, leave them out, or give them the lowest score and no labels; counted in every case",
    )
    near_duplicates: NearDuplicates | None = Field(
        None, description="thin out near-duplicates first; {}: with its defaults"
    )
    mig: Mig = Mig()
    deita: Deita = Deita()
    car: Car = Car()
    qdit: Qdit = Qdit()

    @model_validator(mode="after")
    def _sound(self) -> Select:
        idle = frozenset({"mig", "deita", "car", "qdit"}) - set(self.method)
        refuse_idle(self, f"method {', '.join(self.method)}", idle)
        if self.budgets and abs(sum(self.budgets.values()) - 1) > 1e-6:
            raise ValueError(
                f"the budgets add up to {sum(self.budgets.values()):g}; they are shares of the size, 1 in all"
            )
        return self

    def needs(self, method: Method) -> frozenset[Knowledge]:
        """Say what must be known of the rows for a method, and to thin out near-duplicates."""
        thinning: set[Knowledge] = set()
        if self.near_duplicates is not None:
            thinning |= {"scores"} if self.near_duplicates.keep == "best" else set()
            thinning |= {"embeddings"} if self.near_duplicates.semantic is not None else set()
        return NEEDS[method] | thinning
