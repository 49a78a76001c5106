"""Signed changes on their way to a relay."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.did.ethr.changes import (
    AddDelegate,
    ChangeOwner,
    RevokeAttribute,
    RevokeDelegate,
    SetAttribute,
    Signature,
    signed_digest,
)
from ssi.did.ethr.identifier import ethr_did
from ssi.did.ethr.signed import SignedChange, build_signed_change, parse_signed_change
from ssi.errors import InvalidInputError

ACCOUNT = st.binary(min_size=20, max_size=20)
TEXT = st.text(max_size=40)
SECONDS = st.integers(0, 2**53 - 1)
CHANGES = st.one_of(
    st.builds(ChangeOwner, ACCOUNT),
    st.builds(AddDelegate, TEXT, ACCOUNT, SECONDS),
    st.builds(RevokeDelegate, TEXT, ACCOUNT),
    st.builds(SetAttribute, TEXT, st.binary(max_size=100), SECONDS),
    st.builds(RevokeAttribute, TEXT, st.binary(max_size=100)),
)
NUMBER = st.integers(0, 2**256 - 1)
SIGNED = st.builds(
    SignedChange,
    st.builds(ethr_did, ACCOUNT),
    CHANGES,
    SECONDS,
    ACCOUNT,
    SECONDS,
    st.builds(Signature, st.sampled_from([27, 28]), NUMBER, NUMBER),
)
EXAMPLE = SignedChange(ethr_did(bytes(20)), AddDelegate("veriKey", bytes(20), 1), 1, bytes(20), 0, Signature(27, 1, 1))


@given(SIGNED)
def test_what_is_built_is_read_again(signed: SignedChange) -> None:
    assert parse_signed_change(build_signed_change(signed)) == signed


@given(st.binary(max_size=200))
def test_any_bytes_are_a_signed_change_or_refused(data: bytes) -> None:
    with pytest.raises(InvalidInputError):
        parse_signed_change(data)


@pytest.mark.parametrize(
    "altered",
    [
        {"did": "did:web:a.example"},
        {"did": 1},
        {"chainId": -1},
        {"chainId": True},
        {"nonce": "0"},
        {"registry": "0x00"},
        {"registry": None},
        {"signature": "0x" + "00" * 65},
        {"signature": "0x" + "00" * 64},
        {"change": None},
        {"change": {"type": "Change"}},
        {"change": {"type": "ChangeOwner"}},
        {"change": {"type": "ChangeOwner", "owner": "0x" + "00" * 20, "more": 1}},
        {"change": {"type": "ChangeOwner", "owner": "00" * 20}},
        {"change": {"type": ["ChangeOwner"], "owner": "0x" + "00" * 20}},
        {"more": 1},
    ],
)
def test_what_is_no_signed_change(altered: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        parse_signed_change(json.dumps({**json.loads(build_signed_change(EXAMPLE)), **altered}).encode())


@given(CHANGES, ACCOUNT, ACCOUNT, st.integers(0, 2**64))
def test_what_is_signed_names_the_registry_the_nonce_and_the_identity(
    change: Any, identity: bytes, registry: bytes, nonce: int
) -> None:
    try:
        digest = signed_digest(change, identity, registry=registry, nonce=nonce)
    except InvalidInputError:
        return
    assert len(digest) == 32
    flipped = bytes([identity[0] ^ 1]) + identity[1:]
    for other in (
        signed_digest(change, flipped, registry=registry, nonce=nonce),
        signed_digest(change, identity, registry=bytes([registry[0] ^ 1]) + registry[1:], nonce=nonce),
        signed_digest(change, identity, registry=registry, nonce=nonce + 1),
    ):
        assert other != digest
