"""did:ethr DIDs: what is one, and which account it means."""

from __future__ import annotations

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from ssi.did.ethr.identifier import EthrDid, address_of, ethr_did, format_address, parse_ethr_did
from ssi.did.ethr.networks import EthrNetwork, known_network, known_networks, same_address_elsewhere
from ssi.errors import InvalidDidError, InvalidInputError
from ssi.keys import Curve, PrivateKey
from ssi.net.evm.signer import LocalSigner

ADDRESS = "0xb9c5714089478a327f09197987f16f9e5d936e8a"


@given(st.binary(min_size=20, max_size=20), st.sampled_from(["mainnet", "sepolia", "0x5", "rsk:testnet"]))
def test_a_built_did_is_read_again(address: bytes, network: str) -> None:
    did = ethr_did(address, network=network)
    assert parse_ethr_did(did) == EthrDid(did, network, address, None)
    assert format_address(address) == to_checksum_address(address)


@given(st.binary(min_size=32, max_size=32).filter(lambda secret: 0 < int.from_bytes(secret, "big") < 2**255))
def test_a_key_means_the_account_that_it_signs_for(secret: bytes) -> None:
    key = PrivateKey.from_raw(Curve.SECP256K1, secret).public_key
    found = parse_ethr_did(ethr_did(key))
    assert found.public_key == key
    assert found.address == address_of(key) == LocalSigner(secret).address


def test_letters_of_any_case_are_the_same_account_and_another_did() -> None:
    upper = parse_ethr_did(f"did:ethr:0x{ADDRESS[2:].upper()}")
    assert upper.address == parse_ethr_did(f"did:ethr:{ADDRESS}").address
    assert upper.did != f"did:ethr:{ADDRESS}"


@pytest.mark.parametrize(
    "did",
    [
        "did:ethr:",
        "did:web:example.com",
        f"did:ethr:{ADDRESS[:-1]}",
        f"did:ethr:{ADDRESS}0",
        f"did:ethr:0X{ADDRESS[2:]}",
        f"did:ethr:{ADDRESS[2:]}",
        f"did:ethr:a:b:c:{ADDRESS}",
        f"did:ethr::{ADDRESS}",
        f"did:ethr:0x01:{ADDRESS}",
        f"did:ethr:0x:{ADDRESS}",
        f"did:ethr:0x0:{ADDRESS}",
        f"did:ethr:0x{'f' * 17}:{ADDRESS}",
        f"did:ethr:{ADDRESS}#controller",
        f"did:ethr:{ADDRESS}?versionId=1",
        "did:ethr:0x04" + "ab" * 32,
        "did:ethr:0x02" + "ff" * 32,
        "did:ethr:0x0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    ],
)
def test_what_is_no_did_ethr(did: str) -> None:
    with pytest.raises(InvalidDidError):
        parse_ethr_did(did)


def test_a_did_is_made_of_an_account_or_of_its_key() -> None:
    with pytest.raises(InvalidInputError, match="secp256k1"):
        ethr_did(PrivateKey.generate(Curve.P256).public_key)
    with pytest.raises(InvalidDidError):
        ethr_did(bytes(19))


def test_names_and_chain_ids_mean_networks() -> None:
    mainnet, sepolia = known_network("mainnet"), known_network(11155111)
    for text, network in (("", mainnet), ("mainnet:", mainnet), ("0x1:", mainnet), ("0xaa36a7:", sepolia),
                          ("0xAA36A7:", sepolia), ("sepolia:", sepolia)):  # fmt: skip
        did = parse_ethr_did(f"did:ethr:{text}{ADDRESS}")
        assert [each.name for each in known_networks() if each.has(did)] == [network.name]
    own = EthrNetwork(chain_id=1, registry=bytes(20))
    assert own.has(parse_ethr_did(f"did:ethr:{ADDRESS}"))
    assert not own.has(parse_ethr_did(f"did:ethr:sepolia:{ADDRESS}"))
    assert known_network("0x89").name == "polygon"
    with pytest.raises(InvalidInputError, match="describe it"):
        known_network("elsewhere")
    assert {each.name for each in same_address_elsewhere(sepolia)} == {"gno", "holesky"}
    assert same_address_elsewhere(own) == ()
