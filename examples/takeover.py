"""A town's issuer, built with openvc-core, moves here. What do its credentials verify as at each step?

The town keeps its DID, its key, the address of its status list and every index in it. A verifier of this library and
one of openvc-core look at the same credentials and the same address, whoever serves it.

Run it with ``python -m examples.takeover``; it needs the packages of the interop extra.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from openvc import P256SigningKey, VerificationPolicy, verify_credential
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from openvc.status import CredentialRevoked
from openvc.status import issue as peer_issue
from openvc.status import token_status_list as peer_token

from examples.telling import NONCE, OFFICE, RESIDENCE, STATUS_BASE, Telling
from issuer import Issuer, StatusSettings
from issuer.identity import OutsideIdentity
from issuer.store import AdoptedCredential, AdoptedFamily
from issuer.stores import open_issuer_store
from issuer.takeover import Takeover
from ssi.did.methods.key import did_key
from ssi.did.resolver import default_resolver
from ssi.errors import NotFoundError, SsiError
from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.ports import Fetched, PublishedList
from ssi.status import StatusFormat
from ssi.status.lists import CredentialState
from ssi.testing import TestClock, TestHolder
from verifier import Policy, Trust, Verifier

LIST, MEDIA_TYPE = f"{STATUS_BASE}/1", "application/statuslist+jwt"
ENTRIES = 1 << 17
AINO, EINO, LEMPI, STRANGER = 4711, 90_210, 15, 131_000
"""Indexes that the old system gave away; of the last one it has kept no case number."""


class Web:
    """What stands at the town's addresses, whoever put it there."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}

    async def __call__(self, url: str, *, accept: str = "", max_bytes: int = 0) -> Fetched:
        if url not in self.pages:
            raise NotFoundError("there is nothing at this address")
        return Fetched(url, 200, MEDIA_TYPE, self.pages[url])

    async def status_list(self, uri: str) -> PublishedList:
        return PublishedList(uri, (await self(uri)).body, MEDIA_TYPE, None)


class OldSystem:
    """The issuer as it was: openvc-core, one key, and a list of one bit per entry."""

    def __init__(self, private: PrivateKey, web: Web) -> None:
        self.did = did_key(private.public_key)
        self.kid = f"{self.did}#{self.did.removeprefix('did:key:')}"
        self.signer = P256SigningKey.from_jwk(private.to_jwk(), self.kid)
        self.web = web
        self.list = peer_token.new_status_list(ENTRIES, bits=1)

    def issue(self, name: str, index: int, holder: PublicKey) -> str:
        status = peer_issue.build_token_status_reference(uri=LIST, index=index)
        compact: str = SdJwtVcProofSuite().issue(
            {"iss": self.did, "name": name, "town": "Kerava", **status},
            signing_key=self.signer,
            disclosable=["name", "town"],
            holder_jwk=holder.to_jwk(),
            vct=RESIDENCE.vct,
            expires_in_s=86_400,
        )
        return compact

    def revoke(self, *indexes: int, at: int) -> None:
        for index in indexes:
            peer_token.set_status(self.list, index, 1, bits=1)
        compact = peer_issue.build_status_list_token(
            signing_key=self.signer,
            uri=LIST,
            status_list=self.list,
            bits=1,
            issued_at=at,
            expires=at + 86_400,
            ttl=300,
            issuer=self.did,
        )
        self.web.pages[LIST] = compact.encode("ascii")

    def export(self, clock: TestClock) -> AdoptedFamily:
        """Return what the old system knows of its credentials: no claims."""
        credentials = tuple(
            AdoptedCredential(
                reference=reference,
                type="residence",
                format="dc+sd-jwt",
                id=f"urn:town:{reference}",
                key="town/credential",
                issued_at=clock(),
                valid_until=clock() + 86_400,
                index=index,
                state=CredentialState(peer_token.get_status(bytes(self.list), index, bits=1)),
            )
            for reference, index in (("case-1", AINO), ("case-2", EINO), ("case-3", LEMPI))
        )
        taken = ((STRANGER, CredentialState.REVOKED),)
        return AdoptedFamily(format=StatusFormat.TOKEN, uri=LIST, entries=ENTRIES, credentials=credentials, taken=taken)


class Story(Telling):
    """The town, its residents and the two verifiers; ``told`` is what came of each step."""

    holder: TestHolder

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.web = TestClock(int(time.time())), Web()
        self.private = PrivateKey.generate(Curve.P256)
        self.old = OldSystem(self.private, self.web)
        self.credentials: dict[str, str] = {}

    async def check(self, step: str) -> None:
        """Show every credential to both verifiers, and tell whom they accept."""
        policy = Policy(
            audience=OFFICE,
            holder_binding="required",
            status="required",
            max_list_age_seconds=86_400,
            trust=(Trust(type=RESIDENCE.vct, issuers=(self.old.did,)),),
        )
        here, there, reasons = [], [], []
        for name, credential in self.credentials.items():
            shown = await self.holder.show(credential, nonce=NONCE, audience=OFFICE)
            try:
                await Verifier(policy, lists=self.web, now=self.clock).verify(shown, nonce=NONCE)
                here.append(name)
            except SsiError as exc:
                reasons.append(str(exc))
            if self.accepted_there(shown):
                there.append(name)
        assert here == there, (here, there)
        assert all("revoked" in reason for reason in reasons), reasons
        self.told[step] = ", ".join(here)
        print(f"   {step}, both verifiers accept: {self.told[step]}")

    def accepted_there(self, shown: str) -> bool:
        """Return whether openvc-core accepts a presentation."""

        def resolve(uri: str) -> Any:
            key = self.private.public_key.to_jwk()
            token = self.web.pages[uri].decode("ascii")
            return peer_issue.verify_status_list_token(token, public_key_jwk=key, expected_uri=uri)

        policy = VerificationPolicy(audience=OFFICE, nonce=NONCE, require_key_binding=True, expected_vct=RESIDENCE.vct)
        try:
            verify_credential(shown, policy=policy, resolve_status_list_token=resolve)
        except CredentialRevoked:
            return False
        return True

    async def open(self) -> None:
        """Open the new system with the key of the old one: it has a label for each use."""
        kms = MemoryKms()
        await kms.add("town/credential", self.private, purpose=KeyPurpose.CREDENTIAL)
        await kms.add("town/list", self.private, purpose=KeyPurpose.LIST)
        keys = {
            KeyPurpose.CREDENTIAL: ("town/credential", self.old.kid),
            KeyPurpose.LIST: ("town/list", self.old.kid),
        }
        town = await OutsideIdentity.open(self.old.did, kms=kms, keys=keys, resolver=default_resolver(now=self.clock))
        self.store = await open_issuer_store("memory:")
        self.issuer = await Issuer.open(
            town,
            store=self.store,
            registry=None,
            catalogue=[RESIDENCE],
            status_base=STATUS_BASE,
            now=self.clock,
            status=StatusSettings(entries=ENTRIES),
        )
        self.takeover = Takeover(self.issuer, store=self.store, fetch=self.web, now=self.clock)

    async def serve(self) -> None:
        """Put the lists of the new system at the town's addresses."""
        for published in await self.issuer.status_lists():
            self.web.pages[published.uri] = published.body


async def main() -> dict[str, str]:
    """Tell the story and return what came of each step."""
    story = Story()
    clock, old = story.clock, story.old
    story.holder = await TestHolder.create(clock=clock)

    print("1. Before: the old system issues and revokes")
    for name, index in (("Aino", AINO), ("Eino", EINO), ("Lempi", LEMPI)):
        story.credentials[name] = old.issue(name, index, story.holder.key)
    old.revoke(LEMPI, STRANGER, at=clock())
    await story.check("before")

    print("2. The shadow run: the new system knows everything and publishes nothing")
    await story.open()
    clock.advance(1)
    export = old.export(clock)
    await story.tell("an export that forgot a revocation", story.takeover.load([_without_taken(export)]))
    await story.tell("the export", story.takeover.load([export]))
    await story.tell("a revocation here", story.issuer.revoke(reference="case-2"))
    await story.check("during the shadow run")

    print("3. The old system revokes once more, which the comparison finds")
    old.revoke(EINO, at=clock())
    clock.advance(1)
    found = (await story.takeover.compare()).differences
    story.told["differences"] = ", ".join(f"{each.index}: {each.published}, ours {each.ours}" for each in found)
    await story.tell("the switch", story.takeover.switch())
    assert await story.issuer.status_lists() == []
    story.told["undone"] = str(await story.takeover.abandon())
    await story.tell("a new export", story.takeover.load([old.export(clock)]))
    await story.check("after the new export")

    print("4. The switch")
    await story.tell("the switch, with both the same", story.takeover.switch())
    await story.serve()
    await story.check("after the switch")
    await story.tell("undoing it now", story.takeover.abandon())

    print("5. The town goes on here")
    clock.advance(1)
    made = await story.issuer.issue(
        "residence", {"name": "Toivo", "town": "Kerava"}, reference="case-4", holder=story.holder.key
    )
    story.credentials["Toivo"] = made.credential
    await story.serve()
    await story.check("after a credential is issued here")
    clock.advance(1)
    await story.issuer.revoke(reference="case-1", reason="moved away")
    await story.serve()
    await story.check("after a credential of the old system is revoked here")

    print("6. What the old system would have to learn before it could go on")
    carried = await story.takeover.carry_over()
    story.told["carried over"] = ", ".join(f"{each.reference} {each.state.name}" for each in carried)
    print(f"   {story.told['carried over']}")
    await story.store.close()
    return story.told


def _without_taken(family: AdoptedFamily) -> AdoptedFamily:
    return AdoptedFamily(format=family.format, uri=family.uri, entries=family.entries, credentials=family.credentials)


if __name__ == "__main__":
    asyncio.run(main())
