"""`python -m tests.evm.gas`: measure the gas of appends on a real node and write its tables in the docs.

Source:  receipts of anvil with the rules of Osaka (which has the calldata floor of EIP-7623).
Input:   ``--check`` compares the tables that are there and writes nothing; gas is the same on every machine.
Shapes:  a log of a million entries is made by writing its size into the contract's storage: the frontier then holds
         what it holds, which costs the same as any other hashes.
I/O:     starts a node; writes the parts of docs/ledgers-evm.md (gas) and docs/ledgers.md (prices) between their marks.
Errors:  exit status 1 if ``--check`` finds another table.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from ssi.ledger import merkle
from ssi.ledger.backends.evm import contract
from ssi.ledger.backends.evm.contract import Mode
from tests.evm.log import GAS, RawLog, raw_log
from tests.evm.node import Node, node
from tests.vectors.support import REPOSITORY

DETAILS = REPOSITORY / "docs" / "ledgers-evm.md"
DECISION = REPOSITORY / "docs" / "ledgers.md"
BEGIN, END = "<!-- gas: begin -->", "<!-- gas: end -->"
MILLION = 1_000_000
WORST = (1 << 20) - 1
PRICES = (0.1, 1, 10)
COIN = 3_000


async def measured(chain: Node, mode: Mode) -> dict[str, int]:
    """Return the gas of each case by its name."""
    draw = random.Random(7623)
    found: dict[str, int] = {}
    async with raw_log(chain, mode) as log:
        creation = contract.deployment(mode, log.account.signer.address, [log.account.signer.address])
        receipt = await log.account.wait(await log.account.send(b"", creation, gas=GAS), poll_seconds=0.002)
        found["making the contract"] = receipt.gas_used
        found["the very first entry, 500 bytes"] = await _cost(log, 0, [draw.randbytes(500)])
        for length in (100, 500, 1000):
            _resize(chain, log, MILLION)
            costs = [await _cost(log, MILLION + i, [draw.randbytes(length)]) for i in range(32)]
            found[f"1 entry, {length} bytes, mean of 32 at a million entries"] = sum(costs) // len(costs)
        _resize(chain, log, WORST)
        found["1 entry, 500 bytes, worst: the 2^20th, twenty merges and a new slot"] = await _cost(
            log, WORST, [draw.randbytes(500)]
        )
        for count in (10, 100):
            _resize(chain, log, MILLION)
            found[f"{count} entries of 500 bytes in one append"] = await _cost(
                log, MILLION, [draw.randbytes(500) for _ in range(count)]
            )
        if mode is Mode.LEAVES:
            _resize(chain, log, MILLION)
            found["1,000 entries in one append"] = await _cost(log, MILLION, [draw.randbytes(32) for _ in range(1000)])
    return found


async def _cost(log: RawLog, size: int, entries: Sequence[bytes]) -> int:
    items = [merkle.leaf_hash(entry) for entry in entries] if log.mode is Mode.LEAVES else entries
    receipt = await log.append(size, items)
    assert receipt.succeeded
    return receipt.gas_used


def _resize(chain: Node, log: RawLog, size: int) -> None:
    """Write a size into the first slot, beside the blocks, and hashes into the frontier where a log would have them."""
    address = "0x" + log.address.hex()
    slot = int(chain.rpc("eth_getStorageAt", address, "0x0", "latest"), 16)
    value = slot >> 64 << 64 | size
    chain.rpc("anvil_setStorageAt", address, "0x" + "00" * 32, f"0x{value:064x}")
    # Every level that such a log has been at was written once: three slots lie before the frontier.
    for level in range(40):
        written = size >> level != 0
        key, word = f"0x{3 + level:064x}", f"0x{(level + 1) * written:064x}"
        chain.rpc("anvil_setStorageAt", address, key, word)


def gas_table(leaves: dict[str, int], entries: dict[str, int]) -> str:
    """Return what each case costs in gas."""
    lines = ["| what | leaf hashes on chain | entries on chain |", "|---|---:|---:|"]
    for name, cost in leaves.items():
        other = f"{entries[name]:,}" if name in entries else "–"
        lines.append(f"| {name} | {cost:,} | {other} |")
    return "\n".join(lines)


def price_table(leaves: dict[str, int], entries: dict[str, int]) -> str:
    """Return what a statement costs in gas, and in money at some prices."""
    prices = " | ".join(f"at {price:g} gwei" for price in PRICES)
    lines = [f"| a statement, {COIN:,} for the coin | gas | {prices} |", "|---|" + "---:|" * (1 + len(PRICES))]
    alone = "1 entry, 500 bytes, mean of 32 at a million entries"
    many = "100 entries of 500 bytes in one append"
    rows = (("`mode=leaves`, alone", leaves[alone]), ("`mode=leaves`, one of 100", leaves[many] / 100),
            ("`mode=entries`, alone", entries[alone]), ("`mode=entries`, one of 100", entries[many] / 100))  # fmt: skip
    for name, gas in rows:
        costs = " | ".join(f"{gas * price * COIN / 1e9:.4f}" for price in PRICES)
        lines.append(f"| {name} | {gas:,.0f} | {costs} |")
    return "\n".join(lines)


def page_with(page: Path, text: str) -> str:
    """Return the page with its table replaced."""
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Measure, then write or compare."""
    with node() as chain:
        leaves, entries = [asyncio.run(measured(chain, mode)) for mode in (Mode.LEAVES, Mode.ENTRIES)]
    pages = {
        DETAILS: page_with(DETAILS, gas_table(leaves, entries)),
        DECISION: page_with(DECISION, price_table(leaves, entries)),
    }
    if "--check" in arguments:
        return int(any(page.read_text(encoding="utf-8") != text for page, text in pages.items()))
    for page, text in pages.items():
        page.write_text(text, encoding="utf-8")
        print(f"written: {page.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
