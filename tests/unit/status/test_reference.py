from __future__ import annotations

from typing import Any

import pytest

from ssi.errors import InvalidInputError, StatusError
from ssi.status.reference import (
    MAX_REFERENCES,
    StatusFormat,
    StatusReference,
    build_bitstring_entry,
    build_status_claim,
    parse_bitstring_entry,
    parse_credential_status,
    parse_references,
    parse_status_claim,
)

URI = "https://example.com/credentials/status/3"
ENTRY: dict[str, Any] = {
    "id": f"{URI}#94567",
    "type": "BitstringStatusListEntry",
    "statusPurpose": "revocation",
    "statusListIndex": "94567",
    "statusListCredential": URI,
}
MESSAGES = [
    {"status": f"0x{n}", "message": text} for n, text in enumerate(["pending", "accepted", "rejected", "undefined"])
]


def test_an_entry_of_the_recommendation() -> None:
    reference = parse_bitstring_entry(ENTRY)
    assert reference == StatusReference(format=StatusFormat.BITSTRING, uri=URI, index=94567, purpose="revocation")
    assert parse_bitstring_entry(build_bitstring_entry(reference)) == reference


def test_messages_and_size() -> None:
    reference = parse_bitstring_entry(ENTRY | {"statusPurpose": "message", "statusSize": 2, "statusMessage": MESSAGES})
    assert reference.size == 2
    assert dict(reference.messages)[2] == "rejected"
    with pytest.raises(InvalidInputError):
        build_bitstring_entry(reference)


@pytest.mark.parametrize(
    "index",
    [
        "94_567",
        "\uff11\uff12",
        " 94567",
        "94567\n",
        "+1",
        "-1",
        "",
        "1e3",
        "0x10",
        "1.0",
        "9" * 16,
        "9" * 5000,
        94567,
        True,
        None,
        1.0,
    ],
)
def test_only_ascii_digits_are_an_index(index: Any) -> None:
    with pytest.raises(InvalidInputError, match="statusListIndex"):
        parse_bitstring_entry(ENTRY | {"statusListIndex": index})


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), ("0" * 4000 + "1", 1), ("9" * 15, 10**15 - 1)])
def test_base_10_has_leading_zeros(text: str, number: int) -> None:
    assert parse_bitstring_entry(ENTRY | {"statusListIndex": text}).index == number


@pytest.mark.parametrize(
    "change",
    [
        {"statusPurpose": None},
        {"statusPurpose": ["revocation"]},
        {"statusPurpose": ""},
        {"statusListCredential": None},
        {"statusListCredential": "status/3"},
        {"statusListCredential": "https://a.example/\r\nHost: b"},
        {"statusListCredential": "https://a.example/" + "a" * 2048},
        {"id": URI},
        {"type": None},
        {"type": []},
        {"type": [1]},
        {"statusSize": 0},
        {"statusSize": -1},
        {"statusSize": "1"},
        {"statusSize": True},
        {"statusSize": 17},
        {"statusSize": 1.0},
        {"statusSize": 2},
        {"statusSize": 2, "statusMessage": MESSAGES[:3]},
        {"statusSize": 2, "statusMessage": [*MESSAGES[:3], {"status": "0x4", "message": "x"}]},
        {"statusSize": 2, "statusMessage": [*MESSAGES[:3], MESSAGES[0]]},
        {"statusSize": 2, "statusMessage": [*MESSAGES[:3], {"status": "3", "message": "x"}]},
        {"statusSize": 2, "statusMessage": [*MESSAGES[:3], {"status": "0x3"}]},
        {"statusSize": 2, "statusMessage": [*MESSAGES[:3], "0x3"]},
        {"statusMessage": "set"},
    ],
)
def test_malformed_entries_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        parse_bitstring_entry(ENTRY | change)


def test_a_status_of_another_kind_is_not_passed_over() -> None:
    with pytest.raises(StatusError):
        parse_bitstring_entry(ENTRY | {"type": "StatusList2021Entry"})
    with pytest.raises(StatusError):
        parse_credential_status([ENTRY, {"id": "https://a.example/1", "type": "CredentialStatusList2017"}])
    with pytest.raises(StatusError):
        parse_status_claim({"identifier_list": {}})


@pytest.mark.parametrize("value", [None, [], "x", [None], [[ENTRY]], [ENTRY] * (MAX_REFERENCES + 1)])
def test_credential_status_holds_objects(value: Any) -> None:
    with pytest.raises(InvalidInputError):
        parse_credential_status(value)


def test_a_status_claim() -> None:
    reference = parse_status_claim({"status_list": {"idx": 0, "uri": URI}})
    assert reference == StatusReference(format=StatusFormat.TOKEN, uri=URI, index=0)
    assert parse_status_claim(build_status_claim(reference)) == reference
    with pytest.raises(InvalidInputError):
        build_bitstring_entry(reference)
    with pytest.raises(InvalidInputError):
        build_status_claim(parse_bitstring_entry(ENTRY))


@pytest.mark.parametrize(
    "status",
    [
        None,
        {},
        [],
        {"status_list": None},
        {"status_list": {"uri": URI}},
        {"status_list": {"idx": -1, "uri": URI}},
        {"status_list": {"idx": "0", "uri": URI}},
        {"status_list": {"idx": True, "uri": URI}},
        {"status_list": {"idx": 0.0, "uri": URI}},
        {"status_list": {"idx": 0}},
        {"status_list": {"idx": 0, "uri": "no uri"}},
        {"status_list": {"idx": 0, "uri": 7}},
    ],
)
def test_malformed_status_claims_are_refused(status: Any) -> None:
    with pytest.raises(InvalidInputError):
        parse_status_claim(status)


def test_all_references_of_a_credential() -> None:
    claims = {
        "credentialStatus": [ENTRY, ENTRY | {"statusPurpose": "suspension"}],
        "status": {"status_list": {"idx": 1, "uri": URI}},
    }
    assert [r.purpose for r in parse_references(claims)] == ["revocation", "suspension", ""]
    assert parse_references({"vct": "x"}) == ()
    with pytest.raises(InvalidInputError):
        parse_references({"status": None})  # declared, and not "no status"
