"""What goes into one transaction, and how much gas it is allowed.

Source:  EIP-7623 (the floor of 40 gas for each non-zero byte of calldata), EIP-7825 (at most 2**24 gas for a
         transaction), go-ethereum's bound of 128 KiB for a transaction in its pool; gas measured by tests/evm/gas.py.
Input:   appends that wait, in the order in which they came; the end of the log as it is expected to be.
Shapes:  positions are indexes from 0; sizes in bytes.
I/O:     none.
Errors:  ConflictError and InvalidInputError are outcomes of single appends here, not raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ssi.errors import InvalidInputError, SsiError
from ssi.ledger.backends.evm.contract import Mode
from ssi.ledger.backends.group_commit import AppendRequest
from ssi.ledger.port import refuse_size

MAX_LEAVES: Final = 1024
MAX_BYTES: Final = 110_000
ENTRY_OVERHEAD: Final = 96  # offset, length and padding of one entry in the payload, at most


class Waiting:
    """One append that is not answered yet."""

    __slots__ = ("deadline", "indexes", "missing", "request")

    def __init__(self, request: AppendRequest, deadline: float) -> None:
        self.request = request
        self.deadline = deadline
        self.indexes: dict[bytes, int] = {}
        self.missing = set(request.leaves)


class Tip:
    """The end of the log as it will be when everything sent is in: its size, and the leaf hashes that are not final."""

    def __init__(self, size: int, leaves: set[bytes]) -> None:
        self.size = size
        self.leaves = leaves


class Composed:
    """One transaction to be: what it appends, and the appends that are settled without it."""

    def __init__(self) -> None:
        self.leaves: list[bytes] = []
        self.bodies: list[bytes] = []
        self.outcomes: list[tuple[Waiting, SsiError]] = []
        self.left: list[Waiting] = []


def compose(mode: Mode, waiting: Sequence[Waiting], tip: Tip, *, final_size: int) -> Composed:
    """Choose what the next transaction appends at ``tip``.

    ``left`` are those who have to be looked at again: there is no room for them, or the size that they expect is over
    but by entries that are not final, so that it may come back.
    """
    result = Composed()
    room = MAX_BYTES
    taken: set[bytes] = set()
    for number, one in enumerate(waiting):
        new = _new(one, tip, taken)
        expected = one.request.expected_size
        if new and expected is not None:
            here = tip.size + len(taken)
            if sum(_cost(mode, body) for _, body in new) > MAX_BYTES or len(new) > MAX_LEAVES:
                result.outcomes.append((one, InvalidInputError("an append that expects a size fits one transaction")))
                continue
            if expected != here:
                if expected < final_size or expected > here:
                    result.outcomes.append((one, refuse_size(expected, here)))
                else:
                    result.left.append(one)
                continue
            if len(taken) + len(new) > MAX_LEAVES or sum(_cost(mode, body) for _, body in new) > room:
                result.left += waiting[number:]
                break
        for leaf, body in new:
            if len(taken) >= MAX_LEAVES or _cost(mode, body) > room:
                result.left += waiting[number:]
                return result
            room -= _cost(mode, body)
            taken.add(leaf)
            result.leaves.append(leaf)
            result.bodies.append(body)
    return result


def _new(one: Waiting, tip: Tip, taken: set[bytes]) -> list[tuple[bytes, bytes]]:
    """Return what of an append is neither final, nor on its way, nor in this transaction already."""
    found: dict[bytes, bytes] = {}
    for leaf, body in zip(one.request.leaves, one.request.entries, strict=True):
        if leaf in one.missing and leaf not in tip.leaves and leaf not in taken:
            found.setdefault(leaf, body)
    return list(found.items())


def _cost(mode: Mode, body: bytes) -> int:
    return 32 if mode is Mode.LEAVES else len(body) + ENTRY_OVERHEAD


def gas_bound(mode: Mode, payload: bytes, count: int) -> int:
    """Return more gas than an append of ``count`` entries uses at any size of the log; what is left over comes back.

    Taken where the node cannot estimate, because transactions before this one are still on their way.
    """
    zeros = payload.count(0)
    calldata = 16 * (len(payload) - zeros) + 4 * zeros
    floor = 40 * (len(payload) - zeros) + 10 * zeros
    # Slots of the frontier that may be written for the first time, then for each entry its hashes and its place in an
    # event, then the bytes that are copied, hashed and logged.
    execution = 60_000 + 22_100 * (count.bit_length() + 2) + (1_200 if mode is Mode.LEAVES else 4_500) * count
    execution += 16 * len(payload)
    return 21_000 + max(floor, calldata + execution)
