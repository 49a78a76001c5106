"""Credentials that are out of force, or whose status list must not be believed.

Source:  W3C Bitstring Status List v1.0, section 3.2; draft-ietf-oauth-status-list, sections 8.3 and 11.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator, Sequence

import msgspec

from ssi.encoding.base64url import b64url_encode
from ssi.encoding.timestamps import format_seconds
from ssi.keys import KeyPurpose
from ssi.status import StatusReference
from ssi.status.content import MINIMUM_ENTRIES
from ssi.status.lists import CredentialState
from ssi.testing.broken.case import Broken
from ssi.testing.forge import Changes, changed, decode_jws, sign_anything
from ssi.testing.issuer import FORMATS, JOSE_FORMATS, SLUG, TestFormat, TestIssuer
from ssi.testing.world import CLAIMS, TestWorld
from ssi.types import JsonObject

DAY = 86_400
BOMB_BYTES = 64 << 20


async def broken_statuses(world: TestWorld) -> AsyncIterator[Broken]:
    """Yield credentials of the town; each refers to a list of its own, which the world serves."""
    for form in FORMATS:
        async for case in _out_of_force(world, form):
            yield case
        async for case in _references(world, form):
            yield case
    # How lists are read has nothing to do with what secures the credential: once for each kind of list.
    for form in JOSE_FORMATS:
        async for case in _lists(world, form):
            yield case


async def _shown(
    world: TestWorld, form: TestFormat, references: Sequence[StatusReference], changes: Changes | None = None
) -> str:
    credential = await world.town.issue(
        CLAIMS, format=form, holder=world.holder.key, references=references, changes=changes
    )
    return await world.holder.show(credential, nonce=world.nonce, audience=world.audience)


async def _out_of_force(world: TestWorld, form: TestFormat) -> AsyncIterator[Broken]:
    for state in (CredentialState.REVOKED, CredentialState.SUSPENDED):
        family = msgspec.structs.replace(world.town.family(form), uri=_uri(form, state.name.lower()))
        for made in await world.town.sign_lists(family, {7: state}):
            world.lists.serve(made.served())
        yield _case(state.name.lower(), form, await _shown(world, form, family.references(7)), "the list says so")
    yield _case("none", form, await _shown(world, form, ()), "the credential declares no status")
    missing = msgspec.structs.replace(world.town.family(form), uri=_uri(form, "nowhere")).references(7)
    yield _case("list-missing", form, await _shown(world, form, missing), "nobody serves the list")


async def _references(world: TestWorld, form: TestFormat) -> AsyncIterator[Broken]:
    good = world.town.family(form).references(7)
    if form == "dc+sd-jwt":
        uri = good[0].uri
        forms: dict[str, JsonObject] = {
            "index-negative": {"status_list": {"idx": -1, "uri": uri}},
            "index-text": {"status_list": {"idx": "7", "uri": uri}},
            "index-true": {"status_list": {"idx": True, "uri": uri}},
            "uri-missing": {"status_list": {"idx": 7}},
            "mechanism-unknown": {"other_mechanism": {"id": 7}},
        }
        for name, status in forms.items():
            yield _case(name, form, await _shown(world, form, good, {"status": status}), "no reference to a list")
        past = (msgspec.structs.replace(good[0], index=MINIMUM_ENTRIES),)
        yield _case("index-past-the-end", form, await _shown(world, form, past), "no such entry")
        return
    entry = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "7",
        "statusListCredential": good[0].uri,
    }
    entries: dict[str, JsonObject] = {
        "index-number": {**entry, "statusListIndex": 7},
        "index-underscore": {**entry, "statusListIndex": "94_567"},
        "index-other-digits": {**entry, "statusListIndex": "\uff11\uff12"},
        "index-past-the-end": {**entry, "statusListIndex": str(MINIMUM_ENTRIES)},
        "index-huge": {**entry, "statusListIndex": "9" * 4000},
        "purpose-missing": {name: value for name, value in entry.items() if name != "statusPurpose"},
        "purpose-other": {**entry, "statusPurpose": "suspension"},
        "size-zero": {**entry, "statusSize": 0},
        "mechanism-unknown": {**entry, "type": "OtherStatus2030"},
    }
    for name, value in entries.items():
        text = await _shown(world, form, good, {"credentialStatus": value})
        yield _case(name, form, text, "no reference to an entry of the list")
    many = [{**entry, "statusListCredential": f"{_uri(form, 'many')}/{number}"} for number in range(1000)]
    yield _case("references-1000", form, await _shown(world, form, good, {"credentialStatus": many}), "1,000 lists")


async def _lists(world: TestWorld, form: TestFormat) -> AsyncIterator[Broken]:
    """Serve lists that must not be believed. Only one of a bitstring family is broken, the other stays good."""
    now = world.clock()
    stranger = await world.issuer(f"stranger-{SLUG[form]}")
    token = form == "dc+sd-jwt"
    ended = {"exp": now - 1} if token else {"validUntil": format_seconds(now - 1)}
    later = {"iat": now + 3600} if token else {"validFrom": format_seconds(now + 3600)}
    named_by = "sub" if token else "id"
    named = {"iss": stranger.did} if token else {"issuer": stranger.did}
    cases: dict[str, tuple[TestIssuer, Changes, Changes, str]] = {
        "list-expired": (world.town, {}, ended, "the list's time is over"),
        "list-later": (world.town, {}, later, "the list does not hold yet"),
        "list-old": (world.town, {}, _aged(now, form), "the list is older than policy allows"),
        "list-of-another": (stranger, {}, named, "a list of another issuer"),
        "list-forged": (stranger, {"kid": await _kid(world.town)}, {}, "signed by another issuer in the town's name"),
        "list-kid-of-another": (stranger, {"kid": await _kid(stranger)}, {}, "signed by another issuer's key"),
        "list-of-another-uri": (
            world.town,
            {},
            {named_by: "https://town.example/other"},
            "another list",
        ),
        "list-typ": (world.town, {"typ": "JWT"}, {}, "no type of a status list"),
        "list-other-typ": (world.town, {"typ": "vc+jwt" if token else "statuslist+jwt"}, {}, "the other kind of list"),
        "list-alg-none": (world.town, {"alg": "none"}, {}, "unsigned"),
    }
    for name, data, why in _contents():
        cases[name] = (world.town, {}, _content(form, data, _uri(form, name)), why)
    if not token:
        subject = {
            "type": "BitstringStatusList",
            "statusPurpose": "refresh",
            "encodedList": "u" + _packed(form, bytes(16384)),
        }
        cases["list-other-purpose"] = (world.town, {}, {"credentialSubject": subject}, "a list for another purpose")
    for name, (signer, header, claims, why) in cases.items():
        family = msgspec.structs.replace(world.town.family(form), uri=_uri(form, name))
        made = await world.town.sign_lists(family, {})
        for item in made[1:]:
            world.lists.serve(item.served())
        text = await _again(signer, made[0].compact, header, claims)
        world.lists.serve_text(made[0].uri, text)
        yield _case(name, form, await _shown(world, form, family.references(7)), why)


def _contents() -> list[tuple[str, bytes, str]]:
    return [
        ("list-short", b"short", "shorter than 131,072 entries, or without this one"),
        ("list-bomb", b"bomb", f"expands to {BOMB_BYTES >> 20} MiB"),
        ("list-trailing", b"trailing", "bytes after the end of the compressed list"),
        ("list-cut", b"cut", "the compressed list is cut off"),
        ("list-garbage", b"garbage", "not compressed at all"),
    ]


def _content(form: TestFormat, kind: bytes, uri: str) -> Changes:
    good = bytes(MINIMUM_ENTRIES // 4)
    packed = {
        b"short": _packed(form, b"\0"),
        b"bomb": _packed(form, bytes(BOMB_BYTES)) if kind == b"bomb" else "",
        b"trailing": b64url_encode(_compress(form, good) + b"trailing"),
        b"cut": b64url_encode(_compress(form, good)[:-9]),
        b"garbage": b64url_encode(b"garbage"),
    }[kind]
    if form == "dc+sd-jwt":
        return {"status_list": {"bits": 2, "lst": packed}}
    subject = {"id": f"{uri}/revocation#list", "type": "BitstringStatusList", "statusPurpose": "revocation"}
    return {"credentialSubject": {**subject, "encodedList": "u" + packed}}


def _aged(now: int, form: TestFormat) -> Changes:
    if form == "dc+sd-jwt":
        return {"iat": now - 400 * DAY, "exp": now + DAY}
    return {"validFrom": format_seconds(now - 400 * DAY)}


async def _again(signer: TestIssuer, compact: str, header: Changes, claims: Changes) -> str:
    old_header, old_claims = decode_jws(compact)
    key = await signer.organisation.key(KeyPurpose.LIST)
    made = await sign_anything(
        changed(old_header, header),
        changed(old_claims, claims),
        kms=signer.organisation.kms,
        label=key.label,
        purpose=KeyPurpose.LIST,
    )
    return made.rpartition(".")[0] + "." if header.get("alg") == "none" else made


async def _kid(issuer: TestIssuer) -> str:
    return (await issuer.organisation.key(KeyPurpose.LIST)).kid


def _compress(form: TestFormat, data: bytes) -> bytes:
    return zlib.compress(data, 9) if form == "dc+sd-jwt" else gzip.compress(data, 9, mtime=0)


def _packed(form: TestFormat, data: bytes) -> str:
    return b64url_encode(_compress(form, data))


def _uri(form: TestFormat, name: str) -> str:
    return f"https://town.example/status/{SLUG[form]}/{name}"


def _case(name: str, form: TestFormat, text: str, why: str) -> Broken:
    return Broken(name=f"status/{name}/{form}", text=text, why=why, check="status")
