"""RFC 9901 sections 4.3 and 7.3: every way in which a key binding JWT may fail to bind."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.credentials.sd_jwt import VerifiedSdJwt, bind, verify_key_binding
from ssi.credentials.sd_jwt.key_binding import check_kb_integrity
from ssi.errors import InvalidInputError, KeyBindingError
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.jws import build_jws, signing_input
from tests.unit.credentials.sd_jwt.conftest import Parties, digest, disclosure

NOW = 1_800_000_000
NAME, AGE = disclosure("s1", "name", "Alice"), disclosure("s2", "age", 40)
NONCE, AUDIENCE = "n-0S6_WzA2Mj", "x509_san_dns:verifier.example"


def _bare(parties: Parties, **changes: Any) -> str:
    payload = {"_sd": [digest(NAME), digest(AGE)], "cnf": {"jwk": parties.holder.public_key.to_jwk()}, **changes}
    return parties.sign(payload, [NAME, AGE])


def _kb(bare: str, key: PrivateKey, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    claims = {"iat": NOW, "aud": AUDIENCE, "nonce": NONCE, "sd_hash": digest(bare), **changes}
    kept = {name: value for name, value in claims.items() if value is not ...}
    message = signing_input(header or {"alg": "ES256", "typ": "kb+jwt"}, kept)
    return bare + build_jws(message, key.sign(message))


def _check(verified: VerifiedSdJwt, **changes: Any) -> None:
    policy = {"nonce": NONCE, "audience": AUDIENCE, "now": NOW, "max_age_seconds": 300, **changes}
    verify_key_binding(verified, **policy)


async def test_what_bind_makes_verifies_and_proves_the_key(parties: Parties) -> None:
    bound = await bind(_bare(parties), kms=parties.kms, label="holder", nonce=NONCE, audience=AUDIENCE, now=NOW)
    binding = verify_key_binding(
        parties.verify(bound), nonce=NONCE, audience=AUDIENCE, now=NOW + 300, max_age_seconds=300
    )
    assert binding.key == parties.holder.public_key
    assert binding.issued_at == NOW


@pytest.mark.parametrize("hash_name", ["sha-384", "sha-512"])
async def test_sd_hash_follows_sd_alg(parties: Parties, hash_name: str) -> None:
    text = parties.sign({"_sd_alg": hash_name, "cnf": {"jwk": parties.holder.public_key.to_jwk()}})
    _check(parties.verify(await bind(text, kms=parties.kms, label="holder", nonce=NONCE, audience=AUDIENCE, now=NOW)))
    with pytest.raises(KeyBindingError, match="sd_hash"):
        _check(parties.verify(_kb(text, parties.holder)))


def test_a_stripped_binding_is_refused(parties: Parties) -> None:
    with pytest.raises(KeyBindingError, match="no key binding JWT"):
        _check(parties.verify(_bare(parties)))


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "another"},
        {"nonce": ...},
        {"nonce": [NONCE]},
        {"nonce": 1},
        {"aud": "another"},
        {"aud": ...},
        {"aud": [AUDIENCE]},
        {"sd_hash": ...},
        {"sd_hash": "x"},
        {"sd_hash": digest("another")},
        {"iat": ...},
        {"iat": NOW - 301},
        {"iat": NOW + 61},
        {"exp": NOW},
        {"nbf": NOW + 61},
    ],
)
def test_claims_that_do_not_bind(parties: Parties, changes: dict[str, Any]) -> None:
    with pytest.raises(KeyBindingError):
        _check(parties.verify(_kb(_bare(parties), parties.holder, **changes)))


@pytest.mark.parametrize("name", ["iat", "exp", "nbf"])
@pytest.mark.parametrize("value", ["1", True, None, [1], {}])
def test_times_of_another_type(parties: Parties, name: str, value: Any) -> None:
    with pytest.raises(InvalidInputError, match=name):
        _check(parties.verify(_kb(_bare(parties), parties.holder, **{name: value})))


def test_other_claims_and_fractions_are_allowed(parties: Parties) -> None:
    _check(parties.verify(_kb(_bare(parties), parties.holder, iat=NOW - 0.5, exp=NOW + 1, nbf=NOW, jti="x")))


@pytest.mark.parametrize("typ", ["jwt", "kb+jwtx", "dc+sd-jwt", "openid4vci-proof+jwt", "", None])
def test_another_type_is_refused(parties: Parties, typ: str | None) -> None:
    header = {"alg": "ES256", **({} if typ is None else {"typ": typ})}
    with pytest.raises(KeyBindingError):
        _check(parties.verify(_kb(_bare(parties), parties.holder, header=header)))


def test_another_key_is_refused_even_if_the_header_brings_it(parties: Parties) -> None:
    other = PrivateKey.generate(Curve.P256)
    for extra in ({}, {"jwk": other.public_key.to_jwk()}):
        header = {"alg": "ES256", "typ": "kb+jwt", **extra}
        with pytest.raises(KeyBindingError, match="cnf"):
            _check(parties.verify(_kb(_bare(parties), other, header=header)))
    with pytest.raises(KeyBindingError, match="cnf"):
        _check(parties.verify(_kb(_bare(parties), parties.issuer)))


def test_dropped_added_and_reordered_disclosures_break_it(parties: Parties) -> None:
    bound = _kb(_bare(parties), parties.holder)
    jws, first, second, kb = bound.split("~")
    _check(parties.verify(bound))
    for edited in (f"{jws}~{first}~{kb}", f"{jws}~{second}~{first}~{kb}", f"{jws}~{kb}"):
        with pytest.raises(KeyBindingError, match="sd_hash"):
            _check(parties.verify(edited))
    fewer = _kb(f"{jws}~{first}~", parties.holder).split("~")[-1]
    with pytest.raises(KeyBindingError, match="sd_hash"):
        _check(parties.verify(f"{jws}~{first}~{second}~{fewer}"))


@pytest.mark.parametrize(
    "cnf",
    [None, {}, "x", [], {"kid": "k"}, {"jwk": "x"}, {"jwk": {}}, {"jwk": {"kty": "oct", "k": "AA"}}, {"jku": "x"}],
)
def test_credentials_bound_to_no_key_that_we_can_use(parties: Parties, cnf: Any) -> None:
    with pytest.raises(KeyBindingError, match="cnf"):
        _check(parties.verify(_kb(_bare(parties, cnf=cnf), parties.holder)))


def test_two_confirmation_methods_and_private_keys_in_cnf_are_refused(parties: Parties) -> None:
    jwk = parties.holder.public_key.to_jwk()
    for cnf in ({"jwk": jwk, "jku": "https://x.example"}, {"jwk": jwk, "jwe": "x"}, {"jwk": parties.holder.to_jwk()}):
        with pytest.raises(KeyBindingError, match="cnf"):
            _check(parties.verify(_kb(_bare(parties, cnf=cnf), parties.holder)))


def test_a_policy_without_nonce_audience_or_age_is_no_policy(parties: Parties) -> None:
    verified = parties.verify(_kb(_bare(parties), parties.holder, nonce="", aud=""))
    for changes in ({"nonce": ""}, {"audience": ""}, {"max_age_seconds": 0}):
        with pytest.raises(InvalidInputError):
            _check(verified, **changes)


async def test_bind_refuses_what_would_not_verify(parties: Parties) -> None:
    good: dict[str, Any] = {"kms": parties.kms, "label": "holder", "nonce": NONCE, "audience": AUDIENCE, "now": NOW}
    bare = _bare(parties)
    await parties.kms.generate("other", curve=Curve.P256, purpose=KeyPurpose.HOLDER)
    with pytest.raises(KeyBindingError, match="cnf"):
        await bind(bare, **{**good, "label": "other"})
    with pytest.raises(InvalidInputError, match="without a key binding"):
        await bind(_kb(bare, parties.holder), **good)
    for changes in ({"nonce": ""}, {"audience": ""}):
        with pytest.raises(InvalidInputError):
            await bind(bare, **{**good, **changes})


def test_messages_show_no_nonce(parties: Parties) -> None:
    with pytest.raises(KeyBindingError) as caught:
        _check(parties.verify(_kb(_bare(parties), parties.holder, nonce="secret-nonce")))
    assert "secret-nonce" not in str(caught.value)
    assert NONCE not in str(caught.value)


def test_a_binding_that_nobody_asked_for_must_hold_all_the_same(parties: Parties) -> None:
    bare = _bare(parties)
    check_kb_integrity(parties.verify(bare))
    check_kb_integrity(parties.verify(_kb(bare, parties.holder, nonce="anything", iat=0)))
    for broken in (_kb(bare, parties.issuer), _kb(bare, parties.holder, sd_hash="x")):
        with pytest.raises(KeyBindingError):
            check_kb_integrity(parties.verify(broken))
