"""openvc-core resolves the DIDs that we make: did:key, did:jwk, and a did:webvh with updates and rotated keys."""

from __future__ import annotations

import asyncio

import pytest
from openvc.did.did_jwk import DidJwkResolver
from openvc.did.did_key import DidKeyResolver
from openvc.did.did_webvh import DidWebvhError, DidWebvhResolver

from ssi.did.methods.jwk import did_jwk
from ssi.did.methods.key import did_key
from ssi.did.webvh import WebvhLog, did_to_url
from ssi.did.webvh.controller import create_did, deactivate_did, rotate_keys, update_did
from ssi.did.webvh.document import DocumentKey, build_document
from ssi.keys import Curve, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.types import JsonObject
from tests.interop.exchanges import _parties as parties
from tests.interop.matrix import THERE, exchange

SHARED = (Curve.ED25519, Curve.P256, Curve.P384)
"""The curves that the peer reads in a DID."""


@exchange("openvc-core", "did:key", THERE)
def key_ours_there() -> None:
    for curve in SHARED:
        public = PrivateKey.generate(curve).public_key
        (method,) = DidKeyResolver().resolve(did_key(public)).verification_methods
        assert method.public_key_jwk == public.to_jwk()


@exchange("openvc-core", "did:jwk", THERE)
def jwk_ours_there() -> None:
    for curve in SHARED:
        public = PrivateKey.generate(curve).public_key
        (method,) = DidJwkResolver().resolve(did_jwk(public.to_jwk())).verification_methods
        assert method.public_key_jwk == public.to_jwk()


@exchange("openvc-core", "did:webvh, updated and rotated", THERE)
def webvh_ours_there() -> None:
    log, key = asyncio.run(_log(deactivated=False))
    asked: list[str] = []

    def fetch(url: str) -> str:
        asked.append(url)
        return log.log.decode()

    document = DidWebvhResolver(fetch).resolve(log.did)
    assert asked == [did_to_url(log.did)]
    assert document.raw == log.head.document
    assert document.key_by_kid(f"{log.did}#key-1") is not None
    assert [method.public_key_jwk for method in document.verification_methods] == [key.public_key.to_jwk()]


@exchange("openvc-core", "did:webvh, deactivated", THERE)
def deactivated_ours_there() -> None:
    log, _ = asyncio.run(_log(deactivated=True))
    with pytest.raises(DidWebvhError, match="deactivated"):
        DidWebvhResolver(lambda url: log.log.decode()).resolve(log.did)


async def _log(*, deactivated: bool) -> tuple[WebvhLog, PrivateKey]:
    """Return a log of four versions or five: made, key added, update keys rotated twice, deactivated."""
    kms, key, now = MemoryKms(), PrivateKey.generate(Curve.P256), parties.now() - 60

    def document(did: str, *keys: DocumentKey) -> JsonObject:
        return build_document(did, keys=keys)

    shown = DocumentKey(fragment="key-1", key=key.public_key, relationships=("assertionMethod",))
    new = await create_did(kms=kms, name="did", domain="registry.example", path=["a"], document=document, now=now)
    new = await update_did(new.log, kms=kms, name="did", now=now + 1, document=document(new.did, shown))
    for step in (2, 3):
        new = await rotate_keys(new.log, kms=kms, name="did", now=now + step)
    if deactivated:
        new = await deactivate_did(new.log, kms=kms, name="did", now=now + 4)
    return new.log, key
