"""Transactions are those that eth-account makes and reads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes
from hypothesis import given, settings
from hypothesis import strategies as st
from rlp import decode as rlp_decode

from ssi.errors import InvalidInputError, KeyNotFoundError, UnavailableError
from ssi.net.evm.account import raised
from ssi.net.evm.recovery import ORDER
from ssi.net.evm.signer import LocalSigner, load_key_file
from ssi.net.evm.transaction import Fees, Transaction, rlp, sign
from ssi.net.evm.values import format_address, keccak

sys.setrecursionlimit(1_000)  # what eth-account imports raises it for the whole process: see ssi.net.evm.signer
KEY = bytes(31) + b"\x07"
WORDS = st.integers(0, 2**63)


def number(value: bytes) -> int:
    return int.from_bytes(value, "big")


@settings(deadline=None)
@given(nonce=WORDS, gas=WORDS, most=WORDS, tip=st.none() | WORDS, to=st.just(b"") | st.binary(min_size=20, max_size=20),
       data=st.binary(max_size=300), chain_id=st.integers(1, 2**32))  # fmt: skip
async def test_another_implementation_reads_what_we_sign(
    nonce: int, gas: int, most: int, tip: int | None, to: bytes, data: bytes, chain_id: int
) -> None:
    signer = LocalSigner(KEY)
    signed = await sign(Transaction(chain_id, nonce, to, data, gas, Fees(most, tip)), signer)
    assert Account.recover_transaction(signed.raw) == format_address(signer.address)
    if tip is None:
        fields = rlp_decode(signed.raw)
        assert [number(fields[0]), number(fields[1]), number(fields[2])] == [nonce, most, gas]
        assert fields[3:6] == [to, b"", data]
        assert number(fields[6]) in (chain_id * 2 + 35, chain_id * 2 + 36)
    else:
        read = TypedTransaction.from_bytes(HexBytes(signed.raw)).as_dict()
        assert (read["nonce"], read["gas"], read["data"], read["to"]) == (nonce, gas, data, to)
        assert (read["maxFeePerGas"], read["maxPriorityFeePerGas"], read["chainId"]) == (most, tip, chain_id)
    assert signed.hash == keccak(signed.raw)


async def test_a_signature_has_the_lower_half_of_s() -> None:
    class High(LocalSigner):
        async def sign_digest(self, digest: bytes) -> bytes:
            signature = await super().sign_digest(digest)
            s = int.from_bytes(signature[32:], "big")
            return signature[:32] + max(s, ORDER - s).to_bytes(32, "big")

    transaction = Transaction(1, 0, bytes(20), b"", 21000, Fees(2, 1))
    signed = await sign(transaction, High(KEY))
    assert Account.recover_transaction(signed.raw) == format_address(LocalSigner(KEY).address)


async def test_a_signer_with_another_key_is_noticed() -> None:
    class Other(LocalSigner):
        address = bytes(20)

    with pytest.raises(UnavailableError, match="another key"):
        await sign(Transaction(1, 0, bytes(20), b"", 21000, Fees(2, 1)), Other(KEY))


# The examples of the specification of RLP (ethereum.org, "Recursive-length prefix serialization").
@pytest.mark.parametrize(
    ("item", "encoded"),
    [
        (b"dog", b"\x83dog"),
        ([b"cat", b"dog"], b"\xc8\x83cat\x83dog"),
        (b"", b"\x80"),
        ([], b"\xc0"),
        (b"\x0f", b"\x0f"),
        (b"\x04\x00", b"\x82\x04\x00"),
        ([[], [[]], [[], [[]]]], b"\xc7\xc0\xc1\xc0\xc3\xc0\xc1\xc0"),
        (b"Lorem ipsum dolor sit amet, consectetur adipisicing elit",
         b"\xb8\x38Lorem ipsum dolor sit amet, consectetur adipisicing elit"),
    ],
)  # fmt: skip
def test_rlp(item: bytes, encoded: bytes) -> None:
    assert rlp(item) == encoded


def test_a_key_file_of_the_usual_form_opens(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(Account.encrypt(KEY, "passphrase", kdf="pbkdf2", iterations=10)))
    assert load_key_file(path, passphrase=b"passphrase").address == LocalSigner(KEY).address
    for passphrase in (b"another", None):
        with pytest.raises(InvalidInputError) as caught:
            load_key_file(path, passphrase=passphrase)
        assert "another" not in str(caught.value)


def test_a_key_in_digits_is_read_from_a_private_file_only(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(f"0x{KEY.hex()}\n")
    path.chmod(0o600)
    assert load_key_file(path).address == LocalSigner(KEY).address
    path.chmod(0o640)
    with pytest.raises(InvalidInputError, match="chmod 600"):
        load_key_file(path)


@pytest.mark.parametrize("content", ["", "{}", "0" * 64, f"{ORDER:x}", "no key", '{"version": 3}', "[]"])
def test_what_is_no_key_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(InvalidInputError):
        load_key_file(path, passphrase=b"x")
    with pytest.raises(KeyNotFoundError):
        load_key_file(tmp_path / "absent")


def test_a_replacement_pays_enough_more_or_is_none() -> None:
    assert raised(Fees(100, 10), Fees(50, 5), 1000) == Fees(126, 13)
    assert raised(Fees(100, 10), Fees(500, 50), 1000) == Fees(500, 50)
    assert raised(Fees(100, 10), Fees(500, 50), 105) == Fees(100, 10)
    assert raised(Fees(100, None), Fees(50, None), 1000) == Fees(126, None)


def test_the_recursion_limit_stays_what_it_was() -> None:
    program = (
        "import sys; from ssi.net.evm.signer import _eth_account\n"
        "limit = sys.getrecursionlimit(); _eth_account()\n"
        "print(limit == sys.getrecursionlimit())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "True\n"
