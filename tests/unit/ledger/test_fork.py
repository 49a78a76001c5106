"""Fork proofs: two heads that exclude each other convince anybody who has the log's key, and nothing else does."""

from __future__ import annotations

import json

import pytest

from ssi.encoding.base64url import b64url_encode
from ssi.errors import InclusionProofError, InvalidInputError, InvalidSignatureError, SsiError, VerificationError
from ssi.ledger import merkle
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.checkpoint import NoteKey
from ssi.ledger.fork import (
    ForkProof,
    build_fork_proof,
    fork_path,
    make_fork_proof,
    parse_fork_proof,
    prove_fork,
    roots_from,
    verify_fork,
)
from tests.contracts.tiles import Publisher

HONEST = [b"entry %d" % index for index in range(40)]


async def histories(*logs: list[bytes]) -> tuple[list[Publisher], list[NoteKey]]:
    """Logs that one operator signs under one name."""
    made = [Publisher(MemoryLedger()) for _ in logs]
    for publisher, entries in zip(made, logs, strict=True):
        publisher.kms = made[0].kms
        await publisher.ledger.append(entries)
    return made, [await made[0].key()]


@pytest.mark.parametrize(("old", "new"), [(old, new) for new in (2, 7, 8, 13, 40) for old in range(1, new)])
async def test_the_nodes_give_both_roots(old: int, new: int) -> None:
    (log,), _ = await histories(HONEST[:new])
    ranges = fork_path(old, new)
    path = [await _range_root(log, start, stop) for start, stop in ranges]
    assert roots_from(path, old, new) == (await merkle.root(log.ledger, old), await merkle.root(log.ledger, new))


async def _range_root(log: Publisher, start: int, stop: int) -> bytes:
    nodes = merkle.complete_nodes((start, stop))
    found = {(level, index): (await log.ledger.hashes(level, index, index + 1))[0] for level, index in nodes}
    return merkle.subtree_hash((start, stop), found.__getitem__)


@pytest.mark.parametrize("size", [1, 2, 5, 8, 31, 32, 40])
@pytest.mark.parametrize("other", [1, 4, 7, 40])
async def test_two_histories_are_proved(size: int, other: int) -> None:
    (honest, forged), keys = await histories(HONEST[:size], [b"forged", *HONEST[1:other]])
    notes = (await honest.sign(now=5), await forged.sign(now=6))
    larger = forged if other > size else honest
    proof = parse_fork_proof(build_fork_proof(await make_fork_proof(*notes, keys=keys, ledger=larger.ledger)))
    assert proof == await make_fork_proof(notes[1], notes[0], keys=keys, ledger=larger.ledger) or size == other
    found = verify_fork(proof, keys=keys)
    assert (found.first.size, found.second.size) == (min(size, other), max(size, other))
    assert found.root_in_second != found.first.root
    assert found.keys == tuple(keys)
    error = await prove_fork(notes[0], notes[1], larger.ledger, keys=keys)
    assert verify_fork(parse_fork_proof(error.proof), keys=keys).origin == "log.example/published"


@pytest.mark.parametrize(("size", "other"), [(8, 40), (7, 40), (5, 5), (0, 4)])
async def test_an_honest_log_cannot_be_accused(size: int, other: int) -> None:
    """Whatever path is brought: two heads of one history prove nothing."""
    (early, late), keys = await histories(HONEST[:size], HONEST[:other])
    notes = (await early.sign(), await late.sign(now=7))
    with pytest.raises(InvalidInputError, match="no fork"):
        await make_fork_proof(*notes, keys=keys, ledger=late.ledger)
    (_, forged), _ = await histories([], [b"forged", *HONEST[1:other]])
    paths: list[tuple[bytes, ...]] = [(), (bytes(32),)]
    if 0 < size < other:
        for log in (late, forged):
            made = tuple([await _range_root(log, start, stop) for start, stop in fork_path(size, other)])
            paths += [made, made[:-1], made[::-1], (*made, bytes(32))]
    for path in paths:
        with pytest.raises((InvalidInputError, InclusionProofError)):
            verify_fork(ForkProof((keys[0].vkey,), (notes[0], notes[1]), path), keys=keys)


async def test_both_heads_are_signed_by_one_log() -> None:
    (honest, forged), keys = await histories(HONEST[:5], [b"forged", *HONEST[1:5]])
    notes = (await honest.sign(), await forged.sign())
    stranger = Publisher(MemoryLedger())
    await stranger.ledger.append([b"x"])
    await stranger.ledger.append(HONEST[:4])
    foreign = await stranger.sign()
    strange = await stranger.key()
    elsewhere = Publisher(MemoryLedger(), origin="other.example")
    await elsewhere.ledger.append(HONEST[:4])
    for pair, known in [
        ((notes[0], foreign), keys),
        (notes, [strange]),
        ((notes[0], await elsewhere.sign()), [*keys, await elsewhere.key()]),
    ]:
        with pytest.raises(InvalidSignatureError):
            verify_fork(ForkProof((keys[0].vkey,), pair), keys=known)


async def test_every_altered_byte_is_refused() -> None:
    (honest, forged), keys = await histories(HONEST[:5], [b"forged", *HONEST[1:13]])
    made = await make_fork_proof(await honest.sign(), await forged.sign(), keys=keys, ledger=forged.ledger)
    data = build_fork_proof(made)
    for position in range(len(data)):
        altered = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        try:
            proof = parse_fork_proof(altered)
            verify_fork(proof, keys=keys)
        except (InvalidInputError, VerificationError):
            continue
        # Only the keys that the file names are under no proof: whoever trusts the log knows its key.
        assert (proof.checkpoints, proof.path) == (made.checkpoints, made.path)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "log-fork/2"},
        {"vkeys": []},
        {"vkeys": ["x"]},
        {"vkeys": "x"},
        {"checkpoints": []},
        {"checkpoints": ["a", "b"]},
        {"checkpoints": [1, 2]},
        {"path": ["!"]},
        {"path": [b64url_encode(bytes(32))] * 65},
        {"more": 1},
    ],
)
async def test_what_is_no_fork_proof(change: dict[str, object]) -> None:
    (honest, forged), keys = await histories(HONEST[:5], [b"forged", *HONEST[1:13]])
    made = await make_fork_proof(await honest.sign(), await forged.sign(), keys=keys, ledger=forged.ledger)
    document = {**json.loads(build_fork_proof(made)), **change}
    with pytest.raises(InvalidInputError):
        parse_fork_proof(json.dumps(document).encode())
    with pytest.raises(SsiError):
        verify_fork(ForkProof(made.vkeys, made.checkpoints[::-1], made.path), keys=keys)
    with pytest.raises(InvalidInputError):
        await make_fork_proof(*made.checkpoints, keys=keys)
