"""What the tests of evidence and bundles share: a world with bystanders, and archives put together anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ssi.encoding.archive import build_archive, parse_archive
from ssi.encoding.gate import parse_object
from ssi.encoding.jcs import jcs
from ssi.testing import TestFormat, TestWorld
from tests.flows.offices import STRICT, verifier
from verifier import VerifiedPresentation
from verifier.anchors import Anchors, LedgerAnchors
from verifier.contents import digests

BYSTANDERS = ("harbour", "forest", "hill")


async def world_with_others() -> TestWorld:
    """Return a world with organisations on the ledger that have nothing to do with what is verified."""
    made = await TestWorld.open()
    for name in BYSTANDERS:
        await made.issuer(name)
    return made


async def kept(world: TestWorld, format: TestFormat = "dc+sd-jwt", **options: Any) -> VerifiedPresentation:
    """Verify a new presentation of the world's town and keep the evidence."""
    office = verifier(world, anchoring=STRICT)
    return await office.verify(await world.shown(format), nonce=world.nonce, **{"keep_evidence": True, **options})


async def anchors_of(world: TestWorld) -> Anchors:
    """Return what an auditor believes of the world's ledger."""
    key = await world.federation.registry.note_key()
    return Anchors(registry=LedgerAnchors((world.federation.ministry.did,), (key.vkey,)))


def again(data: bytes, manifest: str, changes: Mapping[str, bytes | None], besides: tuple[str, ...] = ()) -> bytes:
    """Return an archive with members changed, or left out for None, and hashes that fit: as a forger would."""
    members = {name: body for name, body in {**parse_archive(data), **changes}.items() if body is not None}
    listed = {name: body for name, body in members.items() if name not in (manifest, *besides)}
    members[manifest] = jcs({**parse_object(members[manifest]), "files": digests(listed)})
    return build_archive(members)
