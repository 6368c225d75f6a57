"""Lets the model itself answer a translated conversation: messages for chat models, native examples before it for base models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kielo.errors import RecipeError, SourceError, at
from kielo.generation.protocol import Request, Sampling
from kielo.languages.pack import answers_of, language
from kielo.records import Message, read_jsonl
from kielo.schema import Recipe
from translate.prompting.prompter import CHARACTERS_PER_TOKEN, Format

FEWEST_ANSWER_TOKENS = 256
MOST_EXAMPLES = 5
_POCKET_TREES = 20


class NativeAnswer(BaseModel):
    """A question and its answer, both written in the language, for base models to continue in the same way."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    question: str = Field(min_length=1)
    answer: str = Field(min_length=1)
    licence: str = "Apache-2.0"


@dataclass(frozen=True)
class Layout:
    """How a base model sees a conversation."""

    question: str
    answer: str
    stop: tuple[str, ...]


TAGS = Layout("<|user|>{}\n<|assistant|>", "{}\nEND\n", ("\nEND", "<|user|>", "<|assistant|>"))
# Answers of one paragraph below their questions. The question ends with one of the two line ends, so that the stop string
# is only reached behind the answer.
PAGE = Layout("{}\n", "\n{}\n\n", ("\n\n",))


@dataclass(frozen=True)
class Answerer:
    """How one model is asked to answer; `layout` None: as messages."""

    layout: Layout | None
    examples: tuple[NativeAnswer, ...]
    max_tokens_ratio: float
    max_tokens: int | None = None
    """Of every answer; None: its length is bounded by the answer that it replaces."""

    def request(
        self, turns: Sequence[Message], replaced: str = "", temperature: float = 0.0, replicate: int = 0
    ) -> Request:
        """Ask for the answer to a conversation that ends with a user turn."""
        ratio = math.ceil(self.max_tokens_ratio * len(replaced) / CHARACTERS_PER_TOKEN)
        tokens = self.max_tokens or max(FEWEST_ANSWER_TOKENS, ratio)
        if self.layout is None:
            return Request(tuple(turns), Sampling(tokens, temperature), replicate, logprob=True)
        prefix = "".join(_written(self.layout, _turns_of(example)) for example in self.examples)
        prompt = prefix + _written(self.layout, _without_system(turns))
        return Request(
            prompt, Sampling(tokens, temperature, stop=self.layout.stop), replicate, len(prefix), logprob=True
        )

    def answer(self, completion: str) -> str:
        """Read the answer out of a completion."""
        return completion.strip()


def make_answerer(
    recipe: Recipe, form: Format, pocket: bool = False, code: str | None = None, max_tokens: int | None = None
) -> Answerer:
    """Make the answerer of a model that is prompted in `form`; `pocket`: the model of the pocket world, with its own examples.

    It answers in the language `code`, the target language if nothing is said.

    Raises:
        RecipeError: a base model, and the language's pack has no native examples.
        SourceError: a line of them is malformed.
    """
    ratio = recipe.translate.max_tokens_ratio
    if form == "chat":
        return Answerer(None, (), ratio, max_tokens)
    code = code or recipe.language
    if pocket:
        return Answerer(PAGE, _pocket_examples(recipe.seed, code), ratio, max_tokens)
    return Answerer(TAGS, read_examples(answers_of(code), code), ratio, max_tokens)


def read_examples(path: Path, code: str) -> tuple[NativeAnswer, ...]:
    """Read native questions and answers, `{"question", "answer", "licence"}` a line.

    Raises:
        RecipeError: there is no such file, or it is empty.
        SourceError: a line is not such a pair.
    """
    examples: list[NativeAnswer] = []
    for number, row in read_jsonl(path) if path.is_file() else ():
        try:
            examples.append(NativeAnswer(**row))
        except ValidationError as error:
            first = error.errors()[0]
            raise SourceError(
                f"{at(path, number)}: {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}."
            ) from error
    if not examples:
        name = language(code).name
        raise RecipeError(
            f"a base model is asked to answer in {name}, and {path} holds no examples; write 3 to {MOST_EXAMPLES} "
            f'lines {{"question": ..., "answer": ...}} in {name}, or take an instruct model with prompt format chat.'
        )
    return tuple(examples[:MOST_EXAMPLES])


def _pocket_examples(seed: int, code: str) -> tuple[NativeAnswer, ...]:
    from kielo.pocket.datasets import SOURCE, TARGET, oasst_rows

    rows = oasst_rows(_POCKET_TREES, seed, SOURCE if code == SOURCE else TARGET)
    pairs = [(asked["text"], said["text"]) for asked, said in zip(rows, rows[1:], strict=False) if said["rank"] == 0]
    whole = [NativeAnswer(question=asked, answer=said) for asked, said in pairs if "\n" not in asked + said]
    return tuple(whole[:MOST_EXAMPLES])


def _turns_of(example: NativeAnswer) -> tuple[Message, ...]:
    return Message("user", example.question), Message("assistant", example.answer)


def _without_system(turns: Sequence[Message]) -> list[Message]:
    """Put what a system turn says at the top of the first question: base models know no such turn."""
    system = [turn.content for turn in turns if turn.role == "system"]
    rest = [turn for turn in turns if turn.role != "system"]
    return [Message(rest[0].role, "\n\n".join([*system, rest[0].content])), *rest[1:]] if rest else rest


def _written(layout: Layout, turns: Sequence[Message]) -> str:
    return "".join((layout.question if turn.role == "user" else layout.answer).format(turn.content) for turn in turns)
