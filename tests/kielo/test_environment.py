"""docs/environment.md against the code: every variable of Kielo's own is in it, and it names none that nobody reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.command_line import ROOT

FOLDERS = ("kielo", "translate", "align", "eval", "benchmarks", "slurm", "tests", ".ci", "Makefile")
KINDS = (".py", ".sh", ".j2", ".yaml", "")
OWN = re.compile(r"\bKIELO_[A-Z_]+[A-Z]\b")
PAGE = ROOT / "docs" / "environment.md"


def sources() -> Iterator[Path]:
    for name in FOLDERS:
        place = ROOT / name
        found = [place] if place.is_file() else sorted(place.rglob("*"))
        yield from (
            each for each in found if each.is_file() and each.suffix in KINDS and "__pycache__" not in each.parts
        )


def test_every_variable_of_our_own_is_on_the_page() -> None:
    found = {name for file in sources() if file != Path(__file__) for name in OWN.findall(file.read_text("utf-8"))}
    assert "KIELO_PACKS" in found and found == set(
        re.findall(r"^\| `(KIELO_\w+)`", PAGE.read_text("utf-8"), re.MULTILINE)
    )


def test_variables_of_others_are_read_by_somebody() -> None:
    """Those that our code does not name are read by the libraries that the page says they are for."""
    section = PAGE.read_text("utf-8").partition("## Variables of others")[2].partition("## Exit codes")[0]
    names = {
        name
        for row in section.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`([A-Z_]+)`", row.split("|")[1])
    }
    code = "\n".join(file.read_text("utf-8") for file in sources() if file.parts[len(ROOT.parts)] != "tests")
    by_libraries = {"HF_ENDPOINT", "WANDB_MODE", "TRACKIO_SPACE_ID"}
    assert names and {name for name in names if name not in code} - by_libraries == set()
