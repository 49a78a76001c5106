"""vc+cose and vp+cose at the verifier: bytes, base64, enveloped, with other formats, and what is refused."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.credentials.cose import envelope_vc_cose, sign_vc_cose, sign_vp_cose
from ssi.credentials.jose import envelope_vc_jwt, sign_vc_jwt, sign_vp_jwt
from ssi.credentials.presentation import (
    ENVELOPED_PRESENTATION,
    Envelope,
    build_presentation,
)
from ssi.credentials.vcdm import parse_credential
from ssi.did.methods.key import did_key
from ssi.did.resolver import default_resolver
from ssi.encoding.base64url import b64_encode
from ssi.encoding.cbor import Tag, encode_cbor
from ssi.errors import InvalidInputError
from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.keys.cose import ALGORITHMS
from ssi.keys.jws import encode_json
from ssi.testing import TestClock
from verifier import Policy, Refused, Trust, VerifiedPresentation, Verifier
from verifier.candidate import read_presented

V2 = "https://www.w3.org/ns/credentials/v2"
AUDIENCE, NONCE = "https://benefits.example", "n-1"


def kid_of(key: PublicKey) -> str:
    did = did_key(key)
    return f"{did}#{did.removeprefix('did:key:')}"


class Parties:
    """An issuer and a holder whose DIDs say their keys, and a verifier that accepts the issuer by name."""

    def __init__(self, curve: Curve = Curve.P256) -> None:
        self.clock, self.kms = TestClock(), MemoryKms()
        self.keys = {name: PrivateKey.generate(curve) for name in ("issuer", "holder", "thief")}
        self.issuer, self.holder = (did_key(self.keys[name].public_key) for name in ("issuer", "holder"))

    async def start(self) -> Parties:
        for name, key in self.keys.items():
            purpose = KeyPurpose.CREDENTIAL if name == "issuer" else KeyPurpose.HOLDER
            await self.kms.add(name, key, purpose=purpose)
        return self

    async def issue(self, how: str = "cose", *, bound: bool = True, **changes: Any) -> Envelope:
        document = {
            "@context": [V2],
            "type": ["VerifiableCredential", "Residence"],
            "issuer": self.issuer,
            "credentialSubject": {"id": self.holder, "name": "resident"},
            **changes,
        }
        rules: dict[str, Any] = {
            "kms": self.kms,
            "label": "issuer",
            "kid": kid_of(self.keys["issuer"].public_key),
            "issued_at": self.clock(),
            "holder_key": self.keys["holder"].public_key if bound else None,
        }
        credential = parse_credential(document, contexts=())
        if how == "jwt":
            return envelope_vc_jwt(await sign_vc_jwt(credential, **rules))
        return envelope_vc_cose(await sign_vc_cose(credential, **rules))

    async def present(self, *credentials: Envelope, by: str = "holder", how: str = "cose", **changes: Any) -> Any:
        rules: dict[str, Any] = {
            "kms": self.kms,
            "label": by,
            "kid": kid_of(self.keys[by].public_key),
            "audience": AUDIENCE,
            "nonce": NONCE,
            "issued_at": self.clock(),
            **changes,
        }
        holder = did_key(self.keys[by].public_key)
        if how == "jwt":
            return await sign_vp_jwt(credentials, holder=holder, **rules)
        return await sign_vp_cose(build_presentation(credentials, holder=holder), **rules)

    async def verify_all(self, shown: str | bytes, **changes: Any) -> tuple[VerifiedPresentation, ...]:
        keep = changes.pop("keep_evidence", False)
        policy: dict[str, Any] = {
            "audience": AUDIENCE,
            "holder_binding": "required",
            "status": "not-checked",
            "max_list_age_seconds": 86_400,
            "trust": (Trust(type="Residence", issuers=(self.issuer,)),),
        }
        verifier = Verifier(Policy(**{**policy, **changes}), resolver=default_resolver(now=self.clock), now=self.clock)
        return await verifier.verify_all(shown, nonce=NONCE, keep_evidence=keep)

    async def verify(self, shown: str | bytes, **changes: Any) -> VerifiedPresentation:
        (found,) = await self.verify_all(shown, **changes)
        return found


@pytest.mark.parametrize("curve", list(ALGORITHMS))
@pytest.mark.parametrize("bound", [True, False])
async def test_presented_as_bytes_text_and_envelope(curve: Curve, bound: bool) -> None:
    parties = await Parties(curve).start()
    data = await parties.present(await parties.issue(bound=bound))
    text = b64_encode(data)
    envelope = Envelope("application/vp+cose", text, ENVELOPED_PRESENTATION, True).to_object()
    for shown in (data, text, f"\n{text}\n", text.rstrip("="), encode_json(envelope)):
        found = await parties.verify(shown)
        assert found.claims == {"id": parties.holder, "name": "resident"}
        assert found.issuer == parties.issuer
        assert found.holder == parties.keys["holder"].public_key
        assert found.report.checks[0].source == "vc+cose"


async def test_the_bare_credential_where_policy_takes_it() -> None:
    parties = await Parties().start()
    envelope = await parties.issue()
    for shown in (envelope.data, json.dumps(envelope.to_object())):
        assert (await parties.verify(shown, holder_binding="not-required")).holder is None
        with pytest.raises(Refused) as refused:
            await parties.verify(shown)
        assert refused.value.check == "holder"


async def test_formats_go_together() -> None:
    parties = await Parties().start()
    both = [await parties.issue(), await parties.issue("jwt")]
    for how in ("cose", "jwt"):
        found = await parties.verify_all(await parties.present(*both, how=how))
        assert [item.claims["name"] for item in found] == ["resident", "resident"]


async def test_evidence_is_kept_of_the_bytes() -> None:
    parties = await Parties().start()
    data = await parties.present(await parties.issue())
    found = await parties.verify(data, keep_evidence=True)
    assert found.kept is not None
    assert found.kept.members["presentation.txt"] == data


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"audience": "https://other.example"}, "holder"),
        ({"nonce": "n-2"}, "holder"),
        ({"issued_at": 1_000}, "holder"),
        ({"by": "thief"}, "holder"),
    ],
)
async def test_presentations_that_are_refused(change: dict[str, Any], check: str) -> None:
    parties = await Parties().start()
    for bound in (True, False):
        with pytest.raises(Refused) as refused:
            await parties.verify(await parties.present(await parties.issue(bound=bound), **change))
        assert refused.value.check == check


async def test_credentials_that_are_refused() -> None:
    parties = await Parties().start()
    other = await Parties().start()
    for envelope, check in (
        (await other.issue(), "issuer"),
        (await parties.issue(type=["VerifiableCredential", "Other"]), "issuer"),
        (await parties.issue(validUntil="2001-01-01T00:00:00Z"), "validity"),
    ):
        with pytest.raises(Refused) as refused:
            await parties.verify(await parties.present(envelope))
        assert refused.value.check == check


async def test_every_byte_altered_is_refused() -> None:
    parties = await Parties().start()
    data = await parties.present(await parties.issue())
    await parties.verify(data)
    for position in range(0, len(data), 5):
        altered = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        with pytest.raises((Refused, InvalidInputError)):
            await parties.verify(altered)


@pytest.mark.parametrize(
    "shown",
    [
        b"\xd2",
        b"\xd2\x84\x40\xa0\x40\x40",
        "AAAA",
        "0oRA",
        "",
        "é",
        "not base64",
        b"\x84\x40\xa0\x40\x40",
        {"id": "data:application/vp+cose,0oRA", "type": ENVELOPED_PRESENTATION},
        {"id": "data:application/vp+cose;base64,0oRA", "type": ENVELOPED_PRESENTATION},
        {"id": "data:application/vc+cose,0oRA", "type": "EnvelopedVerifiableCredential"},
        {"id": "data:application/vc+cose;base64,0oRA", "type": "EnvelopedVerifiableCredential"},
        {"id": "data:application/vc+jwt;base64,0oRA", "type": "EnvelopedVerifiableCredential"},
    ],
)
def test_what_is_malformed(shown: Any) -> None:
    raw = encode_json({"@context": V2, **shown}) if isinstance(shown, dict) else shown
    with pytest.raises(InvalidInputError):
        read_presented(raw, contexts=())


_LABELS = st.sampled_from([1, 3, 4, 15, 16])
_ITEMS: st.SearchStrategy[Any] = st.sampled_from(
    [-7, "application/vp+cose", "vc+cose", b"did:key:z#z", {6: 5}, {6: 1.5}, {6: "x"}, None, []]
)
_PAYLOADS = st.dictionaries(
    st.sampled_from(["@context", "type", "issuer", "holder", "verifiableCredential", "iat"]),
    st.sampled_from([[V2], "VerifiableCredential", "did:key:z", {"id": 5}, [], 5, None]),
)


@given(header=st.dictionaries(_LABELS, _ITEMS), payload=_PAYLOADS | st.none(), tail=st.binary(max_size=30))
def test_any_sign1(header: Any, payload: Any, tail: bytes) -> None:
    encoded = None if payload is None else encode_json(payload)
    for data in (encode_cbor(Tag(18, [encode_cbor(header), {}, encoded, tail])), b"\xd2" + tail, b"\xd2\x84" + tail):
        for shown in (data, b64_encode(data)):
            with suppress(InvalidInputError):
                assert read_presented(shown, contexts=()).candidates
