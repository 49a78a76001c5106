"""Broken COSE_Sign1 around credentials and presentations.

Source:  RFC 9052, sections 3 (headers) and 4 (signing); RFC 9597 (CWT claims); RFC 8949, 4.2 (deterministic encoding);
         W3C VC-JOSE-COSE, sections 3.3 (securing with COSE) and 4 (keys).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from ssi.encoding.base64url import b64_decode, b64_encode, b64url_encode
from ssi.encoding.cbor import Tag, decode_cbor, encode_cbor
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.testing.broken.case import Broken
from ssi.testing.forge import cose_parts, decode_cose, sign_cose_anything
from ssi.testing.world import CLAIMS, TestWorld
from ssi.types import JsonObject

ALG, CRIT, CONTENT_TYPE, KID, CWT, TYP, X5CHAIN = 1, 2, 3, 4, 15, 16, 33
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_Case = tuple[str, str, str, str]


async def broken_cose(world: TestWorld) -> AsyncIterator[Broken]:
    """Yield credentials whose COSE_Sign1 must not be believed, each in a presentation that is good, and the reverse."""
    credential = await world.town.issue(CLAIMS, format="vc+cose", holder=world.holder.key)
    cases = [*_signatures(credential), *await _headers(world, credential), *await _payloads(world, credential)]
    for name, check, why, text in [*cases, *_encodings(credential)]:
        shown = await world.holder.cose([text], nonce=world.nonce, audience=world.audience)
        yield Broken(name=f"cose/{name}", text=shown, why=why, check=check)
    for name, check, why, text in await _presentations(world, credential):
        yield Broken(name=f"cose/{name}", text=text, why=why, check=check)


def _parts(text: str) -> list[Any]:
    tagged: Any = decode_cbor(b64_decode(text), tags=(18,))
    return list(tagged.value)


def _signatures(credential: str) -> list[_Case]:
    protected, _, payload, raw = _parts(credential)
    order = _P256_ORDER.to_bytes(32)
    variants: dict[str, tuple[bytes, str]] = {
        "missing": (b"", "there is no signature"),
        "zero": (bytes(64), "r and s are zero"),
        "order": (order * 2, "r and s are the order of the group"),
        "flipped": (bytes([raw[0] ^ 1]) + raw[1:], "one bit is another"),
        "short": (raw[:-1], "a byte is missing"),
        "long": (raw + b"\0", "a byte too many"),
        "swapped": (raw[32:] + raw[:32], "r and s are swapped"),
    }
    return [
        (f"signature-{name}", "signature", why, cose_parts(protected, payload, value))
        for name, (value, why) in variants.items()
    ]


async def _headers(world: TestWorld, credential: str) -> list[_Case]:
    header, payload = decode_cose(credential)
    town, stranger = await world.town.organisation.key(KeyPurpose.CREDENTIAL), PrivateKey.generate(Curve.P256)

    async def signed(unprotected: dict[Any, Any] | None = None, **members: Any) -> str:
        named = {_LABEL[name]: value for name, value in members.items()}
        protected = {name: value for name, value in {**header, **named}.items() if value is not None}
        kms = world.town.organisation.kms
        return await sign_cose_anything(protected, payload, kms=kms, label=town.label, unprotected=unprotected)

    protected = encode_cbor(header)
    message = encode_cbor(["Signature1", protected, b"", payload])
    forged = cose_parts(protected, payload, stranger.sign(message))
    claims = header[CWT]
    return [
        ("key-stranger", "signature", "signed with a key of nobody", forged),
        ("alg-missing", "format", "no alg", await signed(alg=None)),
        ("alg-unprotected", "format", "alg is not protected", await signed({ALG: -7}, alg=None)),
        ("alg-twice", "format", "alg stands in both headers", await signed({ALG: -7})),
        ("alg-other", "signature", "alg does not fit the key", await signed(alg=-8)),
        ("alg-mac", "format", "a MAC, which the public key would be the secret of", await signed(alg=5)),
        ("alg-text", "format", "alg by a name", await signed(alg="ES256")),
        ("kid-unknown", "signature", "no such key", await signed(kid=f"{world.town.did}#other".encode())),
        ("kid-of-another", "signature", "kid is of another DID", await signed(kid=b"did:key:z6MkmAttacker#1")),
        ("kid-text", "format", "kid is no byte string", await signed(kid=town.kid)),
        ("crit-unknown", "format", "crit names what nobody knows", await signed(crit=[99], other=1)),
        ("crit-empty", "format", "crit is empty", await signed(crit=[])),
        ("typ-missing", "signature", "no type", await signed(typ=None)),
        ("typ-other", "signature", "not the type of a credential", await signed(typ="application/cwt")),
        ("typ-vp", "signature", "the type of a presentation", await signed(typ="application/vp+cose")),
        ("content-other", "signature", "the content is of another type", await signed(content="application/vp")),
        ("claims-unprotected", "signature", "claims that nobody signed", await signed({CWT: claims}, cwt=None)),
        ("claims-no-map", "signature", "claims that are no map", await signed(cwt=[1])),
        ("issuer-other", "signature", "iss is another than issuer", await signed(cwt={**claims, 1: "did:key:z6Mk"})),
        ("key-in-header", "format", "a certificate of one's own", await signed(x5chain=b"\x30\x00", alg=None)),
    ]


_LABEL = {
    "alg": ALG,
    "crit": CRIT,
    "content": CONTENT_TYPE,
    "kid": KID,
    "cwt": CWT,
    "typ": TYP,
    "x5chain": X5CHAIN,
    "other": 99,
}


async def _payloads(world: TestWorld, credential: str) -> list[_Case]:
    header, payload = decode_cose(credential)
    protected, unprotected, _, signature = _parts(credential)
    document: JsonObject = json.loads(payload)
    altered = {**document, "credentialSubject": {**document["credentialSubject"], "given_name": "Mallory"}}
    town = await world.town.organisation.key(KeyPurpose.CREDENTIAL)

    async def signed(data: bytes) -> str:
        return await sign_cose_anything(header, data, kms=world.town.organisation.kms, label=town.label)

    def text(**members: Any) -> bytes:
        return json.dumps({**document, **members}).encode()

    plain, contexts = payload.decode(), document["@context"]
    other = cose_parts(protected, json.dumps(altered).encode(), signature)
    added = cose_parts(protected, payload, signature, unprotected={KID: b"x", **unprotected})
    twice = f'{plain[:-1]}, "issuer": "did:key:z"}}'.encode()
    unknown = text(**{"@context": [*contexts, "https://attacker.example/c"]})
    inline = text(**{"@context": [*contexts, {"given_name": "https://attacker.example/x"}]})
    return [
        ("payload-altered", "signature", "not what was signed", other),
        ("payload-detached", "format", "the payload is not there", cose_parts(protected, None, signature)),
        ("unprotected-added", "format", "a second kid", added),
        ("member-twice", "format", "a member stands twice", await signed(twice)),
        ("payload-nan", "format", "NaN is no JSON", await signed(f'{plain[:-1]}, "n": NaN}}'.encode())),
        ("payload-deep", "format", "nested 10,000 deep", await signed(f'{plain[:-1]}, "n": {"[" * 10_000}'.encode())),
        ("payload-array", "format", "the payload is no object", await signed(json.dumps([document]).encode())),
        ("payload-cbor", "format", "the payload is no JSON", await signed(encode_cbor({"issuer": "x"}))),
        ("vc-claim", "signature", "a second credential in vc", await signed(text(vc=document))),
        ("context-unknown", "signature", "a context that nobody knows", await signed(unknown)),
        ("context-inline", "signature", "terms that mean something else", await signed(inline)),
    ]


def _encodings(credential: str) -> list[_Case]:
    """Bytes and letters that are no COSE_Sign1."""
    data = b64_decode(credential)
    protected, unprotected, payload, signature = _parts(credential)
    parts = [protected, unprotected, payload, signature]
    cases: dict[str, tuple[str, str]] = {
        "trailing": (b64_encode(data + b"\0"), "a byte after the end"),
        "cut": (b64_encode(data[:-1]), "the end is missing"),
        "tag-other": (b64_encode(encode_cbor(Tag(17, parts))), "the tag of a MAC"),
        "parts-three": (b64_encode(encode_cbor(Tag(18, parts[:3]))), "a part is missing"),
        "deep": (b64_encode(b"\xd2" * 50_000 + data), "50,000 tags"),
        "base64-space": (credential[:8] + " " + credential[8:], "white space in base64"),
        "base64-mixed": ("-+" + credential, "two alphabets"),
        "base64-padding": (credential.rstrip("=") + "===", "more padding than there is"),
        "hex": (data.hex(), "hexadecimal, not base64"),
    }
    return [(f"encoding-{name}", "format", why, text) for name, (text, why) in cases.items()]


async def _presentations(world: TestWorld, credential: str) -> list[_Case]:
    holder, rules = world.holder, {"nonce": world.nonce, "audience": world.audience}
    good = await holder.cose([credential], **rules)
    protected, _, payload, signature = _parts(good)
    document: JsonObject = json.loads(payload)
    nested = await holder.cose([good], **rules)
    jwt = await world.town.issue(CLAIMS, format="vc+jwt", holder=holder.key)

    def enveloped(kind: str, text: str) -> bytes:
        member = {**document["verifiableCredential"][0], "id": f"data:application/{kind},{text}"}
        return json.dumps({**document, "verifiableCredential": [member]}).encode()

    async def presented(data: bytes) -> str:
        header, _ = decode_cose(good)
        return await sign_cose_anything(header, data, kms=holder.kms, label="holder", purpose=KeyPurpose.HOLDER)

    altered = cose_parts(protected, payload.replace(b'"holder"', b'"Holder"'), signature)
    empty = json.dumps({**document, "verifiableCredential": []}).encode()
    bytes_as_jwt = enveloped("vc+jwt;base64", credential)
    plain = b64url_encode(b64_decode(credential))
    return [
        ("vp-typ", "format", "of another type", await holder.sign_again(good, header={"typ": "application/cwt"})),
        ("vp-altered", "holder", "not what was signed", altered),
        ("vp-in-vp", "format", "a presentation where a credential belongs", nested),
        ("vp-mislabelled", "format", "COSE called a JWT", await presented(bytes_as_jwt)),
        ("vp-jwt-as-cose", "format", "a JWT called COSE", await presented(enveloped("vc+cose;base64", jwt))),
        ("vp-not-base64", "format", "bytes without their base64", await presented(enveloped("vc+cose", plain))),
        ("vp-empty", "format", "nothing is presented", await presented(empty)),
    ]
