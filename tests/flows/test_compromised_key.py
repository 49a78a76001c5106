"""A compromised key counts for what an anchored commitment proves to be older, and for nothing else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pytest

from issuer.issuance import PERIOD_SECONDS, IssuanceBook
from issuer.stores.issuance import SqliteIssuanceStore
from ssi.credentials.sd_jwt import issue_sd_jwt_vc
from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.gate import parse_object
from ssi.encoding.timestamps import parse_seconds
from ssi.errors import InvalidInputError, NotFoundError, UnavailableError
from ssi.keys import KeyPurpose
from ssi.keys.jws import parse_jws
from ssi.proofs.data_integrity import add_proof, jcs_suite_for
from ssi.registry import parse_entry
from ssi.registry.types import Ending, EndingRefs, StatusCommitment
from ssi.status.issuance import CAPACITY, batch_path, batch_root, parse_issuance_proof
from tests.flows.town import CLAIMS, RESIDENCE, Town
from verifier import Refused

URI = "https://town.example/status/issued"


class BookedTown(Town):
    """A town that keeps an issuance book."""

    async def open(self) -> BookedTown:
        await super().open()
        self.books = await SqliteIssuanceStore.open(":memory:")
        self.issuer.book = IssuanceBook(
            self.issuer.organisation, store=self.books, registry=self.registry, uri=URI, now=self.clock
        )
        await self.issuer.publish()
        self.clock.advance(PERIOD_SECONDS)
        return self

    async def issued(self, format: Any = "dc+sd-jwt", *, reference: str = "case-17") -> tuple[str, bytes]:
        """Issue a credential and return it with its proof, a period later."""
        assert self.issuer.book is not None
        made = await self.issuer.issue("residence", CLAIMS, reference=reference, format=format, holder=self.holder)
        with pytest.raises(NotFoundError, match="no anchored batch yet"):
            await self.issuer.book.proof(made.credential)
        self.clock.advance(PERIOD_SECONDS)
        await self.issuer.publish()
        return made.credential, await self.issuer.book.proof(made.credential)

    async def lose(self, purpose: KeyPurpose = KeyPurpose.CREDENTIAL) -> None:
        """Replace a key and declare the old one compromised."""
        self.clock.advance(60)
        old = await self.issuer.organisation.key(purpose)
        await self.issuer.rotate_key(purpose)
        await self.issuer.declare_compromised(old.kid)
        self.clock.advance(60)

    async def believe(self, credential: str, *proofs: bytes, format: str = "dc+sd-jwt", **changes: Any) -> str:
        """Return what the report says of the signature."""
        shown = await self.show(credential, format, "n-1")
        office = self.verifier(**{"accept_proven_before_compromise": True, **changes})
        report = (await office.verify(shown, nonce="n-1", issuance_proofs=proofs)).report
        return next(check.detail for check in report.checks if check.name == "signature")

    def commitments(self) -> list[StatusCommitment]:
        view = self.registry.view()
        return [found.body for found in view._histories.commitments.get(URI, [])]


@pytest.fixture
async def town() -> AsyncIterator[BookedTown]:
    opened = await BookedTown().open()
    yield opened
    await opened.store.close()
    await opened.books.close()


@pytest.mark.parametrize("format", ["dc+sd-jwt", "vc+jwt", "ldp_vc"])
async def test_what_is_proven_stays_valid(town: BookedTown, format: str) -> None:
    credential, proof = await town.issued(format)
    await town.lose()
    assert "proves the credential earlier" in await town.believe(credential, proof, format=format)
    with pytest.raises(Refused, match="declared this key compromised"):
        await town.believe(credential, format=format)
    with pytest.raises(Refused, match="declared this key compromised"):
        await town.believe(credential, proof, format=format, accept_proven_before_compromise=False)
    until = town.clock() + 1_000
    with pytest.raises(Refused, match="declared this key compromised"):
        await town.believe(credential, format=format, accept_superseded_keys_until=until)


async def test_a_proof_does_not_stand_against_the_status(town: BookedTown) -> None:
    credential, proof = await town.issued()
    await town.lose()
    await town.issuer.revoke(reference="case-17")
    with pytest.raises(Refused, match="revoked"):
        await town.believe(credential, proof)


async def test_a_forgery_borrows_no_proof(town: BookedTown) -> None:
    """The thief has the key, an honest credential, its proof, and dates his own back."""
    credential, proof = await town.issued()
    key = await town.issuer.organisation.key(KeyPurpose.CREDENTIAL)
    payload = parse_object(b64url_decode(credential.split(".")[1]))
    forged = await issue_sd_jwt_vc(
        CLAIMS,
        vct=RESIDENCE.vct,
        issuer=town.issuer.did,
        kid=key.kid,
        disclosable=[("address", "locality")],
        kms=town.federation.kms,
        label=key.label,
        issued_at=payload["iat"],
        valid_until=payload["exp"],
        holder_key=town.holder,
        status=payload["status"],
    )
    await town.lose()
    with pytest.raises(Refused, match="declared this key compromised"):
        await town.believe(forged.compact, proof)


async def test_every_byte_of_a_proof(town: BookedTown) -> None:
    credential, proof = await town.issued()
    await town.lose()
    shown = await town.show(credential, "dc+sd-jwt", "n-1")
    office = town.verifier(accept_proven_before_compromise=True)
    await office.verify(shown, nonce="n-1", issuance_proofs=[proof])
    for at in range(len(proof)):
        altered = proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :]
        with pytest.raises(Refused):
            await office.verify(shown, nonce="n-1", issuance_proofs=[altered])


async def test_a_commitment_after_the_compromise_proves_nothing(town: BookedTown) -> None:
    made = await town.issuer.issue("residence", CLAIMS, reference="case-17", holder=town.holder)
    await town.lose()
    town.clock.advance(PERIOD_SECONDS)
    await town.issuer.publish()
    assert town.issuer.book is not None
    proof = await town.issuer.book.proof(made.credential)
    with pytest.raises(Refused, match="declared this key compromised"):
        await town.believe(made.credential, proof)


async def test_a_theft_that_is_dated_back_reaches_what_was_committed_since(town: BookedTown) -> None:
    credential, proof = await town.issued()
    issued_before = town.clock() - 10
    organisation, view = town.issuer.organisation, town.registry.view()
    old, line = await organisation.key(KeyPurpose.CREDENTIAL), view.did_version(town.issuer.did)
    assert line is not None
    await town.issuer.rotate_key()
    ending = Ending(
        iss=organisation.did,
        iat=town.clock(),
        reason="compromised",
        effective=issued_before,
        kid=old.kid,
        refs=EndingRefs(ends=line.id),
    )
    await town.registry.submit(await organisation.sign(ending))
    with pytest.raises(Refused, match="declared this key compromised"):
        await town.believe(credential, proof)


async def test_a_stolen_statement_key_makes_its_commitments_worthless(town: BookedTown) -> None:
    credential, proof = await town.issued()
    await town.lose()
    await town.believe(credential, proof)
    await town.lose(KeyPurpose.STATEMENT)
    with pytest.raises(Refused, match="declared this key compromised"):
        await town.believe(credential, proof)


async def test_the_ledger_sees_the_same_whether_something_is_issued_or_not(town: BookedTown) -> None:
    """One commitment a period, of one size, over a batch of one size."""
    town.clock.advance(PERIOD_SECONDS - town.clock() % PERIOD_SECONDS)
    before, start = len(town.commitments()), town.clock()
    for number in range(4):
        town.clock.now = start + number * PERIOD_SECONDS
        for case in range(0 if number % 2 else 5):
            await town.issuer.issue("residence", CLAIMS, reference=f"{number}-{case}", holder=town.holder)
        await town.issuer.publish()
        await town.issuer.publish()
    made = town.commitments()[before:]
    assert [body.iat - start for body in made] == [number * PERIOD_SECONDS for number in range(4)]
    entries = list(await town.federation.ledger.read(0, await town.federation.ledger.size()))
    lengths = {
        len(entry)
        for entry in entries
        if isinstance(entry, bytes)
        and not entry.startswith(b"{")
        and getattr(parse_entry(entry).body, "uri", "") == URI  # type: ignore[union-attr]
    }
    assert len(lengths) == 1
    batches = await town.books._database.read(
        lambda connection: connection.execute("SELECT length(leaves) FROM batches").fetchall()
    )
    assert {row[0] for row in batches} == {CAPACITY * 32}


async def test_nothing_of_the_credential_is_in_proof_or_book(town: BookedTown) -> None:
    credential, proof = await town.issued()
    signed = parse_jws(credential.partition("~")[0]).signing_input
    plain = sha256(signed).digest()
    rows = await town.books._database.read(lambda connection: connection.execute("SELECT leaf FROM leaves").fetchall())
    assert plain not in {row[0] for row in rows}
    assert plain not in b64url_decode(parse_issuance_proof(proof).secret)
    assert b64url_encode(plain).encode() not in proof


async def test_a_ledger_that_is_away_gets_the_commitment_later(
    town: BookedTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await town.issuer.issue("residence", CLAIMS, reference="case-17", holder=town.holder)
    book = town.issuer.book
    assert book is not None

    async def away(entry: bytes) -> Any:
        raise UnavailableError("the ledger is away")

    with monkeypatch.context() as patch:
        patch.setattr(town.registry, "submit", away)
        for _ in range(2):
            town.clock.advance(PERIOD_SECONDS)
            assert not await book.publish()
    assert await book.publish()
    assert len(await town.books.pending()) == 0
    await town.lose()
    assert await town.believe(made.credential, await book.proof(made.credential))


def test_batches_have_one_size() -> None:
    leaves = [number.to_bytes(32, "big") for number in range(CAPACITY)]
    assert len(batch_path(leaves, 7)) == 12
    assert batch_root(leaves) != batch_root(leaves[::-1])
    with pytest.raises(InvalidInputError, match="4096 leaves"):
        batch_root(leaves[:-1])
    with pytest.raises(InvalidInputError):
        parse_issuance_proof(b"{}")


async def test_a_forged_proof_borrows_no_proof_of_issuance(town: BookedTown) -> None:
    """As above, for a credential with an embedded proof: every member that the thief changes makes it another one."""
    credential, proof = await town.issued("ldp_vc")
    key = await town.issuer.organisation.key(KeyPurpose.CREDENTIAL)
    await town.lose()
    honest = parse_object(credential)
    created = parse_seconds(honest["proof"]["created"])
    del honest["proof"]
    for changes, at in (
        ({"credentialSubject": {**honest["credentialSubject"], "given_name": "Mallory"}}, created),
        ({}, created - 1),
    ):
        forged = await add_proof(
            {**honest, **changes},
            kms=town.federation.kms,
            label=key.label,
            purpose=KeyPurpose.CREDENTIAL,
            verification_method=key.kid,
            proof_purpose="assertionMethod",
            created=at,
            suite=jcs_suite_for(key.public_key),
        )
        with pytest.raises(Refused, match="declared this key compromised"):
            await town.believe(json.dumps(forged), proof, format="ldp_vc")
