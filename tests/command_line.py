"""Kielo's command line as tests run it: as processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def start(*arguments: object, cwd: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "kielo.cli", *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip


def kielo(*arguments: object, cwd: Path) -> str:
    """Run a command that must succeed; returns what it said."""
    process = start(*arguments, cwd=cwd)
    said, _ = process.communicate(timeout=900)
    assert process.returncode == 0, said
    return said


def load(path: Path) -> dict:
    return json.loads(path.read_text("utf-8"))
