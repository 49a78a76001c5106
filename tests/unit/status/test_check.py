from __future__ import annotations

import msgspec
import pytest

from ssi.errors import StatusError
from ssi.status import StatusPolicy, StatusState, VerifiedStatusList, check_status, read_status
from ssi.status.lists import CredentialState
from ssi.status.reference import StatusFormat, StatusReference
from tests.unit.status.lists import ENTRIES, ISSUER, NOW, family, verified_lists

POLICY = StatusPolicy(max_age_seconds=3_600)
STATES = {5: CredentialState.REVOKED, 6: CredentialState.SUSPENDED, ENTRIES - 1: CredentialState.REVOKED}


def outcome(form: StatusFormat, index: int) -> str:
    """Return what all the lists of a family together say of the credential at ``index``."""
    try:
        for reference, status_list in zip(family(form).references(index), verified_lists(form, STATES), strict=True):
            check_status(reference, status_list, issuers=(ISSUER,), now=NOW, policy=POLICY)
    except StatusError as exc:
        return exc.reason
    return "valid"


@pytest.mark.parametrize("form", StatusFormat)
@pytest.mark.parametrize(
    ("index", "expected"),
    [(4, "valid"), (5, "revoked"), (6, "suspended"), (7, "valid"), (0, "valid"), (ENTRIES - 1, "revoked")],
)
def test_both_formats_say_the_same(form: StatusFormat, index: int, expected: str) -> None:
    assert outcome(form, index) == expected


def token(data: bytes = b"\x00", **changes: object) -> VerifiedStatusList:
    return msgspec.structs.replace(verified_lists(StatusFormat.TOKEN)[0], data=data, **changes)


TOKEN_REF = family(StatusFormat.TOKEN).references(0)[0]
BIT_REF = family(StatusFormat.BITSTRING).references(0)[0]


def refusal(
    reference: StatusReference, status_list: VerifiedStatusList, *, policy: StatusPolicy = POLICY, now: int = NOW
) -> str:
    with pytest.raises(StatusError) as caught:
        check_status(reference, status_list, issuers=(ISSUER,), now=now, policy=policy)
    return caught.value.reason


def test_a_report_names_the_list_and_not_the_entry() -> None:
    reference = family(StatusFormat.TOKEN).references(77_123)[0]
    result = read_status(reference, verified_lists(StatusFormat.TOKEN)[0], issuers=(ISSUER,), now=NOW, policy=POLICY)
    assert (result.state, result.value, result.issued_at) == (StatusState.VALID, 0, NOW)
    assert b"77123" not in msgspec.json.encode(result)


def test_numbers_whose_meaning_is_not_registered_are_refused() -> None:
    assert refusal(TOKEN_REF, token(b"\x03", size=2)) == "other"
    assert refusal(TOKEN_REF, token(b"\x0b", size=8)) == "other"
    assert refusal(TOKEN_REF, token(b"\xff", size=8)) == "other"
    assert refusal(TOKEN_REF, token(b"\x02", size=4)) == "suspended"


def test_no_entry_at_the_index() -> None:
    past = family(StatusFormat.TOKEN).references(ENTRIES - 1)[0]
    assert refusal(past, token(bytes(16))) == "unreliable"
    for reference, status_list in zip(
        family(StatusFormat.BITSTRING).references(0), verified_lists(StatusFormat.BITSTRING), strict=True
    ):
        assert refusal(msgspec.structs.replace(reference, index=ENTRIES), status_list) == "unreliable"


def test_a_list_of_another_address_format_or_issuer() -> None:
    assert refusal(msgspec.structs.replace(TOKEN_REF, uri="https://b.example/"), token()) == "unreliable"
    assert refusal(msgspec.structs.replace(BIT_REF, uri=TOKEN_REF.uri), token()) == "unreliable"
    bitstring = msgspec.structs.replace(verified_lists(StatusFormat.BITSTRING)[0], uri=TOKEN_REF.uri)
    assert refusal(TOKEN_REF, bitstring) == "unreliable"  # its bits are in the other order
    assert refusal(TOKEN_REF, token(issuer="did:example:other")) == "unreliable"
    assert check_status(
        TOKEN_REF,
        token(issuer="did:example:delegate"),
        issuers=(ISSUER, "did:example:delegate"),
        now=NOW,
        policy=POLICY,
    )


def test_purposes_sizes_and_lengths_of_bitstring_lists() -> None:
    revocation, suspension = verified_lists(StatusFormat.BITSTRING)
    swapped = msgspec.structs.replace(suspension, uri=BIT_REF.uri)
    assert refusal(BIT_REF, swapped) == "unreliable"
    both = msgspec.structs.replace(revocation, purposes=("suspension", "revocation"))
    assert check_status(BIT_REF, both, issuers=(ISSUER,), now=NOW, policy=POLICY).purpose == "revocation"
    assert refusal(BIT_REF, msgspec.structs.replace(revocation, size=2)) == "unreliable"
    short = msgspec.structs.replace(revocation, data=revocation.data[:-1])
    assert refusal(BIT_REF, short) == "unreliable"
    wide = msgspec.structs.replace(BIT_REF, size=2)  # half as many entries as the standard asks for
    assert refusal(wide, revocation) == "unreliable"
    small = msgspec.structs.replace(POLICY, minimum_entries=1000)
    assert check_status(BIT_REF, short, issuers=(ISSUER,), now=NOW, policy=small).state is StatusState.VALID


def test_purposes_that_do_not_end_a_credential() -> None:
    revocation = verified_lists(StatusFormat.BITSTRING, {0: CredentialState.REVOKED})[0]
    for purpose, tolerated, ends in (
        ("refresh", frozenset({"refresh"}), False),
        ("refresh", frozenset(), True),
        ("message", frozenset({"refresh"}), True),
        ("message", frozenset({"message"}), False),
        ("unheard-of", frozenset({"refresh"}), True),
        ("revocation", frozenset({"revocation"}), True),
        ("suspension", frozenset({"suspension"}), True),
    ):
        status_list = msgspec.structs.replace(revocation, purposes=(purpose,))
        reference = msgspec.structs.replace(BIT_REF, purpose=purpose)
        policy = msgspec.structs.replace(POLICY, tolerated_purposes=tolerated)
        if ends:
            refusal(reference, status_list, policy=policy)
        else:
            result = check_status(reference, status_list, issuers=(ISSUER,), now=NOW, policy=policy)
            assert (result.state, result.value) == (StatusState.OTHER, 1)


def test_what_a_message_list_says() -> None:
    data = bytearray(ENTRIES // 4)
    data[0] = 0b10_00_00_00
    status_list = msgspec.structs.replace(
        verified_lists(StatusFormat.BITSTRING)[0], data=bytes(data), purposes=("message",), size=2
    )
    reference = msgspec.structs.replace(
        BIT_REF,
        purpose="message",
        size=2,
        messages=((0, "pending"), (1, "accepted"), (2, "rejected"), (3, "undefined")),
    )
    result = read_status(reference, status_list, issuers=(ISSUER,), now=NOW, policy=POLICY)
    assert (result.state, result.value, result.message) == (StatusState.OTHER, 2, "rejected")
    other = msgspec.structs.replace(reference, index=1)
    assert read_status(other, status_list, issuers=(ISSUER,), now=NOW, policy=POLICY).message == "pending"


def test_freshness() -> None:
    assert refusal(TOKEN_REF, token(), now=NOW + 3_601) == "expired"
    assert check_status(TOKEN_REF, token(), issuers=(ISSUER,), now=NOW + 3_600, policy=POLICY)
    ageless = StatusPolicy(max_age_seconds=None)
    assert check_status(TOKEN_REF, token(), issuers=(ISSUER,), now=NOW + 86_399, policy=ageless)
    assert refusal(TOKEN_REF, token(), now=NOW + 86_400, policy=ageless) == "expired"
    endless = token(expires_at=None)
    assert refusal(TOKEN_REF, endless, policy=ageless) == "unreliable"
    assert check_status(TOKEN_REF, endless, issuers=(ISSUER,), now=NOW, policy=POLICY)
    lenient = StatusPolicy(max_age_seconds=None, accept_without_end=True)
    assert check_status(TOKEN_REF, endless, issuers=(ISSUER,), now=NOW * 2, policy=lenient)
    assert refusal(TOKEN_REF, token(issued_at=None)) == "unreliable"


def test_policy_has_no_default_for_age() -> None:
    with pytest.raises(TypeError):
        StatusPolicy()  # type: ignore[call-arg]
