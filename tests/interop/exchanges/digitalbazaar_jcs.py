"""Digital Bazaar's eddsa-jcs-2022 and ecdsa-jcs-2019 (npm): credentials, proof sets and presentations, both ways."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from ssi.credentials.data_integrity import (
    KeyNeeded,
    check_holder,
    found_keys,
    read_credential,
    read_presentation,
    secure_credential,
    secure_presentation,
    verify_credential,
    verify_presentation,
)
from ssi.credentials.vcdm import parse_credential
from ssi.did.methods.key import did_key
from ssi.encoding.timestamps import format_seconds
from ssi.errors import InvalidSignatureError
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.proofs.data_integrity import add_further_proof, jcs_suite_for
from tests.interop.exchanges import _npm as npm
from tests.interop.exchanges import _parties as parties
from tests.interop.matrix import HERE, THERE, exchange

EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
FORMATS = {
    Curve.ED25519: ("@digitalbazaar/eddsa-jcs-2022-cryptosuite", "eddsa-jcs-2022", ""),
    Curve.P256: ("@digitalbazaar/ecdsa-jcs-2019-cryptosuite", "ecdsa-jcs-2019", " P-256"),
    Curve.P384: ("@digitalbazaar/ecdsa-jcs-2019-cryptosuite", "ecdsa-jcs-2019", " P-384"),
}
CHAIN_DIFFERS = "the peer does not read previousProof: it takes each proof of a chain for a member of a set"


class Party:
    """A signer with one key: here in a key store, there as a Multikey."""

    def __init__(self, curve: Curve) -> None:
        self.key = PrivateKey.generate(curve)
        self.did = did_key(self.key.public_key)
        self.method = f"{self.did}#{self.did.removeprefix('did:key:')}"
        self.suite = jcs_suite_for(self.key.public_key)
        self.documents = npm.documents(self.key, self.method)

    def here(self, purpose: KeyPurpose) -> dict[str, Any]:
        """Return the arguments with which our side signs."""
        kms = MemoryKms()
        asyncio.run(kms.add("key", self.key, purpose=purpose))
        return {"kms": kms, "label": "key", "verification_method": self.method, "created": parties.now()}

    def signed_there(self, document: dict[str, Any], **request: Any) -> dict[str, Any]:
        """Return ``document`` with the peer's proof."""
        key = npm.multikey(self.key, self.method, private=True)
        created = format_seconds(parties.now())
        signed: dict[str, Any] = npm.ask(
            action="sign", suite=self.suite.name, document=document, key=key, created=created, **request
        )
        return signed

    def verified_there(self, document: dict[str, Any], **request: Any) -> Any:
        """Return what the peer says of ``document``; it may look up this party's documents."""
        return npm.ask(
            action="verify", suite=self.suite.name, document=document, **{"documents": self.documents, **request}
        )


def credential(issuer: str, subject: str) -> dict[str, Any]:
    """Return an unsecured credential with what is hard to canonicalise."""
    return {
        "@context": ["https://www.w3.org/ns/credentials/v2", EXAMPLES],
        "type": ["VerifiableCredential"],
        "issuer": issuer,
        "validFrom": "2026-01-01T00:00:00Z",
        "credentialSubject": {"id": subject, **parties.SUBJECT, "ö": 1, "\U0001f600": 2, "\ufb33": 3, "score": 1e21},
    }


def keys(*known: Party) -> Any:
    """Return the lookup of the keys of ``known`` for both purposes."""
    purposes = ("assertionMethod", "authentication")
    return found_keys({KeyNeeded(p.method, name): p.key.public_key for p in known for name in purposes})


def ours(party: Party, document: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return ``document`` with our proof."""
    parsed = parse_credential(document, contexts=(EXAMPLES,))
    return asyncio.run(secure_credential(parsed, **party.here(KeyPurpose.CREDENTIAL), **options))


def altered(document: dict[str, Any]) -> dict[str, Any]:
    """Return a copy with another claim."""
    changed: dict[str, Any] = json.loads(json.dumps(document))
    changed["credentialSubject"]["score"] = 1e22
    return changed


def credential_here(curve: Curve) -> None:
    party = Party(curve)
    document = credential(party.did, "did:example:holder")
    secured = party.signed_there(document)
    assert secured["proof"]["cryptosuite"] == party.suite.name
    arguments: dict[str, Any] = {"keys": keys(party), "now": parties.now(), "contexts": (EXAMPLES,)}
    assert verify_credential(read_credential(secured), **arguments).credential.raw == document
    with pytest.raises(InvalidSignatureError):
        verify_credential(read_credential(altered(secured)), **arguments)
    # The peer adds to a set, of which one member is ours.
    both = party.signed_there(ours(party, document))
    assert len(verify_credential(read_credential(both), **arguments).proofs) == 2


def credential_there(curve: Curve) -> None:
    party = Party(curve)
    secured = ours(party, credential(party.did, "did:example:holder"))
    answer = party.verified_there(secured)
    assert (answer["verified"], answer["reasons"]) == (True, [])
    assert party.verified_there(altered(secured))["verified"] is False
    added: dict[str, Any] = {"suite": party.suite, "purpose": KeyPurpose.CREDENTIAL, "proof_purpose": "assertionMethod"}
    both = asyncio.run(add_further_proof(secured, **party.here(KeyPurpose.CREDENTIAL), **added))
    assert party.verified_there(both)["each"] == [True, True]


def presentation_here(curve: Curve) -> None:
    issuer, holder = Party(curve), Party(curve)
    inner = issuer.signed_there(credential(issuer.did, holder.did))
    shown = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiablePresentation"],
        "holder": holder.did,
        "verifiableCredential": [inner],
    }
    asked = {"purpose": "authentication", "challenge": parties.NONCE, "domain": parties.AUDIENCE}
    secured = holder.signed_there(shown, **asked)
    verified = verify_presentation(
        read_presentation(secured),
        keys=keys(issuer, holder),
        now=parties.now(),
        domain=parties.AUDIENCE,
        challenge=parties.NONCE,
        max_age_seconds=300,
        contexts=(EXAMPLES,),
    )
    check_holder(verified.credentials[0], verified)
    assert verified.presentation.raw == shown


def presentation_there(curve: Curve) -> None:
    issuer, holder = Party(curve), Party(curve)
    secured = asyncio.run(
        secure_presentation(
            [ours(issuer, credential(issuer.did, holder.did))],
            **holder.here(KeyPurpose.HOLDER),
            holder=holder.did,
            domain=parties.AUDIENCE,
            challenge=parties.NONCE,
            contexts=(EXAMPLES,),
        )
    )
    asked = {"purpose": "authentication", "challenge": parties.NONCE, "domain": parties.AUDIENCE}
    assert holder.verified_there(secured, **asked)["verified"] is True
    assert holder.verified_there(secured, **{**asked, "challenge": "another"})["verified"] is False
    (inner,) = secured["verifiableCredential"]
    assert issuer.verified_there(inner)["verified"] is True


def chain_there(curve: Curve) -> None:
    """The peer hashes a chained proof without the proofs before it, so it refuses the one that secures them."""
    party = Party(curve)
    secured = ours(party, credential(party.did, "did:example:holder"), proof_id="urn:uuid:1")
    added: dict[str, Any] = {"suite": party.suite, "purpose": KeyPurpose.CREDENTIAL, "proof_purpose": "assertionMethod"}
    chained = asyncio.run(
        add_further_proof(secured, **party.here(KeyPurpose.CREDENTIAL), **added, previous_proof="urn:uuid:1")
    )
    arguments: dict[str, Any] = {"keys": keys(party), "now": parties.now(), "contexts": (EXAMPLES,)}
    assert len(verify_credential(read_credential(chained), **arguments).proofs) == 2
    assert sorted(party.verified_there(chained)["each"]) == [False, True]


def _register(curve: Curve, run: Callable[[Curve], None], what: str, direction: str, differs: str = "") -> None:
    peer, suite, size = FORMATS[curve]
    exchange(peer, f"{what}, {suite}{size}", direction, differs=differs)(lambda: run(curve))


for _curve in FORMATS:
    _register(_curve, credential_here, "VC", HERE)
    _register(_curve, credential_there, "VC", THERE)
    _register(_curve, presentation_here, "VP with VC", HERE)
    _register(_curve, presentation_there, "VP with VC", THERE)
    _register(_curve, chain_there, "proof chain", THERE, CHAIN_DIFFERS)
