"""Replay the lists and tokens of draft-ietf-oauth-status-list: JSON and JWT; CBOR and CWT come with COSE."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ssi.encoding.base64url import b64url_decode
from ssi.errors import InvalidInputError, InvalidSignatureError, SsiError, StatusError, VerificationError
from ssi.keys import PublicKey
from ssi.status import (
    StatusPolicy,
    StatusState,
    VerifiedStatusList,
    check_status,
    parse_references,
    parse_status_list,
    verify_status_list,
)
from ssi.status.bits import read_right
from ssi.status.deflate import Wrapper, inflate
from ssi.status.token import parse_token_claims
from tests.vectors.support import VectorCount, load_json, vectors_dir

FOLDER = "ietf/token-status-list"
OURS = json.loads(Path(__file__).with_name("token_status_list.json").read_text(encoding="utf-8"))
KEY = PublicKey.from_jwk(OURS["key"]["jwk"])
URI = "https://example.com/statuslists/1"
ISSUER = "https://example.com"
NOW = 1_700_000_000
CBOR = "the CBOR encoding and CWT are not part of this library yet"
PROSE = "diagrams, HTTP requests and tables of statuses, which hold no list"

count = VectorCount(FOLDER)


def claims_of(status_list: dict[str, Any]) -> dict[str, Any]:
    return {"sub": URI, "iat": NOW, "status_list": status_list}


@pytest.mark.parametrize("case", OURS["lists"], ids=lambda case: case["section"])
def test_lists_of_the_text(case: dict[str, Any]) -> None:
    content = parse_token_claims(claims_of({"bits": case["bits"], "lst": case["lst"]}))
    assert content.data.hex() == case["expanded"]
    assert [read_right(content.data, i, case["bits"]) for i in range(len(case["statuses"]))] == case["statuses"]
    with pytest.raises(StatusError):
        read_right(content.data, len(content.data) * 8 // case["bits"], case["bits"])


def verify(compact: str, *, now: int = NOW, uri: str = URI) -> VerifiedStatusList:
    return verify_status_list(parse_status_list(compact), KEY, expected_uri=uri, issuer=ISSUER, now=now)


def test_the_token_of_the_text_and_the_credential_that_refers_to_it() -> None:
    status_list = verify(OURS["token"]["compact"])
    assert (status_list.issued_at, status_list.expires_at, status_list.ttl_seconds) == (1686920170, 2291720170, 43200)
    (reference,) = parse_references(OURS["referenced"]["claims"])
    with pytest.raises(StatusError) as caught:  # status[0] of the list is 1
        check_status(reference, status_list, issuers=(ISSUER,), now=NOW, policy=StatusPolicy(max_age_seconds=None))
    assert caught.value.reason == StatusState.REVOKED
    with pytest.raises(StatusError):
        verify(OURS["token"]["compact"], now=2291720170)
    with pytest.raises(VerificationError):
        verify(OURS["token"]["compact"], uri=URI + "2")


def test_every_altered_character_of_the_token_is_refused() -> None:
    compact = OURS["token"]["compact"]
    for position, character in enumerate(compact):
        forged = compact[:position] + ("A" if character != "A" else "B") + compact[position + 1 :]
        with pytest.raises((InvalidInputError, InvalidSignatureError, VerificationError)):
            verify(forged)


def test_published_lists() -> None:
    for case in load_json(FOLDER, "vectors.json")["vectors"]:
        bits = case["bits"]
        data = parse_token_claims(claims_of({"bits": bits, "lst": case["lst"]})).data
        assert len(data) == case["decompressed_bytes"], case["name"]
        for index, status in case["statuses"].items():
            assert read_right(data, int(index), bits) == status, case["name"]
        if case["all_other_indices"] == 0:
            entries = range(len(data) * 8 // bits)
            assert sum(1 for i in entries if data[i * bits >> 3] and read_right(data, i, bits)) == case["nonzero_count"]
        for broken in (case["lst"][:-1], case["lst"][1:], case["lst"] + "A", case["lst"] + "=", "u" + case["lst"]):
            with pytest.raises(InvalidInputError):
                parse_token_claims(claims_of({"bits": bits, "lst": broken}))
        count.ran()
        if "cbor_hex" in case:
            count.left_out(CBOR)


def test_published_tokens() -> None:
    tokens = load_json(FOLDER, "tokens.json")
    assert verify(tokens["jwt_statuslist_response"]).data == bytes.fromhex("b9a3")
    count.ran()
    referenced = json.loads(b64url_decode(tokens["referenced_sd_jwt"].split("~")[0].split(".")[1]))
    assert [(r.index, r.uri) for r in parse_references(referenced)] == [(0, URI)]
    count.ran()
    count.left_out(CBOR, sum(1 for name in tokens if name.endswith("_hex")))


def list_in(text: str) -> tuple[int, str]:
    """Return bits and lst of an example, which is folded at 69 columns, inside strings too."""
    match = re.search(r'"bits": (\d),\s*"lst": "([\w-]+)"', re.sub(r"\n\s*", "", text))
    assert match is not None
    return int(match[1]), match[2]


def test_example_files() -> None:
    known = {case["lst"] for case in load_json(FOLDER, "vectors.json")["vectors"]}
    for path in sorted((vectors_dir(FOLDER) / "examples").iterdir()):
        text = path.read_text(encoding="utf-8")
        if "_cbor" in path.name or "_cwt" in path.name:
            count.left_out(CBOR)
            continue
        if path.name == "status_list_jwt_raw.md":
            raw = "".join(text.split())
            assert verify(raw[raw.index("eyJ") :]).data == bytes.fromhex("b9a3")
        else:
            bits, lst = list_in(text)
            assert lst in known
            assert len(inflate(b64url_decode(lst), Wrapper.ZLIB)) * 8 // bits in {12, 16, 1 << 20}
        count.ran()


def is_cbor(text: str) -> bool:
    cbor_of_bytes = "byte_array" in text and '"lst"' not in text
    return cbor_of_bytes or "# map" in text or "# tag" in text or re.fullmatch(r"[0-9a-f\s]+", text) is not None


def test_examples_of_the_draft_text() -> None:
    for block in load_json(FOLDER, "draft-text-examples.json")["blocks"]:
        text = block["text"]
        compact = re.sub(r"\s", "", text)
        token = re.search(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+", compact)
        member = re.search(r'"lst":"([\w-]+)"', compact)
        if is_cbor(text):
            count.left_out(CBOR)
            continue
        if token and "statuslist+jwt" in text:
            assert verify(token[0]).data == bytes.fromhex("b9a3")
        elif member:
            assert inflate(b64url_decode(member[1]), Wrapper.ZLIB)
        elif '"status_list"' in compact and '"idx"' in compact:
            assert parse_references(json.loads(text.partition("\n.\n")[2] or text))[0].uri == URI
        else:
            count.left_out(PROSE)
            continue
        count.ran()


def test_a_list_of_the_draft_is_refused_under_the_other_format() -> None:
    with pytest.raises(SsiError):
        inflate(b64url_decode(OURS["lists"][0]["lst"]), Wrapper.GZIP)
