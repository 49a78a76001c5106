from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from ssi.errors import InvalidInputError, InvalidSignatureError, SsiError, StatusError, VerificationError
from ssi.keys import Curve, PrivateKey
from ssi.keys.jws import parse_jws, verify_jws
from ssi.status import accept_status_list, parse_status_list, status_list_digest, verify_status_list
from ssi.status.lists import CredentialState
from ssi.status.reference import StatusFormat, StatusReference
from tests.unit.status.lists import ENTRIES, ISSUER, KEY, KID, NOW, URI, family, sign, signed_lists, verified

REVOKED = {5: CredentialState.REVOKED}


def reference(form: StatusFormat) -> StatusReference:
    return family(form).references(5)[0]


def parts(compact: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, payload, _ = compact.split(".")
    return tuple(json.loads(base64.urlsafe_b64decode(part + "===")) for part in (header, payload))


def changed(form: StatusFormat, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> str:
    """Return a list of ``form`` that its issuer signed after ``change`` to header and claims."""
    header, claims = parts(signed_lists(form, REVOKED)[0])
    change(header, claims)
    header.pop("alg", None)
    return sign(header, claims)


def with_claims(form: StatusFormat, members: dict[str, Any]) -> str:
    return changed(form, lambda _, claims: claims.update(members))


def with_typ(form: StatusFormat, typ: str) -> str:
    return changed(form, lambda header, _: header.update(typ=typ))


@pytest.mark.parametrize("form", StatusFormat)
def test_a_list_that_holds(form: StatusFormat) -> None:
    compact = signed_lists(form, REVOKED)[0]
    unverified = parse_status_list(compact.encode())
    assert (unverified.format, unverified.issuer, unverified.kid) == (form, ISSUER, KID)
    got = verified(compact, reference(form))
    assert (got.issuer, got.issued_at, got.expires_at, got.ttl_seconds) == (ISSUER, NOW, NOW + 86_400, 300)
    assert got.digest == status_list_digest(compact)
    assert len(got.data) * 8 == ENTRIES * (2 if form is StatusFormat.TOKEN else 1)
    same = accept_status_list(
        verify_jws(parse_jws(compact), KEY.public_key, typ=(parts(compact)[0]["typ"],)),
        expected_uri=reference(form).uri,
        issuer=ISSUER,
        now=NOW,
    )
    assert same == got


@pytest.mark.parametrize("form", StatusFormat)
@pytest.mark.parametrize("part", [0, 1, 2])
def test_one_altered_character_is_refused(form: StatusFormat, part: int) -> None:
    pieces = signed_lists(form, REVOKED)[0].split(".")
    for position in (0, len(pieces[part]) // 2, len(pieces[part]) - 1):
        text = pieces[part]
        other = "A" if text[position] != "A" else "B"
        forged = [*pieces]
        forged[part] = text[:position] + other + text[position + 1 :]
        with pytest.raises((InvalidInputError, VerificationError)):
            verified(".".join(forged), reference(form))


@pytest.mark.parametrize("form", StatusFormat)
def test_another_key_is_refused(form: StatusFormat) -> None:
    for curve in (Curve.P256, Curve.ED25519):
        with pytest.raises(InvalidSignatureError):
            verified(signed_lists(form)[0], reference(form), key=PrivateKey.generate(curve).public_key)


@pytest.mark.parametrize("form", StatusFormat)
def test_another_issuer_or_address_is_refused(form: StatusFormat) -> None:
    compact = signed_lists(form)[0]
    with pytest.raises(VerificationError):
        verified(compact, reference(form), issuer="did:example:other")
    elsewhere = family(form, uri="https://agency.example/status/8").references(5)[0]
    with pytest.raises(VerificationError, match="address"):
        verified(compact, elsewhere)
    foreign = changed(form, lambda header, _: header.update(kid="did:example:other#lists"))
    with pytest.raises(VerificationError, match="kid"):
        verified(foreign, reference(form))
    longer = changed(form, lambda header, _: header.update(kid=f"{ISSUER}2#lists"))
    with pytest.raises(VerificationError, match="kid"):
        verified(longer, reference(form))


@pytest.mark.parametrize("form", StatusFormat)
def test_the_validity_period(form: StatusFormat) -> None:
    compact, ref = signed_lists(form)[0], reference(form)
    verified(compact, ref, now=NOW + 86_399)
    verified(compact, ref, now=NOW - 60)
    with pytest.raises(StatusError) as caught:
        verified(compact, ref, now=NOW + 86_400)
    assert caught.value.reason == "expired"
    with pytest.raises(StatusError):
        verified(compact, ref, now=NOW - 61)


def test_jwt_times_count_for_a_bitstring_credential_too() -> None:
    ref = reference(StatusFormat.BITSTRING)
    for change in ({"exp": NOW}, {"nbf": NOW + 61}, {"iat": NOW + 61}):
        compact = with_claims(StatusFormat.BITSTRING, change)
        with pytest.raises(StatusError):
            verified(compact, ref)


def test_another_typ_is_no_status_list() -> None:
    for typ in ("jwt", "kb+jwt", "dc+sd-jwt", "vp+jwt", "statuslist+cwt", ""):
        compact = with_typ(StatusFormat.TOKEN, typ)
        with pytest.raises(VerificationError):
            parse_status_list(compact)
    # A token list under the typ of a credential, and the other way round, are not what they say.
    for form, typ in ((StatusFormat.TOKEN, "vc+jwt"), (StatusFormat.BITSTRING, "statuslist+jwt")):
        compact = with_typ(form, typ)
        with pytest.raises(SsiError):
            verified(compact, reference(form))
    with pytest.raises(VerificationError):
        accept_status_list(
            verify_jws(parse_jws(sign({"typ": "kb+jwt"}, {})), KEY.public_key, typ=("kb+jwt",)),
            expected_uri=URI,
            issuer=ISSUER,
            now=NOW,
        )


def test_a_list_without_iss_is_of_the_issuer_whose_key_signed_it() -> None:
    compact = changed(StatusFormat.TOKEN, lambda _, claims: claims.pop("iss"))
    assert parse_status_list(compact).issuer is None
    assert verified(compact, reference(StatusFormat.TOKEN)).issuer == ISSUER


def test_an_id_may_be_missing_only_if_the_caller_says_so() -> None:
    compact = changed(StatusFormat.BITSTRING, lambda _, claims: claims.pop("id"))
    ref = reference(StatusFormat.BITSTRING)
    with pytest.raises(VerificationError):
        verified(compact, ref)
    unverified = parse_status_list(compact)
    got = verify_status_list(unverified, KEY.public_key, expected_uri=ref.uri, issuer=ISSUER, now=NOW, require_id=False)
    assert got.uri == ref.uri
    other = parse_status_list(changed(StatusFormat.BITSTRING, lambda _, claims: claims.update(id="https://b.example/")))
    with pytest.raises(VerificationError):
        verify_status_list(other, KEY.public_key, expected_uri=ref.uri, issuer=ISSUER, now=NOW, require_id=False)


def lst(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "change",
    [
        {"sub": None},
        {"sub": ""},
        {"iat": None},
        {"iat": "1800000000"},
        {"iat": True},
        {"iat": -1},
        {"exp": "never"},
        {"exp": None},
        {"nbf": []},
        {"ttl": 0},
        {"ttl": -5},
        {"ttl": "300"},
        {"ttl": True},
        {"iss": 5},
        {"status_list": None},
        {"status_list": []},
        {"status_list": {"bits": 3, "lst": lst(zlib.compress(bytes(8)))}},
        {"status_list": {"bits": True, "lst": lst(zlib.compress(bytes(8)))}},
        {"status_list": {"bits": "1", "lst": lst(zlib.compress(bytes(8)))}},
        {"status_list": {"bits": 1}},
        {"status_list": {"bits": 1, "lst": ""}},
        {"status_list": {"bits": 1, "lst": "u" + lst(zlib.compress(bytes(8)))}},
        {"status_list": {"bits": 1, "lst": lst(zlib.compress(bytes(8))) + "="}},
        {"status_list": {"bits": 1, "lst": lst(zlib.compress(bytes(8)) + b"x")}},
        {"status_list": {"bits": 1, "lst": lst(zlib.compress(bytes(8))[:-1])}},
    ],
)
def test_malformed_token_claims_are_refused(change: dict[str, Any]) -> None:
    compact = changed(StatusFormat.TOKEN, lambda _, claims: claims.update(change))
    with pytest.raises(InvalidInputError):
        verified(compact, reference(StatusFormat.TOKEN))


@pytest.mark.parametrize(
    "change",
    [
        {"@context": []},
        {"@context": "https://www.w3.org/ns/credentials/v2"},
        {"@context": ["https://www.w3.org/2018/credentials/v1"]},
        {"type": "BitstringStatusListCredential"},
        {"type": ["VerifiableCredential"]},
        {"type": [7]},
        {"issuer": None},
        {"issuer": {}},
        {"issuer": [ISSUER]},
        {"vc": {}},
        {"vp": {}},
        {"id": 7},
        {"validFrom": "2027-01-15"},
        {"validFrom": "2027-01-15T08:00:00"},
        {"validFrom": "2027-02-30T08:00:00Z"},
        {"validUntil": 1_900_000_000},
        {"validUntil": "2027-01-15T08:00:00+24:00"},
        {"exp": "x"},
        {"credentialSubject": None},
        {"credentialSubject": []},
        {"credentialSubject": {"type": "BitstringStatusList"}},
    ],
)
def test_malformed_bitstring_credentials_are_refused(change: dict[str, Any]) -> None:
    compact = changed(StatusFormat.BITSTRING, lambda _, claims: claims.update(change))
    with pytest.raises(InvalidInputError):
        verified(compact, reference(StatusFormat.BITSTRING))


@pytest.mark.parametrize(
    "change",
    [
        {"type": "StatusList2021"},
        {"statusPurpose": None},
        {"statusPurpose": []},
        {"statusPurpose": [1]},
        {"statusSize": 0},
        {"statusSize": "1"},
        {"ttl": -1},
        {"encodedList": None},
        {"encodedList": "H4sIAAAA"},
        {"encodedList": "zH4sIAAAA"},
        {"encodedList": "u"},
        {"encodedList": "u" + lst(zlib.compress(bytes(16_384)))},
    ],
)
def test_malformed_bitstring_subjects_are_refused(change: dict[str, Any]) -> None:
    compact = changed(StatusFormat.BITSTRING, lambda _, claims: claims["credentialSubject"].update(change))
    with pytest.raises(InvalidInputError):
        verified(compact, reference(StatusFormat.BITSTRING))


def test_two_issuers_in_one_credential_are_refused() -> None:
    compact = changed(StatusFormat.BITSTRING, lambda _, claims: claims.update(iss="did:example:other"))
    with pytest.raises(VerificationError):
        verified(compact, reference(StatusFormat.BITSTRING))
    named = changed(StatusFormat.BITSTRING, lambda _, claims: claims.update(issuer={"id": ISSUER, "name": "Agency"}))
    assert verified(named, reference(StatusFormat.BITSTRING)).issuer == ISSUER


def test_times_with_zone_and_fraction_round_to_the_careful_side() -> None:
    def change(_: dict[str, Any], claims: dict[str, Any]) -> None:
        claims.update(validFrom="2027-01-15T10:00:00.5+02:00", validUntil="2027-01-16T07:59:59.9-00:30")

    got = verified(changed(StatusFormat.BITSTRING, change), reference(StatusFormat.BITSTRING))
    assert NOW == 1_800_000_000  # 2027-01-15T08:00:00Z
    assert (got.issued_at, got.expires_at) == (NOW + 1, NOW + 86_400 + 1_800 - 1)


def test_ttl_of_a_bitstring_list_is_in_milliseconds() -> None:
    compact = changed(StatusFormat.BITSTRING, lambda _, claims: claims["credentialSubject"].update(ttl=2_999))
    assert verified(compact, reference(StatusFormat.BITSTRING)).ttl_seconds == 2


def test_nothing_is_expanded_before_the_signature_held() -> None:
    bomb = zlib.compress(bytes(64 << 20))
    claims = {"sub": URI, "iat": NOW, "iss": ISSUER, "status_list": {"bits": 1, "lst": lst(bomb)}}
    compact = sign({"typ": "statuslist+jwt", "kid": KID}, claims, PrivateKey.generate(Curve.P256))
    with pytest.raises(InvalidSignatureError):
        verified(compact, reference(StatusFormat.TOKEN))
    with pytest.raises(InvalidInputError, match="at most"):  # and not even the issuer gets more than the bound
        verified(sign({"typ": "statuslist+jwt", "kid": KID}, claims), reference(StatusFormat.TOKEN))


def test_a_list_longer_than_one_mebibyte_is_read() -> None:
    noise = bytes((i * i * 2_654_435_761 >> 11) & 0xFF for i in range(1 << 20))
    claims = {"sub": URI, "iat": NOW, "exp": NOW + 9, "status_list": {"bits": 8, "lst": lst(zlib.compress(noise, 0))}}
    compact = sign({"typ": "statuslist+jwt"}, claims)
    assert len(compact) > 1 << 20
    assert verified(compact, reference(StatusFormat.TOKEN)).data == noise
    with pytest.raises(InvalidInputError):
        parse_status_list(compact, max_characters=len(compact) - 1)


@pytest.mark.parametrize("form", StatusFormat)
def test_the_issuer_inside_counts_whatever_the_header_says(form: StatusFormat) -> None:
    for kid in (None, "12", "did:example:other#lists"):
        compact = changed(form, lambda header, _: header.pop("kid"))
        if kid is not None:
            header, claims = parts(compact)
            header.pop("alg")
            compact = sign(header | {"kid": kid}, claims)
        with pytest.raises(VerificationError):
            verified(compact, reference(form), issuer="did:example:other")
    for header in ({}, {"kid": "12"}):
        old, claims = parts(signed_lists(form)[0])
        assert verified(sign({"typ": old["typ"], **header}, claims), reference(form)).issuer == ISSUER


@pytest.mark.parametrize("form", StatusFormat)
def test_a_list_without_an_end_is_read_and_left_to_policy(form: StatusFormat) -> None:
    end = "exp" if form is StatusFormat.TOKEN else "validUntil"
    got = verified(changed(form, lambda _, claims: claims.pop(end)), reference(form), now=NOW * 2)
    assert got.expires_at is None


def test_members_that_must_be_there() -> None:
    for name in ("iat", "sub", "status_list"):
        compact = changed(StatusFormat.TOKEN, lambda _, claims, gone=name: claims.pop(gone))  # type: ignore[misc]
        with pytest.raises(InvalidInputError):
            verified(compact, reference(StatusFormat.TOKEN))
    wrong: list[dict[str, Any]] = [{"issuer": ""}, {"@context": {}}, {"type": ["", "VerifiableCredential"]}]
    for members in wrong:
        with pytest.raises(InvalidInputError):
            verified(with_claims(StatusFormat.BITSTRING, members), reference(StatusFormat.BITSTRING))


@pytest.mark.parametrize("size", [1, 2])
def test_a_status_size_of_the_list(size: int) -> None:
    compact = changed(StatusFormat.BITSTRING, lambda _, claims: claims["credentialSubject"].update(statusSize=size))
    assert verified(compact, reference(StatusFormat.BITSTRING)).size == size


def test_no_other_multibase_prefix_stands_before_base64url() -> None:
    def change(_: dict[str, Any], claims: dict[str, Any]) -> None:
        subject = claims["credentialSubject"]
        subject["encodedList"] = "m" + subject["encodedList"][1:]

    with pytest.raises(InvalidInputError, match="multibase"):
        verified(changed(StatusFormat.BITSTRING, change), reference(StatusFormat.BITSTRING))
