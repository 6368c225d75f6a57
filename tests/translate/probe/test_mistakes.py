"""What `kielo probe` refuses, each in one sentence that names the mistake."""

from __future__ import annotations

import json
import shutil

import pytest

from kielo.errors import GenerationError, KieloError, RecipeError, SourceError, UsageError
from kielo.models import POCKET
from tests.translate.probe.conftest import probe


@pytest.fixture
def refused(tmp_path):
    """Run a probe that must be refused; returns the sentence."""

    def run(kind: type[KieloError], *given: object) -> str:
        with pytest.raises(kind) as caught:
            probe(*given, "--folder", tmp_path / "kept")
        return str(caught.value)

    return run


def pairs(path, *rows):
    path.write_text(
        "".join(json.dumps({"source": source, "target": target}) + "\n" for source, target in rows), "utf-8"
    )
    return path


def test_languages(refused):
    assert "--language qqq" in refused(UsageError, "pocket", "--language", "qqq")
    assert "name two" in refused(UsageError, "pocket", "--language", "en")


def test_models_that_are_not_there(refused, tmp_path):
    assert "no such folder" in refused(RecipeError, tmp_path / "nowhere", "--language", "fi")
    assert "cannot be loaded" in refused(RecipeError, "nobody/nothing", "--language", "fi")


def test_a_tokenizer_without_config(refused, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(POCKET / name, folder / name)
    assert "cannot be loaded" in refused(RecipeError, folder, "--language", "fi")


def test_files_that_are_not_of_one_model(refused, tmp_path, development):
    from transformers import AutoTokenizer

    given = ("--language", "fi", "--development", development, "--samples", "8")
    gguf = tmp_path / "gguf"
    gguf.mkdir()
    (gguf / "model.gguf").write_bytes(b"GGUF")
    assert "a GGUF file; name the model" in refused(RecipeError, gguf, *given)
    other = tmp_path / "other"
    shutil.copytree(POCKET, other)
    tokenizer = AutoTokenizer.from_pretrained(POCKET)
    tokenizer.add_tokens(["koira", "dog", "talo", "house"])
    tokenizer.save_pretrained(other)
    assert "they are not of one model" in refused(RecipeError, other, *given)


def test_a_chat_template_that_cannot_write_messages(refused, tmp_path, development):
    model = tmp_path / "model"
    shutil.copytree(POCKET, model)
    settings = json.loads((model / "tokenizer_config.json").read_text("utf-8"))
    for template in ("{% for", "{{ raise_exception('nobody may speak') }}"):
        (model / "tokenizer_config.json").write_text(json.dumps(settings | {"chat_template": template}), "utf-8")
        assert "its chat template cannot write" in refused(GenerationError, model, "--language", "fi", "--development", development, "--samples", "8")  # fmt: skip


def test_development_files(refused, tmp_path):
    english, finnish = tmp_path / "en.txt", tmp_path / "fi.txt"
    english.write_text("One.\nTwo.\n", "utf-8")
    finnish.write_text("Yksi.\n", "utf-8")
    given = ("pocket", "--language", "fi", "--development")
    assert "2 lines" in refused(SourceError, *given, english, finnish)
    english.write_text("One.\n\n", "utf-8")
    finnish.write_text("Yksi.\nKaksi.\n", "utf-8")
    assert "en.txt, line 2" in refused(SourceError, *given, english, finnish)
    empty = tmp_path / "empty.jsonl"
    empty.write_text("", "utf-8")
    assert "holds no sentences" in refused(SourceError, *given, empty)
    assert "holds no sentences" in refused(SourceError, *given, empty, empty)
    assert "no such file" in refused(SourceError, *given, tmp_path / "none.jsonl")
    assert "name two files" in refused(UsageError, *given, english)
    assert "'target'" in refused(SourceError, *given, pairs(tmp_path / "half.jsonl", ("One.", "")))
    assert "1 pairs are left" in refused(SourceError, *given, pairs(tmp_path / "few.jsonl", ("One.", "Yksi.")))
    assert "not 3" in refused(UsageError, *given, empty, empty, empty)


def test_a_development_file_in_another_language(refused, tmp_path, shared_data):
    files = {code: shared_data / "flores200" / f"{code}.devtest.gz" for code in ("eng", "fin", "swe")}
    given = ("pocket", "--language", "fi", "--development")
    assert "sources are not in English" in refused(SourceError, *given, files["fin"], files["eng"])
    assert "sources are not in English" in refused(SourceError, *given, files["swe"], files["fin"])
    assert "translations are not in Finnish" in refused(SourceError, *given, files["eng"], files["swe"])
    assert "translations are not in Finnish" in refused(SourceError, *given, files["eng"], files["eng"])


@pytest.mark.parametrize("engine", ["deepl", "nothing", "{kind: openai}", "{kind: hf, model: other}", "{", "[]", ""])
def test_engines(refused, engine):
    assert "--engine" in refused(UsageError, "pocket", "--language", "fi", "--engine", engine)


def test_data(refused, tmp_path, write_recipe):
    other = tmp_path / "rows.jsonl"
    other.write_text('{"words": "?"}\n', "utf-8")
    assert "rows.jsonl, line 1" in refused(SourceError, "pocket", "--language", "fi", "--data", other)
    assert "give --source and --language" in refused(UsageError, "pocket", "--language", "sv", "--data", write_recipe())


def test_no_shots_and_no_sentences(refused):
    assert "--development" in refused(RecipeError, "pocket", "--language", "mt")
