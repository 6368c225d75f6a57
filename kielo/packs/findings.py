"""What the check of a pack finds, where, and how it is mended; as lines for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from kielo.errors import KieloError, at
from kielo.languages.pack import Language
from kielo.strict_yaml import Lines, line_of
from kielo.text_table import clean

Weight = Literal["error", "todo", "note"]
_HEADINGS: Mapping[Weight, str] = {
    "error": "must be mended before the pack can be used",
    "todo": "can be used without, but something is then not done or not done well",
    "note": "to know",
}


@dataclass(frozen=True)
class Finding:
    """One thing about a pack: an error keeps it from being used."""

    weight: Weight
    file: str
    line: int | None
    key: str
    problem: str
    fix: str

    def sentence(self) -> str:
        """Say it in one line."""
        file, here = Path(self.file), Path.cwd()
        place = at(str(file.relative_to(here)) if file.is_relative_to(here) else self.file, self.line)
        return clean(f"{place}: {self.key}: {self.problem}; {self.fix}.")


@dataclass(frozen=True)
class Opened:
    """A pack that was read: its file, what stands where, and the folders in which its other files may lie."""

    path: Path
    pack: Language
    values: Mapping[str, Any]
    lines: Lines
    folders: tuple[Path, ...]

    def finding(self, weight: Weight, key: str, problem: str, fix: str) -> Finding:
        """Name a finding about a key of the pack itself."""
        where = tuple(key.split("."))
        return Finding(weight, str(self.path), line_of(where, self.lines), key, problem, fix)

    def beside(self, name: str) -> Path | None:
        """Find another file of the pack; None where there is none."""
        return next((path for folder in self.folders if (path := folder / name).is_file()), None)

    def missing(self, name: str) -> str:
        """Say where a file of the pack that is not there would lie."""
        return str(self.path.parent / name)


def unplaced(error: KieloError, path: Path) -> str:
    """Take the file, which a finding names by itself, and the full stop off what an error says."""
    return str(error).removeprefix(f"{path}").lstrip(":, ").rstrip(".")


def tell(code: str, findings: Sequence[Finding]) -> str:
    """Write the findings, the worst first, and whether the pack can be used."""
    lines = []
    for weight, heading in _HEADINGS.items():
        of_weight = [finding for finding in findings if finding.weight == weight]
        if of_weight:
            lines += [f"{weight}: {heading}", *(f"  {finding.sentence()}" for finding in of_weight)]
    errors = sum(finding.weight == "error" for finding in findings)
    verdict = f"cannot be used yet: {errors} {'error' if errors == 1 else 'errors'}" if errors else "can be used"
    return "\n".join((*lines, f"{code}: {verdict}."))


def to_document(code: str, findings: Sequence[Finding]) -> dict[str, Any]:
    """Give the findings as JSON has them."""
    return {
        "code": code,
        "usable": not any(finding.weight == "error" for finding in findings),
        "findings": [asdict(finding) for finding in findings],
    }
