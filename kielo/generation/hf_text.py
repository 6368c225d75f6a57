"""Between text and tokens for the `hf` engine: prompts in, completions out, and whether a stop string was reached."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2.exceptions import TemplateError

from kielo.errors import GenerationError
from kielo.generation.protocol import Request, cut

_CONTEXT_TOKENS = (
    6  # of the prompt, decoded with the completion: some tokenizers write a word's space only after another word
)


def prompt_texts(tokenizer: Any, requests: list[Request]) -> list[str]:
    """Write prompts out as text, messages through the chat template, ready for their first answer token.

    Raises:
        GenerationError: messages were given and the model has no chat template, or one that cannot write them.
    """
    if not tokenizer.chat_template and any(not isinstance(request.prompt, str) for request in requests):
        raise GenerationError(
            f"{tokenizer.name_or_path}: messages need a chat template and this model has none; tune it first."
        )
    return [request.prompt if isinstance(request.prompt, str) else _chat(tokenizer, request) for request in requests]


def _chat(tokenizer: Any, request: Request) -> str:
    turns = [{"role": turn.role, "content": turn.content} for turn in request.prompt if not isinstance(turn, str)]
    try:
        text: str = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    except TemplateError as error:
        raise GenerationError(
            f"{tokenizer.name_or_path}: its chat template cannot write a prompt's messages ({error}); mend the template, or have the model "
            "prompted without it (a base model has none)."
        ) from error
    return text


def encode(tokenizer: Any, requests: list[Request]) -> list[list[int]]:
    """Turn prompts into tokens; a chat template writes its own special tokens, a text prompt gets the tokenizer's."""
    texts = prompt_texts(tokenizer, requests)
    encoded: list[list[int]] = [[]] * len(requests)
    for plain in (True, False):
        places = [place for place, request in enumerate(requests) if isinstance(request.prompt, str) == plain]
        if places:
            tokens = tokenizer([texts[place] for place in places], add_special_tokens=plain, verbose=False)["input_ids"]
            for place, ids in zip(places, tokens, strict=True):
                encoded[place] = ids
    return encoded


class Reader:
    """Turns made tokens into text, and sees at one look-up per token whether a stop string may have been reached."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self._ends = cache(self._may_end)
        self.spellings = cache(self._spellings)
        """Find the tokens that are a short text, alone or after a blank."""

    def text(self, prompt: list[int], made: list[int]) -> str:
        """Decode a completion as it reads after its prompt, without special tokens."""
        context = prompt[-_CONTEXT_TOKENS:]
        before = self._decode(context)
        whole = self._decode(context + made)
        return whole[len(before) :] if whole.startswith(before) else self._decode(made)

    def _decode(self, tokens: list[int]) -> str:
        text: str = self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def reached_stop(self, prompt: list[int], made: list[int], stop: tuple[str, ...]) -> bool:
        """Say whether a stop string is in the completion, given that none was before its last token."""
        if not self._ends(made[-1], stop):
            return False
        longest = max(len(text.encode()) for text in stop)
        tail = self._decode(made[-longest - _CONTEXT_TOKENS :])  # a token is a byte at least
        return any(text in tail for text in stop) and cut(self.text(prompt, made), stop)[1]

    def _spellings(self, text: str) -> tuple[int, ...]:
        pieces = [self.tokenizer(each, add_special_tokens=False)["input_ids"] for each in (text, f" {text}")]
        found = {ids[-1] for ids in pieces if ids and not self._decode(ids[:-1]).strip()}
        return tuple(sorted(token for token in found if self._decode([token]).strip() == text))

    def _may_end(self, token: int, stop: tuple[str, ...]) -> bool:
        """Say whether a token can be the last of a stop string: it holds its last character, or bytes of one."""
        piece = self._decode([token])
        return "\ufffd" in piece or any(text[-1] in piece or text[-1] == " " for text in stop)
