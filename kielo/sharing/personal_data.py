"""Finds e-mail addresses, phone numbers, access keys and bank accounts in texts, and masks them; reading counts, no network."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kielo.errors import UsageError

KINDS = ("emails", "phones", "keys", "ibans")
PLACEHOLDERS: Mapping[str, str] = {"emails": "<EMAIL>", "phones": "<PHONE>", "keys": "<KEY>", "ibans": "<IBAN>"}
_NO_TEXTS = frozenset({"id", "role", "language", "instruction_id_list"})
"""Keys of published rows whose values are ours or a format's."""

_EMAIL = re.compile(r"(?<![\w.%+-])(?!git@)[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])")
_RESERVED = re.compile(
    r"@(?:.*\.)?(?:example|test|invalid|localhost)(?:\.[a-z]{2,3})?$|@(?:your|my|the)?-?(?:domain|company|email|mail|site)\.[a-z]{2,4}$",
    re.IGNORECASE,
)
"""RFC 2606's domains, and those that texts write for `your own`."""
_FILES = frozenset({"py", "js", "css", "png", "jpg", "jpeg", "gif", "svg", "html", "json", "yaml", "yml", "txt", "md"})
_GAP = r"[ .\-()/\u00a0\u202f\u2010-\u2013]"
"""Within a number: blanks and hyphens that do not break a line are usual in print."""
_INTERNATIONAL = re.compile(rf"(?<![\w+])(?:\+|(?<![.,])00)(?=[1-9])[\d](?:{_GAP}{{0,2}}\d){{7,14}}(?![\w])")
_NORTH_AMERICAN = re.compile(r"(?<![\w.+-])(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])[2-9]\d\d[.-]\d{4}(?![\w-])")
_ANNOUNCED = re.compile(
    r"(?i:\b(?:tel|phone|mobile?|cell|whatsapp|fax|puh|puhelin(?:numero(?:ni|nsa)?)?|gsm|mob|telefon|telefonnumer|tlf|sími|telefons|tālrunis|telefonas|p\.(?= ?\(?0))(?!\w))"
    rf"[^\w\n+(]{{0,4}}(?:nro|no|nr|number|numero|on|is|är|er)?[^\w\n+(]{{0,3}}(?P<number>\(?0?\d(?:{_GAP}{{0,2}}\d){{5,13}})(?![\w])"
)
_CALLING_CODES = re.compile(
    r"1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|2[1-689]\d|3[578]\d|42\d|5[09]\d|6[7-9]\d|8[0578]\d|9[679]\d"
)
"""Beginnings that ITU-T E.164 assigns."""
_DATE = re.compile(r"(?:19|20)\d\d\D\d\d?\D\d\d?|\d\d?\D\d\d?\D(?:19|20)\d\d")
_FICTION = re.compile(r"555[ .-]?\d{4}$|(\d)\1{6}|1234567|2345678")
"""Numbers that films, and people who make one up, use."""
_KEYS = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    r"hf_[A-Za-z0-9]{30,40}|sk-(?:proj-|ant-|svcacct-)?[A-Za-z0-9_-]{20,200}|[rs]k_live_[A-Za-z0-9]{20,100}"
    r"|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,}|glpat-[A-Za-z0-9_-]{20,}|npm_[A-Za-z0-9]{36}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{35}|xox[abprs]-[A-Za-z0-9-]{10,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}:fx)(?![A-Za-z0-9_])"
    r"|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[A-Za-z0-9+/=\s:,-]{20,10000}?-----END (?:[A-Z]+ )*PRIVATE KEY-----"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d\d(?:[ \u00a0]?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_LEAST_DISTINCT = 8
"""Different characters of a real key; placeholders such as sk-xxxxxxxx have fewer."""


@dataclass(frozen=True)
class Finding:
    """One place of a text."""

    kind: str
    start: int
    stop: int


@dataclass
class Census:
    """What was found in rows: by kind how often, and in which of them."""

    places: Counter[str] = field(default_factory=Counter)
    rows: dict[str, list[str]] = field(default_factory=dict)
    """Kind -> names of rows, in their order."""

    def add(self, row: str, found: Mapping[str, int]) -> None:
        """Count what one row holds."""
        for kind, number in found.items():
            self.places[kind] += number
            self.rows.setdefault(kind, []).append(row)


def parse_kinds(written: str) -> tuple[str, ...]:
    """Read the value of `--mask`: kinds with commas between them, or `none`.

    Raises:
        UsageError: one is no kind.
    """
    if written == "none":
        return ()
    given = [part.strip() for part in written.split(",")]
    for kind in given:
        if kind not in KINDS:
            raise UsageError(f"--mask {written}: '{kind}' is no kind; write some of {','.join(KINDS)}, or none.")
    return tuple(kind for kind in KINDS if kind in given)


def find(text: str) -> list[Finding]:
    """Find what looks like personal data or a secret, from left to right, none within another."""
    found: list[Finding] = []
    for kind, finder in _FINDERS.items():
        for start, stop in finder(text):
            if all(stop <= other.start or start >= other.stop for other in found):
                found.append(Finding(kind, start, stop))
    return sorted(found, key=lambda each: each.start)


def masked(text: str, kinds: Collection[str]) -> tuple[str, Counter[str]]:
    """Put placeholders in the place of what is of these kinds; gives the text, and what was found of all kinds."""
    found = find(text)
    parts, position = [], 0
    for each in found:
        if each.kind in kinds:
            parts += [text[position : each.start], PLACEHOLDERS[each.kind]]
            position = each.stop
    return "".join([*parts, text[position:]]), Counter(each.kind for each in found)


def masked_row(row: Mapping[str, Any], kinds: Collection[str]) -> tuple[dict[str, Any], Counter[str]]:
    """Mask every text of a published row, however deep it lies."""
    counts: Counter[str] = Counter()

    def within(value: Any) -> Any:
        if isinstance(value, str):
            text, found = masked(value, kinds)
            counts.update(found)
            return text
        if isinstance(value, Mapping):
            return {key: each if key in _NO_TEXTS else within(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [within(each) for each in value]
        return value

    return within(row), counts


def _keys(text: str) -> Iterator[tuple[int, int]]:
    for match in _KEYS.finditer(text):
        has_digit = any(letter.isdigit() for letter in match[0])  # names of CSS classes begin with sk-, too
        if has_digit and len(set(match[0])) >= _LEAST_DISTINCT and "EXAMPLE" not in match[0]:
            yield match.span()


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    """Find account numbers whose check digits (ISO 13616) are right; a word behind one may look like its end."""
    for match in _IBAN.finditer(text):
        stop = match.end()
        while stop - match.start() >= 15:
            number = "".join(text[match.start() : stop].split())
            if 15 <= len(number) <= 34 and _checks(number):
                yield match.start(), stop
                break
            stop = max(text.rfind(gap, match.start(), stop) for gap in " \u00a0")


def _checks(number: str) -> bool:
    turned = number[4:] + number[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def _emails(text: str) -> Iterator[tuple[int, int]]:
    for match in _EMAIL.finditer(text) if "@" in text else ():
        last = match[0].rpartition(".")[2].lower()
        # a product of matrices that calls a function: A@np.linalg.inv(B)
        called = text.startswith("(", match.end()) and len(last) > 2 and last not in ("com", "org", "net", "info")
        if last not in _FILES and not called and not _RESERVED.search(match[0]):
            yield match.span()


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for match in _INTERNATIONAL.finditer(text):
        digits = re.sub(r"\D", "", match[0]).removeprefix("00" if match[0].startswith("00") else "")
        if 8 <= len(digits) <= 15 and _CALLING_CODES.match(digits) and _is_one(match[0], digits):
            yield match.span()
    for match in _NORTH_AMERICAN.finditer(text):
        if _is_one(match[0], re.sub(r"\D", "", match[0])):
            yield match.span()
    for match in _ANNOUNCED.finditer(text):
        digits = re.sub(r"\D", "", match["number"])
        if 6 <= len(digits) <= 15 and _is_one(match["number"], digits):
            yield match.span("number")


def _is_one(written: str, digits: str) -> bool:
    """Tell a number of somebody from a made-up one, and from digits that merely stand in a row."""
    if _FICTION.search(digits) or _DATE.fullmatch(written):
        return False
    return written[0] in "+(" or len(digits) >= 7 or bool(re.search(_GAP, written))


_FINDERS: Mapping[str, Callable[[str], Iterator[tuple[int, int]]]] = {
    "keys": _keys, "ibans": _ibans, "emails": _emails, "phones": _phones,
}  # fmt: skip
"""In the order in which they claim a place: a key may hold what looks like a number."""


def told(census: Census, masked_kinds: Sequence[str], most: int = 20) -> list[str]:
    """Say what was found, by kind with the rows, and what became of it."""
    lines = []
    for kind in KINDS:
        if census.places[kind]:
            rows = census.rows[kind]
            more = f" and {len(rows) - most:,} more" if len(rows) > most else ""
            became = f"masked as {PLACEHOLDERS[kind]}" if kind in masked_kinds else "LEFT AS THEY ARE"
            lines.append(
                f"{kind}: {census.places[kind]:,} in {len(rows):,} rows, {became}: {', '.join(rows[:most])}{more}"
            )
    return lines or ["nothing that looks like an e-mail address, a phone number, a key or a bank account"]
