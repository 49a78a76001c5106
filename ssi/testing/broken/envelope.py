"""Broken signatures and headers of the credential itself. Source: RFC 7515, RFC 8725, W3C VC-JOSE-COSE, section 3."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.testing.broken.case import Broken
from ssi.testing.forge import decode_jws, encode_part, join_sd_jwt, mac_anything, sign_anything, split_sd_jwt
from ssi.testing.issuer import JOSE_FORMATS, TestFormat
from ssi.testing.world import CLAIMS, TestWorld
from ssi.types import JsonObject

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


async def broken_envelopes(world: TestWorld) -> AsyncIterator[Broken]:
    """Yield credentials whose JWT must not be believed, each in a presentation that is good."""
    for form in JOSE_FORMATS:
        credential = await world.town.issue(CLAIMS, format=form, holder=world.holder.key)
        jws = credential.partition("~")[0]
        for name, check, why, broken in await _variants(world, form, jws):
            yield Broken(
                name=f"envelope/{name}/{form}", text=await _presented(world, credential, broken), why=why, check=check
            )


async def _presented(world: TestWorld, credential: str, jws: str) -> str:
    if "~" in credential:
        jws = join_sd_jwt(jws, split_sd_jwt(credential)[1])
    return await world.holder.show(jws, nonce=world.nonce, audience=world.audience)


async def _variants(world: TestWorld, form: TestFormat, jws: str) -> list[tuple[str, str, str, str]]:
    header, claims = decode_jws(jws)
    return [
        *await _algorithms(world, header, claims),
        *_signatures(jws),
        *await _headers(world, form, header, claims),
        *await _payloads(world, form, header, claims, jws),
    ]


async def _algorithms(world: TestWorld, header: JsonObject, claims: JsonObject) -> list[tuple[str, str, str, str]]:
    key = (await world.town.organisation.key(KeyPurpose.CREDENTIAL)).public_key
    body = encode_part(claims)
    secret, multikey = json.dumps(key.to_jwk()).encode(), key.to_multikey().encode()
    hs256, confused, unfit = {**header, "alg": "HS256"}, "keyed with the public key", "alg does not fit the key"

    async def signed(alg: object) -> str:
        return await _signed(world, {**header, "alg": alg}, claims)

    return [
        (f"alg-{name}", "format", "unsigned", f"{encode_part({**header, 'alg': name})}.{body}.")
        for name in ("none", "None", "nOnE", "")
    ] + [
        ("alg-hs256-jwk", "format", confused, mac_anything(hs256, claims, secret)),
        ("alg-hs256-multikey", "format", confused, mac_anything(hs256, claims, multikey)),
        ("alg-es384", "signature", unfit, await signed("ES384")),
        ("alg-eddsa", "signature", unfit, await signed("EdDSA")),
        ("alg-list", "format", "alg is no string", await signed(["ES256"])),
    ]


def _signatures(jws: str) -> list[tuple[str, str, str, str]]:
    message, _, tail = jws.rpartition(".")
    raw = b64url_decode(tail)
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    flipped = bytes([raw[0] ^ 1]) + raw[1:]
    variants = {
        "signature-missing": (b"", "there is no signature"),
        "signature-zero": (bytes(64), "r and s are zero (CVE-2022-21449)"),
        "signature-order": (_P256_ORDER.to_bytes(32) * 2, "r and s are the order of the group"),
        "signature-flipped": (flipped, "one bit of the signature is another"),
        "signature-short": (raw[:-1], "a byte of the signature is missing"),
        "signature-long": (raw + b"\0", "there is a byte after the signature"),
        "signature-swapped": (raw[32:] + raw[:32], "r and s are swapped"),
        "signature-der": (_der(r, s), "the signature is in DER, JOSE has r and s as they are"),
    }
    made = [(name, "signature", why, f"{message}.{b64url_encode(value)}") for name, (value, why) in variants.items()]
    return [*made, ("signature-padded", "format", "base64url with padding", jws + "==")]


async def _headers(
    world: TestWorld, form: TestFormat, header: JsonObject, claims: JsonObject
) -> list[tuple[str, str, str, str]]:
    attacker = PrivateKey.generate(Curve.P256)
    jwk = attacker.public_key.to_jwk()
    wrong_typ = "issuer" if form == "dc+sd-jwt" else "signature"
    other_kid = "format" if form == "dc+sd-jwt" else "signature"

    def forged(**members: object) -> str:
        message = f"{encode_part({**header, **members})}.{encode_part(claims)}"
        return f"{message}.{b64url_encode(attacker.sign(message.encode()))}"

    async def signed(**members: object) -> str:
        return await _signed(world, {**header, **members}, claims)

    made = [
        ("key-jwk", "signature", "the key comes from the header", forged(jwk=jwk)),
        ("key-jwk-without-kid", "signature", "the key comes from the header", forged(jwk=jwk, kid=None)),
        ("key-jku", "signature", "a URL in the header names the key", forged(jku="https://attacker.example/keys")),
        ("key-x5u", "signature", "a URL in the header names the key", forged(x5u="https://attacker.example/chain")),
        ("key-stranger", "signature", "signed with a key of nobody", forged()),
        ("kid-of-another", other_kid, "kid is of another DID", forged(kid="did:key:z6MkmAttacker#1")),
        ("kid-unknown", "signature", "no such key", forged(kid=f"{claims.get('iss') or claims['issuer']}#other")),
        (
            "crit-unknown",
            "format",
            "crit names what nobody knows",
            await signed(crit=["x"], x=1),
        ),
        ("crit-empty", "format", "crit is empty", await signed(crit=[])),
        ("b64-false", "format", "the payload is not encoded", await signed(b64=False)),
        ("zip", "format", "the payload is compressed", await signed(zip="DEF")),
    ]
    for typ in ("JWT", "kb+jwt", "statuslist+jwt", "answerable+jwt"):
        made.append(
            (
                f"typ-{typ}",
                wrong_typ,
                "not the type of a credential",
                await signed(typ=typ),
            )
        )
    return made


async def _payloads(
    world: TestWorld, form: TestFormat, header: JsonObject, claims: JsonObject, jws: str
) -> list[tuple[str, str, str, str]]:
    head, _, tail = jws.split(".")
    if form == "vc+jwt":
        subject = {**claims["credentialSubject"], "given_name": "Mallory"}
        altered = {**claims, "credentialSubject": subject}
    else:
        altered = {**claims, "sub": "mallory"}
    text = json.dumps(claims)
    twice = f'{text[:-1]}, "{"issuer" if form == "vc+jwt" else "iss"}": "did:key:zAttacker"}}'.encode()
    infinite = f'{text[:-1]}, "n": NaN}}'.encode()
    deep = f'{text[:-1]}, "n": {"[" * 100_000}{"]" * 100_000}}}'.encode()
    made = [
        ("payload-altered", "signature", "what was signed is something else", f"{head}.{encode_part(altered)}.{tail}"),
        ("payload-member-twice", "format", "a member stands there twice", await _signed(world, header, twice)),
        ("payload-nan", "format", "NaN is no JSON", await _signed(world, header, infinite)),
        ("payload-deep", "format", "nested 100,000 deep", await _signed(world, header, deep)),
        ("payload-array", "format", "the payload is no object", await _signed(world, header, [claims])),
        ("parts-two", "format", "a part is missing", f"{head}.{tail}"),
        ("parts-four", "format", "a part too many", f"{jws}.{tail}"),
    ]
    if form == "dc+sd-jwt":
        untyped = {name: value for name, value in claims.items() if name != "vct"}
        return [*made, ("vct-missing", "format", "no type", await _signed(world, header, untyped))]
    wrapped = {"iss": claims["issuer"], "vc": claims}
    made.append(("vc-claim", "format", "wrapped as in version 1.1", await _signed(world, header, wrapped)))
    contexts = [*claims["@context"], "https://attacker.example/context"]
    added: dict[str, tuple[JsonObject, str]] = {
        "vc-claim-beside": ({"vc": claims}, "a second credential in vc"),
        "iss-differs": ({"iss": "did:key:z6Mkother"}, "iss is not issuer"),
        "proof-inside": ({"proof": {"type": "DataIntegrityProof"}}, "a second proof"),
        "context-unknown": ({"@context": contexts}, "a context that the verifier does not know"),
    }
    for name, (members, why) in added.items():
        made.append((name, "signature", why, await _signed(world, header, {**claims, **members})))
    return made


async def _signed(world: TestWorld, header: JsonObject, claims: object) -> str:
    key = await world.town.organisation.key(KeyPurpose.CREDENTIAL)
    return await sign_anything(header, claims, kms=world.town.organisation.kms, label=key.label)


def _der(r: int, s: int) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    return encode_dss_signature(r, s)
