"""COSE_Sign1 and COSE_Key: round trips, every header that must be refused, any bytes."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ssi.encoding.cbor import Tag, decode_cbor, encode_cbor
from ssi.errors import InvalidInputError, InvalidSignatureError, KeyNotFoundError, ProofPurposeError, VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.keys.cose import (
    ALG,
    ALGORITHMS,
    CONTENT_TYPE,
    CRIT,
    KID,
    TAG_SIGN1,
    TYP,
    build_sign1,
    encode_header,
    media_type_of,
    parse_sign1,
    sig_structure,
    sign1_of,
    sign_sign1,
    verify_sign1,
)
from ssi.keys.cose_key import cose_key, public_key_of
from ssi.keys.curves import JOSE_CURVES

KEYS = {curve: PrivateKey.generate(curve) for curve in JOSE_CURVES}
KEY = KEYS[Curve.P256]
PUBLIC = KEY.public_key
PAYLOAD = b"This is the content."
CREDENTIAL = KeyPurpose.CREDENTIAL


def signed(protected: Any, unprotected: Any = None, *, key: PrivateKey = KEY, payload: bytes = PAYLOAD) -> bytes:
    signature = key.sign(sig_structure(protected, encode_header(protected), payload))
    return build_sign1(protected, payload, signature, unprotected=unprotected)


async def kms(curve: Curve = Curve.P256) -> MemoryKms:
    made = MemoryKms()
    await made.add("k", KEYS[curve], purpose=CREDENTIAL)
    return made


@pytest.mark.parametrize("curve", JOSE_CURVES)
async def test_each_key_signs_and_verifies_by_each_of_its_algorithms(curve: Curve) -> None:
    store, public = await kms(curve), KEYS[curve].public_key
    for alg in (None, *ALGORITHMS[curve]):
        data = await sign_sign1({TYP: "application/x"}, PAYLOAD, kms=store, label="k", purpose=CREDENTIAL, alg=alg)
        sign1 = parse_sign1(data, tagged=True)
        assert sign1.alg == (alg or ALGORITHMS[curve][0])
        verified = verify_sign1(sign1, public, typ={"x"})
        assert (verified.payload, verified.key, verified.encoded) == (PAYLOAD, public, data)
        decode_cbor(data, tags=(TAG_SIGN1,), deterministic=True)
        for other in JOSE_CURVES:
            if other is not curve:
                with pytest.raises(InvalidSignatureError):
                    verify_sign1(sign1, KEYS[other].public_key, typ=None)
    with pytest.raises(InvalidInputError, match="fits the key"):
        await sign_sign1({}, PAYLOAD, kms=store, label="k", purpose=CREDENTIAL, alg=-999)
    with pytest.raises(InvalidInputError, match="fits the key"):
        await sign_sign1({ALG: -7}, PAYLOAD, kms=store, label="k", purpose=CREDENTIAL)
    with pytest.raises(ProofPurposeError):
        await sign_sign1({}, PAYLOAD, kms=store, label="k", purpose=KeyPurpose.LIST)
    with pytest.raises(KeyNotFoundError):
        await sign_sign1({}, PAYLOAD, kms=store, label="none", purpose=CREDENTIAL)


async def test_a_detached_payload_has_to_be_given_and_an_own_one_must_not_be() -> None:
    store = await kms()
    rules: dict[str, Any] = {"kms": store, "label": "k", "purpose": CREDENTIAL}
    sign1 = parse_sign1(await sign_sign1({}, PAYLOAD, detached=True, **rules))
    assert sign1.payload is None
    assert verify_sign1(sign1, PUBLIC, typ=None, payload=PAYLOAD).payload == PAYLOAD
    with pytest.raises(InvalidInputError, match="one payload"):
        verify_sign1(sign1, PUBLIC, typ=None)
    with pytest.raises(InvalidSignatureError):
        verify_sign1(sign1, PUBLIC, typ=None, payload=b"")
    own = parse_sign1(await sign_sign1({}, PAYLOAD, **rules))
    with pytest.raises(InvalidInputError, match="one payload"):
        verify_sign1(own, PUBLIC, typ=None, payload=PAYLOAD)


async def test_external_data_are_under_the_signature() -> None:
    rules: dict[str, Any] = {"kms": await kms(), "label": "k", "purpose": CREDENTIAL}
    sign1 = parse_sign1(await sign_sign1({}, PAYLOAD, external_aad=b"context", **rules))
    verify_sign1(sign1, PUBLIC, typ=None, external_aad=b"context")
    with pytest.raises(InvalidSignatureError):
        verify_sign1(sign1, PUBLIC, typ=None)


def test_the_tag() -> None:
    data = signed({ALG: -7})
    bare = data[1:]
    assert parse_sign1(data).tagged
    assert not parse_sign1(bare).tagged
    assert verify_sign1(sign1_of(decode_cbor(bare)), PUBLIC, typ=None).payload == PAYLOAD
    for other, tagged in ((data, False), (bare, True), (b"\xd1" + bare, None), (b"\xd2" + data, None)):
        with pytest.raises(InvalidInputError):
            parse_sign1(other, tagged=tagged)
    with pytest.raises(InvalidInputError, match="tag of a COSE_Sign1"):
        sign1_of(Tag(98, []))


def test_typ() -> None:
    for value, accepted in (
        ("application/vc+cose", "vc+cose"),
        ("VC+COSE", "vc+cose"),
        (None, ""),
        (260, "coap 260"),
    ):
        sign1 = parse_sign1(signed({ALG: -7} | ({} if value is None else {TYP: value})))
        verify_sign1(sign1, PUBLIC, typ={accepted})
        verify_sign1(sign1, PUBLIC, typ=None)
        with pytest.raises(VerificationError, match="typ"):
            verify_sign1(sign1, PUBLIC, typ={"other"})
    bad: Any
    for bad in (b"vc+cose", -1, [], True):
        with pytest.raises(InvalidInputError):
            verify_sign1(parse_sign1(signed({ALG: -7, TYP: bad})), PUBLIC, typ={"vc+cose"})
    with pytest.raises(InvalidInputError, match="99"):
        media_type_of({99: b""}, 99)


REFUSED: dict[str, tuple[Any, Any]] = {
    "no alg": ({}, {}),
    "alg unprotected": ({}, {ALG: -7}),
    "alg in both": ({ALG: -7}, {ALG: -7}),
    "alg unknown": ({ALG: -999}, {}),
    "alg as text": ({ALG: "ES256"}, {}),
    "alg as list": ({ALG: [-7]}, {}),
    "alg true": ({ALG: True}, {}),
    "MAC algorithm": ({ALG: 5}, {}),
    "kid in both": ({ALG: -7, KID: b"1"}, {KID: b"1"}),
    "kid as text": ({ALG: -7, KID: "1"}, {}),
    "kid as text, unprotected": ({ALG: -7}, {KID: "1"}),
    "typ unprotected": ({ALG: -7}, {TYP: "vc+cose"}),
    "label of bytes": ({ALG: -7, b"x": 1}, {}),
    "unprotected label of bytes": ({ALG: -7}, {b"x": 1}),
    "crit unprotected": ({ALG: -7}, {CRIT: [1]}),
    "crit empty": ({ALG: -7, CRIT: []}, {}),
    "crit as number": ({ALG: -7, CRIT: 1}, {}),
    "crit names an absent label": ({ALG: -7, CRIT: [99]}, {}),
    "crit names an unprotected label": ({ALG: -7, CRIT: [99]}, {99: 1}),
    "crit names what is not understood": ({ALG: -7, CRIT: [99], 99: 1}, {}),
    "crit names text that is not understood": ({ALG: -7, CRIT: ["x"], "x": 1}, {}),
    "crit names a list": ({ALG: -7, CRIT: [[1]]}, {}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_headers(name: str) -> None:
    protected, unprotected = REFUSED[name]
    with pytest.raises(InvalidInputError):
        parse_sign1(signed(protected, unprotected))


def test_critical_parameters_that_are_understood() -> None:
    data = signed({ALG: -7, CRIT: [ALG, 99, "x"], 99: 1, "x": 2})
    verify_sign1(parse_sign1(data, understood=(99, "x")), PUBLIC, typ=None)
    with pytest.raises(InvalidInputError, match="understood"):
        parse_sign1(data, understood=(99,))


@pytest.mark.parametrize(
    "value",
    [
        [],
        [b"", {}, b"", b"", b""],
        [{}, {}, b"", b""],
        [b"\xa1\x01\x26", [], b"", b""],
        [b"\xa1\x01\x26", {}, "text", b""],
        [b"\xa1\x01\x26", {}, b"", None],
        [b"\x80", {}, b"", b""],
        [b"\xa1\x01\x26\x00", {}, b"", b""],
        [b"\xa2\x01\x26\x01\x26", {}, b"", b""],
        [b"\x01", {}, b"", b""],
        {},
        18,
    ],
    ids=repr,
)
def test_what_is_no_sign1(value: Any) -> None:
    for tagged in (Tag(TAG_SIGN1, value), value):
        with pytest.raises(InvalidInputError):
            parse_sign1(encode_cbor(tagged))


def test_headers_are_verified_as_they_were_received() -> None:
    """A header in an encoding that is not deterministic: the signature is over its bytes."""
    header = bytes.fromhex("bf01381800ff").replace(b"\x38\x18", b"\x38\x06")
    signature = KEY.sign(encode_cbor(["Signature1", header[:4] + b"\xff", b"", PAYLOAD]))
    data = encode_cbor([header[:4] + b"\xff", {}, PAYLOAD, signature])
    assert verify_sign1(parse_sign1(data), PUBLIC, typ=None).protected == {ALG: -7}


def test_every_byte_altered_is_refused() -> None:
    data = signed({ALG: -7, CONTENT_TYPE: "application/vc", KID: b"#1", TYP: "application/vc+cose"})
    verify_sign1(parse_sign1(data), PUBLIC, typ={"vc+cose"})
    for position in range(len(data)):
        for bit in (1, 0x20, 0x80):
            altered = data[:position] + bytes([data[position] ^ bit]) + data[position + 1 :]
            with pytest.raises((InvalidInputError, VerificationError)):
                verify_sign1(parse_sign1(altered), PUBLIC, typ={"vc+cose"})


@given(st.binary(max_size=200))
@example(b"\xd2\x84\x43\xa1\x01\x26\xa0\x40\x40")
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    with contextlib.suppress(InvalidInputError, VerificationError):
        verify_sign1(parse_sign1(data), PUBLIC, typ=None)


_ITEMS = st.recursive(
    st.none() | st.booleans() | st.integers(-60, 60) | st.binary(max_size=4) | st.sampled_from(["x", "vc+cose"]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
_HEADERS = st.dictionaries(st.sampled_from([1, 2, 3, 4, 15, 16, 99, "x", b"b"]), _ITEMS, max_size=5)


@given(protected=_HEADERS, unprotected=_HEADERS)
@settings(max_examples=300)
def test_any_headers_are_parsed_or_refused(protected: Any, unprotected: Any) -> None:
    data = encode_cbor([encode_header(protected), unprotected, PAYLOAD, bytes(64)])
    with contextlib.suppress(InvalidInputError, VerificationError):
        verify_sign1(parse_sign1(data), PUBLIC, typ={"vc+cose"})


@pytest.mark.parametrize("curve", JOSE_CURVES)
def test_cose_keys(curve: Curve) -> None:
    key = KEYS[curve].public_key
    made = cose_key(key)
    assert public_key_of(decode_cbor(encode_cbor(made))) == key
    assert public_key_of({**made, 2: b"kid", 3: ALGORITHMS[curve][-1], 4: [2]}) == key
    if curve is not Curve.ED25519:
        assert public_key_of({**made, -3: bool(made[-3][-1] & 1)}) == key
        with pytest.raises(InvalidInputError):
            public_key_of({**made, -3: made[-2]})
    width = len(made[-2])
    change: dict[Any, Any]
    other: Any
    for change in (
        {1: 4},
        {1: True},
        {-1: 99},
        {-1: [1]},
        {-2: made[-2][1:]},
        {-2: bytes(width + 1)},
        {-2: None},
        {3: -999},
        {3: []},
        {4: [7]},
        {4: 2},
        {4: [[2]]},
        {-4: bytes(width)},
    ):
        with pytest.raises(InvalidInputError):
            public_key_of({**made, **change})
    for absent in made:
        with pytest.raises(InvalidInputError):
            public_key_of({label: value for label, value in made.items() if label != absent})
    for other in (None, [], b"", 1):
        with pytest.raises(InvalidInputError):
            public_key_of(other)
