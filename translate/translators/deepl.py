"""DeepL as translator: segments with their protected spans as XML, every answer kept the moment it comes, none paid for twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain

from kielo.errors import GenerationError
from kielo.generation.protocol import Completion
from kielo.generation.store import CompletionStore
from kielo.languages.pack import Language
from kielo.progress import progress
from kielo.schema import Engine
from translate.answers import Answer, Failure, Segment, Translated
from translate.translators.deepl_account import Account, OutOfQuota, Reply, account_of
from translate.translators.deepl_markup import Chunk, chunks_of
from translate.translators.deepl_queue import Sending
from translate.translators.deepl_requests import Query, Terms, batches, context_of, terms_of

_FAILURES_WITHOUT_ANSWER = 10  # texts refused before any was translated: then it is not the texts

Asked = tuple[Chunk, str]
"""A chunk of a segment, and the context it is asked with."""


def open_deepl(
    engine: Engine, source: Language, target: Language, store: CompletionStore, label: str, context: bool = False
) -> DeepLTranslator:
    """Prepare DeepL for a direction; the key comes from DEEPL_AUTH_KEY, another server from DEEPL_SERVER_URL.

    Nothing is sent before the first text that the store does not hold. `context`: tell DeepL what stands before a
    segment; that is not billed, but makes a request for every context.

    Raises:
        RecipeError: there is no key, or a language pack gives no code of DeepL.
        MissingExtraError: the client is not installed.
    """
    terms = terms_of(engine, source, target)
    return DeepLTranslator(account_of(engine.timeout_seconds), terms, source, target, store, label, context)


class DeepLTranslator:
    """Translates by DeepL what its store does not hold yet."""

    def __init__(
        self, account: Account, terms: Terms, source: Language, target: Language, store: CompletionStore, label: str,
        context: bool,
    ) -> None:  # fmt: skip
        """Take over what `open_deepl` found out."""
        self.account, self.terms, self.source, self.target = account, terms, source, target
        self.store, self.label, self.context = store, label, context
        self._asked_for: set[str] = set()
        self._checked = False

    @property
    def billed_characters(self) -> int:
        """How many characters DeepL billed for all that was asked here, those of earlier runs included."""
        return sum(self.store[key].completion_tokens for key in self._asked_for if key in self.store)

    def translate(self, segments: Sequence[Segment]) -> list[Answer]:
        """Translate segments; where a protected span did not come back, the text is translated around its spans.

        Raises:
            GenerationError: DeepL cannot go on (quota, key, server); what was answered is in the store.
            RecipeError: DeepL does not have the target language.
        """
        asked = [self._asked(segment) for segment in segments]
        made = self._translated(dict.fromkeys(chain.from_iterable(asked)))
        around = {each: _around(each) for each, answer in made.items() if _worth_cutting(each, answer)}
        if around:
            pieces = self._translated(dict.fromkeys(chain.from_iterable(around.values())))
            made |= {each: _joined([pieces[piece] for piece in cut]) for each, cut in around.items()}
        return [self._answer([made[each] for each in chunks]) for chunks in asked]

    def _asked(self, segment: Segment) -> list[Asked]:
        context = context_of(segment.context) if self.context else ""
        room = self.terms.room_bytes(Query("", True, context)) - len(", ")
        return [(chunk, context) for chunk in chunks_of(segment, self.source, room)]

    def _answer(self, chunks: Sequence[str | Failure]) -> Answer:
        joined = _joined(chunks)
        return joined if isinstance(joined, Failure) else Translated(joined, self.label)

    def _translated(self, asked: Mapping[Asked, None]) -> dict[Asked, str | Failure]:
        """Translate chunks; what has no letter to translate stays as it is."""
        queries = {each: Query(each[0].sent, each[0].marked, each[1]) for each in asked if each[0].speaks}
        replies = self._fetched(dict.fromkeys(queries.values()))
        return {each: _read(each[0], replies[queries[each]]) if each in queries else each[0].text for each in asked}

    def _fetched(self, queries: Mapping[Query, None]) -> dict[Query, str | Failure]:
        """Give the reply to every query, asking DeepL only for those that the store does not hold."""
        keys = {query: self.terms.key(query) for query in queries}
        self._asked_for.update(keys.values())
        self.store.borrow(keys.values())
        wanted = [query for query, key in keys.items() if key not in self.store]
        failed: dict[Query, Failure] = {}
        if wanted:
            self._check_once()
            with progress(len(keys), self.label, "texts", done=len(keys) - len(wanted)) as bar:
                for query, failure in self._sent(wanted, keys, proven=len(wanted) < len(keys)):
                    if failure is not None:
                        failed[query] = failure
                    bar.update()
        missing = sum(query not in failed and key not in self.store for query, key in keys.items())
        if missing:
            raise GenerationError(f"{self.label}: {missing} of {len(keys)} texts got no answer; run it again.")
        return {query: failed[query] if query in failed else self.store[key].text for query, key in keys.items()}

    def _sent(
        self, wanted: Sequence[Query], keys: Mapping[Query, str], proven: bool
    ) -> Iterator[tuple[Query, Failure | None]]:
        """Send queries and keep every translation as it comes; yield each query, with what failed about it.

        `proven`: DeepL has translated others on these terms.
        """
        sending = Sending(self.account.connect, list(batches(wanted, self.terms)), self.terms)
        failures = 0
        try:
            with closing(sending.answers(self.account.timeout_seconds)) as answers:
                for query, answer in answers:
                    if isinstance(answer, Reply):
                        proven = True
                        self.store.append(keys[query], Completion(answer.text, "stop", 0, answer.billed_characters))
                        yield query, None
                        continue
                    failures += 1
                    if failures == _FAILURES_WITHOUT_ANSWER and not proven:
                        raise GenerationError(f"{answer.detail}; so it was with the first {failures} texts.")
                    yield query, answer
        except OutOfQuota as error:
            raise self._stopped(error) from None

    def _stopped(self, error: OutOfQuota) -> GenerationError:
        asked, safe = len(self._asked_for), sum(key in self.store for key in self._asked_for)
        return GenerationError(
            f"{self.label}: DeepL's quota is used up; {safe} of {asked} texts are translated and safe in "
            f"{self.store.folder}, {asked - safe} remain. The same command goes on from there when there is quota "
            f"again ({error})."
        )

    def _check_once(self) -> None:
        """Before anything is paid for, see that key, server and target language fit."""
        if self._checked:
            return
        connection = self.account.connect()
        try:
            connection.check_target(self.terms, self.target)
        finally:
            connection.close()
        self._checked = True


def _read(chunk: Chunk, reply: str | Failure) -> str | Failure:
    if isinstance(reply, Failure):
        return reply
    if not reply.strip():
        return Failure("empty", f"nothing for: {chunk.text:.80}")
    text = chunk.read(reply)
    if text is None:
        wanted = ", ".join(part.text for part in chunk.parts if part.fixed)
        return Failure(
            "span-lost", f"wanted {f'once each {wanted:.80}' if wanted else 'no element'} in: {reply:.120}", reply
        )
    return text


def _worth_cutting(asked: Asked, answer: str | Failure) -> bool:
    """Whether to try a chunk without its fixed parts: they were lost, or may be what DeepL refused."""
    return isinstance(answer, Failure) and answer.reason != "engine-error" and asked[0].marked


def _around(asked: Asked) -> list[Asked]:
    return [(piece, asked[1]) for piece in asked[0].around()]


def _joined(texts: Sequence[str | Failure]) -> str | Failure:
    """Join the translations of chunks; one that failed fails them all."""
    failure = next((text for text in texts if isinstance(text, Failure)), None)
    if failure is not None:
        return failure
    return "".join(text for text in texts if isinstance(text, str))
