"""The connection to DeepL: its official client, the key kept out of everything said, and each of its answers checked and understood."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kielo import __version__
from kielo.errors import GenerationError, MissingExtraError, RecipeError
from kielo.languages.pack import Language, pack_file
from translate.translators.deepl_requests import Query, Terms

KEY = "DEEPL_AUTH_KEY"
SERVER = "DEEPL_SERVER_URL"
_LONGEST_SENTENCE = 200  # characters of what a server says that are passed on
_SECRET_CHARACTERS = 16  # shorter keys are those of test servers, and may be words
_ADVICE = {
    401: f"check {KEY}",
    403: f"check {KEY} (keys that end in :fx are for DeepL's free API) and {SERVER}",
    404: f"check {SERVER} and the engine's glossary_id",
}
_THESE_TEXTS = (400, 413)  # the server will never take them: one of them is not to its liking, or they are too large


class TextsRefused(Exception):
    """A request's texts were refused; fewer of them may not be."""


class BadReply(Exception):
    """A reply is not one of DeepL's: fields are missing, or there are fewer or more translations than texts."""


class OutOfQuota(GenerationError):
    """The account's characters are used up."""


@dataclass(frozen=True)
class Reply:
    """The translation of one text, and the characters billed for it."""

    text: str
    billed_characters: int


@dataclass(frozen=True)
class Account:
    """How DeepL is reached; the key stays out of its printed form."""

    server_url: str | None
    timeout_seconds: float

    def connect(self) -> Connection:
        """Open a connection; nothing is sent yet."""
        return Connection(self)


def account_of(timeout_seconds: float) -> Account:
    """Read the account from the environment.

    Raises:
        RecipeError: there is no key, or the key or the server's URL cannot be used.
        MissingExtraError: the client is not installed.
    """
    try:
        import deepl  # noqa: F401
    except ImportError as error:
        raise MissingExtraError('engine kind deepl needs the package deepl: pip install -e ".[deepl]".') from error
    key = _key()
    if not key:
        raise RecipeError(f"engine kind deepl needs a key: put it in the environment variable {KEY}.")
    if not re.fullmatch(r"[!-~]+", key):
        raise RecipeError(f"the environment variable {KEY} holds blanks or characters that no key has; set it again.")
    logging.getLogger("deepl").addFilter(_censor_record)
    return Account(_server_url(), timeout_seconds)


def _key() -> str:
    return os.environ.get(KEY, "").strip()


def _server_url() -> str | None:
    """Read the server's URL; it ends in a slash, since the client replaces what stands behind the last one."""
    url = os.environ.get(SERVER, "").strip()
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query:
        raise RecipeError(
            f"the environment variable {SERVER} must be a URL like https://api.deepl.com, without user name, password and query."
        )
    return url.rstrip("/") + "/"


def _censored(text: str) -> str:
    """Take the key out of what a server or the client says: some repeat it."""
    key = _key()
    return text.replace(key, "***") if key else text


def _censor_record(record: logging.LogRecord) -> bool:
    record.msg, record.args = _censored(record.getMessage()), ()
    return True


class Connection:
    """One connection to the server, for one thread."""

    def __init__(self, account: Account) -> None:
        """Prepare the client."""
        self.account = account
        self._client = _client(account)
        self.name = self._client.server_url.rstrip("/")

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def translate(self, batch: Sequence[Query], terms: Terms) -> list[Reply]:
        """Translate texts of one context and markup; the client sends a request again on 429, 5xx and lost connections.

        Raises:
            TextsRefused, BadReply: this request failed; others may not.
            GenerationError: no request can succeed now; OutOfQuota if the account's characters are used up.
        """
        texts = [query.text for query in batch]
        results = self._call(self._client.translate_text, texts, **terms.options(batch[0]))
        if len(results) != len(texts):
            raise BadReply(f"{self.name}: {len(results)} translations for {len(texts)} texts")
        return [Reply(_without_key(result.text), result.billed_characters) for result in results]

    def check_target(self, terms: Terms, target: Language) -> None:
        """Ask which languages the server translates into.

        Raises:
            RecipeError: the target language, or a formality in it, is not among them.
            GenerationError: the server does not answer as DeepL does, or refuses the key.
        """
        try:
            languages = {each.code.upper(): each for each in self._call(self._client.get_target_languages)}
        except (BadReply, TextsRefused) as error:
            raise GenerationError(f"{error}; check {SERVER}.") from error
        if terms.target not in languages:
            raise RecipeError(
                f"{pack_file(f'{target.code}.yaml')}: deepl: {terms.target} is no target language of {self.name}; "
                f"it has {', '.join(sorted(languages))}."
            )
        if terms.formality in ("more", "less") and languages[terms.target].supports_formality is False:
            raise RecipeError(
                f"formality: {terms.formality}: DeepL has none in {target.name}; write prefer_{terms.formality} or leave it out."
            )

    def _call(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        import deepl

        # The client's setting for one try; it is the module's, so it is set anew for whoever asks.
        deepl.http_client.min_connection_timeout = self.account.timeout_seconds
        try:
            return method(*arguments, **options)
        except deepl.DeepLException as error:
            raise self._understood(error) from None  # its own message may hold the key

    def _understood(self, error: Any) -> Exception:
        """Say what an error of the client means for the run."""
        import deepl

        if isinstance(error, deepl.ConnectionException):
            return GenerationError(f"{self.name}: {self._why_unreachable(error)}; {_AGAIN}")
        status, said = error.http_status_code, _line(str(error))
        sentence = f"{self.name}: {status or 'the client'}: {said}"
        if isinstance(error, deepl.QuotaExceededException):
            return OutOfQuota(sentence)
        if status in _THESE_TEXTS:
            return TextsRefused(sentence)
        return GenerationError(f"{sentence}; {f'{_ADVICE[status]}.' if status in _ADVICE else _AGAIN}")

    def _why_unreachable(self, error: Any) -> str:
        if "timed out" in str(error):
            return f"no answer in {self.account.timeout_seconds:g} seconds"
        reason = re.search(r"\[Errno -?\d+\] [\w ]{1,80}", str(error))
        return f"cannot be reached ({reason.group() if reason else type(error.__cause__).__name__})"


_AGAIN = "what was answered is kept; run the same command again when the server is well."


def _client(account: Account) -> Any:
    """Make the official client, which looks at replies before it reads them."""
    import deepl

    class CheckedClient(deepl.DeepLClient):  # type: ignore[misc]
        """The client loses what was paid for when a field is missing: it reads them all unseen (deepl 1.32)."""

        def _api_call(self, url: str, **request: Any) -> tuple[int, Any, Any]:
            try:
                status, content, reply = super()._api_call(url, **request)
            except (RecursionError, ValueError) as error:  # JSON too deep, or a number too long for Python
                raise BadReply(f"{self.server_url}: the reply cannot be read ({error})") from error
            if status >= 400:
                return status, content, _complaint(reply)
            try:
                return status, content, _READERS[url](reply, request.get("json"))
            except BadReply as error:
                raise BadReply(f"{self.server_url}: {error}") from error

    client = CheckedClient(_key(), server_url=account.server_url)
    client.set_app_info("kielo", __version__)
    return client


def _complaint(reply: Any) -> dict[str, str]:
    """Find what a server says against a request: the client joins it to text, whatever it is."""
    fields = reply if isinstance(reply, dict) else {}
    said = {name.lower(): value for name, value in fields.items() if isinstance(value, str)}
    return {name: said[name] for name in ("message", "detail") if name in said}


def _translations(reply: Any, request: Any) -> dict[str, Any]:
    """Read the reply to texts; where the bill is missing, the characters are counted as DeepL counts them."""
    rows = reply.get("translations") if isinstance(reply, dict) else None
    if not isinstance(rows, list):
        raise BadReply("the reply holds no translations")
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise BadReply("a translation without text")
    texts = request["text"] if len(request["text"]) == len(rows) else [""] * len(rows)
    return {
        "translations": [
            {"text": row["text"], "billed_characters": _count(row.get("billed_characters"), len(text))}
            for row, text in zip(rows, texts, strict=True)
        ]
    }


def _languages(reply: Any, request: Any) -> list[dict[str, Any]]:
    rows = reply if isinstance(reply, list) else []
    if not rows or not all(isinstance(row, dict) and isinstance(row.get("language"), str) for row in rows):
        raise BadReply("the reply holds no languages")
    return [{"name": "", **row} for row in rows]


_READERS = {"v2/translate": _translations, "v2/languages": _languages}


def _count(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and value >= 0 else otherwise


def _without_key(text: str) -> str:
    """Make a translation fit for files: no half characters, which JSON can spell, and no key."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _censored(whole) if len(_key()) >= _SECRET_CHARACTERS else whole


def _line(text: str) -> str:
    """Cut a message to a printable line, the key first."""
    return "".join(char if char.isprintable() else " " for char in _censored(text)[:_LONGEST_SENTENCE]).strip(" .")
