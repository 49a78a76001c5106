"""A verifier opened by names: a ledger's URL, or an offline folder or bundle, and a policy."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from ssi.errors import InvalidInputError, InvalidSignatureError, NotFoundError, RollbackError
from ssi.ledger import open_ledger, stream
from ssi.ledger.cosign import cosign_head
from ssi.registry import open_registry
from ssi.status.folder import write_lists
from ssi.testing import TestWorld
from tests.flows.offices import STRICT, policy
from tests.unit.ledger.witnesses import Town
from verifier import Refused, Registry, Verifier
from verifier.bundle import make_bundle


async def registry_of(world: TestWorld) -> Registry:
    return Registry(roots=(world.federation.ministry.did,), keys=((await world.registry.note_key()).vkey,))


async def copied(world: TestWorld, path: Path) -> str:
    """Write the world's ledger to a file, head and all, and return its URL."""
    url = f"sqlite://{path}"
    ledger = open_ledger(url)
    have = await ledger.size()
    entries = [entry async for _, entry in stream(world.federation.ledger)]
    await ledger.append([entry for entry in entries[have:] if isinstance(entry, bytes)])
    note = world.registry.checkpoint
    assert note is not None
    await ledger.put_checkpoint(await ledger.checkpoint(), note)
    await ledger.close()
    return url


@pytest.fixture
async def world() -> TestWorld:
    return await TestWorld.open()


async def test_over_a_ledger_and_a_folder_of_lists(world: TestWorld, tmp_path: Path) -> None:
    url = await copied(world, tmp_path / "copy.db")
    write_lists(tmp_path / "lists", world.lists.lists.values())
    known = policy(world, anchoring=STRICT, registry=await registry_of(world))
    text = await world.shown("dc+sd-jwt")
    async with await Verifier.open(url, policy=known, lists=tmp_path / "lists", now=world.clock) as office:
        assert (await office.verify(text, nonce=world.nonce)).issuer == world.town.did


async def test_what_the_ledger_gains_counts_from_the_next_refresh_on(world: TestWorld, tmp_path: Path) -> None:
    url = await copied(world, tmp_path / "copy.db")
    known = policy(world, anchoring=STRICT, registry=await registry_of(world))
    text = await world.shown("dc+sd-jwt")
    async with await Verifier.open(url, policy=known, lists=world.lists, now=world.clock) as office:
        found = await office.verify(text, nonce=world.nonce)
        assert found.issuer == world.town.did
        late = await world.issuer("late")
        text = await world.shown("vc+jwt", by=late)
        with pytest.raises(Refused):
            await office.verify(text, nonce=world.nonce)
        await copied(world, tmp_path / "copy.db")
        await office.refresh()
        assert (await office.verify(text, nonce=world.nonce)).issuer == late.did


async def test_over_a_bundle(world: TestWorld, tmp_path: Path) -> None:
    data = await make_bundle(
        [world.town.did], now=world.clock(), registry=world.registry, lists=world.lists.lists.values()
    )
    (tmp_path / "town.bundle").write_bytes(data)
    known = policy(world, anchoring=STRICT, registry=await registry_of(world))
    async with await Verifier.open(tmp_path / "town.bundle", policy=known, now=world.clock) as office:
        await office.refresh()
        assert (await office.verify(await world.shown("vc+jwt"), nonce=world.nonce)).issuer == world.town.did
    with pytest.raises(InvalidInputError, match="brings its own lists"):
        await Verifier.open(tmp_path / "town.bundle", policy=known, lists=world.lists)


async def test_a_policy_may_be_a_file_and_must_name_the_registry(world: TestWorld, tmp_path: Path) -> None:
    url = await copied(world, tmp_path / "copy.db")
    (tmp_path / "policy.toml").write_text(
        'audience = "x"\nholder_binding = "required"\nstatus = "required"\nmax_list_age_seconds = 60\n'
        '[[trust]]\ntype = "t"\naccredited = true\n'
    )
    with pytest.raises(InvalidInputError, match="expected a registry"):
        await Verifier.open(url, policy=tmp_path / "policy.toml", lists=world.lists)
    known = policy(world, registry=await registry_of(world))
    with pytest.raises(InvalidInputError, match="source of status lists"):
        await Verifier.open(url, policy=known)
    with pytest.raises(NotFoundError, match="no ledger"):
        await Verifier.open(f"sqlite://{tmp_path}/absent.db", policy=known, lists=world.lists)
    assert not (tmp_path / "absent.db").exists()


async def test_a_head_that_no_key_of_policy_signed_is_refused(world: TestWorld, tmp_path: Path) -> None:
    url = await copied(world, tmp_path / "copy.db")
    other = await (await TestWorld.open()).registry.note_key()
    known = policy(world, registry=Registry(roots=(world.federation.ministry.did,), keys=(other.vkey,)))
    with pytest.raises(InvalidSignatureError):
        await Verifier.open(url, policy=known, lists=world.lists)


async def test_witnesses_and_the_last_checkpoint(world: TestWorld, tmp_path: Path) -> None:
    """The report says how the ledger is witnessed; a ledger that is set back is refused by the next process, too."""
    url = await copied(world, tmp_path / "copy.db")
    witnesses = await Town.make([await world.registry.note_key()])
    witnesses.now = world.clock()
    vkeys = tuple(address.key.vkey for address in await witnesses.addresses())
    named = structs.replace(await registry_of(world), witnesses=vkeys, required_witnesses=2)
    strict = policy(world, anchoring=STRICT, registry=named)
    with pytest.raises(InvalidSignatureError, match="witnesses 0 of 3"):
        await Verifier.open(url, policy=strict, lists=world.lists, now=world.clock)
    starter = policy(world, anchoring=STRICT, registry=structs.replace(named, required_witnesses=0))
    async with await Verifier.open(url, policy=starter, lists=world.lists, now=world.clock) as office:
        report = (await office.verify(await world.shown("dc+sd-jwt"), nonce=world.nonce)).report
        assert any(check.source.endswith(", witnesses 0 of 3") for check in report.checks)

    ledger = open_ledger(url)
    witnesses.down = {"https://witness1.example"}
    await cosign_head(ledger, await witnesses.addresses(), post=witnesses.post)
    pin = tmp_path / "kept.note"
    async with await Verifier.open(url, policy=strict, lists=world.lists, pin=pin, now=world.clock) as office:
        report = (await office.verify(await world.shown("dc+sd-jwt"), nonce=world.nonce)).report
        assert any("witnesses 2 of 3 (2 required)" in check.source for check in report.checks)
        kept = await office.verify_all(await world.shown("dc+sd-jwt"), nonce=world.nonce, keep_evidence=True)
        for given in (None, strict):  # checked again from the evidence, and under a policy that asks for witnesses
            await kept[0].evidence("P1Y").recheck(policy=given)
    assert pin.read_bytes() == await ledger.checkpoint()
    await ledger.close()

    older = open_ledger(f"sqlite://{tmp_path}/older.db")
    entries = [entry async for _, entry in stream(world.federation.ledger, 0, 2) if isinstance(entry, bytes)]
    await older.append(entries)
    registry = await open_registry(
        older, origin="log.example", roots=[world.federation.ministry.did], kms=world.federation.kms, now=world.clock
    )
    await registry.sign_checkpoint()
    await older.close()
    with pytest.raises(RollbackError):
        await Verifier.open(
            f"sqlite://{tmp_path}/older.db", policy=starter, lists=world.lists, pin=pin, now=world.clock
        )
    with pytest.raises(InvalidInputError):
        Registry(roots=(), keys=(), witnesses=vkeys, required_witnesses=4)
