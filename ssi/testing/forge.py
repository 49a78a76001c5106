"""Take signed things apart and put them together wrongly.

A relying party's tests need presentations that no correct library would make. These functions make them: nothing is
checked here, and what comes out is for verifiers to refuse.

Shapes:  a JWS is compact text; an SD-JWT is cut at ``~``; a COSE_Sign1 is base64, its header a map of CBOR labels.
         ``changes`` replace members; None takes a member away.
I/O:     the key store, where one signs.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, TypeAlias

from ssi.encoding.base64url import b64_decode, b64_encode, b64url_decode, b64url_encode
from ssi.encoding.cbor import Tag, decode_cbor, encode_cbor
from ssi.keys import KeyPurpose, Kms
from ssi.proofs.suites import Cryptosuite
from ssi.types import JsonObject, JsonValue

Changes: TypeAlias = Mapping[str, JsonValue]


def encode_part(value: JsonValue) -> str:
    """Return base64url of compact JSON, in the order of ``value``; bytes are taken as they are."""
    return b64url_encode(value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode())


def decode_jws(jws: str) -> tuple[JsonObject, JsonObject]:
    """Return header and claims of a JWS, unverified."""
    header, claims, _ = jws.split(".")
    return json.loads(b64url_decode(header)), json.loads(b64url_decode(claims))


def changed(value: JsonObject, changes: Changes | None) -> JsonObject:
    """Return ``value`` with ``changes``."""
    return {name: item for name, item in {**value, **(changes or {})}.items() if item is not None}


async def sign_anything(
    header: JsonObject, claims: JsonValue, *, kms: Kms, label: str, purpose: KeyPurpose = KeyPurpose.CREDENTIAL
) -> str:
    """Return a JWS over whatever is given, signed by the key ``label``; the header is taken as it stands."""
    message = f"{encode_part(header)}.{encode_part(claims)}"
    return f"{message}.{b64url_encode(await kms.sign(label, message.encode('ascii'), purpose=purpose))}"


def mac_anything(header: JsonObject, claims: JsonValue, secret: bytes) -> str:
    """Return an HS256 token: with a public key as ``secret``, the classic confusion of algorithms."""
    message = f"{encode_part(header)}.{encode_part(claims)}"
    return f"{message}.{b64url_encode(hmac.digest(secret, message.encode('ascii'), 'sha256'))}"


def sd_hash(sd_jwt: str) -> str:
    """Return the digest by which a KB-JWT names a presentation (RFC 9901, 4.3.1)."""
    return b64url_encode(sha256(sd_jwt.encode("ascii")).digest())


def disclosure(*parts: JsonValue) -> str:
    """Return a disclosure of any content: [salt, name, value] or [salt, value] if it is to look right."""
    return encode_part(list(parts))


def split_sd_jwt(text: str) -> tuple[str, list[str], str]:
    """Return the issuer-signed JWT, the disclosures and the KB-JWT ("" if there is none)."""
    jws, *disclosures, binding = text.split("~")
    return jws, disclosures, binding


def join_sd_jwt(jws: str, disclosures: list[str], binding: str = "") -> str:
    """Return the parts as one text again."""
    return "~".join([jws, *disclosures, binding])


async def prove_anything(
    document: JsonObject,
    options: JsonObject,
    *,
    suite: Cryptosuite,
    kms: Kms,
    label: str,
    purpose: KeyPurpose = KeyPurpose.CREDENTIAL,
    previous: Sequence[JsonObject] = (),
) -> JsonObject:
    """Return a proof over ``document`` with ``options`` as they stand, made by ``suite`` whatever they name.

    ``previous`` are the proofs of a chain that it secures, too.
    """

    async def sign(message: bytes) -> bytes:
        return await kms.sign(label, message, purpose=purpose)

    config = suite.configure(document, options)
    signed = {**document, "proof": list(previous)} if previous else document
    return {**config, "proofValue": await suite.prove(signed, config, sign)}


def decode_cose(text: str) -> tuple[dict[Any, Any], bytes]:
    """Return protected header and payload of a COSE_Sign1 in base64, unverified."""
    tagged: Any = decode_cbor(b64_decode(text), tags=(18,))
    header: Any = decode_cbor(tagged.value[0])
    return header, tagged.value[2]


async def sign_cose_anything(
    header: Mapping[Any, Any],
    payload: bytes,
    *,
    kms: Kms,
    label: str,
    purpose: KeyPurpose = KeyPurpose.CREDENTIAL,
    unprotected: Mapping[Any, Any] | None = None,
) -> str:
    """Return a COSE_Sign1 in base64 over whatever is given, signed by the key ``label``."""
    protected = encode_cbor(dict(header))
    message = encode_cbor(["Signature1", protected, b"", payload])
    signature = await kms.sign(label, message, purpose=purpose)
    return cose_parts(protected, payload, signature, unprotected=unprotected)


def cose_parts(
    protected: bytes, payload: bytes | None, signature: bytes, *, unprotected: Mapping[Any, Any] | None = None
) -> str:
    """Return a COSE_Sign1 of these parts in base64."""
    return b64_encode(encode_cbor(Tag(18, [protected, dict(unprotected or {}), payload, signature])))
