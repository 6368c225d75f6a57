"""The pocket world: a small two-language grammar and a base model of it, so that the whole chain runs anywhere."""

from pathlib import Path

BASE = Path(__file__).resolve().parent / "base"
