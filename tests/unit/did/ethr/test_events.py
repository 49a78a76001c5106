"""Logs are read as ERC-1056 writes them, and nothing else is an event."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from ssi.did.ethr.events import (
    ATTRIBUTE_TOPIC,
    DELEGATE_TOPIC,
    OWNER_TOPIC,
    AttributeChanged,
    DelegateChanged,
    Linked,
    OwnerChanged,
    parse_event,
)
from ssi.errors import UnavailableError
from tests.evm.registry import artefact

IDENTITY = bytes(range(20))
SUBJECT = bytes(12) + IDENTITY
ADDRESS = st.binary(min_size=20, max_size=20)
NUMBER = st.integers(0, 2**64 - 1)
END = st.integers(0, 2**256 - 1)
NAME = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


def read(topics: list[bytes], data: bytes) -> Linked:
    return parse_event(topics, data, identity=IDENTITY, block=7, time=8)


@given(ADDRESS, NUMBER)
def test_owners_are_read_as_another_implementation_writes_them(owner: bytes, previous: int) -> None:
    data = encode(["address", "uint256"], [owner, previous])
    assert read([OWNER_TOPIC, SUBJECT], data) == Linked(OwnerChanged(7, 8, owner), previous)


@given(NAME, ADDRESS, END, NUMBER)
def test_delegates_are_read_as_another_implementation_writes_them(
    kind: str, account: bytes, end: int, previous: int
) -> None:
    word = kind.encode().ljust(32, b"\0")
    data = encode(["bytes32", "address", "uint256", "uint256"], [word, account, end, previous])
    assert read([DELEGATE_TOPIC, SUBJECT], data) == Linked(DelegateChanged(7, 8, kind, account, end), previous)


@given(NAME, st.binary(max_size=100), END, NUMBER)
def test_attributes_are_read_as_another_implementation_writes_them(
    name: str, value: bytes, end: int, previous: int
) -> None:
    word = name.encode().ljust(32, b"\0")
    data = encode(["bytes32", "bytes", "uint256", "uint256"], [word, value, end, previous])
    assert read([ATTRIBUTE_TOPIC, SUBJECT], data) == Linked(AttributeChanged(7, 8, name, value, end), previous)


def test_a_name_that_is_no_text_is_none() -> None:
    data = encode(["bytes32", "bytes", "uint256", "uint256"], [b"\xff" * 32, b"", 0, 0])
    event = read([ATTRIBUTE_TOPIC, SUBJECT], data).event
    assert isinstance(event, AttributeChanged)
    assert event.name is None


ATTRIBUTE = encode(["bytes32", "bytes", "uint256", "uint256"], [b"x".ljust(32, b"\0"), b"abc", 9, 1])
OWNER = encode(["address", "uint256"], [bytes(20), 1])


@pytest.mark.parametrize(
    ("topics", "data"),
    [
        ([OWNER_TOPIC], OWNER),
        ([OWNER_TOPIC, SUBJECT, SUBJECT], OWNER),
        ([OWNER_TOPIC, bytes(32)], OWNER),
        ([OWNER_TOPIC, b"\1" + SUBJECT[1:]], OWNER),
        ([bytes(32), SUBJECT], OWNER),
        ([OWNER_TOPIC, SUBJECT], OWNER[:-1]),
        ([OWNER_TOPIC, SUBJECT], OWNER + bytes(32)),
        ([OWNER_TOPIC, SUBJECT], b"\1" + OWNER[1:]),
        ([OWNER_TOPIC, SUBJECT], OWNER[:32] + b"\1" + OWNER[33:]),
        ([DELEGATE_TOPIC, SUBJECT], OWNER),
        ([ATTRIBUTE_TOPIC, SUBJECT], b""),
        ([ATTRIBUTE_TOPIC, SUBJECT], ATTRIBUTE[:-1]),
        ([ATTRIBUTE_TOPIC, SUBJECT], ATTRIBUTE + bytes(32)),
        ([ATTRIBUTE_TOPIC, SUBJECT], ATTRIBUTE[:63] + b"\x40" + ATTRIBUTE[64:]),
        ([ATTRIBUTE_TOPIC, SUBJECT], ATTRIBUTE[:159] + b"\x40" + ATTRIBUTE[160:]),
        ([ATTRIBUTE_TOPIC, SUBJECT], ATTRIBUTE[:128] + b"\xff" * 32 + ATTRIBUTE[160:]),
    ],
)
def test_what_no_registry_writes_is_refused(topics: list[bytes], data: bytes) -> None:
    with pytest.raises(UnavailableError):
        read(topics, data)


@given(st.lists(st.binary(min_size=32, max_size=32) | st.sampled_from([OWNER_TOPIC, DELEGATE_TOPIC, ATTRIBUTE_TOPIC]),
                max_size=4), st.binary(max_size=300))  # fmt: skip
def test_any_log_is_an_event_or_refused(topics: list[bytes], data: bytes) -> None:
    for given_topics in (topics, [*topics[:1], SUBJECT]):
        try:
            read(given_topics, data)
        except UnavailableError:
            continue


def test_the_published_registries_have_the_same_interface() -> None:
    published, legacy = ({item["name"] for item in artefact(legacy=old)["abi"]} for old in (False, True))
    assert published == legacy
