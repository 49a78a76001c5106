"""A verifier opened by names: a ledger's URL, or an offline folder or bundle, and a policy."""

from __future__ import annotations

from pathlib import Path

import pytest

from ssi.errors import InvalidInputError, InvalidSignatureError, NotFoundError
from ssi.ledger import open_ledger, stream
from ssi.status.folder import write_lists
from ssi.testing import TestWorld
from tests.flows.offices import STRICT, policy
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
