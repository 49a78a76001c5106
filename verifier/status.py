"""Is the credential in force? Its status lists are found, verified, read, and held against the ledger.

Source:  decision 9 of the design; ``ssi.status`` for both list formats, ``ssi.registry.list_receipt`` for receipts.
Shapes:  times are Unix seconds.
I/O:     the source of status lists and, for their keys, the resolver; nothing if the cache has a fresh list, but
         for the key of a receipt's commitment, which is asked of the resolver.
Errors:  StatusError (revoked, suspended, or a list that must not be believed), UnavailableError (not to be had).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from ssi.errors import StatusError
from ssi.keys import PublicKey
from ssi.ports import Commitment, RegistryView, StatusListSource
from ssi.status import (
    StatusListCache,
    StatusPolicy,
    StatusReference,
    StatusResult,
    UnverifiedStatusList,
    check_anchoring,
    check_status,
    parse_references,
)
from ssi.status.source import ObtainedList, StatusLists
from ssi.types import JsonObject

from .policy import Policy
from .report import Checks, registry_at


class ListKey(Protocol):
    """How the keys of lists, and of the commitments to them, are found."""

    async def __call__(self, kid: str | None, issuer: str, *, signed_at: int | None = None) -> PublicKey:
        """Return the key ``kid`` of ``issuer``, which may be one replaced since ``signed_at`` where that is said."""
        ...


ASK_AGAIN_SECONDS: Final = 5
"""How long a list that the ledger says is replaced is left alone after it was asked for once more."""
MAX_ASKED: Final = 1024


class StatusChecker:
    """Checks the status of credentials under one policy, with a cache of verified lists."""

    def __init__(self, policy: Policy, *, lists: StatusListSource, list_key: ListKey, now: Callable[[], int]) -> None:
        self._policy = policy
        self._rules = StatusPolicy(max_age_seconds=policy.max_list_age_seconds)
        self._list_key = list_key
        self._now = now
        self._asked: dict[str, int] = {}
        self._cache = StatusListCache(max_age_seconds=policy.max_list_age_seconds)
        self._lists = StatusLists(
            source=lists,
            resolve_key=self._resolve,
            cache=self._cache,
            clock=now,
        )

    async def check(
        self,
        payload: JsonObject,
        *,
        issuers: tuple[str, ...],
        view: RegistryView | None,
        now: int,
        checks: Checks,
        receipts: Mapping[str, bytes],
    ) -> None:
        """Raise unless every status that the credential declares is good; record what was found.

        ``receipts``, by the address of their list, are looked at where policy takes receipts and none came along.
        """
        references = parse_references(payload)
        if not references:
            if self._policy.status == "required":
                raise StatusError("policy requires a status, and the credential declares none")
            checks.not_asked("status", "the credential declares no status")
            return
        for reference in references:
            await self._check_one(reference, issuers, view, now, checks, receipts)

    async def _check_one(
        self,
        reference: StatusReference,
        issuers: tuple[str, ...],
        view: RegistryView | None,
        now: int,
        checks: Checks,
        receipts: Mapping[str, bytes],
    ) -> None:
        obtained = await self._newest(reference, issuers, view)
        status_list, rules = obtained.status_list, self._policy.anchoring
        data, receipt = obtained.receipt or receipts.get(reference.uri), None
        if view is None and rules is not None and rules.receipt_suffices and data is not None:
            receipt = await self._commitment(data, obtained)
        anchoring = check_anchoring(status_list, view=view, receipt=receipt, policy=rules, now=now)
        result = check_status(reference, status_list, issuers=issuers, now=now, policy=self._rules)
        checks.passed("status", result.uri, _described(result, str(anchoring.anchoring), view))

    async def _newest(
        self, reference: StatusReference, issuers: tuple[str, ...], view: RegistryView | None
    ) -> ObtainedList:
        """Return the list, asked for again if the ledger knows a newer one than the cache.

        Otherwise every publication would have all good credentials refused until the cache lets its list go. Who
        serves an old list on and on is not asked more often than every few seconds.
        """
        cached = self._lists.cached(reference)
        if cached is not None and view is not None:
            newest, now = view.newest_commitment(reference.uri), self._now()
            asked = self._asked.get(reference.uri)
            if (
                newest is not None
                and newest.issuer == cached.issuer
                and newest.digest != cached.digest
                and newest.valid_from >= (cached.issued_at or 0)
                and (asked is None or not asked <= now < asked + ASK_AGAIN_SECONDS)
            ):
                if len(self._asked) >= MAX_ASKED:
                    self._asked.clear()
                self._asked[reference.uri] = now
                self._cache.discard(reference.uri)
        return await self._lists.obtain(reference, issuers=issuers)

    async def _commitment(self, data: bytes, obtained: ObtainedList) -> Commitment:
        """Return the commitment that a receipt proves. It must speak of this list before anybody is asked for keys."""
        from ssi.ledger.note import parse_vkey
        from ssi.registry.list_receipt import parse_list_receipt, verify_list_receipt

        unverified, listed = parse_list_receipt(data), obtained.status_list
        if (unverified.issuer, unverified.body.uri, unverified.body.digest) != (
            listed.issuer,
            listed.uri,
            listed.digest,
        ):
            raise StatusError("expected a receipt of this status list, got one of another", "unanchored")
        known = self._policy.registry
        log_keys = [] if known is None else [parse_vkey(text) for text in known.keys]
        key = await self._list_key(unverified.kid, unverified.issuer, signed_at=unverified.signed_at)
        return verify_list_receipt(unverified, key, log_keys=log_keys)

    async def _resolve(self, unverified: UnverifiedStatusList, issuer: str) -> PublicKey:
        return await self._list_key(unverified.kid, issuer)


def _described(result: StatusResult, anchoring: str, view: RegistryView | None) -> str:
    words = [result.purpose or "status", str(result.state), f"list of {result.issued_at}"]
    if result.ttl_seconds is not None:
        words.append(f"ttl {result.ttl_seconds} s")
    words.append(anchoring if view is None else f"{anchoring} ({registry_at(view)})")
    return ", ".join(words)
