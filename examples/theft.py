"""A thief has a town's update key and its credential key. What can he do, and how does the town recover?

The town has committed to its next update key by a hash: pre-rotation. That key was not stolen, and nothing but it may
write the next line of the town's DID.

Run it with ``python -m examples.theft``. Every line says what was tried and what came of it.
"""

from __future__ import annotations

import asyncio

import msgspec

from examples.telling import NONCE, OFFICE, RESIDENCE, STATUS_BASE, Telling
from issuer import Issuer
from issuer.issuance import IssuanceBook
from issuer.stores import open_issuer_store
from issuer.stores.issuance import SqliteIssuanceStore
from ssi.credentials.sd_jwt import issue_sd_jwt_vc
from ssi.did.methods.webvh import DidWebvh
from ssi.did.webvh import WebvhLog, build_document, create_did, rotate_keys, update_did
from ssi.did.webvh.hashing import entry_hash, key_hash
from ssi.did.webvh.keys import did_key_method
from ssi.encoding.base64url import b64url_decode
from ssi.encoding.gate import parse_object
from ssi.encoding.timestamps import format_seconds
from ssi.keys import Curve, KeyPurpose, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.ports import Fetched
from ssi.proofs.data_integrity import add_proof
from ssi.registry import Organisation
from ssi.registry.organisation import first_keys
from ssi.testing import TestFederation, TestHolder
from ssi.types import JsonObject
from verifier import Policy, Trust, Verifier

AINO = {"name": "Aino", "town": "Kerava"}
UPDATE, CREDENTIAL = "town/update/2", "town/credential/1"
UPDATE_VERSION = 2
"""Which version of the DID the stolen update key signed."""


class LeakyKms(MemoryKms):
    """A key store out of which keys can be carried."""

    async def generate(self, label: str, *, curve: Curve, purpose: KeyPurpose, exportable: bool = True) -> PublicKey:
        return await super().generate(label, curve=curve, purpose=purpose, exportable=True)


class Web:
    """The town's web server, which serves whatever lies there."""

    log = b""

    async def __call__(self, url: str, *, accept: str = "", max_bytes: int = 0) -> Fetched:
        return Fetched(url, 200, "text/jsonl", self.log)


class Story(Telling):
    """The town, an office that verifies, and the thief; ``told`` is what came of each step."""

    federation: TestFederation
    holder: TestHolder
    issuer: Issuer
    log: WebvhLog

    def __init__(self) -> None:
        super().__init__()
        self.works, self.vault, self.thief, self.web = LeakyKms(), LeakyKms(), MemoryKms(), Web()

    async def found(self) -> None:
        """Found a registry, and on it a town whose DID has rotated its update key once."""
        self.federation = await TestFederation.found()
        self.clock, self.registry = self.federation.clock, self.federation.registry
        self.holder = await TestHolder.create(clock=self.clock)
        self.web_reader = DidWebvh(fetch=self.web, now=self.clock)
        listed = await first_keys("town", kms=self.works)
        made = await create_did(
            kms=self.vault,
            name="town",
            domain="town.example",
            document=lambda did: build_document(did, keys=listed),
            now=self.clock(),
        )
        self.log = made.log
        town = Organisation(name="town", kms=self.works, log=made.log)
        ministry, types = self.federation.ministry, [RESIDENCE.vct]
        await ministry.enrol_issuer(town, types=types, registry=self.registry, now=self.clock())
        self.clock.advance(3600)
        await self.publish((await rotate_keys(self.log, kms=self.vault, name="town", now=self.clock())).log)
        self.store, self.books = await open_issuer_store("memory:"), await SqliteIssuanceStore.open(":memory:")
        await self.reopen()

    async def publish(self, log: WebvhLog) -> None:
        """Put the newest line on the ledger and on the web."""
        await self.registry.submit(log.head.entry.line)
        self.log, self.web.log = log, log.log

    async def reopen(self) -> None:
        """Open the town's issuer with its DID as it is now."""
        town = await Organisation.open("town", self.log.did, kms=self.works, registry=self.registry, now=self.clock())
        self.issuer = await Issuer.open(
            town,
            store=self.store,
            registry=self.registry,
            catalogue=[RESIDENCE],
            status_base=STATUS_BASE,
            now=self.clock,
        )
        self.issuer.book = IssuanceBook(
            town,
            store=self.books,
            registry=self.registry,
            uri=f"{STATUS_BASE}/issued",
            now=self.clock,
        )

    async def replace_key(self) -> str:
        """Publish a new credential key, with the update key that the town had committed to; return the old kid."""
        old = await self.issuer.organisation.key(KeyPurpose.CREDENTIAL)
        document = await self.issuer.organisation.document_with_new_key(KeyPurpose.CREDENTIAL)
        made = await update_did(self.log, kms=self.vault, name="town", now=self.clock(), document=document)
        await self.publish(made.log)
        await self.reopen()
        return old.kid

    async def declare_compromised(self, kid: str) -> None:
        """Put it on the ledger that nothing which this key signs is the town's any more."""
        town = self.issuer.organisation
        listed_by = self.registry.view().did_version(town.did)
        assert listed_by is not None
        await town.declare_compromised(kid, listed_by=listed_by.id, registry=self.registry, now=self.clock())

    async def verify(self, credential: str, *proofs: bytes, lenient: bool = False) -> None:
        """Show a credential to the office, which takes current keys only, or also replaced ones."""
        policy = Policy(
            audience=OFFICE,
            holder_binding="required",
            status="required",
            max_list_age_seconds=86_400,
            trust=(Trust(type=RESIDENCE.vct, accredited=True),),
            accept_superseded_keys_until=self.clock() + 86_400 if lenient else None,
            accept_proven_before_compromise=bool(proofs),
        )
        office = Verifier(policy, lists=self.issuer, registry=self.registry, now=self.clock)
        shown = await self.holder.show(credential, nonce=NONCE, audience=OFFICE)
        await office.verify(shown, nonce=NONCE, issuance_proofs=proofs)

    # --- the thief --------------------------------------------------------------------------------------------------

    async def steal(self) -> None:
        """Copy the update key and the credential key."""
        for store, label in ((self.vault, UPDATE), (self.works, CREDENTIAL)):
            purpose = (await store.find(label)).purpose
            await self.thief.add(label, await store.export(label), purpose=purpose)
        await self.thief.generate("mine", curve=Curve.ED25519, purpose=KeyPurpose.DID_UPDATE)

    async def line(self, *, after: int) -> bytes:
        """Write the line after version ``after`` with the stolen key: the thief's key is to be the next."""
        before = self.log.versions[after - 1].entry
        mine, stolen = await self.thief.public_key("mine"), await self.thief.public_key(UPDATE)
        rewritten = after + 1 == UPDATE_VERSION
        entry: JsonObject = {
            "versionId": before.version_id,
            "versionTime": format_seconds(self.clock()),
            "parameters": {
                "updateKeys": [(stolen if rewritten else mine).to_multikey()],
                "nextKeyHashes": [key_hash(mine.to_multikey())],
            },
            "state": {**before.state, "alsoKnownAs": ["https://thief.example"]},
        }
        entry["versionId"] = f"{after + 1}-{entry_hash(entry, before.version_id)}"
        signed = await add_proof(
            entry,
            kms=self.thief,
            label=UPDATE,
            purpose=KeyPurpose.DID_UPDATE,
            verification_method=did_key_method(stolen),
            proof_purpose="assertionMethod",
            created=self.clock(),
        )
        return msgspec.json.encode({**signed, "proof": [signed["proof"]]})

    async def forge(self, honest: str, *, issued_at: int) -> str:
        """Make a credential with the stolen key that borrows the place of an honest one on the status list."""
        payload = parse_object(b64url_decode(honest.split(".")[1]))
        header = parse_object(b64url_decode(honest.split(".")[0]))
        forged = await issue_sd_jwt_vc(
            {"name": "Mallory", "town": "Kerava"},
            vct=RESIDENCE.vct,
            issuer=self.log.did,
            kid=header["kid"],
            disclosable=[("name",), ("town",)],
            kms=self.thief,
            label=CREDENTIAL,
            issued_at=issued_at,
            valid_until=issued_at + 86_400 * 365,
            holder_key=self.holder.key,
            status=payload["status"],
        )
        return forged.compact

    async def serve(self, log: bytes, reader: DidWebvh) -> None:
        """Break into the web server and let ``reader`` resolve the town's DID from it."""
        self.web.log = log
        try:
            await reader.resolve(self.log.did)
        finally:
            self.web.log = self.log.log


async def main() -> dict[str, str]:
    """Tell the story and return what came of each step."""
    story = Story()
    await story.found()
    clock = story.clock

    print("1. Before the theft")
    issued = await story.issuer.issue("residence", AINO, reference="case-17", holder=story.holder.key)
    honest = issued.credential
    await story.tell("an honest credential", story.verify(honest))
    await story.tell("the town's DID, read from its web server", story.web_reader.resolve(story.log.did))

    clock.advance(3600)
    await story.issuer.publish()
    assert story.issuer.book is not None
    proof = await story.issuer.book.proof(honest)  # the holder keeps it beside the credential

    print("2. The thief has the update key and the credential key")
    clock.advance(3600)
    await story.steal()
    next_line, other_line = await story.line(after=2), await story.line(after=1)
    await story.tell("a next line of the DID", story.registry.submit(next_line))
    await story.tell("another line in place of the last one", story.registry.submit(other_line))
    fork = story.log.versions[0].entry.line + b"\n" + other_line + b"\n"
    await story.tell("the same on the web, for a reader who knows the town", story.serve(fork, story.web_reader))
    stranger = DidWebvh(fetch=story.web, now=clock)
    await story.tell("the same on the web, for a stranger without a ledger", story.serve(fork, stranger))
    beside = DidWebvh(fetch=story.web, log_source=story.registry, now=clock)
    await story.tell("the town's DID on the ledger, for anybody", story.serve(fork, beside))
    forged = await story.forge(honest, issued_at=clock())
    await story.tell("a forged credential, while nobody knows", story.verify(forged))

    print("3. The town publishes a new credential key, with the update key that it had committed to")
    clock.advance(3600)
    old_kid = await story.replace_key()
    await story.tell("the forged credential, at an office that takes current keys", story.verify(forged))
    backdated = await story.forge(honest, issued_at=clock() - 10_800)
    lenient = story.verify(backdated, lenient=True)
    await story.tell("a back-dated forgery, at an office that takes replaced keys", lenient)
    await story.tell("the stolen update key once more", story.registry.submit(await story.line(after=3)))

    print("4. The town declares the key compromised")
    await story.declare_compromised(old_kid)
    await story.tell("the back-dated forgery", story.verify(backdated, lenient=True))
    await story.tell("the honest credential of the same key", story.verify(honest, lenient=True))

    await story.tell("the same, with the proof that it was issued before", story.verify(honest, proof))
    await story.tell("the back-dated forgery, with that proof", story.verify(backdated, proof))

    print("5. The town issues its credentials anew")
    clock.advance(60)
    renewed = [each async for each in story.issuer.reissue(key=CREDENTIAL, claims=lambda _: AINO)]
    await story.tell("the new credential", story.verify(renewed[0].credential))
    await story.tell("the honest one that it replaces", story.verify(honest, lenient=True))
    await story.tell("the forgery", story.verify(forged, lenient=True))
    await story.store.close()
    await story.books.close()
    return story.told


if __name__ == "__main__":
    asyncio.run(main())
