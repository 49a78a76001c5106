"""Writing logs: what comes out verifies, keys rotate, and a crash between key store and publication is mended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ssi.did.webvh import (
    DocumentKey,
    WebvhLog,
    WitnessRule,
    build_document,
    create_did,
    deactivate_did,
    forget_spent_keys,
    move_did,
    resolve_log,
    rotate_keys,
    update_did,
    verify_log,
)
from ssi.errors import (
    InvalidDidError,
    InvalidInputError,
    KeyNotFoundError,
    ProofPurposeError,
    UnavailableError,
    VerificationError,
)
from ssi.keys import KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.types import JsonObject
from tests.unit.did.webvh.author import NOW, did_key, key

AGENCY = key(99).public_key


def agency_document(did: str) -> JsonObject:
    return build_document(
        did,
        keys=[DocumentKey("cred-1", AGENCY, ("assertionMethod", "authentication"))],
        services=[{"id": f"{did}#status", "type": "StatusList", "serviceEndpoint": "https://agency.example/lists"}],
    )


async def created(kms: MemoryKms, **options: Any) -> WebvhLog:
    made = await create_did(
        kms=kms, name="agency", domain="agency.example", document=agency_document, now=NOW, **options
    )
    return made.log


async def test_a_new_did_resolves_to_its_document() -> None:
    kms = MemoryKms()
    made = await create_did(
        kms=kms,
        name="agency",
        domain="agency.example",
        port=8443,
        path=["dids", "city"],
        document=agency_document,
        now=NOW,
        ttl_seconds=60,
        watchers=["https://watcher.example/"],
        portable=True,
    )
    assert made.did.endswith(":agency.example%3A8443:dids:city")
    assert b"\n" not in made.line
    assert b"{SCID}" not in made.line
    assert made.log.log == made.line + b"\n"
    resolution = resolve_log(made.line, did=made.did, now=NOW)
    assert resolution.document.raw == agency_document(made.did)
    assert resolution.key(f"{made.did}#cred-1", "assertionMethod") == AGENCY
    assert resolution.document.services[0].id == f"{made.did}#status"
    assert (resolution.metadata.ttl_seconds, resolution.metadata.version_time) == (60, NOW)
    parameters = made.version.parameters
    assert (parameters.portable, parameters.watchers) == (True, ("https://watcher.example/",))
    assert await kms.labels(KeyPurpose.DID_UPDATE) == ["agency/update/1"]
    assert await kms.labels(KeyPurpose.DID_NEXT) == ["agency/next/2"]


async def test_every_update_rotates_to_the_committed_key() -> None:
    kms = MemoryKms()
    log = await created(kms)
    seen = {log.head.parameters.update_keys}
    for step in range(1, 5):
        document = {**log.head.document, "alsoKnownAs": [f"did:web:{step}.example"]} if step % 2 else None
        log = (await update_did(log, kms=kms, name="agency", now=NOW + step * 60, document=document)).log
        seen.add(log.head.parameters.update_keys)
    assert len(seen) == 5
    assert log.head.document["alsoKnownAs"] == ["did:web:3.example"]
    assert verify_log(log.log, did=log.did, now=NOW + 300) == log
    assert await kms.labels(KeyPurpose.DID_NEXT) == ["agency/next/6"]
    at_the_time = resolve_log(log.log, did=log.did, now=NOW + 300, version_time=NOW + 61)
    assert at_the_time.metadata.version_id == log.versions[1].entry.version_id
    assert at_the_time.metadata.next_update == NOW + 120


async def test_spent_keys_are_destroyed() -> None:
    kms = MemoryKms()
    log = (await rotate_keys(await created(kms), kms=kms, name="agency", now=NOW + 1)).log
    await kms.generate("other/update/1", curve=AGENCY.curve, purpose=KeyPurpose.DID_UPDATE)
    spent = await forget_spent_keys(kms, "agency", log.head.parameters)
    assert spent == ("agency/update/1", "agency/update/2")
    assert list(await kms.labels()) == ["agency/next/3", "other/update/1"]
    assert (await rotate_keys(log, kms=kms, name="agency", now=NOW + 2)).version.number == 3


async def test_without_pre_rotation() -> None:
    kms = MemoryKms()
    log = await created(kms, pre_rotation=False)
    first_keys = log.head.parameters.update_keys
    log = (await update_did(log, kms=kms, name="agency", now=NOW + 1, ttl_seconds=5)).log
    assert log.head.parameters.update_keys == first_keys
    assert log.head.parameters.ttl_seconds == 5
    log = (await rotate_keys(log, kms=kms, name="agency", now=NOW + 2)).log
    assert log.head.parameters.update_keys != first_keys
    assert await forget_spent_keys(kms, "agency", log.head.parameters) == ("agency/update/1",)
    log = (await update_did(log, kms=kms, name="agency", now=NOW + 3, pre_rotation=True)).log
    assert log.head.parameters.next_key_hashes
    log = (await update_did(log, kms=kms, name="agency", now=NOW + 4, pre_rotation=False)).log
    assert not log.head.parameters.next_key_hashes
    log = (await update_did(log, kms=kms, name="agency", now=NOW + 5, watchers=["https://w.example/"])).log
    assert verify_log(log.log, did=log.did, now=NOW + 5).head.number == 6


@pytest.mark.parametrize("pre_rotation", [True, False])
async def test_a_deactivated_did_stays_so(pre_rotation: bool) -> None:
    kms = MemoryKms()
    log = await created(kms, pre_rotation=pre_rotation)
    log = (await deactivate_did(log, kms=kms, name="agency", now=NOW + 1)).log
    resolution = resolve_log(log.log, did=log.did, now=NOW + 1)
    assert resolution.metadata.deactivated
    with pytest.raises(VerificationError, match="deactivated"):
        resolution.key(f"{log.did}#cred-1", "assertionMethod")
    for act in (update_did, rotate_keys, deactivate_did):
        with pytest.raises(VerificationError, match="deactivated"):
            await act(log, kms=kms, name="agency", now=NOW + 2)


async def test_a_portable_did_moves_with_its_document() -> None:
    kms = MemoryKms()
    log = await created(kms, portable=True)
    moved = await move_did(log, kms=kms, name="agency", domain="new.example", path=["city"], now=NOW + 1)
    assert moved.did == f"did:webvh:{log.scid}:new.example:city"
    document = agency_document(moved.did)
    assert moved.version.document == {**document, "alsoKnownAs": [log.did]}
    resolution = resolve_log(moved.log.log, did=moved.did, now=NOW + 1)
    assert resolution.key(f"{moved.did}#cred-1", "assertionMethod") == AGENCY
    back = await move_did(moved.log, kms=kms, name="agency", domain="agency.example", now=NOW + 2)
    assert back.version.document["alsoKnownAs"] == [moved.did]
    with pytest.raises(InvalidInputError, match="another domain"):
        await move_did(back.log, kms=kms, name="agency", domain="agency.example", now=NOW + 3)
    fixed = await created(MemoryKms())
    with pytest.raises((VerificationError, KeyNotFoundError)):
        await move_did(fixed, kms=kms, name="agency", domain="new.example", now=NOW + 1)


async def test_what_cannot_be_published_is_not_made() -> None:
    kms = MemoryKms()
    log = await created(kms)
    document = log.head.document
    for bad in (
        {**document, "id": log.did.replace("agency", "other")},
        {**document, "id": log.did.replace(log.scid, "Qm" + "a" * 44)},
        {},
    ):
        with pytest.raises((InvalidInputError, VerificationError)):
            await update_did(log, kms=kms, name="agency", now=NOW + 1, document=bad)
    for rule in (WitnessRule(2, (did_key(key(5)),)), WitnessRule(1, ("did:web:w.example",))):
        with pytest.raises(InvalidInputError):
            await update_did(log, kms=kms, name="agency", now=NOW + 1, witness=rule)
    with pytest.raises(InvalidInputError):
        await update_did(log, kms=kms, name="agency", now=NOW + 1, ttl_seconds=-1)
    with pytest.raises(InvalidDidError):
        await create_did(kms=kms, name="x", domain="127.0.0.1", document=agency_document, now=NOW)
    # None of the attempts stands in the way of the next one.
    assert (await update_did(log, kms=kms, name="agency", now=NOW + 1)).version.number == 2


async def test_only_the_store_with_the_committed_key_updates() -> None:
    log = await created(MemoryKms())
    with pytest.raises(KeyNotFoundError):
        await rotate_keys(log, kms=MemoryKms(), name="agency", now=NOW + 1)
    kms = MemoryKms()
    log = await created(kms)
    with pytest.raises(KeyNotFoundError):
        await rotate_keys(log, kms=kms, name="agen", now=NOW + 1)
    # The current key alone, all that a thief may have found, does not help.
    await kms.delete("agency/next/2")
    with pytest.raises(KeyNotFoundError):
        await rotate_keys(log, kms=kms, name="agency", now=NOW + 1)


async def test_a_next_key_signs_nothing_before_its_time() -> None:
    kms = MemoryKms()
    await created(kms)
    with pytest.raises(ProofPurposeError):
        await kms.sign("agency/next/2", b"x", purpose=KeyPurpose.DID_UPDATE)


async def test_clocks_that_stand_still_or_run_behind() -> None:
    kms = MemoryKms()
    log = await created(kms)
    log = (await rotate_keys(log, kms=kms, name="agency", now=NOW)).log
    assert log.head.entry.time_seconds == NOW + 1
    log = (await rotate_keys(log, kms=kms, name="agency", now=NOW - 50)).log
    assert log.head.entry.time_seconds == NOW + 2
    with pytest.raises(InvalidInputError, match="the log ends at"):
        await rotate_keys(log, kms=kms, name="agency", now=NOW - 100)


class Crashing(MemoryKms):
    """A key store that fails at its n-th change or signature, before or after doing it."""

    def __init__(self) -> None:
        super().__init__()
        self.countdown = -1
        self.after = False

    def _step(self, done: bool) -> None:
        if done is self.after:
            self.countdown -= 1
            if self.countdown == 0:
                raise UnavailableError("crash")

    async def generate(self, *args: Any, **options: Any) -> Any:
        self._step(False)
        made = await super().generate(*args, **options)
        self._step(True)
        return made

    async def relabel(self, *args: Any, **options: Any) -> None:
        self._step(False)
        await super().relabel(*args, **options)
        self._step(True)

    async def sign(self, *args: Any, **options: Any) -> bytes:
        self._step(False)
        made = await super().sign(*args, **options)
        self._step(True)
        return made


@pytest.mark.parametrize("pre_rotation", [True, False])
@pytest.mark.parametrize("after", [False, True])
async def test_an_update_that_broke_off_anywhere_is_simply_done_again(pre_rotation: bool, after: bool) -> None:
    for point in range(1, 6):
        kms = Crashing()
        log = await created(kms, pre_rotation=pre_rotation)
        kms.countdown, kms.after = point, after
        try:
            log = (await rotate_keys(log, kms=kms, name="agency", now=NOW + 1)).log
        except UnavailableError:
            kms.countdown = -1
            log = (await rotate_keys(log, kms=kms, name="agency", now=NOW + 2)).log
        kms.countdown = -1
        log = (await rotate_keys(log, kms=kms, name="agency", now=NOW + 3)).log
        assert verify_log(log.log, did=log.did, now=NOW + 3).head.number == 3


async def test_a_log_that_is_cut_off_is_not_continued() -> None:
    kms = MemoryKms()
    log = await created(kms)
    with pytest.raises(VerificationError, match="verifies to its end"):
        await rotate_keys(WebvhLog(log.versions, VerificationError("x")), kms=kms, name="agency", now=NOW + 1)


def test_documents() -> None:
    document = build_document("did:example:a", also_known_as=["did:web:a.example"])
    assert document == {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": "did:example:a",
        "alsoKnownAs": ["did:web:a.example"],
    }
    for keys in (
        [DocumentKey("a", AGENCY), DocumentKey("a", AGENCY)],
        [DocumentKey("#a", AGENCY)],
        [DocumentKey("", AGENCY)],
        [DocumentKey("a", AGENCY, ())],
        [DocumentKey("a", AGENCY, ("issue",))],
    ):
        with pytest.raises(InvalidInputError):
            build_document("did:example:a", keys=keys)


async def test_lines_are_what_other_resolvers_expect() -> None:
    made = await create_did(kms=MemoryKms(), name="a", domain="agency.example", document=agency_document, now=NOW)
    entry = json.loads(made.line)
    assert list(entry) == ["versionId", "versionTime", "parameters", "state", "proof"]
    assert set(entry["parameters"]) == {"method", "scid", "updateKeys", "nextKeyHashes", "portable"}
    assert isinstance(entry["proof"], list)
    assert set(entry["proof"][0]) == {
        "type",
        "cryptosuite",
        "created",
        "verificationMethod",
        "proofPurpose",
        "proofValue",
    }
