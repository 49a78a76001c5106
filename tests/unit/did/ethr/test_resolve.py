"""What a history comes to: numbers, purposes, validity, versions, and values that are none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.did.document import DidDocument
from ssi.did.ethr.events import Event, OwnerChanged
from ssi.did.ethr.identifier import NO_ADDRESS, ethr_did, parse_ethr_did
from ssi.did.ethr.networks import known_network
from ssi.did.methods.ethr import DidEthr
from ssi.did.resolver import Resolution, ResolutionCache, default_resolver
from ssi.errors import (
    InvalidInputError,
    ProofPurposeError,
    UnavailableError,
    UnsupportedDidMethodError,
    VerificationError,
)
from ssi.keys import Curve, PrivateKey
from tests.unit.did.ethr.histories import HEAD, StatedHistory, attribute, delegate, seconds_of

KEY = PrivateKey.generate(Curve.SECP256K1)
ED25519 = PrivateKey.generate(Curve.ED25519).public_key.to_raw()
ACCOUNT, OTHER = bytes(19) + b"\x01", bytes(19) + b"\x02"
DID = ethr_did(bytes(19) + b"\x09")
SERVICE = b"https://agency.example/inbox"


async def resolved(*events: Event, did: str = DID, version_id: str | None = None, at: int | None = None) -> Resolution:
    method = DidEthr([StatedHistory(events)], now=lambda: HEAD.time)
    return await method.resolve(did, version_id=version_id, version_time=at)


def fragments(document: DidDocument) -> list[str]:
    return [method.id.partition("#")[2] for method in document.verification_methods]


async def test_numbers_count_every_event_and_stay() -> None:
    """The example under "`id` properties of entries", with the revocations of the contract and what expires."""
    events: list[Event] = [
        attribute("did/pub/Ed25519/veriKey", ED25519, block=1),
        attribute("did/pub/Ed25519/sigAuth", ED25519, block=2),
        delegate("veriKey", ACCOUNT, block=3, valid_to=seconds_of(100)),
        attribute("did/svc/Inbox", SERVICE, block=4),
        attribute("did/pub/Ed25519/veriKey", ED25519, block=5, valid_to=0),
        delegate("sigAuth", OTHER, block=6),
    ]
    before = await resolved(*events, version_id="99")
    assert fragments(before.document) == ["controller", "delegate-2", "delegate-3", "delegate-5"]
    after = await resolved(*events)
    assert fragments(after.document) == ["controller", "delegate-2", "delegate-5"]
    assert [service.id for service in after.document.services] == [f"{DID}#service-1"]
    assert after.document.raw["authentication"] == [
        f"{DID}#{name}" for name in ("controller", "delegate-2", "delegate-5")
    ]


async def test_purposes_list_keys() -> None:
    found = await resolved(
        attribute("did/pub/Ed25519/veriKey", ED25519),
        attribute("did/pub/Ed25519/sigAuth", ED25519),
        attribute("did/pub/X25519/enc", ED25519),
        attribute("did/pub/Ed25519/something", ED25519),
        attribute("did/pub/Ed25519", ED25519),
    )
    raw = found.document.raw
    assert raw["assertionMethod"] == [f"{DID}#{name}" for name in ("controller", "delegate-1", "delegate-2")]
    assert raw["authentication"] == [f"{DID}#{name}" for name in ("controller", "delegate-2")]
    assert raw["keyAgreement"] == [f"{DID}#delegate-3"]
    assert len(raw["verificationMethod"]) == 6
    with pytest.raises(ProofPurposeError):
        found.key(f"{DID}#delegate-4", "assertionMethod")


async def test_an_entry_is_valid_up_to_its_last_second() -> None:
    end = seconds_of(50)
    events: list[Event] = [delegate("veriKey", ACCOUNT, block=10, valid_to=end)]
    assert "delegate-1" in fragments((await resolved(*events, at=end)).document)
    assert "delegate-1" not in fragments((await resolved(*events, at=end + 1)).document)


async def test_a_revocation_is_in_force_in_its_own_block() -> None:
    """The contract revokes by an end that is the block's own time: the version of that block must not show it."""
    end = seconds_of(20)
    events: list[Event] = [delegate("veriKey", ACCOUNT, block=10), delegate("veriKey", ACCOUNT, block=20, valid_to=end)]
    assert fragments((await resolved(*events, at=end - 1)).document) == ["controller", "delegate-1"]
    for found in (await resolved(*events, at=end), await resolved(*events, version_id="20"), await resolved(*events)):
        assert fragments(found.document) == ["controller"]


async def test_the_last_event_about_an_entry_decides() -> None:
    again = [
        delegate("veriKey", ACCOUNT, block=1),
        delegate("veriKey", OTHER, block=2),
        delegate("veriKey", ACCOUNT, block=3, valid_to=seconds_of(4)),
    ]
    assert fragments((await resolved(*again)).document) == ["controller", "delegate-2"]
    again.append(delegate("veriKey", ACCOUNT, block=5))
    assert fragments((await resolved(*again)).document) == ["controller", "delegate-2", "delegate-4"]


async def test_a_key_in_the_did_goes_with_its_account() -> None:
    did = ethr_did(KEY.public_key)
    own = (await resolved(did=did)).document
    assert own.key("#controllerKey", "assertionMethod") == KEY.public_key
    assert own.key("#controllerKey", "authentication") == KEY.public_key
    gone = (await resolved(OwnerChanged(1, 1, ACCOUNT), did=did)).document
    assert fragments(gone) == ["controller"]
    back = (
        await resolved(OwnerChanged(1, 1, ACCOUNT), OwnerChanged(2, 2, parse_ethr_did(did).address), did=did)
    ).document
    assert fragments(back) == ["controller", "controllerKey"]


async def test_an_account_is_no_key() -> None:
    document = (await resolved()).document
    with pytest.raises(VerificationError, match="names an account and holds no public key"):
        document.key("#controller", "assertionMethod")
    assert document.keys("assertionMethod") == {}
    assert document.model.id == DID
    assert document.model.verification_method[0].type == "EcdsaSecp256k1RecoveryMethod2020"


async def test_deactivated_is_for_ever() -> None:
    events: list[Event] = [
        attribute("did/pub/Ed25519/veriKey", ED25519, block=1),
        OwnerChanged(2, seconds_of(2), NO_ADDRESS),
        # The contract takes this from the key that the DID was made of; the specification does not.
        OwnerChanged(3, seconds_of(3), ACCOUNT),
        attribute("did/pub/Ed25519/sigAuth", ED25519, block=4),
    ]
    now = await resolved(*events)
    assert now.metadata.deactivated
    assert now.metadata.version_id == "2"
    assert now.metadata.next_version_id is None
    assert now.document.raw["verificationMethod"] == []
    before = await resolved(*events, version_id="1")
    assert fragments(before.document) == ["controller", "delegate-1"]
    assert (before.metadata.next_version_id, before.metadata.deactivated) == ("2", True)
    with pytest.raises(VerificationError, match="deactivated"):
        before.key(f"{DID}#delegate-1", "assertionMethod")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("did/pub/Secp256k1/veriKey", bytes(33)),
        ("did/pub/Secp256k1/veriKey", bytes(31) + b"\x07"),  # a private key, which others would take for its public one
        ("did/pub/Ed25519/veriKey", ED25519[:-1]),
        ("did/pub/X25519/enc", ED25519 + b"\0"),
        ("did/pub/Multikey/veriKey", b""),
        ("did/pub/Multikey/veriKey", bytes(8193)),
        ("did/pub/Some-Key/veriKey", ED25519),
        ("did/pub/a/b/c/d", ED25519),
        ("did/pub/", ED25519),
        ("did/pub/Ed25519/veriKey\0hex", ED25519),
    ],
)
async def test_what_is_no_key_is_left_out_and_counted(name: str, value: bytes) -> None:
    found = await resolved(attribute(name, value), attribute("did/pub/Ed25519/veriKey", ED25519, block=2))
    assert fragments(found.document) == ["controller", "delegate-2"]


@pytest.mark.parametrize(
    ("value", "endpoint"),
    [
        (b"https://agency.example/", "https://agency.example/"),
        (b'{"uri": "https://agency.example/", "accept": ["didcomm/v2"]}',
         {"uri": "https://agency.example/", "accept": ["didcomm/v2"]}),
        (b'["https://a.example/", "https://b.example/"]', ["https://a.example/", "https://b.example/"]),
        (b'"https://a.example/"', "https://a.example/"),
        (b"NaN", "NaN"),
        (b"", None),
        (b"12", None),
        (b"null", None),
        (b"true", None),
        (b'{"uri": 1, "uri": 2}', None),
        (b"[" * 4000 + b"]" * 4000, None),
        (b"\xff\xfe", None),
        (b"x" * 8193, None),
    ],
)  # fmt: skip
async def test_the_values_of_services(value: bytes, endpoint: object) -> None:
    found = await resolved(attribute("did/svc/Inbox", value), attribute("did/svc/Other", SERVICE, block=2))
    services = {service.id: service.endpoint for service in found.document.services}
    expected = {f"{DID}#service-2": SERVICE.decode()}
    assert services == (expected if endpoint is None else {f"{DID}#service-1": endpoint, **expected})


async def test_other_uses_of_a_registry_do_not_count() -> None:
    events: list[Event] = [
        delegate(None, ACCOUNT, block=1),
        attribute(None, b"x", block=2),
        delegate("veriKey", ACCOUNT, block=3),
        attribute("something", b"x", block=4),
        delegate("something", ACCOUNT, block=5),
        delegate("veriKey", OTHER, block=6),
        attribute(None, b"x", block=7),
    ]
    found = await resolved(*events)
    assert fragments(found.document) == ["controller", "delegate-1", "delegate-3"]
    assert found.metadata.version_id == "6"


@pytest.mark.parametrize(
    ("name", "member", "value"),
    [
        ("did/pub/Rsa/veriKey", "publicKeyHex", ED25519.hex()),
        ("did/pub/Rsa/veriKey/hex", "publicKeyHex", ED25519.hex()),
        ("did/pub/Rsa/veriKey/base58", "publicKeyBase58", None),
        ("did/pub/Rsa/veriKey/base64", "publicKeyBase64", None),
        ("did/pub/Rsa/veriKey/pem", "value", ED25519.hex()),
    ],
)
async def test_algorithms_that_nobody_specified_keep_their_name(name: str, member: str, value: str | None) -> None:
    found = await resolved(attribute(name, ED25519))
    method = found.document.raw["verificationMethod"][1]
    assert method["type"] == "Rsa"
    assert value is None or method[member] == value
    assert method.keys() == {"id", "type", "controller", member}
    with pytest.raises(VerificationError, match="not supported"):
        found.key(method["id"], "assertionMethod")


async def test_only_networks_with_a_source_are_asked() -> None:
    with pytest.raises(UnsupportedDidMethodError, match="network"):
        await resolved(did=DID.replace("did:ethr:", "did:ethr:sepolia:"))
    with pytest.raises(UnsupportedDidMethodError):
        await default_resolver().resolve(DID)
    with pytest.raises(InvalidInputError, match="same chain"):
        DidEthr([StatedHistory(), StatedHistory()])
    sepolia = StatedHistory(network=known_network("sepolia"))
    found = await default_resolver(ethr=[StatedHistory(), sepolia]).resolve(DID.replace("ethr:", "ethr:0xaa36a7:"))
    account = found.document.raw["verificationMethod"][0]["blockchainAccountId"]
    assert account.startswith("eip155:11155111:0x")


@pytest.mark.parametrize("version", ["", "-1", "01", "0x1", "1.0", "latest", "٣", "1" * 20])
async def test_a_version_is_a_block_number(version: str) -> None:
    with pytest.raises(InvalidInputError, match="block number"):
        await resolved(version_id=version)


async def test_a_block_that_is_not_final_is_no_version_yet() -> None:
    with pytest.raises(UnavailableError, match="not final"):
        await resolved(version_id=str(HEAD.number + 1))


async def test_an_answer_is_kept_no_longer_than_its_first_entry_holds() -> None:
    now = [HEAD.time]
    source = StatedHistory([delegate("veriKey", ACCOUNT, block=1, valid_to=HEAD.time + 10)])
    resolver = default_resolver(ethr=[source], cache=ResolutionCache(ttl_seconds=300), now=lambda: now[0])
    assert len((await resolver.resolve(DID)).document.verification_methods) == 2
    # A time within the same version is another question: entries end between changes.
    assert len((await resolver.resolve(DID, version_time=HEAD.time + 11)).document.verification_methods) == 1
    now[0] += 10
    assert len((await resolver.resolve(DID)).document.verification_methods) == 2
    now[0] += 1
    assert len((await resolver.resolve(DID)).document.verification_methods) == 1


async def test_nodes_are_not_asked_for_each_time_that_somebody_names() -> None:
    now = [HEAD.time]
    source = StatedHistory([delegate("veriKey", ACCOUNT, block=10), attribute("did/svc/Inbox", SERVICE, block=20)])
    method = DidEthr([source], now=lambda: now[0])
    for at in range(seconds_of(5), seconds_of(25)):
        await method.resolve(DID, version_time=at)
    for block in range(5, 25):
        await method.resolve(DID, version_id=str(block))
    assert source.asked == 1
    await method.resolve(DID, version_time=HEAD.time + 1)
    await method.resolve(DID)
    assert source.asked == 3
    # What was deactivated meanwhile is so in every version, a few minutes later at most.
    source.events = (*source.events, OwnerChanged(30, seconds_of(30), NO_ADDRESS))
    now[0] += 299
    assert not (await method.resolve(DID, version_id="10")).metadata.deactivated
    now[0] += 1
    assert (await method.resolve(DID, version_id="10")).metadata.deactivated
    for number in range(100):
        await method.resolve(ethr_did(number.to_bytes(20, "big")))
    before = source.asked
    await method.resolve(DID, version_id="10")
    assert source.asked == before + 1


EVENTS = st.one_of(
    st.builds(lambda owner: ("owner", owner, b"", 0), st.sampled_from([ACCOUNT, OTHER])),
    st.builds(lambda k, a, v: ("delegate", k, a, v), st.sampled_from(["veriKey", "sigAuth", "x", None]),
              st.sampled_from([ACCOUNT, OTHER]), st.integers(-5, 60)),
    st.builds(lambda n, b, v: ("attribute", n, b, v), st.text(max_size=32) | st.sampled_from(
        ["did/pub/Ed25519/veriKey", "did/pub/Multikey/enc", "did/pub/K/veriKey/base58", "did/svc/S", None]),
        st.binary(max_size=70) | st.just(ED25519), st.integers(-5, 60)),
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(EVENTS, max_size=12), st.integers(0, 70))
async def test_any_history_gives_a_document_whose_entries_hold(
    drawn: list[tuple[str, str, bytes, int]], at: int
) -> None:
    events: list[Event] = []
    for block, (kind, name, value, length) in enumerate(drawn, 1):
        end = max(0, seconds_of(block) + length)
        if kind == "owner":
            events.append(OwnerChanged(block, seconds_of(block), name))  # type: ignore[arg-type]
        elif kind == "delegate":
            events.append(delegate(name, value, block=block, valid_to=end))
        else:
            events.append(attribute(name, value, block=block, valid_to=end))
    found = await resolved(*events, at=seconds_of(at))
    raw = json.loads(json.dumps(found.document.raw))
    listed = {*raw["authentication"], *raw["assertionMethod"], *raw.get("keyAgreement", [])}
    assert listed <= {method["id"] for method in raw["verificationMethod"]}
    counted = sum(1 for kind, name, _, _ in drawn if name and (kind == "delegate" or str(name).startswith("did/pub/")))
    assert all(int(name.partition("-")[2]) <= counted for name in fragments(found.document) if "-" in name)
    later = await resolved(*events, delegate("veriKey", bytes(20), block=len(events) + 1), at=seconds_of(at))
    if at <= len(events):
        assert later.document == found.document
