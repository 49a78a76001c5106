"""Is the credential in force? Its status lists are found, verified, read, and held against the ledger.

Source:  decision 9 of the design; ``ssi.status`` for both list formats.
Shapes:  times are Unix seconds.
I/O:     the source of status lists and, for their keys, the resolver; nothing if the cache has a fresh list.
Errors:  StatusError (revoked, suspended, or a list that must not be believed), UnavailableError (not to be had).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from ssi.errors import StatusError
from ssi.keys import PublicKey
from ssi.ports import RegistryView, StatusListSource
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
from ssi.status.source import StatusLists
from ssi.types import JsonObject

from .policy import Policy
from .report import Checks

ListKey: TypeAlias = Callable[[str | None, str], Awaitable[PublicKey]]
"""Returns the key of a list by its ``kid`` and its issuer."""


class StatusChecker:
    """Checks the status of credentials under one policy, with a cache of verified lists."""

    def __init__(self, policy: Policy, *, lists: StatusListSource, list_key: ListKey, now: Callable[[], int]) -> None:
        self._policy = policy
        self._rules = StatusPolicy(max_age_seconds=policy.max_list_age_seconds)
        self._list_key = list_key
        self._cache = StatusListCache(max_age_seconds=policy.max_list_age_seconds)
        self._lists = StatusLists(
            source=lists,
            resolve_key=self._resolve,
            cache=self._cache,
            clock=now,
        )

    async def check(
        self, payload: JsonObject, *, issuers: tuple[str, ...], view: RegistryView | None, now: int, checks: Checks
    ) -> None:
        """Raise unless every status that the credential declares is good; record what was found."""
        references = parse_references(payload)
        if not references:
            if self._policy.status == "required":
                raise StatusError("policy requires a status, and the credential declares none")
            checks.not_asked("status", "the credential declares no status")
            return
        for reference in references:
            await self._check_one(reference, issuers, view, now, checks)

    async def _check_one(
        self, reference: StatusReference, issuers: tuple[str, ...], view: RegistryView | None, now: int, checks: Checks
    ) -> None:
        at_hand = self._lists.cached(reference) is not None
        try:
            result, anchoring = await self._read(reference, issuers, view, now)
        except StatusError as exc:
            # The ledger knows a newer list than the one that was kept: its time to live no longer counts.
            if not at_hand or exc.reason not in ("superseded", "unanchored"):
                raise
            self._cache.discard(reference.uri)
            result, anchoring = await self._read(reference, issuers, view, now)
        checks.passed("status", result.uri, _described(result, anchoring, view))

    async def _read(
        self, reference: StatusReference, issuers: tuple[str, ...], view: RegistryView | None, now: int
    ) -> tuple[StatusResult, str]:
        """Hold the list against the ledger first: whether it is the newest decides whether to believe what it says."""
        status_list = await self._lists.get(reference, issuers=issuers)
        anchoring = check_anchoring(status_list, view=view, receipt=None, policy=self._policy.anchoring, now=now)
        result = check_status(reference, status_list, issuers=issuers, now=now, policy=self._rules)
        return result, str(anchoring.anchoring)

    async def _resolve(self, unverified: UnverifiedStatusList, issuer: str) -> PublicKey:
        return await self._list_key(unverified.kid, issuer)


def _described(result: StatusResult, anchoring: str, view: RegistryView | None) -> str:
    words = [result.purpose or "status", str(result.state), f"list of {result.issued_at}"]
    if result.ttl_seconds is not None:
        words.append(f"ttl {result.ttl_seconds} s")
    words.append(anchoring if view is None else f"{anchoring} (registry at size {view.size})")
    return ", ".join(words)
