"""Issuers, holders and list issuers may sign anything: a verifier returns or refuses, and nothing else ever comes out.

Every leaf of what they sign is replaced by odd values and signed again with the right key, so that nothing stops it but
the reading of the claims themselves. What is accepted must be what was signed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.errors import SsiError
from ssi.keys import KeyPurpose
from ssi.status.lists import CredentialState
from ssi.testing import TestFormat, TestWorld
from ssi.testing.forge import decode_jws, join_sd_jwt, sign_anything, split_sd_jwt
from ssi.testing.world import CLAIMS
from ssi.types import JsonObject, JsonValue
from tests.flows.offices import verifier
from tests.property.test_mutations import REMOVED, edited, leaves
from verifier import Verifier

FORMATS: tuple[TestFormat, ...] = ("dc+sd-jwt", "vc+jwt")
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 1e308, 2**53 - 1, -(2**53) + 1),
    *("", "x", "\0", "\u202e", "😀", "did:key:z", "https://", "2026-01-01T00:00:00Z", "9" * 40, "a" * 3000),
    *([], {}, [[]], [{}], {"": ""}, {"...": "x"}, {"_sd": []}, [None], ["x"] * 100, {"id": {"id": "x"}}, {"jwk": {}}),
)
VALUES = st.recursive(
    st.sampled_from(ODD) | st.text(max_size=8) | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def branches(value: JsonValue, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    """Return the paths of all leaves and of everything above them."""
    return {found[:length] for found in leaves(value, path) for length in range(1, len(found) + 1)}


async def variants(document: JsonObject) -> AsyncIterator[tuple[tuple[str | int, ...], JsonValue]]:
    for path in sorted(branches(document), key=str):
        for new in (*ODD, REMOVED):
            yield path, edited(document, path, new)


async def survives(office: Verifier, text: str, nonce: str, what: object) -> bool:
    """Verify; return whether it was accepted. Whatever is not of our tree fails the test, with what was signed."""
    try:
        await office.verify(text, nonce=nonce)
    except SsiError:
        return False
    except Exception as exc:
        raise AssertionError(f"{type(exc).__name__} for {what}") from exc
    return True


async def show_credential(world: TestWorld, credential: str, header: JsonObject, claims: JsonValue) -> str:
    jws, disclosures, _ = split_sd_jwt(credential) if "~" in credential else (credential, [], "")
    key = await world.town.organisation.key(KeyPurpose.CREDENTIAL)
    jws = await sign_anything(header, claims, kms=world.town.organisation.kms, label=key.label)
    text = join_sd_jwt(jws, disclosures) if "~" in credential else jws
    return await world.holder.show(text, nonce=world.nonce, audience=world.audience)


@pytest.mark.parametrize("format", FORMATS)
async def test_an_issuer_that_signs_anything(format: TestFormat) -> None:
    world = await TestWorld.open()
    office = verifier(world)
    credential = await world.town.issue(CLAIMS, format=format, holder=world.holder.key)
    header, claims = decode_jws(credential.partition("~")[0])
    accepted = refused = 0
    async for path, changed in variants(claims):
        text = await show_credential(world, credential, header, changed)
        if await survives(office, text, world.nonce, changed):
            accepted += 1
            assert path[0] not in {"issuer", "iss", "vct", "cnf", "_sd"}, path
        else:
            refused += 1
    async for _, changed in variants(header):
        if isinstance(changed, dict):
            text = await show_credential(world, credential, changed, claims)
            refused += not await survives(office, text, world.nonce, changed)
    assert accepted
    assert refused > 200


@pytest.mark.parametrize("format", FORMATS)
async def test_a_holder_who_signs_anything(format: TestFormat) -> None:
    world = await TestWorld.open()
    office = verifier(world)
    credential = await world.town.issue(CLAIMS, format=format, holder=world.holder.key)
    shown = await world.holder.show(credential, nonce=world.nonce, audience=world.audience)
    front, tilde, binding = shown.rpartition("~")
    header, claims = decode_jws(binding)

    async def signed(header: JsonObject, claims: JsonValue) -> str:
        kms = world.holder.kms
        return front + tilde + await sign_anything(header, claims, kms=kms, label="holder", purpose=KeyPurpose.HOLDER)

    async for path, changed in variants(claims):
        believed = await survives(office, await signed(header, changed), world.nonce, changed)
        assert not (believed and path[0] in {"nonce", "aud", "sd_hash", "verifiableCredential"}), (path, changed)
    async for _, changed in variants(header):
        if isinstance(changed, dict):
            await survives(office, await signed(changed, claims), world.nonce, changed)


@pytest.mark.parametrize("format", FORMATS)
async def test_a_list_issuer_that_signs_anything(format: TestFormat) -> None:
    """The credential is revoked, so whatever is made of the rest of its list, it stays so."""
    world = await TestWorld.open()
    index = world.town.next_index()
    world.town.set_state(format, index, CredentialState.REVOKED)
    await world.town.publish()
    credential = await world.town.issue(CLAIMS, format=format, holder=world.holder.key, index=index)
    shown = await world.holder.show(credential, nonce=world.nonce, audience=world.audience)
    uri = world.town.family(format).list_uris[0][1]
    header, claims = decode_jws(world.lists.lists[uri].body.decode())
    key = await world.town.organisation.key(KeyPurpose.LIST)
    kms, label = world.town.organisation.kms, key.label
    count = 0
    for document, is_header in ((claims, False), (header, True)):
        async for path, changed in variants(document):
            if not isinstance(changed, dict):
                continue
            parts = (changed, claims) if is_header else (header, changed)
            made = await sign_anything(*parts, kms=kms, label=label, purpose=KeyPurpose.LIST)
            world.lists.serve_text(uri, made)
            assert not await survives(verifier(world), shown, world.nonce, changed), path
            count += 1
    assert count > 200


_LIKE_ONE = r"[A-Za-z0-9_-]{0,20}(\.[A-Za-z0-9_-]{0,20}){0,4}(~[a-z]{0,9})*"


@cache
def shared() -> tuple[TestWorld, Verifier]:
    """One world and one verifier for examples that change nothing in it."""
    world = asyncio.run(TestWorld.open())
    return world, verifier(world)


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=60, deadline=None)
@given(new=VALUES, data=st.data())
def test_claims_come_out_as_they_were_signed(format: TestFormat, new: JsonValue, data: st.DataObject) -> None:
    world, office = shared()

    async def run() -> None:
        name = data.draw(st.sampled_from(["given_name", "address", "extra"]))
        claims = {**CLAIMS, name: new}
        try:
            credential = await world.town.issue(claims, format=format, holder=world.holder.key)
        except SsiError:
            return  # the issuing side refuses it already
        text = await world.holder.show(credential, nonce=world.nonce, audience=world.audience)
        try:
            shown = await office.verify(text, nonce=world.nonce)
        except SsiError:
            return
        assert json.dumps(shown.claims, sort_keys=True) == json.dumps(claims, sort_keys=True)

    asyncio.run(run())


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.text(), st.binary(), st.from_regex(r"[A-Za-z0-9_-]{0,20}(\.[A-Za-z0-9_-]{0,20}){0,4}(~[a-z]{0,9})*"))
)
def test_any_text_is_refused(text: str | bytes) -> None:
    world, office = shared()
    with pytest.raises(SsiError):
        asyncio.run(office.verify(text, nonce=world.nonce))
