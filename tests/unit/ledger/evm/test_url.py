"""The URL of a log on a chain says everything, and no secret."""

from __future__ import annotations

import pytest

from ssi.errors import InvalidInputError
from ssi.ledger import open_ledger
from ssi.ledger.backends.evm.contract import Mode
from ssi.ledger.backends.evm.url import parse_url
from ssi.net.evm.account import GWEI

ADDRESS = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
BASE = f"evm+https://node.example/v3/token?contract={ADDRESS}&chain_id=1&mirror=/var/lib/log.db"


def test_the_defaults_are_the_careful_ones() -> None:
    options = parse_url(BASE)
    assert options.endpoints == ("https://node.example/v3/token",)
    assert options.contract == bytes.fromhex(ADDRESS[2:])
    assert (options.chain_id, options.mirror) == (1, "/var/lib/log.db")
    assert (options.mode, options.finality, options.agree) == (Mode.LEAVES, "finalized", 1)
    assert options.key_file is None


def test_every_option() -> None:
    options = parse_url(
        BASE + "&mode=entries&finality=12&rpc=https%3A%2F%2Fother.example%2F%3Fkey%3D1&rpc=http://127.0.0.1:8545"
        "&agree=2&key_file=key&passphrase_file=phrase&ca_file=ca.pem&head=head&adopt_head=1&poll=0.5&wait=60&stuck=30"
        "&max_fee_gwei=7"
    )
    assert options.endpoints[1:] == ("https://other.example/?key=1", "http://127.0.0.1:8545")
    assert (options.mode, options.finality, options.agree) == (Mode.ENTRIES, 12, 2)
    assert (options.key_file, options.passphrase_file, options.ca_file) == ("key", "phrase", "ca.pem")
    assert (options.head, options.adopt_head) == ("head", True)
    assert (options.poll_seconds, options.wait_seconds, options.stuck_seconds) == (0.5, 60, 30)
    assert options.max_fee == 7 * GWEI
    assert parse_url(BASE + "&finality=safe").finality == "safe"


@pytest.mark.parametrize(
    "url",
    [
        BASE.replace("https:", "http:"),  # to another machine in the clear
        BASE.replace("//node", "//user:password@node"),
        BASE.replace("evm+https", "evm+ftp"),
        BASE.replace(f"contract={ADDRESS}&", ""),
        BASE.replace("&chain_id=1", ""),
        BASE.replace("&mirror=/var/lib/log.db", ""),
        BASE.replace("mirror=/var/lib/log.db", "mirror="),
        BASE.replace("aa3", "aa"),
        BASE.replace("5FbDB", "5FbDb"),  # a wrong checksum is a wrong digit
        BASE.replace("chain_id=1", "chain_id=0"),
        BASE.replace("chain_id=1", "chain_id=0x1"),
        BASE.replace("chain_id=1", "chain_id=\u0661"),
        BASE + "&chain_id=2",
        BASE + "&finality=latest",
        BASE + "&finality=-1",
        BASE + "&mode=both",
        BASE + "&agree=2",
        BASE + "&agree=0",
        BASE + "&rpc=https://node.example/v3/token",
        BASE + "&rpc=ftp://node.example",
        BASE + "&private_key=" + "1" * 64,
        BASE + "&poll=nan",
        BASE + "&wait=0",
        BASE + "&adopt_head=yes",
        BASE + "#fragment",
        "evm+https:",
        "evm+https://",
        "evm+https://[/",
    ],
)
def test_what_is_no_url_of_a_log_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        open_ledger(url)
    assert "token" not in str(caught.value)
    assert "1" * 64 not in str(caught.value)
    assert "password@" not in str(caught.value)
