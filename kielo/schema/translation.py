"""The recipe's part `translate`: data sets, translation memory, checks, repair."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from kielo.schema.engines import Engine, Engines, FewShot
from kielo.schema.parts import Code, Codes, IdentifierName, Name, Part, check_identifier, once_each, refuse_idle


class Repair(Part):
    """What is tried, in this order, for a segment whose translation fails a check; an empty list rejects its record at once."""

    rungs: Annotated[
        tuple[Literal["shots", "samples", "split", "engine", "source"], ...], AfterValidator(once_each)
    ] = Field(
        ("shots", "samples", "split", "engine"),
        description="shots: other few-shot pairs; samples: the best of several sampled candidates, by the checks; split: sentence by sentence; engine: the next engine of the list; source: keep the source text",
    )
    samples: int = Field(4, gt=0, le=64, description="candidates that rung `samples` draws")
    temperature: float = Field(0.5, gt=0, le=2, description="of rung `samples`")


class Memory(Part):
    """A translation memory: a JSONL file of earlier translations, used for every text, else for every segment of a text, that stands in it as it is."""

    file: str = Field(description="path, relative to the recipe; .jsonl or .jsonl.gz")
    source: str = Field("source", description="the column of the source text")
    target: str = Field("target", description="the column of the translation")
    made_by: str | None = Field(
        None, description="who made the translations, such as DeepL, whose terms go with them; for publishing alone"
    )
    licence: str | None = Field(None, description="licence of the translations; for publishing alone")


class Dataset(Part):
    """One data set: exactly one of hub, local, pocket, prompts_of says where its rows come from."""

    kind: Literal["conversations", "preferences", "ifeval", "sentences", "questions"] = Field(
        description="what records its rows become"
    )
    hub: str | None = Field(None, description="Hub data set id")
    revision: str | None = Field(
        None, description="hub: commit, tag or branch; pin a commit for a run that can be repeated"
    )
    config: str | None = Field(None, description="hub: configuration name")
    split: str = Field("train", description="hub: split")
    local: str | None = Field(None, description="path, relative to the recipe; .jsonl or .jsonl.gz")
    pocket: Literal["oasst2", "helpsteer2", "ifeval", "parallel", "questions"] | None = Field(
        None, description="a data set of the pocket world"
    )
    prompts_of: Name | None = Field(
        None,
        description="conversations: the prompts of another data set of kind conversations, answered anew by this one's `engine`; what fails its checks is rejected",
    )
    samples: int = Field(
        1, ge=1, le=64, description="prompts_of: answers to sample of each prompt; the best by the checks stays"
    )
    answer_in: Annotated[Codes, Field(min_length=1)] | None = Field(
        None, description="prompts_of: languages of the prompts to answer; default: the target language"
    )
    temperature: float = Field(0.0, ge=0, le=2, description="prompts_of: of the answers; samples > 1 need more than 0")
    max_tokens: int = Field(2048, gt=0, description="prompts_of: longest answer")
    rows: int = Field(400, gt=0, description="pocket: how many items to make")
    fields: dict[str, str] = Field({}, description="field name Kielo reads -> column of the rows, where they differ")
    score: str = Field(
        "helpfulness", description="preferences in HelpSteer2 rows: the column that ranks the two answers"
    )
    licence: str | None = Field(None, description="licence of the rows, recorded beside them")
    language: Code | None = Field(
        None,
        description="ifeval, questions: the language the rows are written in, where it is not the source language; such rows are not translated",
    )
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
    expected: dict[Code, Annotated[int, Field(gt=0)]] = Field(
        {},
        description="conversations, preferences: language -> rows that are expected to be left of it; `kielo plan` reckons with them until there are rows, nothing else reads them",
    )

    @model_validator(mode="after")
    def _one_place(self) -> Dataset:
        places = [name for name in _DATASET_KEYS if getattr(self, name) is not None]
        if len(places) != 1:
            raise ValueError(f"give exactly one of {', '.join(_DATASET_KEYS)} ({', '.join(places) or 'none'} given)")
        of_places = frozenset[str]().union(*_DATASET_KEYS.values())
        refuse_idle(self, places[0], of_places - _DATASET_KEYS[places[0]])
        if self.prompts_of is not None:
            self._refuse_unanswerable()
        for kinds, key in _KEYS_OF_KINDS:
            if self.kind not in kinds:
                refuse_idle(self, f"kind {self.kind}", frozenset({key}))
        if self.language is not None:
            refuse_idle(self, "language", frozenset({"translate", "engine", "memory", "arguments"}))
        return self

    def _refuse_unanswerable(self) -> None:
        idle = {"translate", "answers", "memory", "fields", "licence", "language"}
        refuse_idle(self, "prompts_of", frozenset(idle))
        if self.kind != "conversations":
            raise ValueError("prompts_of makes conversations; write kind: conversations")
        if self.engine is None or len(self.engine) != 1 or self.engine[0].kind == "deepl":
            raise ValueError(
                "prompts_of needs one `engine` that answers (not deepl), with its `model` where that is another"
            )
        if self.engine[0].prompt is not None:
            raise ValueError("the engine of prompts_of answers and translates nothing; leave its `prompt` out")
        if self.samples > 1 and not self.temperature:
            raise ValueError("samples would all be one answer at temperature 0; give a temperature, such as 0.7")

    @property
    def translated(self) -> bool:
        """Whether its rows are translated into the target language."""
        return self.translate and self.language is None and self.prompts_of is None


_KEYS_OF_KINDS = (
    (("preferences",), "score"),
    (("conversations",), "answers"),
    (("conversations", "preferences"), "expected"),
    (("ifeval",), "arguments"),
    (("ifeval", "questions"), "language"),
)


_DATASET_KEYS = {
    "hub": frozenset({"revision", "config", "split"}),
    "local": frozenset[str](),
    "pocket": frozenset({"rows"}),
    "prompts_of": frozenset({"samples", "answer_in", "temperature", "max_tokens"}),
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
    identifier: IdentifierName = Field(
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
        check_identifier(self.identifier, self.identifier_file)
        return self
