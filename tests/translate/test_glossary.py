"""The recipe's glossary of fixed terms."""

from __future__ import annotations

from pathlib import Path

import pytest

from kielo.errors import SourceError
from translate.glossary import read_glossary


def test_a_glossary_is_read_and_its_mistakes_are_named(tmp_path: Path) -> None:
    path = tmp_path / "terms.tsv"
    path.write_text("# terms\nKielo\tKielo\n\nmachine learning\tkoneoppiminen\n", "utf-8")
    assert read_glossary(path) == (("Kielo", "Kielo"), ("machine learning", "koneoppiminen"))
    for bad, place in (("one\n", 1), ("a\tb\na\tc\n", 2), ("a\t\n", 1)):
        path.write_text(bad, "utf-8")
        with pytest.raises(SourceError, match=f"terms.tsv, line {place}"):
            read_glossary(path)
