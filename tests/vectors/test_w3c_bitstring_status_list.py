"""Replay the examples of the Bitstring Status List recommendation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ssi.errors import InvalidInputError, StatusError
from ssi.keys import Curve, PrivateKey
from ssi.keys.jws import build_jws, signing_input
from ssi.status import (
    StatusPolicy,
    StatusState,
    VerifiedStatusList,
    check_status,
    parse_references,
    parse_status_list,
    verify_status_list,
)
from ssi.status.bitstring import decode_list, encode_list, parse_bitstring_claims
from tests.vectors.support import VectorCount, load_json

FOLDER = "w3c/vc-bitstring-status-list"
OURS = json.loads(Path(__file__).with_name("bitstring_status_list.json").read_text(encoding="utf-8"))
KEY = PrivateKey.generate(Curve.P256)
ISSUER = "did:example:12345"
NOW = 1_700_000_000
# The recommendation's list starts in 2021 and says no end; a verifier has to say that this will do.
POLICY = StatusPolicy(max_age_seconds=None, accept_without_end=True)

count = VectorCount(FOLDER)


def secured(claims: dict[str, Any], uri: str) -> VerifiedStatusList:
    """Return ``claims`` as a list that the example's issuer signed: the examples themselves carry no JOSE signature."""
    message = signing_input({"alg": "ES256", "typ": "vc+jwt"}, claims)
    compact = build_jws(message, KEY.sign(message))
    return verify_status_list(parse_status_list(compact), KEY.public_key, expected_uri=uri, issuer=ISSUER, now=NOW)


def test_the_list_and_the_entries_of_the_text() -> None:
    claims = OURS["list"]["claims"]
    assert decode_list(claims["credentialSubject"]["encodedList"]) == bytes(16_384)
    revocation, suspension = parse_references(OURS["entries"])
    status_list = secured(claims, revocation.uri)
    result = check_status(revocation, status_list, issuers=(ISSUER,), now=NOW, policy=POLICY)
    assert (result.state, result.purpose) == (StatusState.VALID, "revocation")
    with pytest.raises(StatusError):  # the other entry names another list
        check_status(suspension, status_list, issuers=(ISSUER,), now=NOW, policy=POLICY)
    with pytest.raises(StatusError):  # without that word, a list with no end is not believed for ever
        check_status(revocation, status_list, issuers=(ISSUER,), now=NOW, policy=StatusPolicy(max_age_seconds=None))


def test_one_bit_of_the_list_decides() -> None:
    claims = OURS["list"]["claims"]
    revocation = parse_references(OURS["entries"])[0]
    for index, refused in ((94_567, True), (94_566, False), (94_568, False)):
        bits = bytearray(16_384)
        bits[index // 8] = 0x80 >> index % 8  # the left-most bit of a byte comes first
        subject = claims["credentialSubject"] | {"encodedList": encode_list(bytes(bits))}
        status_list = secured(claims | {"credentialSubject": subject}, revocation.uri)
        if refused:
            with pytest.raises(StatusError) as caught:
                check_status(revocation, status_list, issuers=(ISSUER,), now=NOW, policy=POLICY)
            assert caught.value.reason == "revoked"
        else:
            check_status(revocation, status_list, issuers=(ISSUER,), now=NOW, policy=POLICY)


def test_an_altered_character_of_the_list_is_refused_or_changes_no_status() -> None:
    encoded = OURS["list"]["claims"]["credentialSubject"]["encodedList"]
    for position, character in enumerate(encoded):
        forged = encoded[:position] + ("A" if character != "A" else "B") + encoded[position + 1 :]
        try:
            assert decode_list(forged) == bytes(16_384), position  # time, name flags and system of the gzip header
        except InvalidInputError:
            continue


def test_published_examples() -> None:
    for block in load_json(FOLDER, "rec-2025-05-15-examples.json")["blocks"]:
        text = "\n".join(line for line in block["text"].splitlines() if not line.strip().startswith("//"))
        try:
            document = json.loads(text)
        except ValueError:
            count.left_out("abbreviated with an ellipsis, and so no JSON")
            continue
        if "credentialStatus" in document:
            for reference in parse_references(document):
                assert reference.uri.startswith("https://example.com/credentials/status/")
                assert reference.purpose in {"revocation", "suspension"}
        elif "credentialSubject" in document:
            content = parse_bitstring_claims(document)
            assert (content.data, content.purposes, content.issuer) == (bytes(16_384), ("revocation",), ISSUER)
        else:
            count.left_out("a JOSE header alone")
            continue
        count.ran()
