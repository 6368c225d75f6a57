"""A run on real data, made once: OASST1 in Finnish by a memory that is DeepL's, pairs of it, and IFEval."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import kielo

REAL = """\
description: OASST1's validation part in Finnish.
language: fi
model: pocket
translate:
  engine: null
  memory: {{file: {data}/oasst/oasst1_validation_en_fi.jsonl.gz, source: text_en, target: text_fi, made_by: DeepL, licence: Apache-2.0}}
  datasets:
    oasst1: {{kind: conversations, local: {data}/oasst/oasst1_validation_en_fi.jsonl.gz, fields: {{text: text_en}}, licence: Apache-2.0}}
    ranked: {{kind: preferences, local: {data}/oasst/oasst1_validation_en_fi.jsonl.gz, fields: {{text: text_en}}, licence: Apache-2.0}}
    ifeval: {{kind: ifeval, local: {data}/ifeval/input_data.jsonl, translate: false, licence: Apache-2.0}}
    sentences: {{kind: sentences, pocket: parallel, rows: 3, translate: false}}
    questions: {{kind: questions, pocket: questions, rows: 3, translate: false}}
    unmarked: {{kind: ifeval, local: {data}/ifeval/input_data.jsonl, translate: false}}
sft:
  mixes: {{all: {{shares: {{en: 1.0, fi: 1.0}}}}}}
"""


@pytest.fixture(scope="session")
def real_run(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder; the recipe lies beside `runs/`."""
    folder = tmp_path_factory.mktemp("real")
    recipe = folder / "real.yaml"
    recipe.write_text(REAL.format(data=shared_data), "utf-8")
    kielo("translate", recipe, "--limit", "150", "--run", folder / "runs/real", cwd=folder)
    return folder / "runs/real"
