"""Laws of the status lists."""

from __future__ import annotations

import json
import zlib
from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ssi.errors import InvalidInputError, SsiError, StatusError
from ssi.keys import Curve, PrivateKey
from ssi.keys.jws import build_jws, signing_input
from ssi.status import (
    StatusPolicy,
    VerifiedStatusList,
    check_status,
    parse_references,
    parse_status_list,
    read_status,
    verify_status_list,
)
from ssi.status.bits import read_left, read_right, write_left, write_right
from ssi.status.bitstring import decode_list, encode_list, parse_bitstring_claims
from ssi.status.deflate import Wrapper, deflate, inflate
from ssi.status.lists import CredentialState, StatusArray, StatusFamily
from ssi.status.publish import build_lists
from ssi.status.reference import StatusFormat, build_bitstring_entry, build_status_claim
from ssi.status.token import parse_token_claims

law = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOW = 1_800_000_000
ISSUER = "did:example:agency"
KEY = PrivateKey.generate(Curve.ED25519)
ENTRIES = 131_072
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FORMS = st.sampled_from(StatusFormat)
STATES = st.dictionaries(st.integers(0, ENTRIES - 1), st.sampled_from(CredentialState), max_size=20)


def family(form: StatusFormat) -> StatusFamily:
    return StatusFamily(format=form, issuer=ISSUER, uri="https://agency.example/s/1", entries=ENTRIES)


def signed(form: StatusFormat, states: dict[int, CredentialState]) -> list[tuple[str, str]]:
    lists = build_lists(family(form), StatusArray(ENTRIES, states.items()), kid=f"{ISSUER}#k", now=NOW)
    result: list[tuple[str, str]] = []
    for item in lists:
        message = signing_input({"alg": "EdDSA", **item.header}, item.claims)
        result.append((item.uri, build_jws(message, KEY.sign(message))))
    return result


def verified(uri: str, compact: str) -> VerifiedStatusList:
    return verify_status_list(parse_status_list(compact), KEY.public_key, expected_uri=uri, issuer=ISSUER, now=NOW)


@given(data=st.binary(max_size=2000), wrapper=st.sampled_from(Wrapper))
@law
def test_inflate_inverts_deflate(data: bytes, wrapper: Wrapper) -> None:
    assert inflate(deflate(data, wrapper), wrapper) == data


@given(data=st.binary(max_size=400), wrapper=st.sampled_from(Wrapper), bound=st.integers(0, 1000))
@law
def test_inflate_returns_within_the_bound_or_refuses(data: bytes, wrapper: Wrapper, bound: int) -> None:
    for raw in (data, zlib.compress(data), zlib.compress(data)[:-4] + data):
        with suppress(InvalidInputError):
            assert len(inflate(raw, wrapper, max_bytes=bound)) <= bound


@given(st.binary(max_size=2000))
@law
def test_decode_inverts_encode(data: bytes) -> None:
    assert decode_list(encode_list(data)) == data


@given(st.data())
@law
def test_what_is_written_is_read_and_nothing_else_changes(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 16))
    before = data.draw(st.binary(min_size=2, max_size=40))
    index = data.draw(st.integers(0, len(before) * 8 // size - 1))
    value = data.draw(st.integers(0, (1 << size) - 1))
    after = bytearray(before)
    write_left(after, index, value, size)
    expected = [read_left(before, i, size) for i in range(len(before) * 8 // size)]
    expected[index] = value
    assert [read_left(after, i, size) for i in range(len(expected))] == expected
    size = data.draw(st.sampled_from([1, 2, 4, 8]))
    index %= len(before) * 8 // size
    value &= (1 << size) - 1
    after = bytearray(before)
    write_right(after, index, value, size)
    expected = [read_right(before, i, size) for i in range(len(before) * 8 // size)]
    expected[index] = value
    assert [read_right(after, i, size) for i in range(len(expected))] == expected


@given(claims=st.fixed_dictionaries({}, optional={"credentialStatus": JSON, "status": JSON}))
@law
def test_references_are_parsed_or_refused(claims: dict[str, Any]) -> None:
    try:
        references = parse_references(claims)
    except (InvalidInputError, StatusError):
        return
    assert references or not claims


@given(form=FORMS, index=st.integers(0, ENTRIES - 1))
@law
def test_references_survive_the_way_through_a_credential(form: StatusFormat, index: int) -> None:
    references = family(form).references(index)
    claims: dict[str, Any] = (
        {"status": build_status_claim(references[0])}
        if form is StatusFormat.TOKEN
        else {"credentialStatus": [build_bitstring_entry(reference) for reference in references]}
    )
    assert parse_references(json.loads(json.dumps(claims))) == references


@given(st.binary(max_size=300) | st.text(max_size=300))
@law
def test_no_bytes_make_the_list_parser_fail_otherwise(data: bytes | str) -> None:
    with suppress(SsiError):
        parse_status_list(data)


@given(form=FORMS, path=st.integers(0, 40), value=JSON | st.just("https://agency.example/s/2"))
@law
def test_any_member_replaced_is_parsed_or_refused(form: StatusFormat, path: int, value: Any) -> None:
    claims = json.loads(json.dumps(build_lists(family(form), EMPTY, kid="k", now=NOW)[0].claims))
    places = [(claims, name) for name in claims]
    inner = claims["status_list" if form is StatusFormat.TOKEN else "credentialSubject"]
    places += [(inner, name) for name in inner]
    holder, name = places[path % len(places)]
    holder[name] = value
    try:
        content = (parse_token_claims if form is StatusFormat.TOKEN else parse_bitstring_claims)(claims)
    except SsiError:
        return
    assert content.format is form


EMPTY = StatusArray(ENTRIES)


@given(form=FORMS, states=STATES, data=st.data())
@settings(law, max_examples=30)
def test_published_states_are_what_verifiers_find(
    form: StatusFormat, states: dict[int, CredentialState], data: st.DataObject
) -> None:
    index = data.draw(st.sampled_from(sorted(states)) if states else st.just(0)) if data.draw(st.booleans()) else 3
    found = CredentialState.VALID.name.lower()
    policy = StatusPolicy(max_age_seconds=60)
    for (uri, compact), reference in zip(signed(form, states), family(form).references(index), strict=True):
        result = read_status(reference, verified(uri, compact), issuers=(ISSUER,), now=NOW, policy=policy)
        if result.value:
            found = result.state.value
    assert found == states.get(index, CredentialState.VALID).name.lower()


REVOKED = {7: CredentialState.REVOKED, 9: CredentialState.SUSPENDED}
SIGNED = {form: signed(form, REVOKED) for form in StatusFormat}


@given(form=FORMS, which=st.integers(0, 1), position=st.integers(0, 1 << 20), other=st.integers(0, 127))
@settings(law, max_examples=200)
def test_no_altered_byte_is_believed(form: StatusFormat, which: int, position: int, other: int) -> None:
    uri, compact = SIGNED[form][which % len(SIGNED[form])]
    raw = bytearray(compact, "ascii")
    position %= len(raw)
    if raw[position] == other:
        return
    raw[position] = other
    try:
        verified(uri, bytes(raw).decode("ascii"))
    except SsiError:
        return
    raise AssertionError(f"byte {position} changed to {other} and the list was believed")


@given(
    form=FORMS,
    index=st.integers(0, 1 << 30),
    size=st.integers(1, 16),
    purpose=st.sampled_from(["revocation", "suspension", "", "message"]),
    age=st.integers(-100, 1 << 33),
)
@law
def test_a_revoked_or_unreadable_status_is_never_valid(
    form: StatusFormat, index: int, size: int, purpose: str, age: int
) -> None:
    """Every entry of the list is set, so whatever is asked, the answer is a StatusError."""
    uri, compact = SIGNED[form][0]
    full = msgspec.structs.replace(verified(uri, compact), data=b"\xff" * 16_384)
    reference = msgspec.structs.replace(
        family(form).references(0)[0], index=index, size=size if form is StatusFormat.BITSTRING else 1, purpose=purpose
    )
    try:
        check_status(reference, full, issuers=(ISSUER,), now=NOW + age, policy=StatusPolicy(max_age_seconds=None))
    except StatusError:
        return
    raise AssertionError("a credential with a set status was accepted")
