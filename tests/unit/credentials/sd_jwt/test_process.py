"""RFC 9901 section 7.1: what MUST be rejected is, one test per rule. The issuer signs every bad payload here."""

from __future__ import annotations

import pytest

from ssi.credentials.sd_jwt import parse_sd_jwt, verify_sd_jwt
from ssi.credentials.sd_jwt.process import process
from ssi.encoding.base64url import b64url_encode
from ssi.errors import DisclosureError, InvalidInputError, InvalidSignatureError, VerificationError
from ssi.keys import Curve, PrivateKey
from tests.unit.credentials.sd_jwt.conftest import TYPES, Parties, digest, disclosure

NAME = disclosure("salt-1", "name", "Alice")
ELEMENT = disclosure("salt-2", "DE")


def test_disclosed_claims_take_the_place_of_their_digests(parties: Parties) -> None:
    payload = {"_sd": [digest(NAME)], "from": [{"...": digest(ELEMENT)}, "FR"], "_sd_alg": "sha-256"}
    verified = parties.verify(parties.sign(payload, [NAME, ELEMENT]))
    assert verified.claims == {"name": "Alice", "from": ["DE", "FR"]}
    assert verified.disclosed_paths == (("from", 0), ("name",))


def test_withheld_claims_leave_nothing(parties: Parties) -> None:
    payload = {"_sd": [digest(NAME)], "from": [{"...": digest(ELEMENT)}, "FR"], "at": {"_sd": ["x"]}}
    assert parties.verify(parties.sign(payload)).claims == {"from": ["FR"], "at": {}}


def test_disclosures_within_disclosures(parties: Parties) -> None:
    inner = disclosure("s", "city", "Bonn")
    outer = disclosure("t", "address", {"_sd": [digest(inner)], "country": "DE"})
    payload = {"_sd": [digest(outer)]}
    verified = parties.verify(parties.sign(payload, [inner, outer]))
    assert verified.claims == {"address": {"country": "DE", "city": "Bonn"}}
    assert verified.disclosed_paths == (("address",), ("address", "city"))
    with pytest.raises(DisclosureError, match="no digest"):
        parties.verify(parties.sign(payload, [inner]))


@pytest.mark.parametrize("hash_name", ["sha-256", "sha-384", "sha-512"])
def test_hash_algorithms(hash_name: str) -> None:
    import hashlib

    name = hashlib.new(hash_name.replace("-", ""), NAME.encode())
    payload = {"_sd": [b64url_encode(name.digest())], "_sd_alg": hash_name}
    assert process(payload, [NAME]).claims == {"name": "Alice"}


@pytest.mark.parametrize("hash_name", ["md5", "sha-1", "sha-256-64", "SHA-256", "sha256", "", 1, None, ["sha-256"]])
def test_other_hash_algorithms_are_refused(hash_name: object) -> None:
    with pytest.raises(DisclosureError, match="_sd_alg"):
        process({"_sd_alg": hash_name}, [])


D = digest(NAME)
BAD_PAYLOADS = {
    "digest twice in one object": {"_sd": [D, D]},
    "digest twice in the tree": {"_sd": [D], "a": {"_sd": [D]}},
    "digest in an object and an array": {"_sd": [D], "a": [{"...": D}]},
    "unmatched digest twice": {"_sd": [D, "x"], "a": [{"...": "x"}]},
    "_sd that is no array": {"_sd": D},
    "_sd with a number": {"_sd": [D, 1]},
    "_sd with an array": {"_sd": [D, []]},
    "three dots with another member": {"_sd": [D], "a": [{"...": "x", "b": 1}]},
    "three dots that are no string": {"_sd": [D], "a": [{"...": 1}]},
    "three dots outside of an array": {"_sd": [D], "a": {"...": "x"}},
    "three dots at the top": {"_sd": [D], "...": "x"},
    "nested _sd_alg": {"_sd": [D], "a": {"_sd_alg": "sha-256"}},
    "nested _sd_alg in an array": {"_sd": [D], "a": [{"_sd_alg": "sha-256"}]},
    "name that is there already": {"_sd": [D], "name": "Bob"},
    "object property behind an array element": {"a": [{"...": D}]},
    "no digest of it": {"a": 1},
}


@pytest.mark.parametrize("payload", BAD_PAYLOADS.values(), ids=BAD_PAYLOADS)
def test_payloads_to_reject(parties: Parties, payload: dict[str, object]) -> None:
    with pytest.raises(DisclosureError):
        parties.verify(parties.sign(payload, [NAME]))


BAD_DISCLOSURES = {
    "array element behind a property": ELEMENT,
    "four elements": disclosure("s", "n", 1, 2),
    "one element": disclosure("s"),
    "no element": disclosure(),
    "number as salt": disclosure(1, "n", "v"),
    "number as name": disclosure("s", 1, "v"),
    "object": b64url_encode(b'{"a":1}'),
    "string": b64url_encode(b'"abc"'),
    "name _sd": disclosure("s", "_sd", ["x"]),
    "name ...": disclosure("s", "...", "x"),
    "name _sd_alg": disclosure("s", "_sd_alg", "sha-512"),
    "nested _sd_alg": disclosure("s", "n", {"_sd_alg": "sha-512"}),
    "bad _sd inside": disclosure("s", "n", {"_sd": "x"}),
}


@pytest.mark.parametrize("text", BAD_DISCLOSURES.values(), ids=BAD_DISCLOSURES)
def test_signed_disclosures_of_a_wrong_shape(parties: Parties, text: str) -> None:
    with pytest.raises(DisclosureError):
        parties.verify(parties.sign({"_sd": [digest(text)]}, [text]))


MALFORMED_DISCLOSURES = {
    "no JSON": b64url_encode(b'["s","n"'),
    "two JSON texts": b64url_encode(b'["s","n",1]["s","m",2]'),
    "no base64url": "WyJz+/",
    "padding": disclosure("s", "n", "v") + "=",
    "unused bits": b64url_encode(b'["s","n","v"] ')[:-1] + "B",
    "duplicate members": b64url_encode(b'["s","n",{"a":1,"a":2}]'),
    "integer out of range": b64url_encode(b'["s","n",9007199254740992]'),
    "negative integer out of range": b64url_encode(b'["s","n",-9007199254740992]'),
    "float out of range": b64url_encode(b'["s","n",1e400]'),
    "NaN": b64url_encode(b'["s","n",NaN]'),
    "lone surrogate": b64url_encode(b'["s","n","\\ud800"]'),
    "bad UTF-8": b64url_encode(b'["s","n","\xff"]'),
    "byte order mark": b64url_encode(b'\xef\xbb\xbf["s","n",1]'),
    "deep": b64url_encode(b'["s","n",' + b"[" * 40 + b"]" * 40 + b"]"),
    "very deep": b64url_encode(b'["s","n",' + b"[" * 100_000 + b"]" * 100_000 + b"]"),
}


@pytest.mark.parametrize("text", MALFORMED_DISCLOSURES.values(), ids=MALFORMED_DISCLOSURES)
def test_signed_disclosures_that_are_no_json(parties: Parties, text: str) -> None:
    with pytest.raises(InvalidInputError):
        parties.verify(parties.sign({"_sd": [digest(text)]}, [text]))


@pytest.mark.parametrize(
    "texts",
    [[NAME, NAME], [NAME, disclosure("salt-9", "name", "Alice")], [b64url_encode(b'["salt-1", "name", "Alice"]')]],
)
def test_repeated_foreign_and_re_serialised_disclosures(parties: Parties, texts: list[str]) -> None:
    with pytest.raises(DisclosureError):
        parties.verify(parties.sign({"_sd": [D]}, texts))


def test_two_disclosures_with_one_name(parties: Parties) -> None:
    other = disclosure("salt-3", "name", "Bob")
    payload = {"_sd": [D, digest(other)]}
    assert parties.verify(parties.sign(payload, [other])).claims == {"name": "Bob"}
    with pytest.raises(DisclosureError, match="there already"):
        parties.verify(parties.sign(payload, [NAME, other]))


def test_a_digest_may_stand_once_in_all_disclosures_together(parties: Parties) -> None:
    one = disclosure("1", "a", {"_sd": [D]})
    two = disclosure("2", "b", {"_sd": [D]})
    with pytest.raises(DisclosureError, match="more than once"):
        parties.verify(parties.sign({"_sd": [digest(one), digest(two)]}, [one, two, NAME]))


def test_depth_is_counted_through_disclosures(parties: Parties) -> None:
    def chain(length: int) -> str:
        text = disclosure("s0", "n", 1)
        texts = [text]
        for index in range(1, length):
            text = disclosure(f"s{index}", "n", {"_sd": [digest(text)]})
            texts.append(text)
        return parties.sign({"_sd": [digest(text)]}, texts)

    assert len(parties.verify(chain(32)).disclosed) == 32
    with pytest.raises(InvalidInputError, match="deep"):
        parties.verify(chain(33))
    with pytest.raises(InvalidInputError, match="deep"):
        parties.verify(chain(900))


def test_a_circle_of_digests_cannot_be_signed_but_unused_ones_are_refused(parties: Parties) -> None:
    texts = [disclosure(str(index), f"n{index}", index) for index in range(1_000)]
    assert len(parties.verify(parties.sign({"_sd": [digest(text) for text in texts]}, texts)).claims) == 1_000
    with pytest.raises(DisclosureError, match="1 disclosures have no digest"):
        parties.verify(parties.sign({"_sd": [digest(text) for text in texts[1:]]}, texts))


def test_the_key_the_signature_and_the_type_count(parties: Parties) -> None:
    text = parties.sign({"_sd": [D]}, [NAME])
    with pytest.raises(InvalidSignatureError):
        verify_sd_jwt(parse_sd_jwt(text), PrivateKey.generate(Curve.P256).public_key, typ=TYPES)
    with pytest.raises(InvalidSignatureError):
        verify_sd_jwt(parse_sd_jwt(text), PrivateKey.generate(Curve.ED25519).public_key, typ=TYPES)
    with pytest.raises(VerificationError, match="typ"):
        parties.verify(parties.sign({"_sd": [D]}, [NAME], typ="kb+jwt"))


def test_a_payload_that_is_no_object_is_refused(parties: Parties) -> None:
    for payload in (b"[]", b'"x"', b"", b"{", b'{"a":1,"a":2}'):
        with pytest.raises(InvalidInputError):
            parties.verify(parties.sign(payload))


def test_the_signed_claims_are_not_changed(parties: Parties) -> None:
    unverified = parse_sd_jwt(parties.sign({"_sd": [D], "a": {"b": [{"...": "x"}]}}, [NAME]))
    verified = verify_sd_jwt(unverified, parties.issuer_key, typ=TYPES)
    assert verified.claims == {"name": "Alice", "a": {"b": []}}
    assert verified.signed_claims == {"_sd": [D], "a": {"b": [{"...": "x"}]}}
