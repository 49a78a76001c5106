"""Which heads a follower believes: witnessed by enough, never before or beside the last one it saw."""

from __future__ import annotations

from pathlib import Path

import pytest

from ssi.errors import ForkError, InclusionProofError, InvalidInputError, InvalidSignatureError
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.cosign import cosign_head
from ssi.ledger.fork import parse_fork_proof, verify_fork
from ssi.ledger.quorum import FilePin, MemoryPin, Pin, Quorum
from ssi.registry import RegistryFollower
from tests.contracts.tiles import Publisher
from tests.unit.ledger.witnesses import Town

NOW = 1_700_000_000
ROOTS = ["did:web:root.example"]
ENTRIES = [b"entry %d" % index for index in range(20)]


async def log_of(entries: list[bytes], like: Publisher | None = None) -> Publisher:
    publisher = Publisher(MemoryLedger())
    if like is not None:
        publisher.kms = like.kms
    await publisher.ledger.append(entries)
    await publisher.sign(now=NOW)
    return publisher


async def follower(log: Publisher, *, pin: Pin | None = None, quorum: Quorum | None = None) -> RegistryFollower:
    return RegistryFollower(log.ledger, roots=ROOTS, keys=[await log.key()], pin=pin, quorum=quorum)


async def test_enough_witnesses_have_to_cosign() -> None:
    log = await log_of(ENTRIES)
    town = await Town.make([await log.key()])
    reader = await follower(log, quorum=await town.quorum(2))
    with pytest.raises(InvalidSignatureError, match="witnesses 0 of 3"):
        await reader.refresh()
    assert reader.view().size == 0
    town.down = {"https://witness0.example"}
    town.now = NOW - 7
    await cosign_head(log.ledger, await town.addresses(), post=town.post)
    view = await reader.refresh()
    assert (view.size, str(view.witnessed)) == (20, "witnesses 2 of 3 (2 required)")
    assert view.checkpoint_time == NOW - 7
    # A new head that nobody saw leaves the reader where it was.
    await log.ledger.append([b"more"])
    await log.sign(now=NOW + 5)
    with pytest.raises(InvalidSignatureError):
        await reader.refresh()
    assert reader.view().size == 20
    starter = await (await follower(log, quorum=await town.quorum(0))).refresh()
    assert str(starter.witnessed) == "witnesses 0 of 3"
    assert (await (await follower(log)).refresh()).witnessed is None
    with pytest.raises(InvalidInputError):
        RegistryFollower(log.ledger, roots=ROOTS, quorum=await town.quorum(1))


@pytest.mark.parametrize("durable", [False, True])
async def test_the_last_head_is_kept(tmp_path: Path, durable: bool) -> None:
    pin: Pin = FilePin(tmp_path / "head.note") if durable else MemoryPin()
    log = await log_of(ENTRIES[:13])
    key = await log.key()
    await (await follower(log, pin=pin)).refresh()
    kept = pin.read()
    assert kept == await log.ledger.checkpoint()
    back = await log_of(ENTRIES[:12], log)
    with pytest.raises(InclusionProofError, match="size 12, after 13"):
        await (await follower(back, pin=pin)).refresh()
    with pytest.raises(InclusionProofError, match="no checkpoint"):
        await RegistryFollower(MemoryLedger(), roots=ROOTS, keys=[key], pin=pin).refresh()
    for size in (13, 16, 20):
        forged = await log_of([b"forged", *ENTRIES[1:size]], log)
        with pytest.raises(ForkError) as found:
            await (await follower(forged, pin=pin)).refresh()
        proved = verify_fork(parse_fork_proof(found.value.proof), keys=[key])
        assert (proved.first.size, proved.second.size) == (13, size)
    other = Publisher(MemoryLedger(), origin="other.example")
    other.kms = log.kms
    await other.ledger.append(ENTRIES)
    await other.sign()
    with pytest.raises(InclusionProofError, match="another log"):
        await RegistryFollower(other.ledger, roots=ROOTS, keys=[key, await other.key()], pin=pin).refresh()
    with pytest.raises(InvalidSignatureError, match="checkpoint that was kept"):
        await RegistryFollower(other.ledger, roots=ROOTS, keys=[await Publisher().key()], pin=pin).refresh()
    assert pin.read() == kept
    grown = await log_of(ENTRIES, log)
    await (await follower(grown, pin=pin)).refresh()
    assert pin.read() == await grown.ledger.checkpoint()
    with pytest.raises(InvalidInputError):
        RegistryFollower(log.ledger, roots=ROOTS, pin=pin)


async def test_a_fork_is_noticed_by_a_reader_that_runs_on() -> None:
    log = await log_of(ENTRIES[:13])
    reader = await follower(log)
    await reader.refresh()
    forged = await log_of([b"forged", *ENTRIES[1:20]], log)
    reader._ledger = forged.ledger
    with pytest.raises(ForkError):
        await reader.refresh()
    assert reader.view().size == 13
