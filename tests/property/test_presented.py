"""Whatever JSON is presented or delivered: it is read, or refused as malformed, and nothing else happens."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ssi.errors import InvalidInputError, KeyBindingError
from verifier.candidate import read_presented
from wallet.delivered import read_delivered

V2 = "https://www.w3.org/ns/credentials/v2"
NAMES = ("@context", "type", "id", "issuer", "holder", "proof", "verifiableCredential", "credentialSubject", "cnf")
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from(
        [
            "",
            V2,
            "did:web:a.example",
            "did:key:z",
            "VerifiablePresentation",
            "EnvelopedVerifiableCredential",
            "data:a/b,c",
        ]
    )
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=12,
)
PROOF = {
    "type": "DataIntegrityProof",
    "cryptosuite": "eddsa-jcs-2022",
    "verificationMethod": "did:key:z#z",
    "proofPurpose": "authentication",
    "proofValue": "z",
}
CREDENTIAL = {
    "@context": [V2],
    "type": ["VerifiableCredential"],
    "issuer": "did:web:a.example",
    "credentialSubject": {"a": 1},
    "proof": PROOF,
}
PRESENTATION = {
    "@context": [V2],
    "type": ["VerifiablePresentation"],
    "verifiableCredential": [CREDENTIAL],
    "proof": PROOF,
}


def test_the_sound_ones_are_read() -> None:
    assert read_presented(json.dumps(PRESENTATION), contexts=()).candidates[0].format == "ldp_vc"
    assert read_presented(json.dumps(CREDENTIAL), contexts=()).around is None
    assert read_delivered(json.dumps(CREDENTIAL)).format == "ldp_vc"


@given(st.sampled_from([PRESENTATION, CREDENTIAL, {}]), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4))
def test_any_object(base: dict[str, Any], changes: dict[str, Any]) -> None:
    text = json.dumps({**base, **changes})
    for within in (text, json.dumps({**PRESENTATION, "verifiableCredential": [{**base, **changes}]})):
        with suppress(InvalidInputError):
            assert read_presented(within, contexts=()).candidates
    with suppress(InvalidInputError, KeyBindingError):
        read_delivered(text)


@given(st.binary(max_size=40))
def test_any_bytes_behind_a_brace(data: bytes) -> None:
    for read in (lambda raw: read_presented(raw, contexts=()), read_delivered):
        with suppress(InvalidInputError):
            read(b"{" + data)
