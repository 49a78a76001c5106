"""Rows: BBS over twenty messages and whole bbs-2023 documents, beside Digital Bazaar's packages for node.

The peer runs in a process of its own, right after ours; both are times of the processor. "× faster" is the peer's time
over ours. One check of two pairings is the bare primitive: no verification can be cheaper.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.keys.bbs import keygen, proof_gen, proof_verify, sign, sk_to_pk, verify
from ssi.keys.bbs.group import GT, NEGATIVE_BP2, G1Point, g2_from_octets
from ssi.proofs.bbs_2023 import Bbs2023, derive_proof
from ssi.proofs.data_integrity import add_proof, verify_proofs
from ssi.types import JsonObject
from tests.bench import subjects
from tests.bench.harness import Case, Spread, compare
from tests.bench.rows import Effort, Line, row
from tests.interop.exchanges import _npm as npm
from tests.interop.matrix import PeerAbsent
from tests.unit.proofs.party import CONTEXTS, EXAMPLES

SECRET = keygen(b"a secret that is at least 32 octets long")
PUBLIC = sk_to_pk(SECRET)
MESSAGES = [f"{name}: {value}".encode() for name, value in subjects.CLAIMS.items()]
SHOWN = [0, 5, 10, 15]
AT_LEAST = 40
METHOD = f"{subjects.ISSUER}#bbs"
MANDATORY = ["/issuer", "/validFrom"]
SELECTIVE = [f"/credentialSubject/{name}" for name in list(subjects.CLAIMS)[:4]]


def _pairings() -> Case:
    point, public = G1Point(), g2_from_octets(PUBLIC)
    return Case("two pairings", lambda: GT.pairing_check([point, point], [public, NEGATIVE_BP2]))


def _line(operation: str, ours: Case, peer: str, request: dict[str, Any], effort: Effort, *, goal: int | None) -> Line:
    """Measure ours beside the bare primitive, and the peer after it."""
    found = compare(_pairings(), ours, rounds=effort.rounds)
    assert found.ours is not None
    mine, ratio = found.ours.seconds.median, found.ours.ratio.median
    target = f"≥ {goal} × faster than {peer}" if goal else f"– (beside {peer})"
    text = f"{mine * 1e3:.2f} ms, {ratio:.2f} × two pairings"
    try:
        seconds = npm.ask_selective(rounds=min(effort.rounds, 10), calls=1, **request)
    except PeerAbsent:
        return Line(operation, target, text, None, f"{peer}: absent")
    theirs = Spread.of(seconds)
    faster = theirs.times(1 / mine)
    met = None if goal is None else faster.median >= goal
    measured = f"{faster.median:.0f} × ({faster.low:.0f} to {faster.high:.0f}); {text}"
    return Line(operation, target, measured, met, f"{peer}: {theirs.median * 1e3:.0f} ms")


def _request(action: str, **more: Any) -> dict[str, Any]:
    fixed = {"ciphersuite": "BLS12-381-SHA-256", "publicKey": PUBLIC.hex(), "header": b"header".hex()}
    return {"action": action, **fixed, **more}


@row("bbs, 20 messages")
def primitives(effort: Effort) -> Iterator[Line]:
    peer = "@digitalbazaar/bbs-signatures"
    signature = sign(SECRET, PUBLIC, MESSAGES, header=b"header")
    about: dict[str, Any] = {"header": b"header", "presentation_header": b"nonce"}
    proof = proof_gen(PUBLIC, signature, MESSAGES, SHOWN, **about)
    shown = [MESSAGES[index] for index in SHOWN]
    texts = [message.hex() for message in MESSAGES]
    told = {"presentationHeader": b"nonce".hex(), "indexes": SHOWN}
    rows: list[tuple[str, Case, dict[str, Any], int | None]] = [
        (
            "bbs verify, 20 messages",
            Case("ours", lambda: verify(PUBLIC, signature, MESSAGES, header=b"header")),
            _request("verify", signature=signature.hex(), messages=texts),
            AT_LEAST,
        ),
        (
            "bbs derive, 4 of 20 messages shown",
            Case("ours", lambda: proof_gen(PUBLIC, signature, MESSAGES, SHOWN, **about)),
            _request("proofGen", signature=signature.hex(), messages=texts, **told),
            AT_LEAST,
        ),
        (
            "bbs verify a derived proof, 4 of 20 messages shown",
            Case("ours", lambda: proof_verify(PUBLIC, proof, shown, SHOWN, **about)),
            _request("proofVerify", proof=proof.hex(), disclosed=[message.hex() for message in shown], **told),
            AT_LEAST,
        ),
        (
            "bbs sign, 20 messages",
            Case("ours", lambda: sign(SECRET, PUBLIC, MESSAGES, header=b"header")),
            _request("sign", secretKey=SECRET.hex(), messages=texts),
            None,
        ),
    ]
    for operation, ours, request, goal in rows:
        yield _line(operation, ours, peer, request, effort, goal=goal)


def _credential() -> JsonObject:
    document = subjects.credential()
    document["@context"] = [*document["@context"], EXAMPLES]
    document["credentialSubject"] = dict(subjects.CLAIMS)
    return document


async def _issued(kms: MemoryKms) -> JsonObject:
    return await add_proof(
        _credential(),
        kms=kms,
        label="bbs",
        purpose=KeyPurpose.CREDENTIAL,
        verification_method=METHOD,
        proof_purpose="assertionMethod",
        created=subjects.NOW,
        suite=Bbs2023(MANDATORY),
        contexts=CONTEXTS,
    )


@row("bbs-2023 documents")
def documents(effort: Effort) -> Iterator[Line]:
    peer = "@digitalbazaar/bbs-2023-cryptosuite"
    key, kms = PrivateKey.from_raw(Curve.BLS12_381_G2, SECRET), MemoryKms()
    asyncio.run(kms.add("bbs", key, purpose=KeyPurpose.CREDENTIAL))
    base = asyncio.run(_issued(kms))
    derived = derive_proof(base, selective_pointers=SELECTIVE, contexts=CONTEXTS)
    allowed = {**{url: CONTEXTS.document(url) for url in CONTEXTS}, **npm.documents(key, METHOD)}

    def find(_: str, __: str, /) -> PublicKey:
        return key.public_key

    def check() -> object:
        return verify_proofs(
            derived, keys=find, expected_purpose="assertionMethod", now=subjects.NOW, contexts=CONTEXTS
        )

    async def issue() -> JsonObject:
        return await _issued(kms)

    def request(action: str, document: JsonObject, **more: Any) -> dict[str, Any]:
        return {"action": action, "suite": "bbs-2023", "document": document, "documents": allowed, **more}

    rows: list[tuple[str, Case, dict[str, Any]]] = [
        (
            "bbs-2023 derive, 20 claims, 4 shown",
            Case("ours", lambda: derive_proof(base, selective_pointers=SELECTIVE, contexts=CONTEXTS)),
            request("derive", base, selectivePointers=SELECTIVE, presentationHeader=""),
        ),
        ("bbs-2023 verify, 20 claims, 4 shown", Case("ours", check), request("check", derived)),
        (
            "bbs-2023 issue, 20 claims",
            Case("ours", issue),
            request(
                "issue",
                _credential(),
                key=npm.multikey(key, METHOD, private=True),
                created=base["proof"]["created"],
                mandatoryPointers=MANDATORY,
            ),
        ),
    ]
    for operation, ours, sent in rows:
        yield _line(operation, ours, peer, sent, effort, goal=None)
