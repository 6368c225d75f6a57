"""Fixtures shared by all tests: where the real data lie, a recipe to start from, no network, a Slurm, a browser."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chromium import browser, open_in_browser
from tests.kielo.cluster.slurm_fixture import _slurm, slurm

__all__ = ["_slurm", "browser", "open_in_browser", "slurm"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what it runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

ROOT = Path(__file__).resolve().parent.parent
LONGEST = ("tests/test_end_to_end.py", "tests/kielo/cluster/test_surviving.py", "tests/test_runs.py")
"""Minutes each, much of it waiting: begun first, so that no process ends with one of them alone."""
SMALL_RECIPE = """\
language: fi
model: pocket
translate:
  prompt: {shots: 3, shots_file: pocket}
  datasets:
    oasst2: {kind: conversations, pocket: oasst2, rows: 12}
    helpsteer2: {kind: preferences, pocket: helpsteer2, rows: 8}
    ifeval: {kind: ifeval, pocket: ifeval, rows: 6}
sft:
  mixes:
    en-fi-Xpct: {shares: {en: 1.0, fi: X}, X: [0, 0.5, 1.0]}
  runs:
    neftune: {mix: en-fi-100pct, neftune_noise_alpha: 5}
dpo:
  start: sft/en-fi-100pct
  runs:
    dpo-both: {data: {helpsteer2: [en, fi]}}
eval:
  ifeval: {languages: [en, fi]}
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; on a command line pytest forgets their order as soon as their folder stands there, too."""
    places = {str(ROOT / name): place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(str(item.path), len(LONGEST)))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; tests that need it are skipped, with this reason, where it is missing."""
    folder = Path(os.environ.get("KIELO_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder} (set KIELO_SHARED_DATA)")
    return folder


@pytest.fixture
def write_recipe(tmp_path: Path) -> Callable[..., Path]:
    """Write a recipe file: the small one, with (old, new) texts replaced; each old text must occur."""

    def write(*changes: tuple[str, str], text: str = SMALL_RECIPE, name: str = "small.yaml") -> Path:
        for old, new in changes:
            assert old in text, f"{old!r} is not in the recipe"
            text = text.replace(old, new, 1)
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return write
