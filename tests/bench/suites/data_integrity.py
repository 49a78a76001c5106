"""Rows: issue and verify a credential with an embedded proof, beside one bare P-256 operation."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

from openvc import P256SigningKey
from openvc.proof.di_jcs import EcdsaJcsProofSuite

from ssi.credentials.data_integrity import read_credential, secure_credential, verify_credential
from ssi.credentials.vcdm import parse_credential
from ssi.encoding.gate import parse_object
from ssi.keys import PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.types import JsonObject
from tests.bench import ours, subjects
from tests.bench.harness import Case, compare
from tests.bench.rows import Effort, Line, ratio_line, row


async def secured(kms: MemoryKms) -> JsonObject:
    """Return the credential of twenty claims with an ecdsa-jcs-2019 proof of its issuer."""
    return await secure_credential(
        parse_credential(subjects.credential(), contexts=()),
        kms=kms,
        label=ours.LABEL,
        verification_method=subjects.KID,
        created=subjects.NOW,
    )


async def _signed() -> JsonObject:
    return await secured(await ours.store())


def our_verify() -> Case:
    """Gate, issuer and type allowed, proof, data model and validity; the text is what travels."""
    text = json.dumps(asyncio.run(_signed()), separators=(",", ":")).encode()
    keys = {(subjects.KID, "assertionMethod"): ours.public()}

    def find(verification_method: str, purpose: str, /) -> PublicKey:
        return keys[verification_method, purpose]

    def run() -> object:
        claimed = read_credential(parse_object(text))
        if ours.TRUSTED[claimed.issuer].isdisjoint(claimed.types):
            raise AssertionError("policy refuses the type")
        return verify_credential(claimed, keys=find, now=subjects.NOW, contexts=())

    return Case("ours", run)


def their_verify() -> Case:
    """The proof, the purpose and the validity of a document that was parsed before."""
    suite, public = EcdsaJcsProofSuite(), subjects.jwk(private=False)
    signer = P256SigningKey.from_jwk(subjects.jwk(), subjects.KID)
    document = suite.add_proof(subjects.credential(), signing_key=signer, verification_method=subjects.KID)
    return Case("openvc", lambda: suite.verify(document, public_key_jwk=public))


@row("ecdsa-jcs-2019 verify")
def verify(effort: Effort) -> Iterator[Line]:
    primitive = Case("one P-256 verify", subjects.primitive_verify())
    found = compare(primitive, our_verify(), [their_verify()], rounds=effort.rounds)
    yield ratio_line("ecdsa-jcs-2019 verify, 20 claims: data model, validity", found, at_most=1.8)


@row("ecdsa-jcs-2019 issue")
def issue(effort: Effort) -> Iterator[Line]:
    primitive = Case("one P-256 sign", subjects.primitive_sign())
    kms = asyncio.run(ours.store())

    async def run() -> JsonObject:
        return await secured(kms)

    found = compare(primitive, Case("ours", run), rounds=effort.rounds)
    yield ratio_line("ecdsa-jcs-2019 issue, 20 claims", found, at_most=None)
