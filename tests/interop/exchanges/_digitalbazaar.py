"""What is exchanged with Digital Bazaar's suites: credentials, proof sets, presentations and chains, both ways."""

from __future__ import annotations

import asyncio
import json
from functools import partial
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
from ssi.keys import KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.proofs.data_integrity import Cryptosuite, add_further_proof, parse_proof
from ssi.proofs.rdfc import RdfcCryptosuite
from ssi.proofs.suites import ED25519_SIGNATURE_2020
from tests.interop.exchanges import _npm as npm
from tests.interop.exchanges import _parties as parties
from tests.interop.matrix import HERE, THERE, exchange
from tests.unit.proofs.party import CONTEXTS, EXAMPLES

SUITE_2020 = "https://w3id.org/security/suites/ed25519-2020/v1"
ALLOWED = (EXAMPLES, SUITE_2020)
ASTRAL = {"\U0001f600": 2, "\ufb33": 3}
"""Two terms whose order by code point, which RDFC-1.0 asks for, is not their order by UTF-16 code unit, as in JCS."""
ORDER_DIFFERS = "the peer sorts N-Quads by UTF-16 code unit, RDFC-1.0 by code point; it matters beyond U+FFFF alone"
CHAIN_DIFFERS = "the peer does not read previousProof: it takes each proof of a chain for a member of a set"


class Party:
    """A signer with one key: here in a key store, there as a Multikey."""

    def __init__(self, suite: Cryptosuite) -> None:
        self.key = PrivateKey.generate(suite.curve)
        self.did = did_key(self.key.public_key)
        self.method = f"{self.did}#{self.did.removeprefix('did:key:')}"
        self.suite = suite
        self.documents = {**{url: CONTEXTS.document(url) for url in CONTEXTS}, **npm.documents(self.key, self.method)}
        if suite is ED25519_SIGNATURE_2020:
            older = {"@context": SUITE_2020, "type": "Ed25519VerificationKey2020"}
            self.documents[self.method] = {**self.documents[self.method], **older}

    def here(self, purpose: KeyPurpose) -> dict[str, Any]:
        """Return the arguments with which our side signs."""
        kms = MemoryKms()
        asyncio.run(kms.add("key", self.key, purpose=purpose))
        return {
            "kms": kms,
            "label": "key",
            "verification_method": self.method,
            "created": parties.now(),
            "suite": self.suite,
        }

    def signed_there(self, document: dict[str, Any], **request: Any) -> dict[str, Any]:
        """Return ``document`` with the peer's proof."""
        key = npm.multikey(self.key, self.method, private=True)
        created = format_seconds(parties.now())
        signed: dict[str, Any] = npm.ask(
            action="sign",
            suite=self.suite.name,
            document=document,
            key=key,
            created=created,
            **{"documents": self.documents, **request},
        )
        return signed

    def verified_there(self, document: dict[str, Any], **request: Any) -> Any:
        """Return what the peer says of ``document``; it may look up this party's documents."""
        return npm.ask(
            action="verify", suite=self.suite.name, document=document, **{"documents": self.documents, **request}
        )


def credential(party: Party, subject: str, *, astral: bool | None = None) -> dict[str, Any]:
    """Return an unsecured credential with what is hard to canonicalise; ``astral`` terms by default for JCS alone."""
    if astral is None:
        astral = not isinstance(party.suite, RdfcCryptosuite)
    return {
        "@context": ["https://www.w3.org/ns/credentials/v2", EXAMPLES, SUITE_2020],
        "type": ["VerifiableCredential"],
        "issuer": party.did,
        "validFrom": "2026-01-01T00:00:00Z",
        "credentialSubject": {"id": subject, **parties.SUBJECT, "ö": 1, "score": 1e21, **(ASTRAL if astral else {})},
    }


def keys(*known: Party) -> Any:
    """Return the lookup of the keys of ``known`` for both purposes."""
    purposes = ("assertionMethod", "authentication")
    return found_keys({KeyNeeded(p.method, name): p.key.public_key for p in known for name in purposes})


def ours(party: Party, document: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return ``document`` with our proof."""
    parsed = parse_credential(document, contexts=ALLOWED)
    return asyncio.run(
        secure_credential(parsed, jsonld_contexts=CONTEXTS, **party.here(KeyPurpose.CREDENTIAL), **options)
    )


def altered(document: dict[str, Any]) -> dict[str, Any]:
    """Return a copy with another claim."""
    changed: dict[str, Any] = json.loads(json.dumps(document))
    changed["credentialSubject"]["score"] = 1e22
    return changed


def credential_here(suite: Cryptosuite) -> None:
    party = Party(suite)
    document = credential(party, "did:example:holder")
    secured = party.signed_there(document)
    assert parse_proof(secured["proof"]).cryptosuite == party.suite.name
    arguments: dict[str, Any] = {
        "keys": keys(party),
        "now": parties.now(),
        "contexts": ALLOWED,
        "jsonld_contexts": CONTEXTS,
    }
    assert verify_credential(read_credential(secured), **arguments).credential.raw == document
    with pytest.raises(InvalidSignatureError):
        verify_credential(read_credential(altered(secured)), **arguments)
    # The peer adds to a set, of which one member is ours.
    both = party.signed_there(ours(party, document))
    assert len(verify_credential(read_credential(both), **arguments).proofs) == 2


def credential_there(suite: Cryptosuite) -> None:
    party = Party(suite)
    secured = ours(party, credential(party, "did:example:holder"))
    answer = party.verified_there(secured)
    assert (answer["verified"], answer["reasons"]) == (True, [])
    assert party.verified_there(altered(secured))["verified"] is False
    added: dict[str, Any] = {"contexts": CONTEXTS, "purpose": KeyPurpose.CREDENTIAL, "proof_purpose": "assertionMethod"}
    both = asyncio.run(add_further_proof(secured, **party.here(KeyPurpose.CREDENTIAL), **added))
    assert party.verified_there(both)["each"] == [True, True]


def presentation_here(suite: Cryptosuite) -> None:
    issuer, holder = Party(suite), Party(suite)
    inner = issuer.signed_there(credential(issuer, holder.did))
    shown = {
        "@context": ["https://www.w3.org/ns/credentials/v2", SUITE_2020],
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
        contexts=ALLOWED,
        jsonld_contexts=CONTEXTS,
    )
    check_holder(verified.credentials[0], verified)
    assert verified.presentation.raw == shown


def presented(holder: Party, credentials: list[dict[str, Any]]) -> dict[str, Any]:
    """Return our presentation of ``credentials`` for the challenge of the peer."""
    return asyncio.run(
        secure_presentation(
            credentials,
            **holder.here(KeyPurpose.HOLDER),
            holder=holder.did,
            domain=parties.AUDIENCE,
            challenge=parties.NONCE,
            contexts=ALLOWED,
            jsonld_contexts=CONTEXTS,
        )
    )


def presentation_there(suite: Cryptosuite) -> None:
    issuer, holder = Party(suite), Party(suite)
    secured = presented(holder, [ours(issuer, credential(issuer, holder.did))])
    asked = {"purpose": "authentication", "challenge": parties.NONCE, "domain": parties.AUDIENCE}
    assert holder.verified_there(secured, **asked)["verified"] is True
    assert holder.verified_there(secured, **{**asked, "challenge": "another"})["verified"] is False
    (inner,) = secured["verifiableCredential"]
    assert issuer.verified_there(inner)["verified"] is True


def chain_there(suite: Cryptosuite) -> None:
    """The peer hashes a chained proof without the proofs before it, so it refuses the one that secures them."""
    party = Party(suite)
    secured = ours(party, credential(party, "did:example:holder"), proof_id="urn:uuid:1")
    added: dict[str, Any] = {"contexts": CONTEXTS, "purpose": KeyPurpose.CREDENTIAL, "proof_purpose": "assertionMethod"}
    chained = asyncio.run(
        add_further_proof(secured, **party.here(KeyPurpose.CREDENTIAL), **added, previous_proof="urn:uuid:1")
    )
    arguments: dict[str, Any] = {
        "keys": keys(party),
        "now": parties.now(),
        "contexts": ALLOWED,
        "jsonld_contexts": CONTEXTS,
    }
    assert len(verify_credential(read_credential(chained), **arguments).proofs) == 2
    assert sorted(party.verified_there(chained)["each"]) == [False, True]


def astral_here(suite: Cryptosuite) -> None:
    party = Party(suite)
    secured = party.signed_there(credential(party, "did:example:holder", astral=True))
    with pytest.raises(InvalidSignatureError):
        verify_credential(
            read_credential(secured),
            keys=keys(party),
            now=parties.now(),
            contexts=ALLOWED,
            jsonld_contexts=CONTEXTS,
        )


def astral_there(suite: Cryptosuite) -> None:
    party = Party(suite)
    secured = ours(party, credential(party, "did:example:holder", astral=True))
    assert party.verified_there(secured)["verified"] is False


def register(suite: Cryptosuite, peer: str, form: str) -> None:
    """Register the cells of one suite. Presentations are signed here by suites of Data Integrity alone."""
    exchange(peer, f"VC, {form}", HERE)(partial(credential_here, suite))
    exchange(peer, f"VC, {form}", THERE)(partial(credential_there, suite))
    exchange(peer, f"VP with VC, {form}", HERE)(partial(presentation_here, suite))
    if suite is not ED25519_SIGNATURE_2020:
        exchange(peer, f"VP with VC, {form}", THERE)(partial(presentation_there, suite))
    exchange(peer, f"proof chain, {form}", THERE, differs=CHAIN_DIFFERS)(partial(chain_there, suite))
    if isinstance(suite, RdfcCryptosuite):
        exchange(peer, f"VC with terms beyond U+FFFF, {form}", HERE, differs=ORDER_DIFFERS)(partial(astral_here, suite))
        exchange(peer, f"VC with terms beyond U+FFFF, {form}", THERE, differs=ORDER_DIFFERS)(
            partial(astral_there, suite)
        )
