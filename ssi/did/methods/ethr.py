"""did:ethr: an account, or its key, with the changes that an ERC-1056 registry on an EVM chain has of it.

Source:  ETHR DID Method Specification (2026-08), "Read (Resolve)", "Metadata", "Resolving DID URIs with query
         parameters"; W3C DID Resolution v1, 4.3 (metadata of a deactivated DID).
Input:   a did:ethr DID on one of the networks that the caller has nodes for; a version id is a block number.
Shapes:  times are Unix seconds.
I/O:     the sources it was given; nothing is asked about a DID of another network.
Errors:  InvalidDidError, UnsupportedDidMethodError (no source for this network), InvalidInputError (a version id that
         is no block number), UnavailableError (also for a block that is not final yet), VerificationError.

Every account has a document, whether or not anything was ever written about it: such a DID is never "not found". This
method is for organisations: what is on a chain can be connected and never be erased.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from ssi.did.document import parse_document
from ssi.did.ethr.document import build_document
from ssi.did.ethr.events import DelegateChanged, Event, OwnerChanged
from ssi.did.ethr.history import BlockTime, EthrSource, History
from ssi.did.ethr.identifier import NO_ADDRESS, EthrDid, parse_ethr_did
from ssi.did.resolver import Clock, Resolution, ResolutionMetadata, system_clock
from ssi.errors import InvalidInputError, UnavailableError, UnsupportedDidMethodError

KEPT_SECONDS: Final = 300
KEPT_HISTORIES: Final = 64

_BLOCK: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class DidEthr:
    """The did:ethr method over one source for each network."""

    method: Final[str] = "ethr"

    def __init__(self, sources: Sequence[EthrSource], *, now: Clock = system_clock) -> None:
        """``now`` tells the time that the newest document is measured at."""
        self._sources = tuple(sources)
        self._now = now
        self._kept: OrderedDict[tuple[int, bytes], tuple[int, History]] = OrderedDict()
        if len({source.network.chain_id for source in sources}) != len(self._sources):
            raise InvalidInputError("two sources of did:ethr are on the same chain")

    async def resolve(self, did: str, *, version_id: str | None = None, version_time: int | None = None) -> Resolution:
        """Return the document of ``did``: the newest final one, or as it was at a block or at a time.

        ``deactivated`` is said of every version of a DID that is deactivated by now: all its keys are revoked.
        """
        parsed = parse_ethr_did(did)
        if version_id is not None and (version_time is not None or not _BLOCK.fullmatch(version_id)):
            raise InvalidInputError("a version of a did:ethr is a block number or a time, not both")
        source = self._source(parsed)
        chain_id = source.network.chain_id
        history = self._past(source, parsed, version_id, version_time)
        if history is None:
            asked, history = self._now(), await source.history(parsed.address)
            self._keep((chain_id, parsed.address), asked, history)
        if version_time is not None:
            until = BlockTime(history.head.number, version_time)
        elif version_id is not None:
            number = int(version_id)
            if number > history.head.number:
                raise UnavailableError(
                    f"block {number} is not final yet: the newest final one is {history.head.number}"
                )
            until = BlockTime(number, await source.block_time(number))
        else:
            until = BlockTime(history.head.number, max(self._now(), history.head.time))
        latest = version_id is None and version_time is None
        return _resolution(parsed, history, until, chain_id=chain_id, latest=latest)

    def _past(
        self, source: EthrSource, did: EthrDid, version_id: str | None, version_time: int | None
    ) -> History | None:
        """Return a history that was read a while ago, if the question is about a time that it covers.

        Whoever chooses the times must not choose how often nodes are asked. It is kept no longer than an answer is:
        a DID that was deactivated since is so in every version.
        """
        asked, history = self._kept.get((source.network.chain_id, did.address), (0, None))
        if history is None or not asked <= self._now() < asked + KEPT_SECONDS:
            return None
        covered = int(version_id) <= history.head.number if version_id is not None else False
        covered = covered or (version_time is not None and version_time <= history.head.time)
        return history if covered else None

    def _keep(self, which: tuple[int, bytes], asked: int, history: History) -> None:
        self._kept.pop(which, None)
        self._kept[which] = (asked, history)
        if len(self._kept) > KEPT_HISTORIES:
            self._kept.popitem(last=False)

    def _source(self, did: EthrDid) -> EthrSource:
        for source in self._sources:
            if source.network.has(did):
                return source
        raise UnsupportedDidMethodError("no node is configured for the network of this did:ethr")


def _resolution(did: EthrDid, history: History, until: BlockTime, *, chain_id: int, latest: bool) -> Resolution:
    """Return the document as of ``until``: events up to its block and its time, entries that are valid then."""
    counted = [event for event in history.events if _is_update(event)]
    deactivation = next((e for e in counted if isinstance(e, OwnerChanged) and e.owner == NO_ADDRESS), None)
    if deactivation is not None:
        counted = counted[: counted.index(deactivation) + 1]
    past = [event for event in counted if event.block <= until.number and event.time <= until.time]
    following = counted[len(past)] if len(past) < len(counted) else None
    built = build_document(did, past, chain_id=chain_id, at=until.time)
    metadata = ResolutionMetadata(
        source="ledger",
        version_id=str(past[-1].block) if past else None,
        updated=past[-1].time if past else None,
        next_version_id=None if following is None else str(following.block),
        next_update=None if following is None else following.time,
        deactivated=deactivation is not None,
        # An answer must not outlive what it says; one about the past says nothing that ends.
        ttl_seconds=max(0, built.expires + 1 - until.time) if latest and built.expires is not None else None,
    )
    return Resolution(parse_document(built.document, did=did.did), metadata)


def _is_update(event: Event) -> bool:
    """Tell whether an event is about the DID, and no other use of the registry."""
    if isinstance(event, DelegateChanged):
        return event.kind is not None
    return isinstance(event, OwnerChanged) or event.name is not None
