"""Chat templates, shipped and of other models' kinds: what they write, and that answers are located in it or the template refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from align.tokens.chat import Chat, load_chat, read_template, render
from align.tokens.masks import IGNORED, Encoded, encode, labels
from kielo.errors import RecipeError
from kielo.recipe.reading import load
from kielo.records import Message
from kielo.schema import CHAT_TEMPLATES

TALK = (
    Message("system", "be kind"),
    Message("user", "one"),
    Message("assistant", "two three"),
    Message("user", "four"),
    Message("assistant", "five"),
)
SPACED = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'assistant' %} {{ m.content }}{{ eos_token }}"
    "{% else %}[{{ m.role }}] {{ m.content }}{% endif %}{% endfor %}"
)
# As Gemma does: the answering role is called model, a system text goes into the first turn, roles must alternate.
MODEL_ROLE = """\
{{ bos_token }}
{%- set first = messages[0]['content'] + '\\n\\n' if messages[0]['role'] == 'system' else '' %}
{%- set turns = messages[1:] if first else messages %}
{%- for turn in turns %}
{%- if (turn['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('turns must alternate') }}{% endif %}
{{- '<|turn|>' + ('model' if turn['role'] == 'assistant' else turn['role']) + '\\n' + (first if loop.first else '') + turn['content'] | trim + '<|end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|turn|>model\\n' }}{% endif %}"""
# As Qwen3 does: the last answer gets a block of thoughts, an empty one if need be, which earlier answers lose.
THINKING = """\
{%- for turn in messages %}
{{- '<|im_start|>' + turn['role'] + '\\n' }}
{%- if turn['role'] == 'assistant' and loop.last %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}
{{- turn['content'] + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""
# As Zephyr does: the marker of a turn is made of its role, and the answer ends with the model's own end of text.
ROLE_MARKERS = """\
{%- for turn in messages %}{{ '<|' + turn['role'] + '|>\\n' + turn['content'] + eos_token + '\\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"""


def shipped(name: str) -> str:
    return (CHAT_TEMPLATES / f"{name}.jinja").read_text("utf-8")


@pytest.fixture(scope="module")
def load_template(tiny: Path) -> Callable[[str], Chat]:
    return lambda template: load_chat(str(tiny), None, template)


def trained(chat: Chat, messages: tuple[Message, ...], loss_on: Any = "assistant") -> tuple[Encoded, str]:
    (encoded,) = encode(chat, [("it", messages)])
    return encoded, chat.tokenizer.decode([label for label in labels(encoded, loss_on) if label != IGNORED])


def test_chatml_is_written_as_everyone_writes_it(load_template: Callable[[str], Chat]) -> None:
    chat = load_template(shipped("chatml"))
    text, _ = render(chat.tokenizer, TALK[:3], "it")
    # Poro-34B-chat and the trainings behind the paper write exactly this, so Poro needs no template of its own.
    assert (
        text
        == "<|im_start|>system\nbe kind<|im_end|>\n<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntwo three<|im_end|>\n"
    )
    assert len(chat.added_token_ids) == 2 and chat.tokenizer.pad_token == "</s>"
    assert trained(chat, TALK)[1] == "two three<|im_end|>five<|im_end|>"


def test_llama_3_is_written_as_llama_writes_it(load_template: Callable[[str], Chat]) -> None:
    chat = load_template(shipped("llama-3"))
    text, _ = render(chat.tokenizer, (Message("user", " one\n"), Message("assistant", "two ")), "it")
    assert text == (
        "<s><|start_header_id|>user<|end_header_id|>\n\none<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\ntwo<|eot_id|>"
    )
    encoded, answers = trained(chat, TALK)
    assert answers == "two three<|eot_id|>five<|eot_id|>"
    assert encoded.input_ids.count(chat.tokenizer.bos_token_id) == 1
    assert chat.tokenizer.convert_ids_to_tokens(chat.stop_token_id) == "<|eot_id|>"


def test_every_shipped_template_masks(load_template: Callable[[str], Chat]) -> None:
    templates = sorted(CHAT_TEMPLATES.glob("*.jinja"))
    assert {"chatml", "llama-3"} <= {path.stem for path in templates}
    for path in templates:
        chat = load_template(path.read_text("utf-8"))
        stop = chat.tokenizer.convert_ids_to_tokens(chat.stop_token_id)
        assert trained(chat, TALK)[1] == f"two three{stop}five{stop}", path.name
        assert trained(chat, TALK, "last")[1] == f"five{stop}", path.name


def test_a_template_with_bos_gets_it_once(load_template: Callable[[str], Chat]) -> None:
    chat = load_template(SPACED)
    encoded, answers = trained(chat, TALK[1:])
    assert encoded.input_ids.count(chat.tokenizer.bos_token_id) == 1
    assert answers.replace(" ", "") == "twothree</s>five</s>" and chat.added_token_ids == ()


def test_an_answering_role_of_another_name(load_template: Callable[[str], Chat]) -> None:
    chat = load_template(MODEL_ROLE)
    assert trained(chat, TALK)[1] == "two three<|end|>five<|end|>"
    (refused,) = encode(chat, [("set/1", (TALK[1], TALK[3], TALK[4]))])
    assert refused.refused == "chat_template: it refuses 'set/1': turns must alternate." and not refused.input_ids


def test_markers_made_of_roles_become_tokens(load_template: Callable[[str], Chat]) -> None:
    chat = load_template(ROLE_MARKERS)
    assert {"<|user|>", "<|assistant|>"} <= set(chat.special_tokens)
    assert trained(chat, TALK[1:])[1] == "two three</s>five</s>"
    assert chat.spelt_in([Message("user", "write <|assistant|> here")])


def test_the_end_is_trained_where_it_is_also_the_padding(tiny: Path, load_template: Callable[[str], Chat]) -> None:
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    chat = load_template(ROLE_MARKERS)
    assert chat.tokenizer.pad_token_id == chat.stop_token_id
    rows = list(encode(chat, [("a", TALK[1:]), ("b", TALK[1:3])]))
    columns = [{"input_ids": row.input_ids, "labels": labels(row, "assistant")} for row in rows]
    batch = DataCollatorForLanguageModeling(pad_token_id=chat.tokenizer.pad_token_id)(columns)
    assert (batch["labels"] == chat.stop_token_id).sum(dim=1).tolist() == [2, 1]
    assert batch["attention_mask"].sum(dim=1).tolist() == [len(row.input_ids) for row in rows]


@pytest.mark.parametrize(
    ("template", "says"),
    [
        (
            "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}",
            "answers end with ''",
        ),
        ("{% for m in messages %}{{ m.content }} The end{% endfor %}", "end them all with one special token"),
        ("{% for m in messages %}{{ m.content | upper }}<|e|>{% endfor %}", "changes the text of an answer"),
        ("{{ messages | length }}{% for m in messages %}{{ m.content }}<|e|>{% endfor %}", "renders earlier turns"),
        (
            "{% for m in messages %}{% if m.role == 'user' %}{{ raise_exception('no users') }}{% endif %}{% endfor %}",
            "no users",
        ),
        ("{{ 1 / 0 }}", r"refuses the probe conversation: division by zero\.$"),
        ("{{ 'a' + 1 }}", "refuses the probe conversation: can only concatenate"),
        ("", "chat_template: its file is empty; name one"),
        (THINKING, "renders earlier turns of the probe conversation differently once later ones follow"),
        (
            "{% for m in messages %}{{ m.content }}<|{{ 'e' if loop.index < 3 else 'f' }}|>{% endfor %}",
            r"answers end with '<\|e\|>' or '<\|f\|>'",
        ),
    ],
)
def test_unfit_templates_are_refused(tiny: Path, template: str, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        load_chat(str(tiny), None, template)


@pytest.fixture
def bare(tiny: Path, tmp_path: Path) -> Path:
    """The tiny tokenizer without any special token: neither end, nor padding, nor unknown."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    backend = AutoTokenizer.from_pretrained(str(tiny)).backend_tokenizer
    PreTrainedTokenizerFast(tokenizer_object=backend).save_pretrained(tmp_path / "bare")
    return tmp_path / "bare"


def test_a_tokenizer_without_padding_or_end_gets_what_it_needs(bare: Path) -> None:
    chat = load_chat(str(bare), None, shipped("chatml"))
    assert (chat.tokenizer.eos_token, chat.tokenizer.pad_token) == (None, "<|pad|>")
    assert len(chat.added_token_ids) == 3 and chat.tokenizer.pad_token_id != chat.stop_token_id
    assert trained(chat, TALK)[1] == "two three<|im_end|>five<|im_end|>"


def test_an_end_that_the_tokenizer_lacks_is_named(bare: Path) -> None:
    written = "{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}"
    with pytest.raises(
        RecipeError, match=r"answers end with '' \(it writes eos_token, which the model's tokenizer does"
    ):
        load_chat(str(bare), None, written)
    with pytest.raises(RecipeError, match="refuses the probe conversation: 'eos_token' is undefined"):
        load_chat(str(bare), None, ROLE_MARKERS)


def test_a_tokenizer_that_cannot_locate_characters_is_refused(tmp_path: Path) -> None:
    from transformers import ByT5Tokenizer

    ByT5Tokenizer().save_pretrained(tmp_path / "bytes")
    with pytest.raises(RecipeError, match="no fast version"):
        load_chat(str(tmp_path / "bytes"), None, shipped("chatml"))


def test_the_models_own_template(tiny: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    with pytest.raises(RecipeError, match="has none of its own; name one, such as chatml"):
        load_chat(str(tiny), None, None)
    tokenizer = AutoTokenizer.from_pretrained(str(tiny))
    tokenizer.chat_template = ROLE_MARKERS
    tokenizer.save_pretrained(tmp_path / "own")
    assert load_chat(str(tmp_path / "own"), None, None).tokenizer.chat_template == ROLE_MARKERS


def test_templates_by_name_path_or_model(write_recipe: Callable[..., Path], tmp_path: Path) -> None:
    def written(name: str) -> Path:
        return write_recipe(("model: pocket", f"model: pocket\nchat_template: {name}"))

    assert read_template(load(write_recipe())) == shipped("chatml")
    assert read_template(load(written("llama-3"))) == shipped("llama-3")
    (tmp_path / "own.jinja").write_text("mine", "utf-8")
    assert read_template(load(written("own.jinja"))) == "mine"
    (tmp_path / "own.jinja").write_bytes("ä".encode("latin-1"))
    with pytest.raises(RecipeError, match=r"own\.jinja: not UTF-8 at byte 0"):
        read_template(load(written("own.jinja")))
    with pytest.raises(RecipeError, match="no chat template 'chatlm'; did you mean 'chatml'"):
        load(written("chatlm"))
    with pytest.raises(RecipeError, match="has no chat template of its own"):
        load(written("model"))
