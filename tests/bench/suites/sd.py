"""Rows: ecdsa-sd-2023 on a credential of twenty claims, beside one bare P-256 operation and Digital Bazaar's package.

Every statement has a signature of its own, so that the operations that any implementation must do are counted in the
target: a base proof over 20 claims takes a signature for each of the statements that can be withheld and one for all.
The peer runs in a process of its own, right after ours; both are times of the processor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from ssi.keys import KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.proofs.data_integrity import add_proof, verify_proofs
from ssi.proofs.derive import derive_proof, verify_base_proof
from ssi.proofs.ecdsa_sd_2023 import EcdsaSd2023
from ssi.proofs.ecdsa_sd_proof_value import parse_base, parse_derived
from ssi.types import JsonObject
from tests.bench import subjects
from tests.bench.harness import Case, Spread, compare
from tests.bench.rows import Effort, Line, row
from tests.interop.exchanges import _npm as npm
from tests.interop.matrix import PeerAbsent
from tests.unit.proofs.party import CONTEXTS, EXAMPLES

PEER = "@digitalbazaar/ecdsa-sd-2023-cryptosuite"
METHOD = f"{subjects.ISSUER}#key-1"
MANDATORY = ["/issuer", "/validFrom", "/validUntil"]
SELECTIVE = [f"/credentialSubject/{name}" for name in list(subjects.CLAIMS)[:4]]


def _credential() -> JsonObject:
    document = subjects.credential()
    document["@context"] = [*document["@context"], EXAMPLES]
    return document


async def _issued(kms: MemoryKms) -> JsonObject:
    return await add_proof(
        _credential(),
        kms=kms,
        label="sd",
        purpose=KeyPurpose.CREDENTIAL,
        verification_method=METHOD,
        proof_purpose="assertionMethod",
        created=subjects.NOW,
        suite=EcdsaSd2023(MANDATORY),
        contexts=CONTEXTS,
    )


def _line(operation: str, primitive: Case, ours: Case, needed: int, request: dict[str, Any], effort: Effort) -> Line:
    """Measure ours beside one bare operation, of which ``needed`` are done, and the peer after it."""
    found = compare(primitive, ours, rounds=effort.rounds)
    assert found.ours is not None
    mine, ratio = found.ours.seconds.median, found.ours.ratio.median
    text = f"{mine * 1e3:.2f} ms, {ratio:.1f} × one {primitive.label}, of which it takes {needed}"
    target = f"– (beside {PEER})"
    try:
        theirs = Spread.of(npm.ask_selective(rounds=min(effort.rounds, 10), calls=3, suite=EcdsaSd2023.name, **request))
    except PeerAbsent:
        return Line(operation, target, text, None, f"{PEER}: absent")
    faster = theirs.times(1 / mine)
    measured = f"{faster.median:.1f} × faster ({faster.low:.1f} to {faster.high:.1f}); {text}"
    return Line(operation, target, measured, None, f"{PEER}: {theirs.median * 1e3:.1f} ms")


@row("ecdsa-sd-2023")
def documents(effort: Effort) -> Iterator[Line]:
    key, kms = PrivateKey(subjects.key_pair()), MemoryKms()
    asyncio.run(kms.add("sd", key, purpose=KeyPurpose.CREDENTIAL))
    base = asyncio.run(_issued(kms))
    derived = derive_proof(base, selective_pointers=SELECTIVE, contexts=CONTEXTS)
    signed = len(parse_base(base["proof"]["proofValue"]).signatures) + 1
    shown = len(parse_derived(derived["proof"]["proofValue"]).signatures) + 1
    allowed = {**{url: CONTEXTS.document(url) for url in CONTEXTS}, **npm.documents(key, METHOD)}
    verify_one = Case("P-256 verify", subjects.primitive_verify())
    sign_one = Case("P-256 sign", subjects.primitive_sign())

    def find(_: str, __: str, /) -> PublicKey:
        return key.public_key

    def check() -> object:
        return verify_proofs(
            derived, keys=find, expected_purpose="assertionMethod", now=subjects.NOW, contexts=CONTEXTS
        )

    async def issue() -> JsonObject:
        return await _issued(kms)

    def request(action: str, document: JsonObject, **more: Any) -> dict[str, Any]:
        return {"action": action, "document": document, "documents": allowed, **more}

    multikey = npm.multikey(key, METHOD, private=True)
    created = base["proof"]["created"]
    yield _line(
        "ecdsa-sd-2023 issue, 20 claims",
        sign_one,
        Case("ours", issue),
        signed,
        request("issue", _credential(), key=multikey, created=created, mandatoryPointers=MANDATORY),
        effort,
    )
    yield _line(
        "ecdsa-sd-2023 derive, 4 of 20 claims shown",
        sign_one,
        Case("ours", lambda: derive_proof(base, selective_pointers=SELECTIVE, contexts=CONTEXTS)),
        0,
        request("derive", base, selectivePointers=SELECTIVE),
        effort,
    )
    yield _line(
        "ecdsa-sd-2023 verify, 4 of 20 claims shown",
        verify_one,
        Case("ours", check),
        shown,
        request("check", derived),
        effort,
    )
    public = key.public_key
    found = compare(
        verify_one, Case("ours", lambda: verify_base_proof(base, key=public, contexts=CONTEXTS)), rounds=effort.rounds
    )
    assert found.ours is not None
    text = (
        f"{found.ours.seconds.median * 1e3:.2f} ms, {found.ours.ratio.median:.1f} × one P-256 verify, of which {signed}"
    )
    yield Line("ecdsa-sd-2023, the holder's check of a base proof", "–", text, None, "no peer has one")
