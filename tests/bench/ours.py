"""Our way of doing what the rows measure: the pure steps that a verifier and an issuer take, caches warm.

Source:  docs/adr/0003-speed.md says what each row includes.
Input:   the keys and claims of tests/bench/subjects.py.
Shapes:  each function returns a case whose keys are parsed and whose status list is cached beforehand.
I/O:     none; the key store is the one in memory.
Errors:  whatever the library raises ends the measurement.
"""

from __future__ import annotations

import asyncio
import json

from ssi.credentials.jose import read_vc_jwt, sign_vc_jwt, verify_vc_jwt
from ssi.credentials.sd_jwt import KeyBindingPolicy, bind, issue_sd_jwt_vc, read_sd_jwt_vc, verify_sd_jwt_vc
from ssi.credentials.vcdm import parse_credential
from ssi.keys import KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.ports import Fetched, PublishedList
from ssi.status import (
    StatusFormat,
    StatusListCache,
    StatusPolicy,
    check_status,
    parse_references,
    parse_status_list,
    verify_status_list,
)
from ssi.status.lists import StatusArray, StatusFamily
from ssi.status.publish import SignedList, publish_lists
from ssi.status.reference import build_bitstring_entry
from ssi.types import JsonObject
from tests.bench import subjects
from tests.bench.harness import Case

LABEL, HOLDER, LIST = "issuer", "holder", "list"
TYPE, VCT = "ResidenceCertificate", "https://registry.example/residence"
ENTRIES = 1 << 17
POLICY = StatusPolicy(max_age_seconds=86_400)
TRUSTED = {subjects.ISSUER: {TYPE}}


def public(name: str = "issuer") -> PublicKey:
    """Return the public key of one party."""
    return PublicKey.from_jwk(subjects.jwk(name, private=False))


async def store() -> MemoryKms:
    """Return a key store with the keys of issuer, list and holder."""
    kms = MemoryKms()
    await kms.add(LABEL, PrivateKey.from_jwk(subjects.jwk()), purpose=KeyPurpose.CREDENTIAL)
    await kms.add(LIST, PrivateKey.from_jwk(subjects.jwk("list")), purpose=KeyPurpose.LIST)
    await kms.add(HOLDER, PrivateKey.from_jwk(subjects.jwk("holder")), purpose=KeyPurpose.HOLDER)
    return kms


def family() -> StatusFamily:
    """Return the lists that the credential refers to."""
    uri = "https://registry.example/status/1"
    return StatusFamily(format=StatusFormat.BITSTRING, issuer=subjects.ISSUER, uri=uri, entries=ENTRIES)


async def _published() -> tuple[SignedList, ...]:
    states, kid = StatusArray(ENTRIES), f"{subjects.ISSUER}#list"
    return await publish_lists(family(), states, kms=await store(), label=LIST, kid=kid, now=subjects.NOW)


def with_status() -> tuple[JsonObject, StatusListCache]:
    """Return the credential with a revocation entry, and a cache that holds the list it names."""
    reference = next(item for item in family().references(4711) if item.purpose == "revocation")
    compact = next(item.compact for item in asyncio.run(_published()) if item.uri == reference.uri)
    verified = verify_status_list(
        parse_status_list(compact),
        public("list"),
        expected_uri=reference.uri,
        issuer=subjects.ISSUER,
        now=subjects.NOW,
    )
    cache = StatusListCache(max_age_seconds=300)
    cache.put(verified, retrieved_at=subjects.NOW)
    return {**subjects.credential(), "credentialStatus": build_bitstring_entry(reference)}, cache


def verifier() -> Case:
    """The façade with everything that a relying party has around the pure step: resolver, list source, report."""
    from ssi.did.methods.web import DidWeb
    from ssi.did.resolver import Resolver
    from verifier import Policy, Trust, Verifier

    raw, _ = with_status()
    compact = asyncio.run(vc_jwt(raw))
    policy = Policy(
        audience=subjects.AUDIENCE,
        holder_binding="not-required",
        status="required",
        max_list_age_seconds=86_400,
        trust=(Trust(type=TYPE, issuers=(subjects.ISSUER,)),),
    )
    resolver = Resolver([DidWeb(_fetch_document)], now=lambda: subjects.NOW)
    facade = Verifier(policy, resolver=resolver, lists=_Lists(), now=lambda: subjects.NOW)

    async def run() -> object:
        return await facade.verify(compact)

    return Case("ours", run)


async def _fetch_document(url: str, *, accept: str = "", max_bytes: int = 0) -> Fetched:
    """Answer as the issuer's web server would."""
    methods = [
        {"id": f"{subjects.ISSUER}#{name}", "type": "Multikey", "controller": subjects.ISSUER}
        for name in ("key-1", "list")
    ]
    for method, key in zip(methods, ("issuer", "list"), strict=True):
        method["publicKeyMultibase"] = public(key).to_multikey()
    document = {
        "@context": ["https://www.w3.org/ns/did/v1"],
        "id": subjects.ISSUER,
        "verificationMethod": methods,
        "assertionMethod": [method["id"] for method in methods],
    }
    return Fetched(url=url, status=200, content_type="application/did+json", body=json.dumps(document).encode())


class _Lists:
    """Hands out the issuer's list, as its web server would."""

    async def status_list(self, uri: str) -> PublishedList:
        signed = next(item for item in await _published() if item.uri == uri)
        return PublishedList(uri, signed.compact.encode(), signed.media_type, None)


def vc_jwt_verify() -> Case:
    """Gate, issuer and type allowed, signature, data model, validity, status in a cached list."""
    raw, cache = with_status()
    compact = asyncio.run(vc_jwt(raw))
    keys = {subjects.KID: public()}

    def run() -> object:
        unverified = read_vc_jwt(compact)
        if TRUSTED[unverified.issuer].isdisjoint(unverified.types):
            raise AssertionError("policy refuses the type")
        verified = verify_vc_jwt(unverified, keys[str(unverified.kid)], now=subjects.NOW, contexts=())
        for reference in parse_references(verified.credential.raw):
            kept = cache.get(reference.uri, now=subjects.NOW)
            if kept is None:
                raise AssertionError("the list has left the cache")
            check_status(reference, kept, issuers=(unverified.issuer,), now=subjects.NOW, policy=POLICY)
        return verified

    return Case("ours", run)


async def vc_jwt(raw: JsonObject) -> str:
    """Return the credential ``raw`` as a VC-JWT of the issuer."""
    credential = parse_credential(raw, contexts=())
    return await sign_vc_jwt(credential, kms=await store(), label=LABEL, kid=subjects.KID, issued_at=subjects.NOW)


def vc_jwt_issue() -> Case:
    """Data model checked, signed with a key in memory; the claim of a status index is the store's and apart."""
    raw, kms = with_status()[0], asyncio.run(store())

    async def run() -> str:
        credential = parse_credential(raw, contexts=())
        return await sign_vc_jwt(credential, kms=kms, label=LABEL, kid=subjects.KID, issued_at=subjects.NOW)

    return Case("ours", run)


def sd_jwt_verify() -> Case:
    """Gate, issuer and type allowed, signature, twenty disclosures, validity, key binding."""
    compact = asyncio.run(_sd_jwt_presentation())
    keys = {subjects.KID: public()}
    binding = KeyBindingPolicy(nonce=subjects.NONCE, audience=subjects.AUDIENCE, max_age_seconds=300)

    def run() -> object:
        unverified = read_sd_jwt_vc(compact)
        if unverified.issuer not in TRUSTED or unverified.vct != VCT:
            raise AssertionError("policy refuses the type")
        return verify_sd_jwt_vc(unverified, keys[str(unverified.kid)], now=subjects.NOW, key_binding=binding)

    return Case("ours", run)


async def _sd_jwt_presentation() -> str:
    kms = await store()
    issued = await _issue(kms, public("holder"))
    return await bind(issued, kms=kms, label=HOLDER, nonce=subjects.NONCE, audience=subjects.AUDIENCE, now=subjects.NOW)


async def _issue(kms: MemoryKms, holder: PublicKey) -> str:
    issued = await issue_sd_jwt_vc(
        subjects.CLAIMS,
        vct=VCT,
        issuer=subjects.ISSUER,
        kid=subjects.KID,
        disclosable=[(name,) for name in subjects.CLAIMS],
        kms=kms,
        label=LABEL,
        issued_at=subjects.NOW,
        valid_until=subjects.NOW + 86_400,
        holder_key=holder,
    )
    return issued.compact


def sd_jwt_issue() -> Case:
    """Twenty disclosures, bound to a holder key, signed with a key in memory."""
    kms, holder = asyncio.run(store()), public("holder")

    async def run() -> str:
        return await _issue(kms, holder)

    return Case("ours", run)
