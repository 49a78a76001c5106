"""An organisation's DID lives on the ledger: made, anchored, rotated, resolved from there and from the web."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ssi.did.methods.webvh import DidWebvh
from ssi.did.resolver import Resolver
from ssi.did.webvh import (
    DocumentKey,
    NewVersion,
    build_document,
    create_did,
    deactivate_did,
    did_to_url,
    rotate_keys,
    update_did,
)
from ssi.errors import DidNotFoundError, GuardError
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import open_ledger
from ssi.ports import Fetched, LogSource, RegistryView
from ssi.registry import Accreditation, Registry, RegistryFollower, StatusCommitment, sign_statement
from ssi.types import JsonObject

NOW = 1_790_000_000
YEAR = 31_536_000


class Agency:
    """An organisation with its own key store."""

    def __init__(self, domain: str) -> None:
        self.kms = MemoryKms()
        self.domain = domain
        self.lines: list[bytes] = []
        self.newest: NewVersion

    async def start(self) -> Agency:
        key = await self.kms.generate("statements-1", curve=Curve.P256, purpose=KeyPurpose.STATEMENT)

        def document(did: str) -> JsonObject:
            return build_document(did, keys=[DocumentKey("statements-1", key)])

        return self.keep(await create_did(kms=self.kms, name="did", domain=self.domain, document=document, now=NOW))

    def keep(self, version: NewVersion) -> Agency:
        self.newest = version
        self.lines.append(version.line)
        return self

    @property
    def did(self) -> str:
        return self.newest.did

    @property
    def log(self) -> bytes:
        return b"".join(line + b"\n" for line in self.lines)

    async def say(self, body: Accreditation | StatusCommitment, *, key: str = "statements-1") -> str:
        return await sign_statement(body, kms=self.kms, label=key, kid=f"{self.did}#{key}")

    async def accredit(self, subject: str, role: str) -> str:
        return await self.say(
            Accreditation(
                iss=self.did,
                iat=NOW,
                subject=subject,
                role=role,  # type: ignore[arg-type]
                answerable_to=(),
                valid_from=NOW - 1,
                valid_until=NOW + YEAR,
            )
        )

    async def commit(self, epoch: int, *, key: str = "statements-1") -> str:
        body = StatusCommitment(
            iss=self.did,
            iat=NOW,
            uri=f"https://{self.domain}/status/1",
            epoch=epoch,
            digest="A" * 43,
            valid_from=NOW,
            valid_until=NOW + 60,
        )
        return await self.say(body, key=key)


class BothWays:
    """A DID resolved from the ledger and from the web, each with an empty cache; the two must not differ."""

    def __init__(self, agency: Agency, source: LogSource, now: Callable[[], int]) -> None:
        self.agency = agency
        self.from_ledger = Resolver([DidWebvh(log_source=source, now=now)], now=now)
        self.from_web = Resolver([DidWebvh(fetch=self.fetch, now=now)], now=now)

    async def fetch(self, url: str, *, accept: str = "application/json", max_bytes: int = 1 << 20) -> Fetched:
        assert url == did_to_url(self.agency.did)
        return Fetched(url, 200, accept, self.agency.log)

    async def document(self, *, version_id: str | None = None) -> JsonObject:
        one = await self.from_ledger.resolve(self.agency.did, version_id=version_id)
        two = await self.from_web.resolve(self.agency.did, version_id=version_id)
        assert one.document == two.document
        assert one.metadata.deactivated == two.metadata.deactivated
        return one.document.raw


async def test_a_did_on_the_ledger_from_its_first_day_to_its_last() -> None:
    clock = NOW
    operator = MemoryKms()
    await operator.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
    root, agency = await Agency("root.example").start(), await Agency("agency.example").start()
    registry = Registry(
        open_ledger("memory:"),
        roots=[root.did],
        kms=operator,
        checkpoint_label="log",
        origin="ledger.example",
        now=lambda: clock,
    )
    source: LogSource = registry
    view: RegistryView = registry.view()
    assert (view.size, view.checkpoint_time) == (0, None)
    await registry.submit(root.lines[0])
    with pytest.raises(GuardError, match="G03"):
        await registry.submit(agency.lines[0])
    for role in ("organisation", "issuer"):
        await registry.submit(await root.accredit(agency.did, role))
    await registry.submit(agency.lines[0] + b"\n")
    await registry.submit(await agency.commit(1))
    first = await BothWays(agency, source, lambda: clock).document()

    # The statement key is replaced, and the update key with it.
    clock += 86_400
    key = await agency.kms.generate("statements-2", curve=Curve.ED25519, purpose=KeyPurpose.STATEMENT)
    document = build_document(agency.did, keys=[DocumentKey("statements-2", key)])
    agency.keep(await update_did(agency.newest.log, kms=agency.kms, name="did", now=clock, document=document))
    await registry.submit(agency.lines[1])
    agency.keep(await rotate_keys(agency.newest.log, kms=agency.kms, name="did", now=clock + 1))
    await registry.submit(agency.lines[2])
    with pytest.raises(GuardError, match="G10"):
        await registry.submit(await agency.commit(2))
    commitment = await registry.submit(await agency.commit(2, key="statements-2"))
    both = BothWays(agency, source, lambda: clock)
    assert await both.document() == document
    assert await both.document(version_id=agency.newest.log.versions[0].entry.version_id) == first

    # The past is still there to be asked.
    before = registry.state.at(commitment.index)
    assert getattr(before.newest_commitment("https://agency.example/status/1"), "epoch", None) == 1
    assert before.may_issue(agency.did, "https://any.example/type", at=clock) is not None

    agency.keep(await deactivate_did(agency.newest.log, kms=agency.kms, name="did", now=clock + 2))
    await registry.submit(agency.lines[3])
    with pytest.raises(GuardError, match="G10"):
        await registry.submit(await agency.commit(3, key="statements-2"))
    reader = RegistryFollower(registry.ledger, roots=[root.did], keys=[await registry.note_key()])
    assert await reader.did_log(agency.did) == agency.log
    assert not reader.state.refusals
    assert (await DidWebvh(log_source=reader, now=lambda: clock + 9).resolve(agency.did)).metadata.deactivated
    with pytest.raises(DidNotFoundError):
        await reader.did_log("did:webvh:QmNobody:agency.example")
