"""Credentials with selective disclosure, issued, derived and verified in turn by us and by Digital Bazaar's suites."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ssi.did.methods.key import did_key
from ssi.encoding.timestamps import format_seconds
from ssi.errors import VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.proofs.data_integrity import add_proof, verify_proof
from ssi.proofs.derive import derive_proof, verify_base_proof
from ssi.proofs.suites import issuing_suite
from tests.interop.exchanges import _npm as npm
from tests.interop.exchanges import _parties as parties
from tests.unit.proofs.party import CONTEXTS, EXAMPLES

CURVES = {"bbs-2023": Curve.BLS12_381_G2, "ecdsa-sd-2023": Curve.P256}
ABOUT = {"bbs-2023": b"nonce of the verifier", "ecdsa-sd-2023": b""}
MANDATORY = ["/issuer", "/validFrom", "/credentialSubject/home/city"]
SELECTIVE = ["/credentialSubject/born", "/credentialSubject/degrees/1"]


class Issuer:
    """A key of the suite, here in a store and there as a Multikey."""

    def __init__(self, suite: str) -> None:
        self.suite, self.about = suite, ABOUT[suite]
        self.key = PrivateKey.generate(CURVES[suite])
        did = did_key(self.key.public_key)
        self.method = f"{did}#{did.removeprefix('did:key:')}"
        self.documents = {**{url: CONTEXTS.document(url) for url in CONTEXTS}, **npm.documents(self.key, self.method)}
        self.credential = {
            "@context": ["https://www.w3.org/ns/credentials/v2", EXAMPLES],
            "type": ["VerifiableCredential"],
            "issuer": did,
            "validFrom": "2026-01-01T00:00:00Z",
            "credentialSubject": {
                "name": 'Zoë\n"x"',
                "born": 1990,
                "score": 1.5,
                "home": {"city": "a", "street": "b"},
                "degrees": [{"title": "c", "year": 1}, {"title": "d", "year": 2}, {"title": "c", "year": 3}],
            },
        }

    def issued_here(self) -> dict[str, Any]:
        kms = MemoryKms()
        asyncio.run(kms.add("key", self.key, purpose=KeyPurpose.CREDENTIAL))
        return asyncio.run(
            add_proof(
                self.credential,
                kms=kms,
                label="key",
                purpose=KeyPurpose.CREDENTIAL,
                verification_method=self.method,
                proof_purpose="assertionMethod",
                created=parties.now(),
                suite=issuing_suite(self.suite, self.key.public_key, MANDATORY),
                contexts=CONTEXTS,
            )
        )

    def there(self, action: str, **request: Any) -> Any:
        return npm.ask_selective(action=action, suite=self.suite, documents=self.documents, **request)

    def issued_there(self) -> dict[str, Any]:
        key = npm.multikey(self.key, self.method, private=True)
        created = format_seconds(parties.now())
        issued: dict[str, Any] = self.there(
            "issue", document=self.credential, key=key, created=created, mandatoryPointers=MANDATORY
        )
        return issued

    def derived_there(self, base: dict[str, Any]) -> dict[str, Any]:
        about = {"presentationHeader": self.about.hex()} if self.about else {}
        derived: dict[str, Any] = self.there("derive", document=base, selectivePointers=SELECTIVE, **about)
        return derived

    def verified_here(self, derived: dict[str, Any]) -> dict[str, Any]:
        key, now = self.key.public_key, parties.now()
        return verify_proof(derived, key=key, expected_purpose="assertionMethod", now=now, contexts=CONTEXTS)

    def derived_here(self, base: dict[str, Any]) -> dict[str, Any]:
        verify_base_proof(base, key=self.key.public_key, contexts=CONTEXTS)
        return derive_proof(base, selective_pointers=SELECTIVE, presentation_header=self.about, contexts=CONTEXTS)


def _claims(derived: dict[str, Any]) -> Any:
    return derived["credentialSubject"]


EXPECTED = {"born": 1990, "home": {"city": "a"}, "degrees": [{"title": "d", "year": 2}]}


def documents_here(suite: str) -> None:
    """Derived there, from what either side issued; verified here."""
    issuer = Issuer(suite)
    for base in (issuer.issued_there(), issuer.issued_here()):
        derived = issuer.derived_there(base)
        assert _claims(issuer.verified_here(derived)) == EXPECTED
        with pytest.raises(VerificationError):
            issuer.verified_here({**derived, "validFrom": "2026-02-01T00:00:00Z"})


def documents_there(suite: str) -> None:
    """Derived here, from what either side issued; verified there, and here too."""
    issuer = Issuer(suite)
    for base in (issuer.issued_there(), issuer.issued_here()):
        derived = issuer.derived_here(base)
        assert _claims(issuer.verified_here(derived)) == EXPECTED
        answer = issuer.there("check", document=derived)
        assert (answer["verified"], answer["reasons"]) == (True, [])
        altered = {**derived, "validFrom": "2026-02-01T00:00:00Z"}
        assert issuer.there("check", document=altered)["verified"] is False
