"""Rows: ecdsa-rdfc-2019 on a credential of twenty claims, beside one bare P-256 operation and the peers.

The peers from npm run in a process of their own, so their ratio is to the primitive of this one; like everything here
it is of processor time. What they and PyLD take for the parts alone is shown beside what they take for the whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from openvc import P256SigningKey
from openvc.proof.di_ecdsa_rdfc import EcdsaRdfcProofSuite
from pyld import jsonld

from ssi.credentials.data_integrity import read_credential, secure_credential, verify_credential
from ssi.credentials.vcdm import parse_credential
from ssi.encoding.gate import parse_object
from ssi.encoding.jsonld import to_quads
from ssi.encoding.rdf import Quad, format_nquads
from ssi.encoding.rdfc import canonicalize
from ssi.errors import CanonicalizationError
from ssi.keys import PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.proofs.data_integrity import ECDSA_RDFC_2019_P256
from ssi.types import JsonObject
from tests.bench import ours, subjects
from tests.bench.harness import Case, Comparison, Measured, Spread, compare, repeated
from tests.bench.rows import Effort, Line, ratio_line, row, value_line
from tests.interop.exchanges import _npm as npm
from tests.interop.matrix import PeerAbsent
from tests.unit.encoding.test_rdfc import LARGE, POISON
from tests.unit.proofs.party import CONTEXTS, EXAMPLES

METHOD = f"{subjects.ISSUER}#key-1"


def credential(*, ids: bool) -> JsonObject:
    """Return a credential of twenty claims, the last five about an address; without ``ids``, three blank nodes."""
    claims = list(subjects.CLAIMS.items())
    document = subjects.credential()
    document["@context"] = [*document["@context"], EXAMPLES]
    address: JsonObject = {"id": "urn:uuid:0a4a1a36-5b1e-4a0c-8d5c-0a0c1f6f3a3b", **dict(claims[15:])}
    subject: JsonObject = {"id": "did:example:holder", **dict(claims[:15]), "address": address}
    document["credentialSubject"] = subject
    if not ids:
        for node in (document, subject, address):
            del node["id"]
    return document


async def secured(kms: MemoryKms, document: JsonObject) -> JsonObject:
    """Return ``document`` with an ecdsa-rdfc-2019 proof of its issuer."""
    return await secure_credential(
        parse_credential(document, contexts=(EXAMPLES,)),
        kms=kms,
        label=ours.LABEL,
        verification_method=METHOD,
        created=subjects.NOW,
        suite=ECDSA_RDFC_2019_P256,
        jsonld_contexts=CONTEXTS,
    )


def our_verify(document: JsonObject) -> Case:
    """Gate, issuer and type allowed, proof, data model and validity; the text is what travels."""
    text = json.dumps(asyncio.run(_signed(document)), separators=(",", ":")).encode()
    keys = {(METHOD, "assertionMethod"): ours.public()}

    def find(verification_method: str, purpose: str, /) -> PublicKey:
        return keys[verification_method, purpose]

    def run() -> object:
        claimed = read_credential(parse_object(text))
        if ours.TRUSTED[claimed.issuer].isdisjoint(claimed.types):
            raise AssertionError("policy refuses the type")
        return verify_credential(claimed, keys=find, now=subjects.NOW, contexts=(EXAMPLES,), jsonld_contexts=CONTEXTS)

    return Case("ours", run)


async def _signed(document: JsonObject) -> JsonObject:
    return await secured(await ours.store(), document)


def _openvc() -> dict[str, Any]:
    return {"extra_contexts": {EXAMPLES: CONTEXTS.document(EXAMPLES)}}


def their_verify(document: JsonObject) -> Case:
    """The proof, the contexts, the purpose and the validity of a document that was parsed before."""
    suite, public = EcdsaRdfcProofSuite(), subjects.jwk(private=False)
    signed = asyncio.run(_signed(document))
    return Case("openvc", lambda: suite.verify(signed, public_key_jwk=public, **_openvc()))


def pyld_alone(document: JsonObject) -> Case:
    """Canonical N-Quads of document and proof, and nothing else."""
    inputs = _inputs(asyncio.run(_signed(document)))

    def load(url: str, _: Any) -> JsonObject:
        found = {"document": CONTEXTS.document(url), "documentUrl": url, "contextUrl": None}
        return {**found, "contentType": "application/ld+json"}

    options = {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": load}

    def run() -> None:
        for item in inputs:
            jsonld.normalize(item, options)

    return Case("PyLD, canonicalization alone", run)


def _inputs(signed: JsonObject) -> list[JsonObject]:
    """Return what gets canonicalised: the proof configuration and the document."""
    proof = {name: value for name, value in signed["proof"].items() if name != "proofValue"}
    document = {name: value for name, value in signed.items() if name != "proof"}
    return [{**proof, "@context": signed["@context"]}, document]


def from_npm(primitive: Measured, effort: Effort, requests: Sequence[tuple[str, dict[str, Any]]]) -> list[Measured]:
    """Return what the peers from npm took for ``requests``; none if they cannot be had here."""
    found: list[Measured] = []
    for label, request in requests:
        try:
            seconds = Spread.of(npm.seconds(rounds=effort.rounds, calls=20, **request))
        except PeerAbsent:
            return []
        found.append(Measured(label, seconds, seconds.times(1 / primitive.seconds.median)))
    return found


def _documents(key: PrivateKey) -> dict[str, Any]:
    return {**{url: CONTEXTS.document(url) for url in CONTEXTS}, **npm.documents(key, METHOD)}


def _with_peers(found: Comparison, peers: Sequence[Measured]) -> Comparison:
    return found._replace(peers=(*found.peers, *peers))


def _verify(document: JsonObject, effort: Effort) -> Comparison:
    primitive = Case("one P-256 verify", subjects.primitive_verify())
    slow = [their_verify(document), pyld_alone(document)]
    found = compare(primitive, our_verify(document), slow, rounds=effort.rounds)
    signed = asyncio.run(_signed(document))
    documents, inputs = _documents(PrivateKey.from_jwk(subjects.jwk())), _inputs(signed)
    nquads = [format_nquads(to_quads(item, contexts=CONTEXTS)) for item in inputs]
    requests: list[tuple[str, dict[str, Any]]] = [
        ("Digital Bazaar's suite", {"action": "verify", "document": signed, "documents": documents}),
        ("npm jsonld, canonicalization alone", {"action": "canonize", "inputs": inputs, "documents": documents}),
        ("npm rdf-canonize, from N-Quads alone", {"action": "rdfc", "inputs": nquads}),
    ]
    return _with_peers(found, from_npm(found.primitive, effort, requests))


@row("ecdsa-rdfc-2019 verify")
def verify(effort: Effort) -> Iterator[Line]:
    found = _verify(credential(ids=True), effort)
    yield ratio_line("ecdsa-rdfc-2019 verify, 20 claims, nodes with ids", found, at_most=3)
    found = _verify(credential(ids=False), effort)
    yield ratio_line("ecdsa-rdfc-2019 verify, 20 claims, blank nodes", found, at_most=4)


@row("ecdsa-rdfc-2019 issue")
def issue(effort: Effort) -> Iterator[Line]:
    primitive = Case("one P-256 sign", subjects.primitive_sign())
    kms, document = asyncio.run(ours.store()), credential(ids=True)
    suite, signer = EcdsaRdfcProofSuite(), P256SigningKey.from_jwk(subjects.jwk(), METHOD)

    async def run() -> JsonObject:
        return await secured(kms, document)

    def openvc() -> object:
        return suite.add_proof(document, signing_key=signer, verification_method=METHOD, **_openvc())

    found = compare(primitive, Case("ours", run), [Case("openvc", openvc)], rounds=effort.rounds)
    key = PrivateKey.from_jwk(subjects.jwk())
    multikey = npm.multikey(key, METHOD, private=True)
    request = {"action": "sign", "document": document, "documents": _documents(key), "key": multikey}
    peers = from_npm(found.primitive, effort, [("Digital Bazaar's suite", request)])
    yield ratio_line("ecdsa-rdfc-2019 issue, 20 claims", _with_peers(found, peers), at_most=6)


@row("RDFC-1.0 hostile")
def hostile(effort: Effort) -> Iterator[Line]:
    """The slowest of the graphs that are refused, and of the large ones that are not."""
    slowest: dict[str, tuple[Spread, str]] = {}
    for kind, graphs in (("refused", POISON), ("done", LARGE)):
        for name, quads in graphs.items():
            taken = repeated(partial(_taken, quads), rounds=1 if effort.quick else 3)
            slowest[kind] = max(slowest.get(kind, (taken, name)), (taken, name))
    for kind, (taken, name) in slowest.items():
        count = len(POISON if kind == "refused" else LARGE)
        yield value_line(f"RDFC-1.0, slowest of {count} graphs that are {kind}", taken, "s", at_most=1, others=name)


def _taken(quads: list[Quad]) -> float:
    begun = time.thread_time()
    with contextlib.suppress(CanonicalizationError):
        canonicalize(quads)
    return time.thread_time() - begun
