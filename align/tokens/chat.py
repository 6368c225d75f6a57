"""The chat template and the tokenizer that carries it: found, made complete with the special tokens it needs, and read back as spans."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kielo.errors import RecipeError
from kielo.models import loading
from kielo.records import Message
from kielo.schema import Recipe

_MARKER = re.compile(r"<\|[^|<>\s]+\|>|<(?:start|end)_of_turn>")
PROBE = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"), Message("assistant", "d"))


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

    def spelt_in(self, messages: Iterable[Message]) -> bool:
        """Tell whether a text spells out a special token, which the tokenizer would take for a real end of turn."""
        return any(self._special.search(message.content) for message in messages)

    @cached_property
    def _special(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self.special_tokens)))


def read_template(recipe: Recipe) -> str | None:
    """Read the recipe's chat template (that there is one is checked with the recipe); None: the model's own.

    Raises:
        RecipeError: the file is not UTF-8.
    """
    file = recipe.chat_template_path
    try:
        return None if file is None else file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise RecipeError(f"{file}: not UTF-8 at byte {error.start}; save the template as UTF-8.") from error


def load_chat(model: str, revision: str | None, template: str | None) -> Chat:
    """Load a model's tokenizer, give it the template (None: it keeps its own), and add the tokens that the template writes.

    Raises:
        RecipeError: the tokenizer cannot map tokens to characters, there is no template, or none that masks can be made of.
    """
    from transformers import AutoTokenizer

    with loading(model):
        tokenizer = AutoTokenizer.from_pretrained(model, revision=revision)
    if not tokenizer.is_fast:
        raise RecipeError(
            f"model {model}: its tokenizer has no fast version, so the trained spans cannot be located; convert it to tokenizer.json."
        )
    tokenizer.chat_template = tokenizer.chat_template if template is None else template
    if not tokenizer.chat_template:
        lacking = f"model {model} has none of its own" if template is None else "its file is empty"
        raise RecipeError(f"chat_template: {lacking}; name one, such as chatml.")
    before = len(tokenizer)
    written = render(tokenizer, PROBE, "the probe conversation")[0]
    known = tokenizer.get_vocab()
    missing = [marker for marker in _markers(tokenizer, written) if marker not in known]
    tokenizer.add_tokens(missing, special_tokens=True)
    if tokenizer.pad_token is None:
        pad = tokenizer.eos_token or tokenizer.unk_token
        tokenizer.add_special_tokens({"pad_token": pad or "<|pad|>"})
    special = tuple(token.content for token in tokenizer.added_tokens_decoder.values() if token.special)
    return Chat(tokenizer, _stop_token(tokenizer), tuple(range(before, len(tokenizer))), special)


def _markers(tokenizer: Any, written: str) -> list[str]:
    """List the markers that a template spells out or makes up of a role's name (`'<|' + role + '|>'`)."""
    return list(dict.fromkeys(_MARKER.findall(f"{tokenizer.get_chat_template()}\n{written}")))


def _stop_token(tokenizer: Any) -> int:
    """Find the token that ends every answer, on a conversation of one letter each."""
    text, spans = render(tokenizer, PROBE, "the probe conversation")
    answers = [message.content for message in PROBE if message.role == "assistant"]
    endings = {text[start:end].partition(answer)[2] for (start, end), answer in zip(spans, answers, strict=True)}
    last = [tokenizer(ending, add_special_tokens=False)["input_ids"][-1:] for ending in endings]
    special = {index for index, token in tokenizer.added_tokens_decoder.items() if token.special}
    if len(endings) == 1 and last[0] and last[0][0] in special:
        return int(last[0][0])
    hint = ""
    if tokenizer.eos_token is None and "eos_token" in tokenizer.get_chat_template():
        hint = " (it writes eos_token, which the model's tokenizer does not have)"
    shown = " or ".join(repr(ending) for ending in sorted(endings))
    raise RecipeError(
        f"chat_template: answers end with {shown}{hint}, so a model could not learn where to stop; end them all with one special token, such as <|im_end|>."
    )


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
        is_last = index + 1 == len(messages)
        end = len(text) if is_last else _prefix(text, _apply(tokenizer, messages[: index + 1], False, name), name)
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

    if not messages:
        raise RecipeError(
            f"chat_template: {name} begins with an answer; remove it, or put a turn of the user before it."
        )
    turns = [{"role": message.role, "content": message.content} for message in messages]
    try:
        return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=generation_prompt))
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        # what a template computes fails as it would in Python
        raise RecipeError(f"chat_template: it refuses {name}: {str(error).rstrip('.')}.") from error
