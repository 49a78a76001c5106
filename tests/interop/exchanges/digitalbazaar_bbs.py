"""Digital Bazaar's BBS (npm): signatures and proofs, and bbs-2023 credentials issued, derived and verified in turn."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from ssi.did.methods.key import did_key
from ssi.encoding.timestamps import format_seconds
from ssi.errors import InvalidSignatureError, VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.keys.bbs import SHA_256, SHAKE_256, Ciphersuite, keygen, proof_gen, proof_verify, sign, sk_to_pk, verify
from ssi.proofs.bbs_2023 import Bbs2023, derive_proof, verify_base_proof
from ssi.proofs.data_integrity import add_proof, verify_proof
from tests.interop.exchanges import _npm as npm
from tests.interop.exchanges import _parties as parties
from tests.interop.matrix import HERE, THERE, exchange
from tests.unit.proofs.party import CONTEXTS, EXAMPLES

PRIMITIVES = "@digitalbazaar/bbs-signatures"
SUITE = "@digitalbazaar/bbs-2023-cryptosuite"
SUITES = {"BLS12-381-SHA-256": SHA_256, "BLS12-381-SHAKE-256": SHAKE_256}
MESSAGES = [f"message {number}".encode() for number in range(12)] + [b""]
SHOWN = [0, 5, 12]
HEADER, ABOUT = b"header", b"nonce of the verifier"
SECRET = keygen(b"a secret that is at least 32 octets long")
PUBLIC = sk_to_pk(SECRET)
MANDATORY = ["/issuer", "/validFrom", "/credentialSubject/home/city"]
SELECTIVE = ["/credentialSubject/born", "/credentialSubject/degrees/1"]


def _primitive(action: str, name: str, **request: Any) -> Any:
    texts = {member: _text(value) for member, value in request.items()}
    return npm.ask_bbs(action=action, ciphersuite=name, publicKey=PUBLIC.hex(), header=HEADER.hex(), **texts)


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return [_text(item) for item in value] if isinstance(value, list) else value


def primitives_here(name: str, suite: Ciphersuite) -> None:
    signature = bytes.fromhex(_primitive("sign", name, secretKey=SECRET, messages=MESSAGES))
    assert signature == sign(SECRET, PUBLIC, MESSAGES, header=HEADER, suite=suite)
    verify(PUBLIC, signature, MESSAGES, header=HEADER, suite=suite)
    made = {"signature": signature, "presentationHeader": ABOUT, "messages": MESSAGES, "indexes": SHOWN}
    proof = bytes.fromhex(_primitive("proofGen", name, **made))
    shown = [MESSAGES[index] for index in SHOWN]
    proof_verify(PUBLIC, proof, shown, SHOWN, header=HEADER, presentation_header=ABOUT, suite=suite)
    with pytest.raises(InvalidSignatureError):
        proof_verify(PUBLIC, proof, shown, SHOWN, header=HEADER, presentation_header=b"", suite=suite)


def primitives_there(name: str, suite: Ciphersuite) -> None:
    signature = sign(SECRET, PUBLIC, MESSAGES, header=HEADER, suite=suite)
    assert _primitive("verify", name, signature=signature, messages=MESSAGES) is True
    assert _primitive("verify", name, signature=signature, messages=MESSAGES[::-1]) is False
    proof = proof_gen(PUBLIC, signature, MESSAGES, SHOWN, header=HEADER, presentation_header=ABOUT, suite=suite)
    shown = [MESSAGES[index] for index in SHOWN]
    request = {"proof": proof, "presentationHeader": ABOUT, "indexes": SHOWN}
    assert _primitive("proofVerify", name, disclosed=shown, **request) is True
    assert _primitive("proofVerify", name, disclosed=shown[::-1], **request) is False


class Issuer:
    """A key of BBS, here in a store and there as a Multikey."""

    def __init__(self) -> None:
        self.key = PrivateKey.generate(Curve.BLS12_381_G2)
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
                suite=Bbs2023(MANDATORY),
                contexts=CONTEXTS,
            )
        )

    def there(self, action: str, **request: Any) -> Any:
        return npm.ask_bbs(action=action, documents=self.documents, **request)

    def issued_there(self) -> dict[str, Any]:
        key = npm.multikey(self.key, self.method, private=True)
        created = format_seconds(parties.now())
        issued: dict[str, Any] = self.there(
            "issue", document=self.credential, key=key, created=created, mandatoryPointers=MANDATORY
        )
        return issued

    def derived_there(self, base: dict[str, Any]) -> dict[str, Any]:
        derived: dict[str, Any] = self.there(
            "derive", document=base, selectivePointers=SELECTIVE, presentationHeader=ABOUT.hex()
        )
        return derived

    def verified_here(self, derived: dict[str, Any]) -> dict[str, Any]:
        key, now = self.key.public_key, parties.now()
        return verify_proof(derived, key=key, expected_purpose="assertionMethod", now=now, contexts=CONTEXTS)

    def derived_here(self, base: dict[str, Any]) -> dict[str, Any]:
        verify_base_proof(base, key=self.key.public_key, contexts=CONTEXTS)
        return derive_proof(base, selective_pointers=SELECTIVE, presentation_header=ABOUT, contexts=CONTEXTS)


def _claims(derived: dict[str, Any]) -> Any:
    return derived["credentialSubject"]


EXPECTED = {"born": 1990, "home": {"city": "a"}, "degrees": [{"title": "d", "year": 2}]}


def documents_here() -> None:
    """Derived there, from what either side issued; verified here."""
    issuer = Issuer()
    for base in (issuer.issued_there(), issuer.issued_here()):
        derived = issuer.derived_there(base)
        assert _claims(issuer.verified_here(derived)) == EXPECTED
        with pytest.raises(VerificationError):
            issuer.verified_here({**derived, "validFrom": "2026-02-01T00:00:00Z"})


def documents_there() -> None:
    """Derived here, from what either side issued; verified there, and here too."""
    issuer = Issuer()
    for base in (issuer.issued_there(), issuer.issued_here()):
        derived = issuer.derived_here(base)
        assert _claims(issuer.verified_here(derived)) == EXPECTED
        answer = issuer.there("check", document=derived)
        assert (answer["verified"], answer["reasons"]) == (True, [])
        altered = {**derived, "validFrom": "2026-02-01T00:00:00Z"}
        assert issuer.there("check", document=altered)["verified"] is False


def _register() -> None:
    for name, suite in SUITES.items():
        for direction, run in ((HERE, primitives_here), (THERE, primitives_there)):
            exchange(PRIMITIVES, name, direction)(partial(run, name, suite))
    exchange(SUITE, "bbs-2023, issued by either", HERE)(documents_here)
    exchange(SUITE, "bbs-2023, issued by either", THERE)(documents_there)


_register()
