"""Broken proofs that the presenter is the holder. Source: RFC 9901, sections 4.3 and 7.3; W3C VC-JOSE-COSE, 3.1.2."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.testing.broken.case import Broken
from ssi.testing.forge import Changes, decode_jws, encode_part, join_sd_jwt, split_sd_jwt
from ssi.testing.holder import TestHolder
from ssi.testing.issuer import FORMATS, JOSE_FORMATS, TestFormat
from ssi.testing.world import CLAIMS, TestWorld


async def broken_bindings(world: TestWorld) -> AsyncIterator[Broken]:
    """Yield good credentials in presentations that prove nothing."""
    for form in FORMATS:
        credential = await world.town.issue(CLAIMS, format=form, holder=world.holder.key)
        async for case in _every_format(world, form, credential):
            yield case
    credential = await world.town.issue(CLAIMS, format="dc+sd-jwt", holder=world.holder.key)
    async for case in _sd_jwt(world, credential):
        yield case
    credential = await world.town.issue(CLAIMS, format="vc+jwt", holder=world.holder.key)
    async for case in _vp_jwt(world, credential):
        yield case


def _claims(world: TestWorld) -> dict[str, tuple[Changes, str]]:
    now, nonce, audience = world.clock(), world.nonce, world.audience
    return {
        "nonce-other": ({"nonce": "another"}, "made for another request"),
        "nonce-missing": ({"nonce": None}, "made for no request"),
        "nonce-list": ({"nonce": [nonce]}, "the nonce is no string"),
        "audience-other": ({"aud": "https://attacker.example"}, "made for another verifier"),
        "audience-prefix": ({"aud": audience + "/"}, "made for a verifier whose name begins alike"),
        "audience-missing": ({"aud": None}, "made for nobody"),
        "old": ({"iat": now - 3600}, "made an hour ago"),
        "future": ({"iat": now + 3600}, "made in an hour"),
        "time-missing": ({"iat": None}, "made at no time"),
        "ended": ({"exp": now - 100}, "its time is over"),
    }


async def _every_format(world: TestWorld, form: TestFormat, credential: str) -> AsyncIterator[Broken]:
    holder, nonce, audience = world.holder, world.nonce, world.audience

    def case(name: str, text: str, why: str, check: str = "holder") -> Broken:
        return Broken(name=f"binding/{name}/{form}", text=text, why=why, check=check)

    yield case("stripped", credential, "the holder's signature was taken away")
    thief = await TestHolder.create(clock=world.clock)
    yield case(
        "foreign-key", await thief.show(credential, nonce=nonce, audience=audience), "signed by a key of somebody else"
    )
    unbound = await world.town.issue(CLAIMS, format=form, holder=None)
    yield case(
        "unbound", await holder.show(unbound, nonce=nonce, audience=audience), "the credential is bound to no key"
    )
    for name, (changes, why) in _claims(world).items():
        # Of a proof the shape is looked at before it is asked what it says.
        check = "format" if name == "nonce-list" and form == "ldp_vc" else "holder"
        yield case(name, await holder.show(credential, nonce=nonce, audience=audience, claims=changes), why, check)
    if form not in JOSE_FORMATS:
        return
    jwk = thief.key.to_jwk()
    told = await thief.show(
        credential, nonce=nonce, audience=audience, header={"jwk": jwk}, claims={"cnf": {"jwk": jwk}}
    )
    yield case("foreign-key-in-header", told, "the key of somebody else is in the header and in the claims")
    unsigned = await holder.show(credential, nonce=nonce, audience=audience, header={"alg": "none"})
    yield case("alg-none", unsigned.rpartition(".")[0] + ".", "the holder's signature is none", "format")


async def _sd_jwt(world: TestWorld, credential: str) -> AsyncIterator[Broken]:
    holder, nonce, audience = world.holder, world.nonce, world.audience
    shown = await holder.show(credential, nonce=nonce, audience=audience)
    jws, disclosures, binding = split_sd_jwt(shown)
    bare = join_sd_jwt(jws, disclosures)
    head, body, tail = binding.split(".")
    other = await world.shown("dc+sd-jwt")
    raw = b64url_decode(tail)
    cases = {
        "disclosure-dropped": (join_sd_jwt(jws, disclosures[1:], binding), "a disclosure was dropped after signing"),
        "disclosures-reordered": (join_sd_jwt(jws, disclosures[::-1], binding), "disclosures change places"),
        "of-another-credential": (bare + split_sd_jwt(other)[2], "the key binding belongs to another credential"),
        "altered": (f"{bare}{head}.{body}.{b64url_encode(bytes([raw[0] ^ 1]) + raw[1:])}", "one bit is another"),
        "sd-hash-missing": (
            bare + await holder.key_binding(bare, nonce=nonce, audience=audience, claims={"sd_hash": None}),
            "the key binding names no presentation",
        ),
        "typ": (
            bare + await holder.key_binding(bare, nonce=nonce, audience=audience, header={"typ": "JWT"}),
            "the key binding is of another type",
        ),
        "typ-vp": (
            bare + await holder.key_binding(bare, nonce=nonce, audience=audience, header={"typ": "vp+jwt"}),
            "the key binding is of another type",
        ),
        "audience-list": (
            bare + await holder.key_binding(bare, nonce=nonce, audience=audience, claims={"aud": [audience]}),
            "the audience is a list",
        ),
    }
    for name, (text, why) in cases.items():
        yield Broken(name=f"binding/{name}", text=text, why=why, check="holder")
    yield Broken(
        name="binding/no-tilde-at-the-end",
        text=join_sd_jwt(jws, disclosures).removesuffix("~"),
        why="the last disclosure stands where the key binding belongs",
        check="format",
    )


async def _vp_jwt(world: TestWorld, credential: str) -> AsyncIterator[Broken]:
    holder, nonce, audience = world.holder, world.nonce, world.audience

    async def presented(**changes: object) -> str:
        return await holder.presentation([credential], nonce=nonce, audience=audience, **changes)  # type: ignore[arg-type]

    good = await presented()
    head, _, tail = good.split(".")
    bound = await world.town.issue(CLAIMS, format="dc+sd-jwt", holder=holder.key)
    typ = await presented(header={"typ": "JWT"})
    yield Broken(name="binding/vp-typ", text=typ, why="the presentation is of another type", check="format")
    altered = f"{head}.{encode_part({**decode_jws(good)[1], 'id': 'urn:example:1'})}.{tail}"
    yield Broken(name="binding/vp-altered", text=altered, why="not what the holder signed", check="holder")
    nested = await holder.presentation([good], nonce=nonce, audience=audience)
    yield Broken(name="binding/vp-in-vp", text=nested, why="a presentation where a credential belongs", check="format")
    empty = await presented(claims={"verifiableCredential": []})
    yield Broken(name="binding/vp-empty", text=empty, why="nothing is presented", check="format")
    mixed = await holder.presentation([bound], nonce=nonce, audience=audience)
    yield Broken(name="binding/vp-sd-jwt", text=mixed, why="an SD-JWT in an envelope for VC-JWTs", check="format")
    plain = await presented(
        claims={"verifiableCredential": [{"type": ["VerifiableCredential"], "issuer": "did:example:x"}]}
    )
    yield Broken(name="binding/vp-unsecured", text=plain, why="a credential without a signature", check="format")
    both = await presented(claims={"vp": {"verifiableCredential": [credential]}})
    yield Broken(name="binding/vp-claim", text=both, why="a second presentation in vp", check="holder")
