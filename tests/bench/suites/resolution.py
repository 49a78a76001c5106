"""Rows: resolve a did:webvh DID whose log has grown, from the ledger, from the cache and from an offline bundle.

The log is that of an agency which rotates its update key at each entry, as pre-rotation makes it do, with the keys of
an issuer in its document. An entry has one Ed25519 signature, so that n of these are the primitive for n entries.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from did_webvh.core.resolver import DidResolver, LocalHistoryResolver
from did_webvh.verify import WebvhVerifier

from ssi.did.methods.webvh import DidWebvh
from ssi.did.resolver import Resolution, default_resolver
from ssi.ledger.note import NoteKey
from ssi.registry import RegistryFollower
from ssi.testing import TestClock, TestFederation
from tests.bench.harness import Case, compare
from tests.bench.rows import Effort, Line, ratio_line, row
from verifier.bundle import OfflineBundle, make_bundle
from verifier.policy import Registry

LENGTHS = (1, 10, 100)
DAY = 86_400


class Agency(NamedTuple):
    """An agency whose log has grown: where it stands, and what a verifier in the field takes along."""

    federation: TestFederation
    did: str
    length: int
    log: bytes
    bundle: bytes
    policy: Registry

    @property
    def clock(self) -> TestClock:
        """The time at which all of it is asked about: the last entry is a second old."""
        return self.federation.clock

    def check(self, found: Resolution) -> None:
        """A case that resolves something else must not look fast."""
        assert found.metadata.version_number == self.length


@lru_cache
def agency(length: int) -> Agency:
    """Return an agency with ``length`` entries on the ledger of a ministry."""
    return asyncio.run(_grown(length))


async def _grown(length: int) -> Agency:
    # A peer asks the clock of the machine: nothing may lie in the future.
    federation = await TestFederation.found(clock=TestClock(int(time.time()) - DAY * (length + 1)))
    made = await federation.enrol("agency", types=["ResidenceCertificate"])
    for _ in range(length - 1):
        now = federation.clock.advance(DAY)
        await made.rotate_update_key(registry=federation.registry, now=now)
    now = federation.clock.advance(1)
    key: NoteKey = await federation.registry.note_key()
    policy = Registry(roots=(federation.ministry.did,), keys=(key.vkey,))
    follower = RegistryFollower(federation.ledger, roots=policy.roots, keys=[key])
    await follower.refresh()
    bundle = await make_bundle([made.did], now=now, registry=follower)
    return Agency(federation, made.did, length, made.log, bundle, policy)


def primitive(count: int) -> Case:
    """Verify ``count`` Ed25519 signatures over the 64 bytes that a proof signs, and do nothing else."""
    key, data = Ed25519PrivateKey.generate(), b"\0" * 64
    signature, verify = key.sign(data), key.public_key().verify

    def run() -> None:
        for _ in range(count):
            verify(signature, data)

    return Case(f"{count} Ed25519 verif{'y' if count == 1 else 'ies'}", run)


def from_ledger(length: int) -> Case:
    """The log as the followed ledger has it, verified from its first entry: nothing is remembered between two calls."""
    subject = agency(length)

    async def run() -> None:
        method = DidWebvh(log_source=subject.federation.registry, now=subject.clock)
        subject.check(await method.resolve(subject.did))

    return Case("ours", run)


def from_cache(length: int) -> Case:
    """The same question asked again within the time that the log allows."""
    subject = agency(length)
    resolver = default_resolver(log_source=subject.federation.registry, now=subject.clock)

    async def run() -> None:
        subject.check(await resolver.resolve(subject.did))

    return Case("ours", run)


def from_bundle(length: int) -> Case:
    """One file opened, its ledger folded under the checkpoint, every signature checked, then the DID resolved."""
    subject = agency(length)

    async def run() -> None:
        bundle = OfflineBundle.open(subject.bundle, registry=subject.policy)
        subject.check(await bundle.resolver(now=subject.clock).resolve(subject.did))

    return Case("ours", run)


def from_opened_bundle(length: int) -> Case:
    """The bundle opened before; a resolver without a memory asks it."""
    subject = agency(length)
    bundle = OfflineBundle.open(subject.bundle, registry=subject.policy)

    async def run() -> None:
        subject.check(await bundle.resolver(now=subject.clock).resolve(subject.did))

    return Case("ours", run)


def peer(length: int, folder: Path) -> Case:
    """did-webvh resolves the same log from a file; opening it is part of its interface."""
    subject, path = agency(length), folder / f"{length}.jsonl"
    path.write_bytes(subject.log)

    async def run() -> None:
        found = await DidResolver(WebvhVerifier()).resolve(subject.did, LocalHistoryResolver(path))
        assert found.document is not None

    return Case("did-webvh", run)


def lines(what: str, ours: Callable[[int], Case], effort: Effort, *, others: bool = False) -> Iterator[Line]:
    """Return one line for each length of the log."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the peer leaves its file to the collector
        for length in LENGTHS[:2] if effort.quick else LENGTHS:
            peers = [peer(length, Path(folder))] if others else []
            found = compare(primitive(length), ours(length), peers, rounds=effort.rounds)
            entries = "1 entry" if length == 1 else f"{length} entries"
            yield ratio_line(f"did:webvh, log of {entries}, resolved {what}", found, at_most=None)


@row("resolution from the ledger")
def ledger(effort: Effort) -> Iterator[Line]:
    yield from lines("from the ledger, every entry verified", from_ledger, effort, others=True)


@row("resolution from the cache")
def cache(effort: Effort) -> Iterator[Line]:
    length = LENGTHS[1 if effort.quick else 2]
    found = compare(primitive(1), from_cache(length), rounds=effort.rounds)
    yield ratio_line(f"did:webvh, log of {length} entries, resolved from the cache", found, at_most=None)


@row("resolution from a bundle")
def bundle(effort: Effort) -> Iterator[Line]:
    yield from lines("from an offline bundle: opened, its ledger folded, verified", from_bundle, effort)
    yield from lines("from an offline bundle opened before", from_opened_bundle, effort)
