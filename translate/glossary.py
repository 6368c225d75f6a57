"""The recipe's glossary: terms that are put into every text in the form a person gave them."""

from __future__ import annotations

from pathlib import Path

from kielo.errors import SourceError, at
from translate.answers import Glossary


def read_glossary(path: Path) -> Glossary:
    """Read a TSV of source term and target term; empty lines and lines that begin with # are passed over.

    Raises:
        SourceError: a line is not two texts, or gives a term a second target; the sentence names file and line.
    """
    terms: dict[str, str] = {}
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise SourceError(f"{path}: no such file; check `translate.glossary`.") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not UTF-8 at byte {error.start}; convert the file with iconv.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != 2 or not all(cells):
            raise SourceError(f"{at(path, number)}: a source term, a tab and a target term are needed; mend the line.")
        if not all(cell.isprintable() for cell in cells):
            raise SourceError(f"{at(path, number)}: holds a character that cannot be seen; write the terms anew.")
        if terms.setdefault(cells[0], cells[1]) != cells[1]:
            raise SourceError(f"{at(path, number)}: '{cells[0]}' has another target above; keep one of the lines.")
    return tuple(terms.items())
