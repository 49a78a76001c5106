"""Credentials as somebody would write them who wants a verifier to work for nothing: as text, each of at most 1 MiB.

Source:  W3C RDF Dataset Canonicalization 1.0, 7.1 (dataset poisoning); JSON-LD 1.1, 11 (security); W3C Verifiable
         Credential Data Integrity 1.0, 5 (security).
Shapes:  the text of one credential with proofs, by what is wrong with it. Nothing is signed: a verifier has to come to
         the end of its work, or refuse, before any signature helps.
"""

from __future__ import annotations

import json
from typing import Any

from ssi.credentials.contexts import VC_V2_CONTEXT
from ssi.encoding.multibase import base58btc_encode

MAX_BYTES = 1 << 20
METHOD = "did:key:z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b#z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b"
EX = "https://a.example/"


def proof(**members: object) -> dict[str, Any]:
    """A proof of the right shape, which nobody made."""
    return {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "created": "2026-01-01T00:00:00Z",
        "verificationMethod": METHOD,
        "proofPurpose": "assertionMethod",
        "proofValue": base58btc_encode(bytes(range(1, 65))),
        **members,
    }


def credential(**members: object) -> dict[str, Any]:
    """A credential with that proof."""
    return {
        "@context": [VC_V2_CONTEXT, {"@vocab": EX}],
        "type": ["VerifiableCredential"],
        "issuer": METHOD.partition("#")[0],
        "credentialSubject": {"id": "did:example:a"},
        "proof": proof(),
        **members,
    }


def nested(levels: int, name: str, inside: object = "x") -> object:
    """``inside`` under ``levels`` objects."""
    for _ in range(levels):
        inside = {name: inside}
    return inside


def clique(size: int) -> list[dict[str, Any]]:
    """``size`` blank nodes, each of which knows all others: the poison graph."""
    return [{"@id": f"_:n{i}", "knows": [{"@id": f"_:n{j}"} for j in range(size) if j != i]} for i in range(size)]


def alike(size: int) -> list[dict[str, Any]]:
    """``size`` blank nodes in a ring: as many ways to begin as there are nodes."""
    return [{"@id": f"_:n{i}", "next": {"@id": f"_:n{(i + 1) % size}"}} for i in range(size)]


def chain(**members: object) -> dict[str, Any]:
    """Sixteen proofs, each over all others."""
    names = [f"urn:proof:{number}" for number in range(16)]
    proofs = [proof(id=name, previousProof=[other for other in names if other != name]) for name in names]
    return credential(proof=proofs, **members)


def padded(document: dict[str, Any]) -> dict[str, Any]:
    """``document`` made as long as is taken at all."""
    room = MAX_BYTES - len(json.dumps(document).encode()) - 200
    return document | {"credentialSubject": {"id": "did:example:a", "text": "x" * room}}


def many(count: int) -> dict[str, Any]:
    """A subject with ``count`` claims."""
    return {"id": "did:example:a", **{f"c{number}": "x" for number in range(count)}}


def documents() -> dict[str, bytes]:
    """Return the texts by what they try."""
    scoped = {f"t{n}": {"@id": f"{EX}{n}", "@context": {f"u{n}": f"{EX}u{n}"}} for n in range(9_000)}
    prefixes = {"a0": EX, **{f"a{n}": {"@id": f"a{n - 1}:{'x' * 900}", "@prefix": True} for n in range(1, 900)}}
    made = {
        "a clique of 12 blank nodes": credential(knows=clique(12)),
        "a clique of 100 blank nodes": credential(knows=clique(100)),
        "a ring of 5,000 blank nodes": credential(knows=alike(5_000)),
        "1,000 rings of 5 blank nodes": credential(
            knows=[
                {"@id": f"_:r{r}n{i}", "next": {"@id": f"_:r{r}n{(i + 1) % 5}"}} for r in range(1_000) for i in range(5)
            ]
        ),
        "contexts in contexts": credential(**{"@context": [VC_V2_CONTEXT, {"t": nested(30, "@context", {})}]}),
        "9,000 scoped contexts": credential(**{"@context": [VC_V2_CONTEXT, scoped]}),
        "prefixes that grow": credential(**{"@context": [VC_V2_CONTEXT, prefixes]}),
        "9,000 contexts of one term": credential(
            p=[{"@context": {f"t{n}": f"{EX}t"}, f"t{n}": "x"} for n in range(9_000)]
        ),
        "40,000 claims": credential(credentialSubject=many(40_000)),
        "40,000 values": credential(credentialSubject={"id": "did:example:a", "c": [str(n) for n in range(40_000)]}),
        "40,000 types": credential(type=["VerifiableCredential", *(f"{EX}{n}" for n in range(30_000))]),
        "a long list": credential(c={"@list": list(range(100_000))}),
        "sixteen proofs over a megabyte": padded(credential(proof=[proof() for _ in range(16)])),
        "a chain that loops": padded(chain()),
        "a proof value of a megabyte": credential(proof=proof(proofValue="z" + "2" * 1_000_000)),
        "a verification method of a megabyte": credential(
            proof=proof(verificationMethod="did:key:z" + "2" * 1_000_000)
        ),
        "a number of a megabyte": credential(c=1),
    }
    texts = {name: json.dumps(document).encode() for name, document in made.items()}
    texts["a number of a megabyte"] = texts["a number of a megabyte"].replace(b'"c": 1', b'"c": 1' + b"0" * 1_000_000)
    texts["nested 100,000 deep"] = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    texts["lists 500,000 deep"] = b"[" * 500_000 + b"]" * 500_000
    texts["nested 30 deep, everywhere"] = json.dumps(credential(c=[nested(28, "c") for _ in range(5_000)])).encode()
    return {name: text for name, text in texts.items() if len(text) <= MAX_BYTES or name.startswith("a number")}
