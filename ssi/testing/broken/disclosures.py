"""Broken disclosures of an SD-JWT. Source: RFC 9901, sections 4.2, 7.1 and 9."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256

from ssi.encoding.base64url import b64url_encode
from ssi.testing.broken.case import Broken
from ssi.testing.forge import decode_jws, disclosure, encode_part, join_sd_jwt, split_sd_jwt
from ssi.testing.world import CLAIMS, TestWorld
from ssi.types import JsonObject, JsonValue


async def broken_disclosures(world: TestWorld) -> AsyncIterator[Broken]:
    """Yield presentations whose disclosures were not what the issuer signed, or are signed in a forbidden shape."""
    for name, check, why, text in [*await _by_the_holder(world), *await _by_the_issuer(world)]:
        binding = await world.holder.key_binding(text, nonce=world.nonce, audience=world.audience)
        yield Broken(name=f"disclosure/{name}", text=text + binding, why=why, check=check)


async def _by_the_holder(world: TestWorld) -> list[tuple[str, str, str, str]]:
    credential = await world.town.issue(CLAIMS, format="dc+sd-jwt", holder=world.holder.key)
    jws, disclosures, _ = split_sd_jwt(credential)
    forged = disclosure("c2FsdA", "given_name", "Mallory")
    many = [disclosure(f"salt-{number}", "n", number) for number in range(1001)]
    variants: dict[str, tuple[list[str], str]] = {
        "forged": ([forged, *disclosures[1:]], "a value that the issuer never signed"),
        "added": ([*disclosures, forged], "a claim that the issuer never signed"),
        "twice": ([*disclosures, disclosures[0]], "a disclosure stands there twice"),
        "no-array": ([*disclosures, encode_part({"given_name": "Mallory"})], "not an array"),
        "no-json": ([*disclosures, b64url_encode(b"\xff\xfe")], "not JSON"),
        "no-base64url": ([*disclosures, "a+b/"], "not base64url"),
        "two-elements": ([*disclosures, disclosure("salt", "Mallory")], "an array element that no array has"),
        "four-elements": ([*disclosures, disclosure("salt", "n", 1, 2)], "an element too many"),
    }
    made = [(name, "signature", why, join_sd_jwt(jws, found)) for name, (found, why) in variants.items()]
    too_many = (join_sd_jwt(jws, many), "more than 1,000 disclosures")
    empty = (join_sd_jwt(jws, [*disclosures, ""]), "an empty disclosure")
    return [
        *made,
        ("too-many", "format", too_many[1], too_many[0]),
        ("empty", "format", empty[1], empty[0]),
    ]


async def _by_the_issuer(world: TestWorld) -> list[tuple[str, str, str, str]]:
    """What an issuer signs in a shape that verifiers must refuse, with disclosures that fit it."""
    credential = await world.town.issue({}, format="dc+sd-jwt", holder=world.holder.key)
    _, plain = decode_jws(credential.partition("~")[0])

    async def signed(changes: JsonObject, *found: str) -> str:
        made = await world.town.sign_again(credential, changes={"_sd_alg": "sha-256", **changes})
        jws = made.partition("~")[0]
        return join_sd_jwt(jws, list(found))

    name = disclosure("s1", "given_name", "Aino")
    inner = disclosure("s2", "given_name", "Mallory")
    reserved, dots = disclosure("s3", "_sd", ["x"]), disclosure("s4", "...", "x")
    element = disclosure("s5", "x")
    status, expiry = disclosure("s6", "status", plain["status"]), disclosure("s7", "exp", plain["exp"] + 1)
    nested = disclosure("s8", "n", _nested(64))
    made = {
        "digest-twice": (await signed({"_sd": [_digest(name), _digest(name)]}, name), "a digest stands there twice"),
        "collision": (await signed({"_sd": [_digest(inner)], "given_name": "Aino"}, inner), "a claim of the same name"),
        "collision-of-two": (await signed({"_sd": [_digest(name), _digest(inner)]}, name, inner), "a name twice"),
        "reserved-sd": (await signed({"_sd": [_digest(reserved)]}, reserved), "a claim called _sd"),
        "reserved-dots": (await signed({"_sd": [_digest(dots)]}, dots), "a claim called ..."),
        "element-as-member": (await signed({"_sd": [_digest(element)]}, element), "an element where a member belongs"),
        "member-as-element": (await signed({"l": [{"...": _digest(name)}]}, name), "a member where an element belongs"),
        "element-with-more": (await signed({"l": [{"...": _digest(element), "x": 1}]}, element), "more beside ..."),
        "hash-unknown": (await signed({"_sd": [_digest(name)], "_sd_alg": "md5"}, name), "a weak hash"),
        "hash-nested": (await signed({"o": {"_sd": [_digest(name)], "_sd_alg": "sha-256"}}, name), "_sd_alg inside"),
        "sd-no-list": (await signed({"_sd": _digest(name)}, name), "_sd is no array"),
        "sd-numbers": (await signed({"_sd": [_digest(name), 1]}, name), "a digest is no string"),
        "status-hidden": (
            await signed({"_sd": [_digest(status)], "status": None}, status),
            "status can be withheld",
        ),
        "expiry-hidden": (await signed({"_sd": [_digest(expiry)], "exp": None}, expiry), "the expiry can be withheld"),
        "deep": (await signed({"_sd": [_digest(nested)]}, nested), "nested deeper than 32"),
    }
    return [(key, "signature", why, text) for key, (text, why) in made.items()]


def _digest(made: str) -> str:
    return b64url_encode(sha256(made.encode("ascii")).digest())


def _nested(depth: int) -> JsonValue:
    value: JsonValue = 1
    for _ in range(depth):
        value = [value]
    return value
