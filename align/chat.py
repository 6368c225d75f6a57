"""The chat template and the tokenizer that carries it: found, made complete with the special tokens it needs, and read back as spans."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kielo.errors import RecipeError
from kielo.records import Message
from kielo.schema import Recipe

_MARKER = re.compile(r"<\|[^|<>\s]+\|>")


@dataclass(frozen=True)
class Chat:
    """A tokenizer with its chat template, and what training needs to know of them."""

    tokenizer: Any
    stop_token_id: int
    """Ends every answer; trained, and generation stops at it."""
    added_token_ids: tuple[int, ...]
    """Tokens that the model's vocabulary did not have."""
    special_tokens: tuple[str, ...]
    """Texts that the tokenizer reads as one token of its own, wherever they stand."""


def read_template(recipe: Recipe) -> str:
    """Read the recipe's chat template (that there is one is checked with the recipe).

    Raises:
        RecipeError: the file is not UTF-8.
    """
    try:
        return recipe.chat_template_path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise RecipeError(
            f"{recipe.chat_template_path}: not UTF-8 at byte {error.start}; save the template as UTF-8."
        ) from error


def load_chat(model: str, revision: str | None, template: str) -> Chat:
    """Load a model's tokenizer, give it the template, and add the special tokens that the template writes.

    Raises:
        RecipeError: the tokenizer cannot map tokens to characters, or the template does not end an answer with one token.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model, revision=revision)
    if not tokenizer.is_fast:
        raise RecipeError(
            f"model {model}: its tokenizer has no fast version, so the trained spans cannot be located; convert it to tokenizer.json."
        )
    before = len(tokenizer)
    tokenizer.chat_template = template
    missing = [marker for marker in dict.fromkeys(_MARKER.findall(template)) if marker not in tokenizer.get_vocab()]
    tokenizer.add_tokens(missing, special_tokens=True)
    if tokenizer.pad_token is None:
        pad = tokenizer.eos_token or tokenizer.unk_token
        tokenizer.add_special_tokens({"pad_token": pad or "<|pad|>"})
    special = tuple(token.content for token in tokenizer.added_tokens_decoder.values() if token.special)
    return Chat(tokenizer, _stop_token(tokenizer), tuple(range(before, len(tokenizer))), special)


def _stop_token(tokenizer: Any) -> int:
    """Find the token that ends an answer, on a conversation of one letter each."""
    from tokenizers import AddedToken

    probe = (Message("user", "a"), Message("assistant", "b"))
    text, ((start, end),) = render(tokenizer, probe, "the probe conversation")
    ending = text[start:end].partition("b")[2]
    ids = tokenizer(ending, add_special_tokens=False)["input_ids"]
    if not ids or not tokenizer.added_tokens_decoder.get(ids[-1], AddedToken("")).special:
        raise RecipeError(
            f"chat_template: answers end with {ending!r}, so a model could not learn where to stop; end them with a special token, such as <|im_end|>."
        )
    return int(ids[-1])


def render(tokenizer: Any, messages: Sequence[Message], name: str) -> tuple[str, list[tuple[int, int]]]:
    """Render a conversation and locate its answers: (start, end) in characters, the end-of-turn token included.

    The spans come from rendering the turns before each answer, which must be a beginning of the whole: what is
    trained is then exactly what follows the prompt at inference. Nothing is asked of the template but that.

    Raises:
        RecipeError: the template refuses the conversation, or renders a turn differently once others follow.
    """
    text = _apply(tokenizer, messages, False, name)
    spans = []
    for index, message in enumerate(messages):
        if message.role != "assistant":
            continue
        start = _prefix(text, _apply(tokenizer, messages[:index], True, name), name)
        end = _prefix(text, _apply(tokenizer, messages[: index + 1], False, name), name)
        ending = _ending(text[start:end], message.content, name)
        spans.append((start, end - len(ending) + len(ending.rstrip())))
    return text, spans


def _ending(turn: str, content: str, name: str) -> str:
    """Cut an answer's text off its rendered turn; what is left ends the turn. Some templates put a space before it."""
    for body, written in ((turn, content), (turn.lstrip(), content.strip())):
        if body.startswith(written):
            return body[len(written) :]
    raise RecipeError(
        f"chat_template: it changes the text of an answer in {name}; use a template that writes answers as they are."
    )


def _prefix(text: str, beginning: str, name: str) -> int:
    if not text.startswith(beginning):
        raise RecipeError(
            f"chat_template: it renders earlier turns of {name} differently once later ones follow, so answers cannot be located; use one that does not, such as chatml."
        )
    return len(beginning)


def _apply(tokenizer: Any, messages: Sequence[Message], generation_prompt: bool, name: str) -> str:
    from jinja2.exceptions import TemplateError

    turns = [{"role": message.role, "content": message.content} for message in messages]
    try:
        return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=generation_prompt))
    except TemplateError as error:
        raise RecipeError(f"chat_template: it refuses {name}: {error}.") from error
