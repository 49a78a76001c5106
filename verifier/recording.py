"""Verify and keep everything that was looked at, so that it can be looked at again in years.

Input:   a verifier's policy and ports, and a presentation.
Shapes:  members of an evidence file, see ``verifier.evidence``.
I/O:     the ports, each asked anew: what caches hold is passed over, or the evidence would lack it.
Errors:  as ``Verifier.verify_all``; InvalidInputError where evidence cannot be kept (a registry without checkpoint).

The verification runs over ports that write down what passes through them. Whatever is asked for later in a recheck was
asked for here, so that the members are complete for any DID method that fetches.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, Protocol, cast

import msgspec

from ssi.did.resolver import default_resolver, system_clock
from ssi.encoding.jcs import jcs
from ssi.errors import DidNotFoundError, InvalidInputError, NotFoundError
from ssi.ledger.excerpt import Line, build_line
from ssi.ledger.note import NoteKey
from ssi.ports import Accredited, Commitment, Fetch, Fetched, PublishedList, RegistrySource, StatusListSource
from ssi.registry.view import RegistrySnapshot
from ssi.status.folder import list_files
from ssi.types import JsonObject

from .offline_ledger import CHECKPOINTS, ENTRIES
from .pinned import DOCUMENTS, document_members
from .policy import Policy, without_content
from .report import CouldNotCheck, Refused
from .verified import VerifiedPresentation
from .verifier import Verifier

if TYPE_CHECKING:
    from .evidence import Evidence, LedgerKind

WORLD: Final = "world/"
WEB: Final = "world/web/index.json"


class ProvableRegistry(Protocol):
    """A registry that can say what its answers rest on: ``RegistryFollower``, and an offline folder or bundle."""

    @property
    def keys(self) -> tuple[NoteKey, ...]:
        """The keys that may sign the ledger's checkpoints."""
        ...

    @property
    def checkpoint(self) -> bytes | None:
        """The newest verified checkpoint."""
        ...

    def view(self) -> RegistrySnapshot:
        """Return the registry at that checkpoint."""
        ...

    def excerpt(
        self, view: RegistrySnapshot, *, dids: Iterable[str] | None, uris: Iterable[str] = ()
    ) -> AsyncIterator[Line]:
        """Yield the lines of the ledger of the size of ``view`` that speak of these DIDs and lists."""
        ...


class _Asked:
    """What was asked for, and what came."""

    def __init__(self) -> None:
        self.dids: dict[str, None] = {}
        self.uris: dict[str, None] = {}
        self.pages: dict[str, Fetched | None] = {}
        self.lists: dict[str, PublishedList] = {}


class _View:
    """A registry view that notes who and what it was asked about."""

    def __init__(self, view: RegistrySnapshot, asked: _Asked) -> None:
        self._view = view
        self._asked = asked
        self.size = view.size
        self.checkpoint_time = view.checkpoint_time
        self.left_out = view.left_out

    def did_log(self, did: str) -> bytes:
        self._asked.dids[did] = None
        return self._view.did_log(did)

    def did_witness(self, did: str) -> bytes:
        self._asked.dids[did] = None
        return self._view.did_witness(did)

    def compromised_since(self, kid: str, *, at: int) -> int | None:
        self._asked.dids[kid.partition("#")[0]] = None
        return self._view.compromised_since(kid, at=at)

    def commitment_before_compromise(self, kid: str, *, uri: str, digest: str) -> Commitment | None:
        self._asked.dids[kid.partition("#")[0]] = None
        self._asked.uris[uri] = None
        return self._view.commitment_before_compromise(kid, uri=uri, digest=digest)

    def newest_commitment(self, uri: str) -> Commitment | None:
        self._asked.uris[uri] = None
        return self._view.newest_commitment(uri)

    def may_issue(self, issuer: str, credential_type: str, *, at: int) -> Accredited | None:
        self._asked.dids[issuer] = None
        return self._view.may_issue(issuer, credential_type, at=at)


class _Registry:
    """The registry of one moment: a ledger that moves on meanwhile changes nothing."""

    def __init__(self, view: _View) -> None:
        self._view = view

    def view(self) -> _View:
        return self._view

    async def did_log(self, did: str) -> bytes:
        return self._view.did_log(did)

    async def did_witness(self, did: str) -> bytes:
        return self._view.did_witness(did)


class _Moment:
    """A registry as it stood at one moment, and what of its ledger the answers of that moment rest on."""

    def __init__(
        self, registry: ProvableRegistry, view: RegistrySnapshot, note: bytes, keys: tuple[NoteKey, ...]
    ) -> None:
        self.view = view
        self._registry = registry
        self._note = note
        self._keys = keys

    async def members(self, asked: _Asked, *, whole: bool) -> tuple[LedgerKind, dict[str, bytes]]:
        """Return the lines that matter, or all, with checkpoint and anchors, and say which of the two it is."""
        dids = None if whole else asked.dids
        lines = [line async for line in self._registry.excerpt(self.view, dids=dids, uris=asked.uris)]
        files = {
            f"{WORLD}{ENTRIES}": b"".join(map(build_line, lines)),
            f"{WORLD}{CHECKPOINTS}/{self.view.size}.note": self._note,
            "anchors.json": jcs({"roots": sorted(self.view.roots), "keys": [key.vkey for key in self._keys]}),
        }
        return "excerpt" if any(hasattr(line, "level") for line in lines) else "whole", files


class _Ports:
    """The web and the lists, written down as they answer. What is not there is an answer, too."""

    def __init__(
        self, fetch: Fetch | None, lists: StatusListSource | None, asked: _Asked, receipts: Mapping[str, bytes]
    ) -> None:
        self._fetch = fetch
        self._receipts = receipts
        self._lists = lists
        self._asked = asked

    async def fetch(self, url: str, *, accept: str = "application/json", max_bytes: int = 1 << 20) -> Fetched:
        if self._fetch is None:
            raise DidNotFoundError("there is no way to the web to ask for a DID that the ledger does not have")
        try:
            page = await self._fetch(url, accept=accept, max_bytes=max_bytes)
        except NotFoundError:
            self._asked.pages[url] = None
            raise
        self._asked.pages[url] = page
        return page

    async def status_list(self, uri: str) -> PublishedList:
        if self._lists is None:
            raise NotFoundError("there is no source of status lists")
        found = await self._lists.status_list(uri)
        if found.receipt is None and uri in self._receipts:
            found = msgspec.structs.replace(found, receipt=self._receipts[uri])
        self._asked.lists[uri] = found
        return found


async def verify_recorded(
    policy: Policy,
    presentation: str | bytes,
    *,
    nonce: str | None,
    at: int | None,
    fetch: Fetch | None,
    lists: StatusListSource | None,
    registry: RegistrySource | None,
    now: Callable[[], int],
    usable: Callable[[int], None] | None = None,
    methods: Iterable[str] = (),
    whole_ledger: bool = False,
    receipts: Mapping[str, bytes] | None = None,
    documents: Mapping[str, bytes] | None = None,
) -> tuple[tuple[VerifiedPresentation, ...] | Refused, Evidence]:
    """Verify, and return the outcome (accepted, or the refusal) with the evidence for it.

    ``methods`` are the DID methods that must be resolved for it; ``receipts`` become those of lists without;
    ``documents`` are those that policy pins.
    Raises InvalidInputError if there is no presentation, CouldNotCheck if there is no outcome to keep evidence of.
    """
    from .evidence import build_evidence

    asked, clock = _Asked(), now()
    logs_clock = max(clock, system_clock())
    at = clock if at is None else at
    moment = _moment(registry)
    tapped = None if moment is None else _Registry(_View(moment.view, asked))
    ports = _Ports(fetch, lists, asked, receipts or {})
    resolver = default_resolver(fetch=None if fetch is None else ports.fetch, log_source=tapped, now=lambda: logs_clock)
    if not set(methods) <= set(resolver.methods):
        # What the verifier's own resolver would find must not count as refused for want of a way to ask.
        raise InvalidInputError("evidence of DIDs from the web is kept by a verifier that was given its way to fetch")
    inner = Verifier(
        policy,
        resolver=resolver,
        lists=None if lists is None else ports,
        registry=tapped,
        now=lambda: clock,
        usable=usable,
        documents=documents,
    )
    outcome = await _outcome(inner, presentation, nonce=nonce, at=at)
    files = _pages(asked) | {f"{WORLD}lists/{name}": body for name, body in list_files(asked.lists.values()).items()}
    ledger: LedgerKind = "none"
    if moment is not None:
        ledger, members = await moment.members(asked, whole=whole_ledger)
        files |= members
    request: JsonObject = {"at": at, "clock": clock, "logs_clock": logs_clock}
    files |= {
        "presentation.txt": presentation if isinstance(presentation, bytes) else presentation.encode(),
        "policy.json": jcs(msgspec.to_builtins(without_content(inner.policy))),
        "result.json": jcs(described(outcome)),
        "request.json": jcs(request if nonce is None else {**request, "nonce": nonce}),
    }
    files |= document_members(documents or {}, f"{WORLD}{DOCUMENTS}")
    return outcome, build_evidence(files, made_at=logs_clock, ledger=ledger)


async def _outcome(
    verifier: Verifier, presentation: str | bytes, *, nonce: str | None, at: int
) -> tuple[VerifiedPresentation, ...] | Refused:
    """Verify; a refusal is an outcome, too, and a check that could not be made is none."""
    try:
        return await verifier.verify_all(presentation, nonce=nonce, now=at)
    except CouldNotCheck:
        raise
    except Refused as exc:
        return exc


def _moment(registry: RegistrySource | None) -> _Moment | None:
    if registry is None:
        return None
    # Asked of its class: a property of an instance would be computed for the question.
    if not all(hasattr(type(registry), name) for name in ("keys", "checkpoint", "view", "excerpt")):
        raise InvalidInputError("evidence is kept over a registry that can prove its answers, such as RegistryFollower")
    provable = cast("ProvableRegistry", registry)
    # Nothing is waited for between these: view, checkpoint and keys are of one moment.
    view, note, keys = provable.view(), provable.checkpoint, provable.keys
    if note is None:
        raise InvalidInputError("evidence is kept over a registry with a checkpoint that a known key signed")
    return _Moment(provable, view, note, keys)


def _pages(asked: _Asked) -> dict[str, bytes]:
    index: JsonObject = {}
    files: dict[str, bytes] = {}
    for number, (url, page) in enumerate(sorted(asked.pages.items())):
        name = None if page is None else f"{number}.body"
        index[url] = {"file": name, "type": "" if page is None else page.content_type}
        if page is not None:
            files[f"{WORLD}web/{name}"] = page.body
    return files | ({WEB: json.dumps(index, sort_keys=True).encode()} if index else {})


def described(outcome: tuple[VerifiedPresentation, ...] | Refused) -> JsonObject:
    """Return what came out, as it is recorded and compared."""
    if isinstance(outcome, Refused):
        report = outcome.report.to_json()
        return {"outcome": "refused", "check": outcome.check, "reason": outcome.reason, "report": report}
    credentials = [
        {
            "issuer": found.issuer,
            "type": found.type,
            "claims": found.claims,
            "holder": None if found.holder is None else found.holder.to_jwk(),
        }
        for found in outcome
    ]
    return {"outcome": "accepted", "credentials": credentials, "report": outcome[0].report.to_json()}
