"""SD-JWT VC: the claims that make an SD-JWT a credential, and which of them may not be withheld."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.credentials.sd_jwt import (
    NEVER_DISCLOSABLE,
    SD_JWT_VC_TYPES,
    KeyBindingPolicy,
    VerifiedSdJwtVc,
    bind,
    issue_sd_jwt_vc,
    present,
    read_sd_jwt_vc,
    verify_sd_jwt_vc,
)
from ssi.errors import (
    DisclosureError,
    InvalidInputError,
    InvalidSignatureError,
    KeyBindingError,
    ValidityError,
    VerificationError,
)
from ssi.keys import Curve, PrivateKey
from tests.unit.credentials.sd_jwt.conftest import Parties, digest, disclosure

NOW = 1_800_000_000
DID = "did:web:city.example"
WRONG_TIMES: list[Any] = ["1", True, None, [1], {}]
STATUS = {"status_list": {"idx": 3, "uri": "https://city.example/lists/1"}}


async def _issue(parties: Parties, **changes: Any) -> str:
    arguments: dict[str, Any] = {
        "claims": {"sub": "did:key:z6Mk", "name": "Alice", "age": 40},
        "vct": "https://city.example/residence",
        "issuer": DID,
        "kid": f"{DID}#key-1",
        "disclosable": [("name",), ("age",)],
        "kms": parties.kms,
        "label": "issuer",
        "issued_at": NOW,
        "valid_from": NOW,
        "valid_until": NOW + 100,
        "holder_key": parties.holder.public_key,
        "status": STATUS,
        **changes,
    }
    return (await issue_sd_jwt_vc(arguments.pop("claims"), **arguments)).compact


def _verify(parties: Parties, text: str, **changes: Any) -> VerifiedSdJwtVc:
    arguments = {"now": NOW, "key_binding": None, **changes}
    return verify_sd_jwt_vc(read_sd_jwt_vc(text), parties.issuer_key, **arguments)


async def test_from_issuer_to_verifier(parties: Parties) -> None:
    text = await _issue(parties)
    unverified = read_sd_jwt_vc(text)
    assert (unverified.issuer, unverified.kid) == (DID, f"{DID}#key-1")
    assert unverified.vct == "https://city.example/residence"
    shown = present(text, [("age",)])
    bound = await bind(shown, kms=parties.kms, label="holder", nonce="n", audience="v", now=NOW)
    policy = KeyBindingPolicy(nonce="n", audience="v", max_age_seconds=60)
    verified = _verify(parties, bound, key_binding=policy)
    assert verified.claims["age"] == 40
    assert "name" not in verified.claims
    assert verified.disclosed_paths == (("age",),)
    assert verified.types == ("https://city.example/residence",)
    assert (verified.issued_at, verified.valid_from, verified.valid_until) == (NOW, NOW, NOW + 100)
    assert verified.status == STATUS
    assert verified.key_binding is not None
    assert verified.key_binding.key == parties.holder.public_key
    assert _verify(parties, bound).key_binding is None
    with pytest.raises(KeyBindingError):
        _verify(parties, shown, key_binding=policy)


async def test_validity(parties: Parties) -> None:
    text = await _issue(parties)
    _verify(parties, text, now=NOW + 99)
    _verify(parties, text, now=NOW - 60)
    for when in (NOW + 100, NOW - 61):
        with pytest.raises(ValidityError):
            _verify(parties, text, now=when)
    future = await _issue(parties, issued_at=NOW + 61, valid_from=None)
    with pytest.raises(ValidityError, match="issued"):
        _verify(parties, future)
    assert _verify(parties, await _issue(parties, valid_until=None), now=NOW * 2).valid_until is None


def _payload(**changes: Any) -> dict[str, Any]:
    claims = {"iss": DID, "vct": "t", "iat": NOW, **changes}
    return {name: value for name, value in claims.items() if value is not ...}


def test_the_least_that_a_credential_has(parties: Parties) -> None:
    verified = _verify(parties, parties.sign(_payload(iss=..., iat=...), typ="dc+sd-jwt"))
    assert (verified.issuer, verified.vct, verified.status, verified.issued_at) == (None, "t", None, None)
    assert _verify(parties, parties.sign(_payload(aka_vcts=["u", "v"]), typ="dc+sd-jwt")).types == ("t", "u", "v")
    assert _verify(parties, parties.sign(_payload(), typ="application/dc+sd-jwt")).issuer == DID


@pytest.mark.parametrize(
    "changes",
    [
        {"vct": ...},
        {"vct": ""},
        {"vct": 1},
        {"vct": ["t"]},
        {"iss": 1},
        {"iss": ""},
        {"iss": None},
        {"sub": 1},
        {"sub": {}},
        {"status": "x"},
        {"status": None},
        {"status": []},
        {"aka_vcts": []},
        {"aka_vcts": "u"},
        {"aka_vcts": [1]},
        {"aka_vcts": None},
        *({name: value} for name in ("exp", "nbf", "iat") for value in WRONG_TIMES),
    ],
)
def test_claims_of_a_wrong_shape(parties: Parties, changes: dict[str, Any]) -> None:
    text = parties.sign(_payload(**changes), typ="dc+sd-jwt")
    with pytest.raises(InvalidInputError):
        _verify(parties, text)


def test_a_type_that_is_its_own_alias_is_refused(parties: Parties) -> None:
    with pytest.raises(VerificationError):
        _verify(parties, parties.sign(_payload(aka_vcts=["u", "t"]), typ="dc+sd-jwt"))


@pytest.mark.parametrize("name", sorted(NEVER_DISCLOSABLE))
async def test_claims_that_must_stay_in_plain_sight(parties: Parties, name: str) -> None:
    values = {"cnf": {"jwk": parties.holder.public_key.to_jwk()}, "status": STATUS, "aka_vcts": ["u"]}
    text = disclosure("salt", name, values.get(name, NOW + 10 if name in ("exp", "nbf") else "t"))
    payload = _payload(_sd=[digest(text)], **{name: ...})
    if name == "vct":
        with pytest.raises(InvalidInputError):
            read_sd_jwt_vc(parties.sign(payload, [text], typ="dc+sd-jwt"))
    else:
        with pytest.raises(DisclosureError, match=name.replace("#", ".")):
            _verify(parties, parties.sign(payload, [text], typ="dc+sd-jwt"))
    insides: list[Any] = [{"_sd": ["x"]}, {"a": {"_sd": []}}, [{"...": "x"}], {"a": [{"...": "x"}]}]
    for inside in insides:
        with pytest.raises((DisclosureError, InvalidInputError)):
            _verify(parties, parties.sign(_payload(**{name: inside}), typ="dc+sd-jwt"))
    with pytest.raises(InvalidInputError, match="disclosable"):
        await _issue(parties, disclosable=[(name,)])
    with pytest.raises(InvalidInputError, match="disclosable"):
        await _issue(parties, disclosable=[], decoys={(name, "x"): 1})


def test_iat_and_sub_may_be_withheld(parties: Parties) -> None:
    iat, sub = disclosure("1", "iat", NOW + 100), disclosure("2", "sub", "someone")
    payload = _payload(iat=..., _sd=[digest(iat), digest(sub)])
    assert _verify(parties, parties.sign(payload, [sub], typ="dc+sd-jwt")).issued_at is None
    with pytest.raises(ValidityError):
        _verify(parties, parties.sign(payload, [iat], typ="dc+sd-jwt"))


def test_the_type_is_policy_and_the_old_name_is_not_accepted_by_default(parties: Parties) -> None:
    old = parties.sign(_payload(), typ="vc+sd-jwt")
    with pytest.raises(VerificationError, match="typ"):
        _verify(parties, old)
    assert _verify(parties, old, typ=SD_JWT_VC_TYPES | {"vc+sd-jwt"}).vct == "t"
    for typ in ("kb+jwt", "vc+jwt", "statuslist+jwt", "answerable+jwt", "jwt"):
        with pytest.raises(VerificationError, match="typ"):
            _verify(parties, parties.sign(_payload(), typ=typ))


def test_kid_and_iss_agree(parties: Parties) -> None:
    from ssi.keys.jws import build_jws, signing_input

    def signed(kid: Any) -> str:
        message = signing_input({"alg": "ES256", "typ": "dc+sd-jwt", "kid": kid}, _payload())
        return build_jws(message, parties.issuer.sign(message)) + "~"

    assert read_sd_jwt_vc(signed("any")).kid == "any"
    assert read_sd_jwt_vc(signed(f"{DID}#2")).issuer == DID
    for kid in ("did:web:other.example#1", f"{DID}.evil#1", 1, ["x"]):
        with pytest.raises(InvalidInputError, match="kid"):
            read_sd_jwt_vc(signed(kid))


async def test_another_key_and_every_altered_part_is_refused(parties: Parties) -> None:
    text = await _issue(parties)
    with pytest.raises(InvalidSignatureError):
        verify_sd_jwt_vc(read_sd_jwt_vc(text), PrivateKey.generate(Curve.P256).public_key, now=NOW, key_binding=None)
    with pytest.raises(InvalidInputError):
        read_sd_jwt_vc(text.partition("~")[0])


async def test_arguments_are_not_claims(parties: Parties) -> None:
    for name in ("vct", "iss", "iat", "nbf", "exp", "status", "cnf"):
        with pytest.raises(InvalidInputError, match=name):
            await _issue(parties, claims={"name": "Alice", "age": 40, name: "x"})
    with pytest.raises(InvalidInputError, match="aka_vcts"):
        await _issue(parties, claims={"name": "Alice", "age": 40, "aka_vcts": []})
