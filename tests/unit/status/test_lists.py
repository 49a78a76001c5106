from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from ssi.credentials.jose import read_vc_jwt, verify_vc_jwt
from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError, StatusError, VerificationError
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.status import check_status, parse_status_list, status_list_digest, verify_status_list
from ssi.status.bits import read_left
from ssi.status.check import StatusPolicy
from ssi.status.lists import CredentialState, StatusArray, draw_index
from ssi.status.publish import SignedList, build_lists, publish_lists
from ssi.status.reference import StatusFormat, build_bitstring_entry, build_status_claim, parse_references
from tests.unit.status.lists import ENTRIES, ISSUER, KEY, KID, NOW, URI, family, signed_lists


def test_the_array_and_both_projections() -> None:
    rng = Random(1)
    states = {rng.randrange(4096): CredentialState(rng.randrange(3)) for _ in range(2000)}
    array = StatusArray(4096, states.items())
    revocation, suspension = array.bitstring("revocation"), array.bitstring("suspension")
    assert len(revocation) == len(suspension) == 512
    for index in range(4096):
        state = states.get(index, CredentialState.VALID)
        assert array[index] is state
        assert read_left(revocation, index) == (state is CredentialState.REVOKED)
        assert read_left(suspension, index) == (state is CredentialState.SUSPENDED)


def test_states_can_be_taken_back() -> None:
    array = StatusArray(64)
    for state in (CredentialState.SUSPENDED, CredentialState.VALID, CredentialState.REVOKED):
        array.set(9, state)
        assert array[9] is state
    assert array.token_list() == b"\0\0\x04" + bytes(13)


def test_an_array_has_no_entries_outside() -> None:
    array = StatusArray(64)
    for index in (-1, 64):
        with pytest.raises(StatusError):
            array.set(index, CredentialState.REVOKED)
        with pytest.raises(StatusError):
            array[index]
    with pytest.raises(InvalidInputError):
        array.bitstring("refresh")
    for entries in (0, 12, -8):
        with pytest.raises(InvalidInputError):
            StatusArray(entries)


@pytest.mark.parametrize(
    "changes",
    [
        {"entries": ENTRIES - 8},
        {"entries": ENTRIES + 1},
        {"entries": 1 << 40},
        {"ttl_seconds": 0},
        {"ttl_seconds": 90_000},
        {"uri": "status/7"},
    ],
)
def test_families_that_nobody_could_use_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError):
        family(StatusFormat.TOKEN, **changes)


def test_references_of_a_credential() -> None:
    (token,) = family(StatusFormat.TOKEN).references(9)
    revocation, suspension = family(StatusFormat.BITSTRING).references(9)
    assert (token.uri, revocation.uri, suspension.uri) == (URI, f"{URI}/revocation", f"{URI}/suspension")
    assert (token.index, revocation.index, suspension.index) == (9, 9, 9)
    carried = {
        "credentialStatus": [build_bitstring_entry(revocation), build_bitstring_entry(suspension)],
        "status": build_status_claim(token),
    }
    assert parse_references(carried) == (revocation, suspension, token)
    assert family(StatusFormat.TOKEN).capacity == ENTRIES // 2
    for index in (-1, ENTRIES):
        with pytest.raises(InvalidInputError):
            family(StatusFormat.TOKEN).references(index)


def test_indexes_are_drawn_from_the_whole_range() -> None:
    drawn = [draw_index(8) for _ in range(400)]
    assert set(drawn) == set(range(8))
    assert draw_index(100, draw_below=lambda bound: bound - 1) == 99


@pytest.mark.parametrize("form", StatusFormat)
@pytest.mark.parametrize("curve", [Curve.P256, Curve.ED25519])
@pytest.mark.parametrize("embedded", [False, True])
async def test_publish_revoke_suspend_and_back(form: StatusFormat, curve: Curve, embedded: bool) -> None:
    kms = MemoryKms()
    key = await kms.generate("lists", curve=curve, purpose=KeyPurpose.LIST)
    batch, states, policy = family(form), StatusArray(ENTRIES), StatusPolicy(max_age_seconds=600)

    async def reason(now: int) -> str:
        published = await publish_lists(
            batch, states, kms=kms, label="lists", kid=KID, now=now, embedded_proof=embedded
        )
        for signed, reference in zip(published, batch.references(4242), strict=True):
            served = signed.served(b"receipt")
            assert (served.media_type, served.receipt) == (signed.media_type, b"receipt")
            assert signed.digest == status_list_digest(served.body)
            assert (signed.valid_from, signed.valid_until, signed.ttl_seconds) == (now, now + 86_400, 300)
            status_list = verify_status_list(
                parse_status_list(served.body), key, expected_uri=signed.uri, issuer=ISSUER, now=now
            )
            try:
                check_status(reference, status_list, issuers=(ISSUER,), now=now, policy=policy)
            except StatusError as exc:
                return exc.reason
        return "valid"

    assert await reason(NOW) == "valid"
    states.set(4242, CredentialState.SUSPENDED)
    assert await reason(NOW + 1) == "suspended"
    states.set(4242, CredentialState.VALID)
    assert await reason(NOW + 2) == "valid"
    states.set(4242, CredentialState.REVOKED)
    assert await reason(NOW + 3) == "revoked"


def test_states_of_another_size_are_refused() -> None:
    with pytest.raises(InvalidInputError):
        build_lists(family(StatusFormat.TOKEN), StatusArray(64), kid=KID, now=NOW)


@pytest.mark.parametrize("form", StatusFormat)
def test_nobody_is_told_apart_by_the_bytes_of_a_list(form: StatusFormat) -> None:
    """Equal states give equal claims: a list carries nothing but states, times and names."""
    first, second = (build_lists(family(form), StatusArray(ENTRIES), kid=KID, now=NOW) for _ in range(2))
    assert first == second


def test_a_bitstring_list_is_a_credential_like_any_other() -> None:
    """What we publish passes every check that this library makes of a vc+jwt."""
    compact = signed_lists(StatusFormat.BITSTRING)[0]
    credential = verify_vc_jwt(read_vc_jwt(compact), KEY.public_key, now=NOW, contexts=()).credential
    assert "BitstringStatusListCredential" in credential.types


async def test_a_list_with_a_proof_names_its_suite() -> None:
    kms, states = MemoryKms(), StatusArray(ENTRIES)
    await kms.generate("lists", curve=Curve.P384, purpose=KeyPurpose.LIST)

    async def publish(suite: str | None, form: StatusFormat = StatusFormat.BITSTRING) -> Sequence[SignedList]:
        return await publish_lists(
            family(form), states, kms=kms, label="lists", kid=KID, now=NOW, embedded_proof=True, cryptosuite=suite
        )

    for suite in (None, "ecdsa-jcs-2019"):
        for signed in await publish(suite):
            assert signed.media_type == "application/vc"
            assert parse_object(signed.compact)["proof"]["cryptosuite"] == "ecdsa-jcs-2019"
    for unfit in ("eddsa-jcs-2022", "ecdsa-none-2019"):
        with pytest.raises(VerificationError):
            await publish(unfit)
    (token,) = await publish(None, StatusFormat.TOKEN)
    assert token.compact.count(".") == 2
