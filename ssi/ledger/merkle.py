"""The Merkle tree of the log: hashes, proofs and their checks.

Source:  RFC 6962, section 2.1; RFC 9162, sections 2.1.3.2 and 2.1.4.2 (the two verification algorithms).
Input:   entries as bytes; hashes of 32 bytes; sizes and indexes below 2**63.
Shapes:  node (level, index) is the complete subtree over leaves index * 2**level and on; level 0 is the leaves.
         A path is a sequence of hashes, from the leaf towards the root.
I/O:     none in the pure part; the proofs read O(log n) stored hashes through the Ledger port.
Errors:  InclusionProofError (a proof does not hold, whatever is wrong with it), EntryNotFoundError (asked past the
         end), InvalidInputError (asked for a proof that does not exist).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import TypeAlias

from ssi.errors import EntryNotFoundError, InclusionProofError, InvalidInputError
from ssi.ledger.port import HASH_BYTES, MAX_READ, Ledger

EMPTY_ROOT = sha256(b"").digest()
MAX_SIZE = 1 << 62

Node: TypeAlias = tuple[int, int]
Leaves: TypeAlias = tuple[int, int]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf: the 0x00 prefix keeps leaves and inner nodes apart (2.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node from its two children (2.1)."""
    return sha256(b"\x01" + left + right).digest()


def grow(frontier: dict[int, bytes], size: int, leaves: Sequence[bytes]) -> Iterator[tuple[int, int, Sequence[bytes]]]:
    """Add leaf hashes to a tree of ``size``; yield (level, first index, hashes) of every node that became complete.

    ``frontier`` maps each level where the tree has an odd number of complete nodes to the last of them; it is brought
    up to date, so that one dictionary carries a log of any length. Two hash calls per entry, on average.
    """
    level, first, row = 0, size, list(leaves)
    while row:
        yield level, first, row
        if first % 2:
            row = [frontier.pop(level), *row]
            first -= 1
        if len(row) % 2:
            frontier[level] = row[-1]
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        level, first = level + 1, first // 2


def frontier_nodes(size: int) -> list[Node]:
    """Return the nodes that a frontier of ``size`` leaves holds: one for each bit of the size."""
    return [(level, (size >> level) - 1) for level in range(size.bit_length()) if size >> level & 1]


def complete_nodes(leaves: Leaves) -> list[Node]:
    """Cut a range of leaves that is a subtree of some tree into complete nodes, from the left."""
    start, stop = leaves
    nodes = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def subtree_hash(leaves: Leaves, get: Callable[[Node], bytes]) -> bytes:
    """Return MTH (2.1) over a non-empty range of leaves, from stored complete nodes."""
    *rest, last = complete_nodes(leaves)
    result = get(last)
    for node in reversed(rest):
        result = node_hash(get(node), result)
    return result


def root_from_hashes(size: int, get: Callable[[Node], bytes]) -> bytes:
    """Return the root of the first ``size`` leaves, from stored complete nodes."""
    return subtree_hash((0, size), get) if size else EMPTY_ROOT


def _split(start: int, stop: int) -> int:
    """Return where a range of two or more leaves divides: after the largest power of two below its length."""
    return start + (1 << (stop - start - 1).bit_length() - 1)


def inclusion_path(index: int, size: int) -> list[Leaves]:
    """Return the ranges whose hashes make the inclusion proof of leaf ``index`` (2.1.1), leaf side first."""
    path: list[Leaves] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = _split(start, stop)
        if index < middle:
            path.append((middle, stop))
            stop = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def consistency_path(old: int, new: int) -> list[Leaves]:
    """Return the ranges whose hashes make the consistency proof between two sizes (2.1.2), 0 < old < new."""
    path: list[Leaves] = []
    start, stop = 0, new
    while old != stop:
        middle = _split(start, stop)
        if old <= middle:
            path.append((middle, stop))
            stop = middle
        else:
            path.append((start, middle))
            start = middle
    # A subtree that is the whole old tree is known to whoever holds the old root, so it is left out.
    if start:
        path.append((start, stop))
    return path[::-1]


def _check_hashes(path: Sequence[bytes], *others: bytes) -> None:
    for value in (*others, *path):
        if not isinstance(value, bytes) or len(value) != HASH_BYTES:
            raise InclusionProofError(f"a hash in the proof is not {HASH_BYTES} bytes long")


def verify_inclusion(index: int, size: int, leaf_hash: bytes, path: Sequence[bytes], root: bytes) -> None:
    """Raise InclusionProofError unless ``path`` proves the leaf at ``index`` under ``root`` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size <= MAX_SIZE:
        raise InclusionProofError(f"there is no leaf {index} in a tree of {size}")
    _check_hashes(path, leaf_hash, root)
    here, last = index, size - 1
    result = leaf_hash
    for sibling in path:
        if last == 0:
            raise InclusionProofError("the inclusion proof is longer than the tree is high")
        if here % 2 or here == last:
            result = node_hash(sibling, result)
            while here and not here % 2:
                here, last = here >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        here, last = here >> 1, last >> 1
    if last != 0:
        raise InclusionProofError("the inclusion proof is shorter than the tree is high")
    if result != root:
        raise InclusionProofError(f"the inclusion proof of entry {index} leads to another root")


def verify_consistency(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Raise InclusionProofError unless the tree of ``new`` leaves extends that of ``old`` (RFC 9162, 2.1.4.2).

    An empty old tree proves nothing (every tree extends it) and is refused: the caller decides what it means.
    """
    if not 0 < old <= new <= MAX_SIZE:
        raise InclusionProofError(f"no consistency proof leads from size {old} to size {new}")
    _check_hashes(path, old_root, new_root)
    if old == new:
        if path or old_root != new_root:
            raise InclusionProofError("two trees of one size have different roots, or a proof that nothing needs")
        return
    here, last = old - 1, new - 1
    while here % 2:
        here, last = here >> 1, last >> 1
    nodes = iter(path)
    # The proof of a complete old tree starts at its root, which the verifier has.
    seed = old_root if here == 0 else next(nodes, None)
    if seed is None:
        raise InclusionProofError("the consistency proof is empty")
    old_result = new_result = seed
    for node in nodes:
        if last == 0:
            raise InclusionProofError("the consistency proof is longer than the tree is high")
        if here % 2 or here == last:
            old_result, new_result = node_hash(node, old_result), node_hash(node, new_result)
            while here and not here % 2:
                here, last = here >> 1, last >> 1
        else:
            new_result = node_hash(new_result, node)
        here, last = here >> 1, last >> 1
    if last != 0:
        raise InclusionProofError("the consistency proof is shorter than the tree is high")
    if old_result != old_root or new_result != new_root:
        raise InclusionProofError(f"the tree of size {new} does not extend the tree of size {old}")


async def root(ledger: Ledger, size: int) -> bytes:
    """Return the root of the first ``size`` entries. Raises EntryNotFoundError if there are fewer."""
    if size < 0:
        raise InvalidInputError(f"no tree has {size} leaves")
    stored = await _fetch(ledger, complete_nodes((0, size)))
    return root_from_hashes(size, stored.__getitem__)


async def inclusion_proof(ledger: Ledger, index: int, size: int) -> list[bytes]:
    """Return the path that proves entry ``index`` in the tree of the first ``size`` entries."""
    return (await inclusion_proofs(ledger, [index], size))[0]


async def inclusion_proofs(ledger: Ledger, indexes: Sequence[int], size: int) -> list[list[bytes]]:
    """Return one path for each index; hashes that several need are read once, neighbours together."""
    for index in indexes:
        if not 0 <= index < size:
            raise EntryNotFoundError(f"there is no entry {index} in a tree of {size}")
    paths = [inclusion_path(index, size) for index in indexes]
    ranges = {part for path in paths for part in path}  # neighbours share most of them
    # The last leaf is read, too, so that no proof is made for a tree that the log has not reached.
    last = {(0, size - 1)} if indexes else set()
    stored = await _fetch(ledger, {node for part in ranges for node in complete_nodes(part)} | last)
    hashes = {part: subtree_hash(part, stored.__getitem__) for part in ranges}
    return [[hashes[part] for part in path] for path in paths]


async def consistency_proof(ledger: Ledger, old: int, new: int) -> list[bytes]:
    """Return the path that proves that the tree of ``new`` entries extends that of ``old``, 0 < old <= new."""
    if not 0 < old <= new:
        raise InvalidInputError(f"no consistency proof leads from size {old} to size {new}")
    ranges = consistency_path(old, new)
    stored = await _fetch(ledger, {(0, new - 1)} | {node for part in ranges for node in complete_nodes(part)})
    return [subtree_hash(part, stored.__getitem__) for part in ranges]


async def _fetch(ledger: Ledger, nodes: Iterable[Node]) -> dict[Node, bytes]:
    """Read stored hashes, neighbours in one call."""
    found: dict[Node, bytes] = {}
    runs: list[tuple[int, int, int]] = []
    for level, index in sorted(nodes):
        if runs and runs[-1][0] == level and index == runs[-1][2] and index - runs[-1][1] < MAX_READ:
            runs[-1] = (level, runs[-1][1], index + 1)
        else:
            runs.append((level, index, index + 1))
    import asyncio  # Slow to import, and whoever awaits this has it.

    # All at once: a backend behind a thread or a network answers them in one go instead of one turn for each.
    answers = await asyncio.gather(*(ledger.hashes(*run) for run in runs))
    for (level, start, _), values in zip(runs, answers, strict=True):
        found.update(((level, start + offset), value) for offset, value in enumerate(values))
    return found
