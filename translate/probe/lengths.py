"""What of the data is too long for a model: translation prompts, conversations at SFT's max_length, answers of the evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from jinja2 import TemplateError

from kielo.errors import RecipeError
from kielo.generation.hf_text import encode
from kielo.records import Conversation, Message, PreferencePair, Prompt, Question, Record, SentencePair
from kielo.schema import CHAT_TEMPLATES, Recipe
from kielo.schema.evaluation import Ifeval
from translate.probe.measures import Measure
from translate.probe.setting import Model
from translate.prompting import Prompter, pieces_of
from translate.segments import split

NO_DATA = "give the data with --data"
LONGEST_PROMPTS = 200
"""Pieces whose prompts are counted: the longest, as shorter ones fit where these do."""


@dataclass(frozen=True)
class Longest:
    """The longest things found, in tokens; None: there is none."""

    prompt: int | None
    conversation: int | None
    max_length: int | None


def measure_lengths(
    model: Model, prompter: Prompter, recipe: Recipe, records: Sequence[Record], sentences: Sequence[str], price: float
) -> tuple[list[Measure], Longest]:
    """Measure what would be cut; `price` is how many tokens of the target language stand for one of the source's.

    Without records only the prompts of the sample's `sentences` are known.
    """
    foreign = [record for record in records if record.language == recipe.source_language]
    texts = [text for record in foreign for text in texts_of(record)] or list(sentences)
    prompts = prompt_lengths(model, prompter, texts)
    limit = _smaller(recipe.sft.trainer.max_length, model.context_tokens)
    conversations = conversation_lengths(model, recipe, records, price)
    asked = _asked(model, recipe, records, price)
    answer = (recipe.eval.ifeval or Ifeval()).max_tokens
    return [
        _over("prompts_over", [float(each) for each in prompts], model.context_tokens, "" if records else "the sample alone"),
        _over("cut_rows", conversations, limit, ""),
        _over("answers_over", [length + answer for length in asked], model.context_tokens, f"answers of {answer} tokens"),
    ], Longest(max(prompts, default=None), round(max(conversations)) if conversations else None, limit)  # fmt: skip


def _over(name: str, lengths: Sequence[float], limit: int | None, said: str) -> Measure:
    if not lengths:
        return Measure(name, None, detail=NO_DATA)
    if limit is None:
        return Measure(name, None, detail="the model's config does not say how many tokens it reads")
    long = sum(length > limit for length in lengths)
    # Every row is counted, so this is no sample: it has no interval.
    detail = f"{long} of {len(lengths)} over {limit} tokens" + (f"; {said}" if said else "")
    return Measure(name, long / len(lengths), detail=detail)


def _smaller(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def prompt_lengths(model: Model, prompter: Prompter, texts: Sequence[str]) -> list[int]:
    """Count the tokens of translation prompts, with the room for their answers, of every piece the stage would ask for.

    Only the prompts of the longest pieces are counted; each shorter one is taken to be as long as the shortest of these.
    """
    segments = chain.from_iterable(split(text).segments for text in texts)
    pieces = sorted(chain.from_iterable(pieces_of(each, prompter.source) for each in segments), key=len, reverse=True)
    requests = [prompter.request(piece.strip()) for piece in pieces[:LONGEST_PROMPTS]]
    counted = [
        len(ids) + request.sampling.max_tokens
        for ids, request in zip(encode(model.tokenizer, requests), requests, strict=True)
    ]
    return counted + [min(counted)] * (len(pieces) - len(counted)) if counted else []


def conversation_lengths(model: Model, recipe: Recipe, records: Sequence[Record], price: float) -> list[float]:
    """Count the tokens of conversations as SFT writes them; of those to be translated, what their translation will have.

    Raises:
        RecipeError: the chat template cannot write one of them.
    """
    template = _template(model, recipe)
    rows = [record for record in records if isinstance(record, Conversation)]
    return [len(_written(model, row.messages, template)) * _factor(row, recipe, price) for row in rows]


def _factor(record: Record, recipe: Recipe, price: float) -> float:
    """Say how many tokens there will be for one: what is in the target language already stays as it is."""
    return price if record.language == recipe.source_language else 1.0


def _template(model: Model, recipe: Recipe) -> str | None:
    file = recipe.chat_template_path or (None if model.chats else CHAT_TEMPLATES / "chatml.jinja")
    return file.read_text("utf-8") if file else None


def _written(model: Model, messages: Sequence[Message], template: str | None) -> list[int]:
    turns = [{"role": turn.role, "content": turn.content} for turn in messages]
    try:
        text = model.tokenizer.apply_chat_template(turns, chat_template=template, tokenize=False)
    except TemplateError as error:
        raise RecipeError(
            f"the chat template cannot write a conversation of the data ({error}); name another."
        ) from error
    ids: list[int] = model.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return ids


def _asked(model: Model, recipe: Recipe, records: Sequence[Record], price: float) -> list[float]:
    """Count the tokens of what an evaluation asks, IFEval's prompts and open questions, as those of conversations."""
    rows = [record for record in records if isinstance(record, Prompt | Question)]
    if not rows:
        return []
    ids = model.tokenizer(["\n".join(texts_of(row)) for row in rows], verbose=False)["input_ids"]
    return [len(each) * _factor(row, recipe, price) for each, row in zip(ids, rows, strict=True)]


def texts_of(record: Record) -> list[str]:
    """List the texts of a record that are translated."""
    match record:
        case Conversation():
            return [turn.content for turn in record.messages]
        case PreferencePair():
            return [*(turn.content for turn in record.prompt), record.chosen, record.rejected]
        case Prompt():
            return [record.text]
        case Question():
            return list(record.turns)
        case SentencePair():
            return [record.source]
