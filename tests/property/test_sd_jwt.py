"""Laws of SD-JWT: what goes in comes out, and an attacker who holds disclosures cannot make the verifier say more.

The state machine plays an issuer who signs several credentials and an attacker who owns all of them and edits a
presentation by hand: drops, doubles, reorders, swaps, forges and mutates. Whatever it does, a claim that the verifier
returns was signed by the issuer for that very credential, at that very place.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from ssi.credentials.sd_jwt import (
    ClaimPath,
    KeyBindingPolicy,
    bind,
    conceal,
    issue_sd_jwt_vc,
    parse_sd_jwt,
    present,
    read_sd_jwt_vc,
    verify_sd_jwt,
    verify_sd_jwt_vc,
)
from ssi.credentials.sd_jwt.disclosure import read_disclosures
from ssi.credentials.sd_jwt.paths import locate
from ssi.credentials.sd_jwt.process import process
from ssi.encoding.base64url import b64url_decode, b64url_decode_many, b64url_encode, b64url_encode_many
from ssi.encoding.gate import parse_json
from ssi.errors import DisclosureError, InvalidInputError, SsiError, VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms

NOW = 1_800_000_000
_REFUSED = object()
POLICY = KeyBindingPolicy(nonce="nonce", audience="verifier", max_age_seconds=60)
ISSUER, HOLDER = PrivateKey.generate(Curve.P256), PrivateKey.generate(Curve.P256)

_names = st.text(st.characters(exclude_categories=["Cs"]), max_size=4).filter(
    lambda name: name not in ("_sd", "...", "_sd_alg")
)
_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(max_size=4)
    | st.floats(allow_nan=False, allow_infinity=False)
)
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3), max_leaves=8
)
_claims = st.dictionaries(_names, _values, min_size=1, max_size=5)


def _all_paths(value: Any, path: ClaimPath = ()) -> list[ClaimPath]:
    found: list[ClaimPath] = [path] if path else []
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in steps:
        found += _all_paths(item, (*path, step))
    return found


def _part_of(part: Any, whole: Any) -> bool:
    """Whether ``part`` is ``whole`` with members and elements left out, nothing added and nothing moved."""
    if isinstance(whole, dict):
        return isinstance(part, dict) and all(
            name in whole and _part_of(value, whole[name]) for name, value in part.items()
        )
    if isinstance(whole, list):
        rest = iter(whole)
        return isinstance(part, list) and all(any(_part_of(item, other) for other in rest) for item in part)
    return type(part) is type(whole) and part == whole


@given(claims=_claims, data=st.data())
def test_what_is_concealed_comes_back_and_every_choice_shows_a_part(
    claims: dict[str, Any], data: st.DataObject
) -> None:
    paths = _all_paths(claims)
    hidden = data.draw(st.lists(st.sampled_from(paths), unique=True))
    containers = [(), *(path for path in paths if isinstance(_at(claims, path), dict | list))]
    decoys = data.draw(st.dictionaries(st.sampled_from(containers), st.integers(0, 2), max_size=3))
    concealed = conceal(claims, hidden, decoys=decoys)
    full = process(concealed.payload, concealed.disclosures)
    assert full.claims == claims
    assert set(full.disclosed) == set(hidden)
    sd_jwt = "~".join([_unsigned(concealed.payload), *concealed.disclosures, ""])
    chosen = data.draw(st.lists(st.sampled_from(paths), unique=True))
    shown = parse_sd_jwt(present(sd_jwt, chosen, nested=data.draw(st.booleans())))
    view = process(concealed.payload, shown.disclosures)
    assert _part_of(view.claims, claims)
    for path in chosen:
        locate(full.claims, [path])
    needed = {full.disclosed[path[:end]] for path in chosen for end in range(1, len(path) + 1) if path[:end] in hidden}
    assert needed <= set(shown.disclosures)


def _at(value: Any, path: ClaimPath) -> Any:
    for step in path:
        value = value[step]
    return value


def _unsigned(payload: dict[str, Any]) -> str:
    header = b64url_encode(b'{"alg":"ES256","typ":"dc+sd-jwt"}')
    return f"{header}.{b64url_encode(msgspec.json.encode(payload))}.{b64url_encode(bytes(64))}"


@given(st.text() | st.binary() | st.lists(st.sampled_from(["~", ".", "e30", "eyJhbGciOiJFUzI1NiJ9"])).map("".join))
def test_any_text_is_parsed_or_refused(text: str | bytes) -> None:
    with contextlib.suppress(InvalidInputError):
        assert parse_sd_jwt(text).sd_jwt.endswith("~")


@given(
    st.recursive(
        _scalars | st.just("x"),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["_sd", "...", "_sd_alg", "a", "b"]), inner, max_size=4)
        ),
        max_leaves=20,
    ),
    st.lists(st.text() | _values.map(lambda value: b64url_encode(msgspec.json.encode(["s", value]))), max_size=4),
)
def test_any_signed_payload_is_processed_or_refused(payload: Any, disclosures: list[str]) -> None:
    texts = [text for text in disclosures if text.isascii()]
    try:
        claims = process(payload if isinstance(payload, dict) else {"a": payload}, texts).claims
    except (InvalidInputError, VerificationError):
        return
    assert '"_sd"' not in json.dumps(claims)


@given(
    st.binary(max_size=40) | _values.map(msgspec.json.encode) | st.lists(_values, max_size=4).map(msgspec.json.encode)
)
def test_the_short_way_into_a_disclosure_takes_what_the_gate_takes(raw: bytes) -> None:
    text = b64url_encode(raw)
    try:
        expected = parse_json(raw)
    except InvalidInputError:
        expected = _REFUSED
    try:
        [found] = read_disclosures([text])
    except InvalidInputError:
        assert expected is _REFUSED
    except DisclosureError:
        assert not _is_disclosure(expected)
    else:
        assert _is_disclosure(expected)
        assert json.dumps(found) == json.dumps([text, expected[1] if len(expected) == 3 else None, expected[-1]])


def _is_disclosure(value: Any) -> bool:
    return isinstance(value, list) and len(value) in (2, 3) and all(isinstance(part, str) for part in value[:-1])


async def _credential(index: int) -> tuple[dict[str, Any], str]:
    kms = MemoryKms()
    await kms.add("issuer", ISSUER, purpose=KeyPurpose.CREDENTIAL)
    claims = {
        "name": f"name-{index}",
        "age": index,
        "address": {"city": f"city-{index}", "street": f"street-{index}"},
        "from": [f"land-{index}", "DE"],
        "plain": index,
    }
    issued = await issue_sd_jwt_vc(
        claims,
        vct=f"type-{index}",
        issuer="did:web:issuer.example",
        kid="did:web:issuer.example#1",
        disclosable=[("name",), ("age",), ("address",), ("address", "city"), ("from", None)],
        kms=kms,
        label="issuer",
        valid_until=NOW + 1_000,
        holder_key=HOLDER.public_key,
    )
    signed = {**claims, "vct": f"type-{index}", "iss": "did:web:issuer.example", "exp": NOW + 1_000}
    return {**signed, "cnf": {"jwk": HOLDER.public_key.to_jwk()}}, issued.compact


class HostileHolder(RuleBasedStateMachine):
    """The attacker's workbench: one presentation as a list of parts, edited step by step."""

    disclosures = Bundle("disclosures")

    @initialize()
    def issue(self) -> None:
        self.signed = [asyncio.run(_credential(index)) for index in range(3)]
        self.owner = 0
        self.jws, *self.parts, _ = self.signed[0][1].split("~")
        self.genuine = [text.split("~")[1:-1] for _, text in self.signed]

    @rule(which=st.integers(0, 2))
    def take_the_jwt_of_another_credential(self, which: int) -> None:
        self.owner = which
        self.jws = self.signed[which][1].partition("~")[0]

    @rule(which=st.integers(0, 2), at=st.integers(0, 5))
    def start_afresh(self, which: int, at: int) -> None:
        self.take_the_jwt_of_another_credential(which)
        self.parts = self.genuine[which][at:]

    @rule(at=st.integers(0, 9))
    def drop(self, at: int) -> None:
        if self.parts:
            del self.parts[at % len(self.parts)]

    @rule(order=st.randoms(use_true_random=False))
    def reorder(self, order: Any) -> None:
        order.shuffle(self.parts)

    @rule(which=st.integers(0, 2), number=st.integers(0, 5), at=st.integers(0, 9))
    def put_in_a_genuine_disclosure(self, which: int, number: int, at: int) -> None:
        self.parts.insert(at, self.genuine[which][number])

    @rule(
        target=disclosures, name=st.sampled_from(["name", "age", "vct", "iss", "exp", "cnf", "_sd", "x"]), value=_values
    )
    def forge_a_property(self, name: str, value: Any) -> str:
        return b64url_encode(msgspec.json.encode(["salt", name, value]))

    @rule(target=disclosures, value=_values)
    def forge_an_element(self, value: Any) -> str:
        return b64url_encode(msgspec.json.encode(["salt", value]))

    @rule(target=disclosures, which=st.integers(0, 2), number=st.integers(0, 5), value=_values)
    def change_the_value_of_a_genuine_one(self, which: int, number: int, value: Any) -> str:
        parts = json.loads(b64url_decode(self.genuine[which][number]))
        return b64url_encode(msgspec.json.encode([*parts[:-1], value]))

    @rule(text=disclosures, at=st.integers(0, 9))
    def put_in_a_forged_disclosure(self, text: str, at: int) -> None:
        self.parts.insert(at, text)

    @rule(at=st.integers(0, 9), where=st.integers(0, 200), letter=st.sampled_from("ABwg_-=~."))
    def mutate_a_disclosure(self, at: int, where: int, letter: str) -> None:
        if self.parts:
            text = self.parts[at % len(self.parts)]
            where %= len(text) or 1
            self.parts[at % len(self.parts)] = text[:where] + letter + text[where + 1 :]

    @rule(where=st.integers(0, 2_000), letter=st.sampled_from("ABwg_-=~."))
    def mutate_the_jwt(self, where: int, letter: str) -> None:
        where %= len(self.jws)
        self.jws = self.jws[:where] + letter + self.jws[where + 1 :]

    @invariant()
    def the_verifier_says_only_what_was_signed(self) -> None:
        if not hasattr(self, "jws"):
            return
        text = "~".join([self.jws, *self.parts, ""])
        try:
            verified = verify_sd_jwt_vc(read_sd_jwt_vc(text), ISSUER.public_key, now=NOW, key_binding=None)
        except SsiError:
            return
        claims, compact = self.signed[self.owner]
        assert self.jws == compact.partition("~")[0]
        assert set(self.parts) <= set(self.genuine[self.owner])
        assert len(set(self.parts)) == len(self.parts) == len(verified.disclosed_paths)
        assert _part_of(verified.claims, claims)
        for name in ("vct", "iss", "exp", "cnf", "plain"):
            assert verified.claims[name] == claims[name]


TestHostileHolder = HostileHolder.TestCase
TestHostileHolder.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


async def _bound() -> str:
    kms = MemoryKms()
    await kms.add("holder", HOLDER, purpose=KeyPurpose.HOLDER)
    shown = present((await _credential(7))[1], [("name",), ("from", 0)])
    return await bind(shown, kms=kms, label="holder", nonce="nonce", audience="verifier", now=NOW)


@pytest.mark.parametrize("policy", [POLICY, None], ids=["required", "not required"])
def test_no_altered_byte_of_a_presentation_is_accepted(policy: KeyBindingPolicy | None) -> None:
    text = asyncio.run(_bound())
    verify_sd_jwt_vc(read_sd_jwt_vc(text), ISSUER.public_key, now=NOW, key_binding=policy)
    for at in range(len(text)):
        for letter in ("A", "~", "_"):
            if text[at] != letter:
                altered = text[:at] + letter + text[at + 1 :]
                with pytest.raises(SsiError):
                    verify_sd_jwt_vc(read_sd_jwt_vc(altered), ISSUER.public_key, now=NOW, key_binding=policy)


def test_no_claim_is_accepted_under_another_issuers_key() -> None:
    text = asyncio.run(_bound())
    with pytest.raises(VerificationError):
        verify_sd_jwt(parse_sd_jwt(text), HOLDER.public_key, typ={"dc+sd-jwt"})


@given(
    st.lists(
        st.text(st.sampled_from('AQgwBE_-=+/~ é",\\u0'), max_size=6) | st.binary(max_size=9).map(b64url_encode),
        max_size=5,
    )
)
def test_decoding_many_texts_is_decoding_each(texts: list[str]) -> None:
    try:
        expected = [b64url_decode(text) for text in texts]
    except InvalidInputError:
        with pytest.raises(InvalidInputError):
            b64url_decode_many(texts)
    else:
        assert b64url_decode_many(texts) == expected
        assert b64url_encode_many(expected) == texts


_spaced = st.recursive(
    st.sampled_from(["1", '"a"', '":"', '" :"', '"\\":"', "null", '"https://a:b"', str(2**53)]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + " , ".join(items) + "]")
        | st.lists(
            st.tuples(
                st.sampled_from(['"a"', '"b"', '":"', '"\\"a"', '" "']), st.sampled_from(["", " ", "\n", "\t "]), inner
            ),
            max_size=3,
        ).map(lambda items: "{" + ",".join(f"{name}{space}:{value}" for name, space, value in items) + "}")
    ),
    max_leaves=8,
)


@settings(max_examples=300)
@given(_spaced)
def test_the_gate_refuses_exactly_the_duplicates_and_the_large_integers(text: str) -> None:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("duplicate")
        return dict(pairs)

    def small(digits: str) -> int:
        if int(digits) >= 2**53:
            raise ValueError("large")
        return int(digits)

    try:
        expected = json.loads(text, object_pairs_hook=unique, parse_int=small)
    except ValueError:
        with pytest.raises(InvalidInputError):
            parse_json(text)
    else:
        assert parse_json(text) == expected
