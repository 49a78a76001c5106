"""Resolve a DID to its document: one method per DID method, one bounded cache around them.

Source:  W3C DID Resolution v1 (CR 2026-07-23), sections 4 (resolution), 4.3 (DID document metadata).
Input:   a DID, and for historic questions the version id or the Unix time asked about.
Shapes:  all times are Unix seconds.
I/O:     whatever the methods wait on; nothing is fetched for a DID that the cache still holds.
Errors:  InvalidDidError (malformed), UnsupportedDidMethodError, DidNotFoundError, UnavailableError, VerificationError
         (a document or log that must not be believed). Failures are never cached.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias, runtime_checkable

import msgspec

from ssi.did.document import DidDocument
from ssi.did.parse import parse_did, parse_did_url
from ssi.errors import (
    DidNotFoundError,
    InvalidDidError,
    InvalidInputError,
    UnsupportedDidMethodError,
    VerificationError,
)
from ssi.keys import PublicKey

if TYPE_CHECKING:
    from asyncio import Task

    from ssi.did.ethr.history import EthrSource
    from ssi.ports import Fetch, LogSource

Clock: TypeAlias = Callable[[], int]
"""Returns the time now in Unix seconds."""


class Question(NamedTuple):
    """What a resolver was asked."""

    did: str
    version_id: str | None = None
    version_time: int | None = None
    version_number: int | None = None


class ResolutionMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a document beside its content (DID Resolution 4.3)."""

    source: str
    """Where the document came from: ``"key"`` (computed from the DID), ``"https"`` or ``"ledger"``."""
    version_id: str | None = None
    version_number: int | None = None
    """The number of this version from 1, where the method counts them."""
    version_time: int | None = None
    """Since when this version is in force."""
    created: int | None = None
    """When the first version was made."""
    updated: int | None = None
    """When this version was made, if it is not the first."""
    equivalent_id: tuple[str, ...] = ()
    """Other DIDs that the method guarantees to be the same as the document's id (``equivalentId``)."""
    canonical_id: str | None = None
    """The one of all these that the method says to use from now on (``canonicalId``)."""
    next_update: int | None = None
    """When the version after this one was made, for a version that is superseded."""
    next_version_id: str | None = None
    deactivated: bool = False
    ttl_seconds: int | None = None
    """How long the method says that the answer may be kept; None if it says nothing."""


class Resolution(msgspec.Struct, frozen=True):
    """A resolved DID. A deactivated one still has its last document: take keys through ``key``."""

    document: DidDocument
    metadata: ResolutionMetadata

    def key(self, verification_method_id: str, relationship: str, *, at: int | None = None) -> PublicKey:
        """Return ``document.key(…)`` unless the DID is deactivated.

        A DID URL of an equivalent DID names the method of the document with the same fragment: what was signed before
        a portable DID moved stays verifiable. Raises VerificationError if the DID is deactivated, and what
        ``DidDocument.key`` raises.
        """
        if self.metadata.deactivated:
            raise VerificationError(f"{self.document.id} is deactivated")
        did, hash_sign, fragment = verification_method_id.partition("#")
        if hash_sign and did in self.metadata.equivalent_id:
            verification_method_id = f"{self.document.id}#{fragment}"
        return self.document.key(verification_method_id, relationship, at=at)

    def is_about(self, did: str) -> bool:
        """Return whether ``did`` is the document's id, or the method vouches that both are the same."""
        return did == self.document.id or did in self.metadata.equivalent_id


class DidMethod(Protocol):
    """One DID method: given a DID of it, what is its document?"""

    @property
    def method(self) -> str:
        """The method name, such as ``"web"``."""
        ...

    async def resolve(self, did: str, *, version_id: str | None = None, version_time: int | None = None) -> Resolution:
        """Return the document of ``did``: the newest, the one named, or the one in force at ``version_time``.

        Raises InvalidDidError, InvalidInputError if the method keeps no history and is asked for it, DidNotFoundError,
        UnavailableError, and VerificationError if what was found must not be believed.
        """
        ...


@runtime_checkable
class NumberedVersions(Protocol):
    """A DID method that counts the versions of a document."""

    async def resolve_number(self, did: str, version_number: int) -> Resolution:
        """Return version ``version_number``, from 1, of ``did``; errors as for ``DidMethod.resolve``."""
        ...


class ResolutionCache:
    """The newest answers, bounded in number and time. Not shared between processes.

    An answer is kept for ``ttl_seconds``, or less if its method says so; the least recently used one goes first.
    """

    def __init__(self, *, max_entries: int = 1024, ttl_seconds: int = 300) -> None:
        if max_entries < 1 or ttl_seconds < 0:
            raise InvalidInputError("a cache holds at least one entry for at least no time")
        self.max_entries: Final = max_entries
        self.ttl_seconds: Final = ttl_seconds
        self._entries: OrderedDict[Question, tuple[int, int, Resolution]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, question: Question, *, now: int) -> Resolution | None:
        """Return a kept answer that is not older than its time, or None."""
        entry = self._entries.get(question)
        if entry is None:
            return None
        stored, until, resolution = entry
        # A clock that ran backwards must not keep an answer alive for longer than it was meant to live.
        if not stored <= now < until:
            del self._entries[question]
            return None
        self._entries.move_to_end(question)
        return resolution

    def covering(self, did: str, at: int, *, now: int) -> Resolution | None:
        """Return a kept answer for the version of ``did`` in force at ``at``, whatever time it was asked for.

        The limits are whole seconds of times that may have fractions, so the first and the last second are left out.
        The newest version counts for every later time, as it does for the question without a time.
        """
        for question, (stored, until, resolution) in self._entries.items():
            if question[0] != did or question[1] is not None or not stored <= now < until:
                continue
            begin, end = resolution.metadata.version_time, resolution.metadata.next_update
            if begin is not None and begin < at and (end is None or at < end):
                return resolution
        return None

    def put(self, question: Question, resolution: Resolution, *, now: int) -> None:
        """Keep an answer from now on."""
        ttl = self.ttl_seconds
        if resolution.metadata.ttl_seconds is not None:
            ttl = min(ttl, resolution.metadata.ttl_seconds)
        self._entries.pop(question, None)
        if ttl <= 0:
            return
        self._entries[question] = (now, now + ttl, resolution)
        if len(self._entries) > self.max_entries:
            self._entries.popitem(last=False)

    def forget(self, did: str) -> None:
        """Drop every answer about ``did``, under whatever name, such as after an update of one's own."""
        for question, (_, _, resolution) in list(self._entries.items()):
            if question.did == did or resolution.is_about(did):
                del self._entries[question]


class Resolver:
    """Resolves DIDs of the methods it was given; questions asked at the same time share one answer."""

    def __init__(
        self, methods: Sequence[DidMethod], *, cache: ResolutionCache | None = None, now: Clock | None = None
    ) -> None:
        self._methods = {method.method: method for method in methods}
        if len(self._methods) != len(methods):
            raise InvalidInputError("two DID methods have the same name")
        self._cache = ResolutionCache() if cache is None else cache
        self._now = system_clock if now is None else now
        self._running: dict[Question, Task[Resolution]] = {}

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods that this resolver knows."""
        return tuple(self._methods)

    async def resolve(
        self,
        did: str,
        *,
        version_id: str | None = None,
        version_time: int | None = None,
        version_number: int | None = None,
    ) -> Resolution:
        """Return the document of ``did`` and its metadata; see ``DidMethod.resolve`` for versions and errors.

        A deactivated DID resolves with ``metadata.deactivated`` set. A DID that moved resolves under its old name: the
        document then has the new one, and ``metadata.equivalent_id`` the old. Raises UnsupportedDidMethodError too.
        """
        question = Question(did, version_id, version_time, version_number)
        cached = self._cache.get(question, now=self._now())
        if cached is not None:
            return cached
        if version_time is not None and version_id is None:
            past = self._past(did, version_time)
            if past is not None:
                return past
        name = parse_did(did).method
        method = self._methods.get(name)
        if method is None:
            raise UnsupportedDidMethodError(f"did:{name} is not among the methods of this resolver")
        if sum(asked is not None for asked in question[1:]) > 1:
            raise InvalidInputError("ask for a version id, a version time or a version number, not for several")
        return await self._shared(method, question)

    def forget(self, did: str) -> None:
        """Drop what is kept about ``did``: whoever learns of a newer version asks again at once."""
        self._cache.forget(did)

    async def key(self, verification_method: str, relationship: str, *, at: int | None = None) -> PublicKey:
        """Return the key that the DID URL ``verification_method`` names, in the newest document of its DID.

        Raises what ``resolve`` and ``Resolution.key`` raise; a DID URL with a path or a query is refused.
        """
        url = parse_did_url(verification_method)
        if url.fragment is None or url.path or url.query is not None:
            raise InvalidDidError("a verification method is named by a DID and a fragment")
        return (await self.resolve(url.did)).key(verification_method, relationship, at=at)

    def _past(self, did: str, at: int) -> Resolution | None:
        """Answer for a time from what is kept, so that whoever chooses the times does not choose how often we ask.

        Raises DidNotFoundError for a time before the first version.
        """
        newest = self._cache.get(Question(did), now=self._now())
        created = None if newest is None else newest.metadata.created
        if created is not None and at < created:
            raise DidNotFoundError("the DID had no version yet at that time")
        return self._cache.covering(did, at, now=self._now())

    async def _shared(self, method: DidMethod, question: Question) -> Resolution:
        import asyncio

        task = self._running.get(question)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = asyncio.get_running_loop().create_task(self._ask(method, question))
            self._running[question] = task
            task.add_done_callback(lambda done: self._finished(question, done))
        # Shielded: one caller who gives up must not take the answer from the others.
        return await asyncio.shield(task)

    async def _ask(self, method: DidMethod, question: Question) -> Resolution:
        did, version_id, version_time, version_number = question
        # The age of an answer counts from before it was asked for, not from its arrival.
        asked = self._now()
        if version_number is None:
            resolution = await method.resolve(did, version_id=version_id, version_time=version_time)
        elif isinstance(method, NumberedVersions):
            resolution = await method.resolve_number(did, version_number)
        else:
            raise InvalidInputError(f"did:{method.method} does not number its versions")
        _check_answer(resolution, did, method.method)
        self._cache.put(question, resolution, now=asked)
        return resolution

    def _finished(self, question: Question, task: Task[Resolution]) -> None:
        if self._running.get(question) is task:
            del self._running[question]
        if not task.cancelled():
            task.exception()  # Read here, since every caller may have given up.


def _check_answer(resolution: Resolution, did: str, method: str) -> None:
    """A method speaks for the DIDs of its own only, and its document is that of the DID asked for (4.3)."""
    metadata = resolution.metadata
    vouched = (*metadata.equivalent_id, *((metadata.canonical_id,) if metadata.canonical_id is not None else ()))
    if not resolution.is_about(did):
        raise VerificationError(f"the did:{method} method answered with the document of another DID")
    if not all(other.startswith(f"did:{method}:") for other in vouched):
        raise VerificationError(f"the did:{method} method vouches for a DID of another method")
    if metadata.canonical_id is not None and not resolution.is_about(metadata.canonical_id):
        raise VerificationError(f"the did:{method} method names a canonical DID that it does not call equivalent")


def system_clock() -> int:
    """Return the time now in Unix seconds."""
    return int(time.time())


def default_resolver(
    *,
    fetch: Fetch | None = None,
    log_source: LogSource | None = None,
    cache: ResolutionCache | None = None,
    now: Clock | None = None,
    ebsi_registry: str | None = None,
    ethr: Sequence[EthrSource] = (),
) -> Resolver:
    """Return a resolver for did:key, did:jwk and did:peer, and for the methods that the sources allow.

    did:web needs a ``fetch``, did:webvh one of both sources, did:ebsi a ``fetch`` and the https URL of the identifiers
    of an EBSI DID registry, did:ethr a source for each network (``ssi.did.backends.ethr``).
    """
    from ssi.did.methods.jwk import DidJwk
    from ssi.did.methods.key import DidKey
    from ssi.did.methods.peer import DidPeer

    methods: list[DidMethod] = [DidKey(), DidJwk(), DidPeer()]
    if fetch is not None:
        from ssi.did.methods.web import DidWeb

        methods.append(DidWeb(fetch))
    if fetch is not None and ebsi_registry is not None:
        from ssi.did.methods.ebsi import DidEbsi

        methods.append(DidEbsi(fetch, registry=ebsi_registry))
    if fetch is not None or log_source is not None:
        from ssi.did.methods.webvh import DidWebvh

        methods.append(DidWebvh(fetch=fetch, log_source=log_source, now=now or system_clock))
    if ethr:
        from ssi.did.methods.ethr import DidEthr

        methods.append(DidEthr(ethr, now=now or system_clock))
    return Resolver(methods, cache=cache, now=now)
