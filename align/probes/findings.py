"""What a probe says: whether it holds, one sentence, and the text or numbers it looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kielo.errors import RecipeError


@dataclass(frozen=True)
class Finding:
    """The result of one probe."""

    name: str
    ok: bool
    sentence: str
    example: str = ""
    """What the sentence was read from: decoded tokens, or numbers; of a failure, a row that shows it."""

    def lines(self) -> Iterator[str]:
        """Write the finding out, its example indented below."""
        yield f"{'ok' if self.ok else 'FAILED':7}{self.name}: {self.sentence}"
        for line in self.example.splitlines():
            yield f"{'':9}{line}"


def refuse_failed(findings: Iterable[Finding], where: str) -> None:
    """Stop where a probe failed.

    Raises:
        RecipeError: the first probe that failed, with its example.
    """
    for finding in findings:
        if not finding.ok:
            example = f" (for example {finding.example})" if finding.example else ""
            raise RecipeError(f"{where}: {finding.name}: {finding.sentence}{example}")
