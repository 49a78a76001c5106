"""A witness approves a log once, also when it is killed, and never a fork of it; over HTTP with the same words."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ssi.cli.witness_app import create_app
from ssi.did.backends.witness_sqlite import SqliteWitnessStore
from ssi.did.webvh import WebvhLog, WitnessRule, build_document, create_did, rotate_keys, update_did, verify_log
from ssi.did.webvh.witness_desk import WitnessDesk
from ssi.did.webvh.witnessing import build_witness_file, witness_id
from ssi.errors import ConflictError, InvalidInputError, SsiError, VerificationError
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms

NOW = 1_800_000_000


class Place:
    """A witness with a store in a file, and a town that names it."""

    kms: MemoryKms
    store: SqliteWitnessStore
    log: WebvhLog

    async def open(self, path: Path) -> Place:
        self.kms, self.path = MemoryKms(), path
        self.store = await SqliteWitnessStore.open(path)
        did = witness_id(await self.kms.generate("witness", curve=Curve.ED25519, purpose=KeyPurpose.WITNESS))
        self.rule = WitnessRule(1, (did,))
        self.log = await self.town("town")
        return self

    async def town(self, name: str, rule: WitnessRule | None = None) -> WebvhLog:
        made = await create_did(
            kms=self.kms,
            name=name,
            domain="town.example",
            document=lambda did: build_document(did),
            now=NOW,
            witness=rule or self.rule,
        )
        return made.log

    async def next(self, log: WebvhLog, name: str = "town", **changes: Any) -> WebvhLog:
        return (await update_did(log, kms=self.kms, name=name, now=NOW + log.head.number, **changes)).log

    def desk(self, allowed: set[str] | None = None) -> WitnessDesk:
        return WitnessDesk(store=self.store, kms=self.kms, label="witness", allowed=allowed)

    async def fork(self) -> tuple[WebvhLog, WebvhLog]:
        """Two second versions, signed with one key."""
        one = await self.next(self.log)
        document = {**self.log.head.document, "alsoKnownAs": ["https://elsewhere.example"]}
        return one, await self.next(self.log, document=document)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = await Place().open(tmp_path / "witness.db")
    yield made
    await made.store.close()


async def test_an_approval_is_what_resolvers_ask_for(place: Place) -> None:
    approved = await place.desk().approve(place.log.log, now=NOW)
    file = build_witness_file({approved["versionId"]: [approved["proof"]]})
    assert verify_log(place.log.log, did=place.log.did, now=NOW, witness_proofs=file).head.number == 1
    longer = await place.next(await place.next(place.log))
    approved = await place.desk().approve(longer.log, now=NOW + 10)
    file = build_witness_file({approved["versionId"]: [approved["proof"]]})
    assert verify_log(longer.log, did=longer.did, now=NOW + 10, witness_proofs=file).head.number == 3
    assert await place.desk().head(longer.scid) == longer.head.entry.version_id


async def test_no_fork_and_no_shortened_log_also_after_a_restart(place: Place) -> None:
    one, other = await place.fork()
    first = await place.desk().approve(one.log, now=NOW + 10)
    await place.store.close()
    place.store = await SqliteWitnessStore.open(place.path)
    assert (await place.desk().approve(one.log, now=NOW + 10))["versionId"] == first["versionId"]
    with pytest.raises(ConflictError, match="forked"):
        await place.desk().approve(other.log, now=NOW + 10)
    with pytest.raises(ConflictError, match="cut back"):
        await place.desk().approve(place.log.log, now=NOW + 10)


async def test_of_two_forks_at_one_moment_one_is_approved(place: Place) -> None:
    forks = await place.fork()
    results = await asyncio.gather(
        *(place.desk().approve(log.log, now=NOW + 10) for log in forks * 3), return_exceptions=True
    )
    assert len({result["versionId"] for result in results if isinstance(result, dict)}) == 1
    assert all(isinstance(result, dict | ConflictError) for result in results)


async def test_nothing_is_approved_before_it_is_kept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(place.store, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            await place.desk().approve(place.log.log, now=NOW)
    assert await place.store.copy(place.log.scid) is None


async def test_who_is_not_witnessed(place: Place) -> None:
    with pytest.raises(VerificationError, match="does not know the DID"):
        await place.desk(allowed=set()).approve(place.log.log, now=NOW)
    await place.desk(allowed={place.log.scid}).approve(place.log.log, now=NOW)
    other = await place.town("other", WitnessRule())
    with pytest.raises(VerificationError, match="this witness is to approve"):
        await place.desk().approve(other.log, now=NOW)
    rotated = (await rotate_keys(place.log, kms=place.kms, name="town", now=NOW)).log
    for bad in (b"", b"\n", b"{}\n", rotated.log.replace(b"town.example", b"t0wn.example"), rotated.log[:-40]):
        with pytest.raises((InvalidInputError, VerificationError)):
            await place.desk().approve(bad, now=NOW)


async def test_every_byte_of_a_log(place: Place) -> None:
    for at in range(0, len(place.log.log) - 1, 3):
        data = place.log.log
        with pytest.raises(SsiError):
            await place.desk().approve(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], now=NOW)
    assert await place.store.copy(place.log.scid) is None


async def test_over_http(place: Place) -> None:
    from aiohttp.test_utils import TestClient, TestServer

    one, other = await place.fork()
    async with TestClient(TestServer(create_app(place.desk(), now=lambda: NOW + 10))) as client:
        unseen = await client.get(f"/logs/{one.scid}")
        assert unseen.status == 404
        approved = await client.post("/witness", data=one.log)
        assert approved.status == 200
        assert (await approved.json())["versionId"] == one.head.entry.version_id
        assert await (await client.get(f"/logs/{one.scid}")).json() == {"versionId": one.head.entry.version_id}
        for status, body in ((409, other.log), (400, b"{}"), (403, (await place.town("x", WitnessRule())).log)):
            refused = await client.post("/witness", data=body)
            assert refused.status == status
            assert (await refused.json())["error"]
        assert (await client.post("/witness", data=io.BytesIO(b"x" * (5 << 20)))).status == 413
