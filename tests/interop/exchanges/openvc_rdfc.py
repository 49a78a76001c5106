"""openvc-core: eddsa-rdfc-2022 and ecdsa-rdfc-2019 on credentials and presentations, both ways."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from openvc import OpenvcError, signing_key_from_jwk
from openvc.proof.data_integrity import DataIntegrityProofSuite
from openvc.proof.di_ecdsa_rdfc import EcdsaRdfcProofSuite

from ssi.credentials.data_integrity import read_credential, read_presentation, verify_credential, verify_presentation
from ssi.encoding.jsonld import to_quads
from ssi.encoding.rdfc import canonicalize
from ssi.errors import InvalidSignatureError
from ssi.proofs.data_integrity import ECDSA_RDFC_2019_P256, ECDSA_RDFC_2019_P384, EDDSA_RDFC_2022, Cryptosuite
from tests.interop.exchanges import _digitalbazaar as shared
from tests.interop.exchanges import _parties as parties
from tests.interop.matrix import HERE, THERE, exchange
from tests.unit.proofs.party import CONTEXTS, EXAMPLES

PEER = "openvc-core"
P384_DIFFERS = (
    "the peer has SHA-256 inside RDFC-1.0 for P-384 too, where the suite has SHA-384 throughout; it matters where two"
    " blank nodes come into another order"
)


class Party(shared.Party):
    """A signer with one key, and the peer's suite for it."""

    def __init__(self, suite: Cryptosuite) -> None:
        super().__init__(suite)
        self.theirs: Any = DataIntegrityProofSuite() if suite is EDDSA_RDFC_2022 else EcdsaRdfcProofSuite()
        known = {url: CONTEXTS.document(url) for url in (EXAMPLES, shared.SUITE_2020)}
        self.arguments: dict[str, Any] = {"extra_contexts": known}

    def signed_there(self, document: dict[str, Any], **request: Any) -> dict[str, Any]:
        signer = signing_key_from_jwk(self.key.to_jwk(), self.method)
        signed: dict[str, Any] = self.theirs.add_proof(
            document, signing_key=signer, verification_method=self.method, **self.arguments, **request
        )
        return signed

    def check_there(self, document: dict[str, Any], **request: Any) -> None:
        """Let the peer verify, which raises OpenvcError."""
        jwk = self.key.public_key.to_jwk()
        self.theirs.verify(document, public_key_jwk=jwk, **self.arguments, **request)


def _believed(party: Party, secured: dict[str, Any]) -> dict[str, Any]:
    verified = verify_credential(
        read_credential(secured),
        keys=shared.keys(party),
        now=parties.now(),
        contexts=shared.ALLOWED,
        jsonld_contexts=CONTEXTS,
    )
    return verified.credential.raw


def credential_here(suite: Cryptosuite) -> None:
    party = Party(suite)
    for astral in (False, True):
        document = shared.credential(party, "did:example:holder", astral=astral)
        secured = party.signed_there(document)
        assert _believed(party, secured) == document
        with pytest.raises(InvalidSignatureError):
            _believed(party, shared.altered(secured))


def credential_there(suite: Cryptosuite) -> None:
    party = Party(suite)
    for astral in (False, True):
        secured = shared.ours(party, shared.credential(party, "did:example:holder", astral=astral))
        party.check_there(secured)
        with pytest.raises(OpenvcError):
            party.check_there(shared.altered(secured))


def presentation_here(suite: Cryptosuite) -> None:
    party = Party(suite)
    shown = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiablePresentation"],
        "holder": party.did,
        "verifiableCredential": [shared.ours(party, shared.credential(party, "did:example:holder"))],
    }
    secured = party.signed_there(
        shown, proof_purpose="authentication", challenge=parties.NONCE, domain=parties.AUDIENCE
    )
    verified = verify_presentation(
        read_presentation(secured),
        keys=shared.keys(party),
        now=parties.now(),
        domain=parties.AUDIENCE,
        challenge=parties.NONCE,
        max_age_seconds=300,
        contexts=shared.ALLOWED,
        jsonld_contexts=CONTEXTS,
    )
    assert verified.presentation.raw == shown


def presentation_there(suite: Cryptosuite) -> None:
    party = Party(suite)
    inner = shared.ours(party, shared.credential(party, "did:example:holder"))
    secured = shared.presented(party, [inner])
    asked = {"expected_proof_purpose": "authentication", "expected_domain": parties.AUDIENCE}
    party.check_there(secured, expected_challenge=parties.NONCE, **asked)
    with pytest.raises(OpenvcError):
        party.check_there(secured, expected_challenge="another", **asked)


def _two_orders(party: Party) -> dict[str, Any]:
    """Return a credential whose blank nodes are in another order under SHA-384 than under SHA-256."""
    document = shared.credential(party, "did:example:holder")
    for number in range(64):
        document["credentialSubject"]["address"]["postal_code"] = str(number)
        quads = to_quads(json.loads(json.dumps(document)), contexts=CONTEXTS)
        if canonicalize(quads).text != canonicalize(quads, hash_name="sha384").text:
            return document
    raise AssertionError("expected one of 64 credentials to tell the hashes apart")


def p384_here() -> None:
    party = Party(ECDSA_RDFC_2019_P384)
    with pytest.raises(InvalidSignatureError):
        _believed(party, party.signed_there(_two_orders(party)))


def p384_there() -> None:
    party = Party(ECDSA_RDFC_2019_P384)
    with pytest.raises(OpenvcError):
        party.check_there(shared.ours(party, _two_orders(party)))


for _suite, _size in ((EDDSA_RDFC_2022, ""), (ECDSA_RDFC_2019_P256, " P-256")):
    for _what, _here, _there in (
        ("VC", credential_here, credential_there),
        ("VP with VC", presentation_here, presentation_there),
    ):
        exchange(PEER, f"{_what}, {_suite.name}{_size}", HERE)(partial(_here, _suite))
        exchange(PEER, f"{_what}, {_suite.name}{_size}", THERE)(partial(_there, _suite))
exchange(PEER, "VC, ecdsa-rdfc-2019 P-384", HERE, differs=P384_DIFFERS)(p384_here)
exchange(PEER, "VC, ecdsa-rdfc-2019 P-384", THERE, differs=P384_DIFFERS)(p384_there)
