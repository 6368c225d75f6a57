"""Miniatures of models: the architecture's own choices stay, the sizes go, and the tokenizer is of the same family."""

from __future__ import annotations

import pytest

from kielo.errors import RecipeError
from kielo.miniature import make_miniature
from kielo.miniature.shape import config_of, miniature_of
from kielo.miniature.tokenizer import train_tokenizer

PORO, VIKING, PORO_2 = "LumiOpen/Poro-34B", "LumiOpen/Viking-7B", "LumiOpen/Llama-Poro-2-8B-base"
EUROLLM, QWEN, GEMMA, SMOLLM = (
    "utter-project/EuroLLM-9B", "Qwen/Qwen3-8B-Base", "google/gemma-3-4b-pt", "HuggingFaceTB/SmolLM3-3B-Base",
)  # fmt: skip
ALL = (PORO, VIKING, PORO_2, EUROLLM, QWEN, GEMMA, SMOLLM)
TEXT = "The dog sees 12345 cats.\n\n  Kõik õunad ⟦1⟧"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Make every miniature once, by the name of its model."""
    folder = tmp_path_factory.mktemp("models")
    return {name: make_miniature(name, folder) for name in ALL}


def loaded(path):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(path)


@pytest.mark.parametrize("name", ALL)
def test_a_miniature_is_small_and_answers(models, name):
    from transformers import AutoTokenizer

    model, tokenizer = loaded(models[name]), AutoTokenizer.from_pretrained(models[name])
    assert model.num_parameters() < 2_000_000
    assert model.get_input_embeddings().weight.shape[0] == len(tokenizer)
    inputs = tokenizer("The dog", return_tensors="pt", return_token_type_ids=False)
    assert model.generate(**inputs, max_new_tokens=2, min_new_tokens=2, do_sample=False).shape[1] == inputs["input_ids"].shape[1] + 2  # fmt: skip


def test_what_makes_an_architecture_stays(models):
    poro, gemma, qwen = (loaded(models[name]) for name in (PORO, GEMMA, QWEN))
    assert type(poro).__name__ == "BloomForCausalLM"
    assert poro.config.n_head & (poro.config.n_head - 1), "56 heads are no power of two, which ALiBi treats apart"
    assert type(gemma).__name__ == "Gemma3ForConditionalGeneration"
    text = gemma.config.text_config
    assert text.layer_types == ["sliding_attention", "full_attention"]
    assert text.num_attention_heads * text.head_dim != text.hidden_size
    assert text.rope_parameters["full_attention"]["rope_type"] == "linear"
    assert hasattr(qwen.model.layers[0].self_attn, "q_norm")
    assert loaded(models[SMOLLM]).config.no_rope_layers == [1, 0]
    assert loaded(models[PORO_2]).config.rope_parameters["rope_type"] == "llama3"


@pytest.mark.parametrize(("name", "tied", "shared_keys"), [(PORO, True, 1), (VIKING, False, 1), (EUROLLM, False, 2), (QWEN, False, 2), (SMOLLM, True, 2)])  # fmt: skip
def test_ties_and_shared_keys_stay(models, name, tied, shared_keys):
    model = loaded(models[name])
    assert (model.get_input_embeddings().weight.data_ptr() == model.get_output_embeddings().weight.data_ptr()) is tied
    heads = model.config.num_attention_heads
    assert heads // (getattr(model.config, "num_key_value_heads", None) or heads) == shared_keys


@pytest.mark.parametrize("name", ALL)
def test_a_tokenizer_loses_nothing(models, name):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(models[name])
    ids = tokenizer(TEXT)["input_ids"]
    assert tokenizer.decode(ids, skip_special_tokens=True) == TEXT
    assert tokenizer.is_fast


def test_tokenizers_are_of_their_families(models):
    tokens = {}
    for name in ALL:
        tokenizer = train_tokenizer(name)
        tokens[name] = tokenizer.convert_ids_to_tokens(tokenizer("õ 12345")["input_ids"])
    assert [tokens[name][0] for name in (PORO_2, EUROLLM, GEMMA)] == ["<|begin_of_text|>", "<s>", "<bos>"]
    assert "<0xC3>" in tokens[EUROLLM], "SentencePiece spells out what it does not know byte by byte"
    assert "<0xC3>" in tokens[GEMMA]
    assert not any(token.startswith("<") for name in (PORO, VIKING, QWEN, SMOLLM) for token in tokens[name])
    assert tokens[QWEN][-5:] == ["1", "2", "3", "4", "5"], "Qwen reads digit by digit"


def test_a_miniature_stays_as_it_is(models):
    weights = models[VIKING] / "model.safetensors"
    before = weights.stat().st_mtime_ns
    assert make_miniature(VIKING, models[VIKING].parent) == models[VIKING]
    assert weights.stat().st_mtime_ns == before


def test_a_model_in_a_folder_has_a_miniature_too(models, tmp_path):
    again = make_miniature(str(models[QWEN]), tmp_path)
    assert loaded(again).config.model_type == "qwen3"
    assert make_miniature("pocket", tmp_path).is_dir()


def test_an_unknown_model_is_a_sentence(tmp_path):
    with pytest.raises(
        RecipeError, match=r"nobody/knows: its architecture is not known here.*hf download nobody/knows"
    ):
        make_miniature("nobody/knows", tmp_path)


def test_every_kind_of_layer_remains():
    config = {"model_type": "gemma3_text", "hidden_size": 64, "num_attention_heads": 8, "num_key_value_heads": 1, "num_hidden_layers": 6, "layer_types": ["a", "a", "b", "c", "a", "a"]}  # fmt: skip
    small = miniature_of(config, 100)
    assert (small["num_hidden_layers"], small["layer_types"], small["num_key_value_heads"]) == (3, ["a", "b", "c"], 1)


def test_shapes_are_those_of_the_model_cards():
    from align.estimate.model_shape import read_shape

    billions = {name: read_shape(name, None).parameters / 1e9 for name in ALL}
    assert billions == pytest.approx({PORO: 34.2, VIKING: 7.55, PORO_2: 8.03, EUROLLM: 9.15, QWEN: 8.19, GEMMA: 3.88, SMOLLM: 3.08}, abs=0.02)  # fmt: skip
    assert config_of(GEMMA)["vision_config"]["num_hidden_layers"] == 27
