"""Let an agency go on from an older copy of its store: no index twice, and nothing revoked comes back.

Source:  draft-ietf-oauth-status-list-20, sections 7.1 (states) and 13.2 (no index twice); W3C Bitstring Status List
         v1.0, section 3.4.
Input:   the store, the agency's own key, and the lists as they were published last.
Shapes:  an address is that of a list; a family has one list, or one for each purpose. Times are Unix seconds.
I/O:     the store, the registry, and whatever the lists come from.
Errors:  NotFoundError (a published list that cannot be had), VerificationError (one that is not believed, or not the
         newest that the ledger knows), UnavailableError.

What was issued since the copy was made is valid and unknown here: it cannot be revoked by its case number. Cases that
were issued since are issued again, and what they had before ends with its validity.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

import msgspec

from ssi.encoding.timestamps import parse_seconds
from ssi.errors import NotFoundError, VerificationError
from ssi.keys import KeyPurpose
from ssi.ports import PublishedList, StatusListSource
from ssi.registry.registry import Registry
from ssi.status import StatusFormat, VerifiedStatusList, parse_status_list, status_list_digest, verify_status_list
from ssi.status.lists import CredentialState
from ssi.types import JsonObject

from .continuity import addresses, behind_ledger
from .issuer import Issuer
from .packed import values
from .store import FoundFamily, IssuerStore, Recovery, StoredList


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """What a recovery came to."""

    closed: tuple[str, ...]
    """Families that take no more credentials."""
    found: tuple[str, ...]
    """Families that the copy did not know, and which are published from here on."""
    lost: tuple[str, ...]
    """Lists that the operator gave up: their states are those of the copy."""
    changed: int
    """How many credentials have another state than in the copy."""


class _Published(msgspec.Struct, frozen=True):
    list: VerifiedStatusList
    bytes: PublishedList
    epoch: int


async def recover(
    issuer: Issuer,
    *,
    store: IssuerStore,
    registry: Registry | None,
    lists: StatusListSource,
    now: int,
    reason: str,
    by: str = "",
    give_up: Collection[str] = (),
) -> Recovered:
    """Take over what is published and let ``store`` go on as the newest.

    ``lists`` has the lists as they were published last; one that it does not have is refused unless its address is in
    ``give_up``. Safe to repeat. The lists are to be published afterwards. Raises as the module says, with nothing kept.
    """
    unknown = [] if registry is None else await behind_ledger(issuer.did, issuer.status_base, store, registry)
    kept = {stored.uri: stored for stored in await store.lists()}
    families = await store.families()
    wanted = {uri: family.uri for family in families for uri in addresses(family, issuer.did) if uri in kept}
    formats = {family.uri: family.format for family in families}
    for uri in unknown:
        wanted.setdefault(uri, uri.removesuffix("/revocation").removesuffix("/suspension"))
    by_family: defaultdict[str, dict[str, _Published]] = defaultdict(dict)
    lost = []
    for uri, family in wanted.items():
        try:
            stored = kept.get(uri)
            epoch = 0 if stored is None else stored.epoch
            by_family[family][uri] = await _published(issuer, registry, lists, uri, epoch=epoch, now=now)
        except NotFoundError as exc:
            if uri not in give_up:
                raise NotFoundError(
                    f"the list that was published last at {uri} is needed, and is not to be had"
                ) from exc
            lost.append(uri)
    found = tuple(_family(uri, parts, formats.get(uri)) for uri, parts in by_family.items())
    before = await _states(store)
    await store.recover(Recovery(families=found, reason=reason, by=by, at=now))
    after = await _states(store)
    return Recovered(
        closed=tuple(family.uri for family in families),
        found=tuple(each.uri for each in found if each.uri not in formats),
        lost=tuple(lost),
        changed=len(before.symmetric_difference(after)),
    )


async def _states(store: IssuerStore) -> set[tuple[str, int, CredentialState]]:
    return {
        (family.uri, index, state)
        for family in await store.families()
        for index, state in (await store.states(family.id))[1]
    }


async def _published(
    issuer: Issuer, registry: Registry | None, lists: StatusListSource, uri: str, *, epoch: int, now: int
) -> _Published:
    """Return the list at ``uri``, signed by the agency, and the newest of those that the ledger knows."""
    given = await lists.status_list(uri)
    unverified = parse_status_list(given.body)
    key = await issuer.identity.key(KeyPurpose.LIST)
    # The newest list may have expired since; what matters is that the agency signed it.
    at = min(now, _signed_at(unverified.unverified_claims()) or now)
    verified = verify_status_list(unverified, key.public_key, expected_uri=uri, issuer=issuer.did, now=at)
    newest = None if registry is None else registry.view().newest(uri)
    if newest is not None:
        if status_list_digest(given.body) != newest.body.digest:
            raise VerificationError(f"the list given for {uri} is not the newest that the ledger has a commitment to")
        epoch = max(epoch, newest.body.epoch)
    return _Published(verified, given, epoch)


def _signed_at(claims: JsonObject) -> int | None:
    if type(claims.get("iat")) is int:
        return int(claims["iat"])
    began = claims.get("validFrom")
    return parse_seconds(began) if isinstance(began, str) else None


def _family(uri: str, parts: Mapping[str, _Published], format: StatusFormat | None) -> FoundFamily:
    """Put the lists of one family together."""
    first = next(iter(parts.values())).list
    states: dict[int, CredentialState] = {}
    entries = 0
    for part in parts.values():
        found = values(part.list.data, part.list.size or 1, right=part.list.format is StatusFormat.TOKEN)
        entries = max(entries, len(found))
        for index, value in enumerate(found):
            if value:
                state = _state(part.list, value)
                # Revoked stands in the list of one purpose, suspended in that of the other: revoked is the stronger.
                if states.get(index) is not CredentialState.REVOKED:
                    states[index] = state
    return FoundFamily(
        format=format or first.format,
        uri=uri,
        entries=entries,
        states=tuple(sorted(states.items())),
        lists=tuple(_stored(part) for part in parts.values()),
    )


def _state(published: VerifiedStatusList, value: int) -> CredentialState:
    """Return the state that a value of a list stands for. Raises VerificationError for one that we never give."""
    try:
        if published.format is StatusFormat.TOKEN:
            return CredentialState(value)
        return _PURPOSES[published.purposes[0]]
    except (ValueError, LookupError) as exc:
        raise VerificationError(f"the list at {published.uri} gives a state that is none of ours") from exc


_PURPOSES = {"revocation": CredentialState.REVOKED, "suspension": CredentialState.SUSPENDED}


def _stored(part: _Published) -> StoredList:
    return StoredList(
        uri=part.list.uri,
        family=0,
        epoch=max(part.epoch, 1),
        version=0,
        body=part.bytes.body,
        media_type=part.bytes.media_type,
        issued_at=part.list.issued_at or 0,
        valid_until=part.list.expires_at or 0,
        receipt=part.bytes.receipt,
    )
