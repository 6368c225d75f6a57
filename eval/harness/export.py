"""Writes an IFEval set as a task of lm-evaluation-harness: its YAML, its prompts, and a module that calls Kielo's checkers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from eval.harness.task import METRICS, SPLIT, Scoring, to_doc
from kielo.errors import UsageError
from kielo.records import Prompt, replacing, write_jsonl

_NAME = re.compile(r"[a-z][a-z0-9_]{0,79}")  # a task, a file and a Python module at once
_MODULE = '''"""Task "{name}" for lm-evaluation-harness, written by `kielo eval export-task`; Kielo must be installed beside it."""

from pathlib import Path

from eval.harness.task import Scoring, load_docs, share_of_instructions

SCORING = Scoring(language="{scoring.language}", mode="{scoring.mode}", sentences={scoring.sentences!r})


def docs(**_):
    return load_docs(Path(__file__).with_suffix(".jsonl"))


def process_results(doc, results):
    return SCORING.metrics(doc, results[0])


def instructions(items):
    return share_of_instructions(items)
'''
_YAML = """\
# IFEval in language {scoring.language}, mode {scoring.mode}; written by `kielo eval export-task`.
task: {name}
custom_dataset: !function {name}.docs
test_split: {split}
output_type: generate_until
num_fewshot: 0
doc_to_text: prompt
doc_to_target: ""
generation_kwargs:
  until: []
  do_sample: false
  temperature: 0.0
  max_gen_toks: {max_tokens}
process_results: !function {name}.process_results
metric_list:
{metrics}metadata:
  version: 1.0
"""


def export_task(folder: Path, name: str, prompts: Sequence[Prompt], scoring: Scoring, max_tokens: int) -> list[Path]:
    """Write `<name>.yaml`, `.py` and `.jsonl` into a folder, which may hold other tasks; those of this name are replaced.

    Raises:
        UsageError: the name is none that a task, a file and a Python module can have.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"--name {name}: a task's name is of small letters, digits and _, and starts with a letter.")
    paths = task_files(folder, name)
    write_jsonl(paths[0], map(to_doc, prompts))
    _write(paths[1], _MODULE.format(name=name, scoring=scoring))
    metrics = "".join(map(_metric, METRICS)).format(name=name)
    _write(paths[2], _YAML.format(name=name, scoring=scoring, split=SPLIT, max_tokens=max_tokens, metrics=metrics))
    return paths


def task_files(folder: Path, name: str) -> list[Path]:
    """Name the files of a task."""
    return [folder / f"{name}{suffix}" for suffix in (".jsonl", ".py", ".yaml")]


def _metric(metric: str) -> str:
    aggregation = "!function {name}.instructions" if metric.startswith("inst") else "mean"
    return f"  - metric: {metric}\n    aggregation: {aggregation}\n    higher_is_better: true\n"


def _write(path: Path, text: str) -> None:
    with replacing(path) as stream:
        stream.write(text.encode("utf-8"))
