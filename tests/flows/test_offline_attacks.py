"""An offline folder that somebody else made: altered, cut, mixed, old. It is refused, or makes no difference."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from ssi.errors import SsiError, UnavailableError
from ssi.keys import Curve, PrivateKey
from ssi.ledger.note import NoteKey
from ssi.status.lists import CredentialState
from ssi.testing import TestFormat, TestWorld
from ssi.testing.world import CLAIMS
from tests.flows.offices import STRICT, policy
from verifier import CouldNotCheck, Refused, Registry, VerifiedPresentation, Verifier
from verifier.offline import OfflineFolder, write_offline_folder

FORMATS: tuple[TestFormat, ...] = ("dc+sd-jwt", "vc+jwt")


class Case:
    """A world, its folder, and a presentation of a credential in it."""

    def __init__(self, world: TestWorld, folder: Path) -> None:
        self.world = world
        self.folder = folder

    async def write(self) -> None:
        lists = list(self.world.lists.lists.values())
        await write_offline_folder(self.folder, registry=self.world.federation.registry, lists=lists)

    async def registry(self) -> Registry:
        federation = self.world.federation
        key = await federation.registry.note_key()
        return Registry(roots=(federation.ministry.did,), keys=(key.vkey,))

    async def verify(self, text: str, *, registry: Registry | None = None) -> VerifiedPresentation:
        world = self.world
        offline = OfflineFolder.open(self.folder, registry=registry or await self.registry())
        office = Verifier(
            policy(world, anchoring=STRICT),
            resolver=offline.resolver(now=world.clock),
            lists=offline,
            registry=offline,
            now=world.clock,
        )
        return await office.verify(text, nonce=world.nonce)


@pytest.fixture
async def case(tmp_path: Path) -> Case:
    made = Case(await TestWorld.open(), tmp_path / "offline")
    await made.write()
    return made


@pytest.mark.parametrize("format", FORMATS)
async def test_the_folder_serves(case: Case, format: TestFormat) -> None:
    assert (await case.verify(await case.world.shown(format))).claims == CLAIMS


def entries(folder: Path) -> list[str]:
    return (folder / "ledger" / "entries.jsonl").read_text().splitlines()


def put_entries(folder: Path, lines: list[str]) -> None:
    (folder / "ledger" / "entries.jsonl").write_text("".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:-1],
        lambda lines: lines[1:],
        lambda lines: lines[::-1],
        lambda lines: [lines[0], *lines],
        lambda lines: [*lines[:2], json.dumps({"leaf_hash": "A" * 43, "order": "x"}), *lines[3:]],
        lambda lines: [*lines[:2], "", *lines[2:]],
        lambda lines: [*lines[:2], "null", *lines[2:]],
        lambda lines: [*lines[:2], '"!"', *lines[2:]],
        lambda lines: [],
    ],
    ids=["cut", "beheaded", "reversed", "doubled", "withheld", "blank", "null", "no base64url", "empty"],
)
async def test_other_entries_than_were_signed_are_refused(case: Case, change: Callable[[list[str]], list[str]]) -> None:
    put_entries(case.folder, change(entries(case.folder)))
    with pytest.raises(SsiError):
        await case.verify(await case.world.shown("dc+sd-jwt"))


async def test_entries_after_the_newest_checkpoint_count_for_nothing(case: Case) -> None:
    lines = entries(case.folder)
    await case.world.issuer("village")
    await case.world.federation.registry.sign_checkpoint()
    later = Case(case.world, case.folder.with_name("later"))
    await later.write()
    more = entries(later.folder)
    assert more[: len(lines)] == lines
    put_entries(case.folder, more)
    await case.verify(await case.world.shown("dc+sd-jwt"))
    view = OfflineFolder.open(case.folder, registry=await case.registry()).view()
    assert view.size == len(lines)


async def test_a_ledger_of_somebody_else_is_refused(case: Case) -> None:
    other = Case(await TestWorld.open(), case.folder.with_name("other"))
    await other.write()
    text = await other.world.shown("dc+sd-jwt")
    with pytest.raises(SsiError):
        await other.verify(text, registry=await case.registry())
    stranger = NoteKey("log.example", PrivateKey.generate(Curve.ED25519).public_key)
    roots = (case.world.federation.ministry.did,)
    with pytest.raises(SsiError):
        await case.verify(text, registry=Registry(roots=roots, keys=(stranger.vkey,)))
    own_key = (await other.registry()).keys
    with pytest.raises(Refused, match="issuer"):
        await other.verify(text, registry=Registry(roots=roots, keys=own_key))


@pytest.mark.parametrize("format", FORMATS)
async def test_an_old_folder_is_told_from_a_new_one_by_its_age(case: Case, format: TestFormat) -> None:
    world = case.world
    index = world.town.next_index()
    credential = await world.town.issue(CLAIMS, format=format, holder=world.holder.key, index=index)
    world.clock.advance(STRICT.max_staleness_seconds + 1)
    world.town.set_state(format, index, CredentialState.REVOKED)
    await world.town.publish()
    text = await world.holder.show(credential, nonce=world.nonce, audience=world.audience)
    with pytest.raises((CouldNotCheck, Refused), match="status"):
        await case.verify(text)
    await case.write()
    with pytest.raises(Refused, match="revoked"):
        await case.verify(text)


@pytest.mark.parametrize("format", FORMATS)
async def test_an_old_list_in_a_new_folder_is_refused(case: Case, format: TestFormat) -> None:
    world = case.world
    text = await world.shown(format)
    old = {file.name: file.read_bytes() for file in (case.folder / "lists").glob("*.jwt")}
    world.clock.advance(10)
    await world.town.publish()
    await case.write()
    await case.verify(text)
    for name, body in old.items():
        (case.folder / "lists" / name).write_bytes(body)
    with pytest.raises(Refused, match="newer one is anchored"):
        await case.verify(text)


@pytest.mark.parametrize(
    "name", ["../x.jwt", "/etc/x.jwt", "a\0.jwt", "x", "", ".", "a\n.jwt", "x" * 5000 + ".jwt", 1, None]
)
async def test_an_index_that_leads_elsewhere_is_refused(case: Case, name: object) -> None:
    uris = json.loads((case.folder / "lists" / "index.json").read_text())
    (case.folder / "lists" / "index.json").write_text(json.dumps(dict.fromkeys(uris, name)))
    with pytest.raises((Refused, CouldNotCheck), match=r"^status: "):
        await case.verify(await case.world.shown("dc+sd-jwt"))


async def test_rubbish_beside_the_logs_blames_no_presentation(case: Case) -> None:
    """What the ledger has needs no file; what no file has is not known."""
    for name, data in {"a.jsonl": b"\xff\n", "b.jsonl": b"[]\n", "c.jsonl": b"{" * 100_000, "d.jsonl": b""}.items():
        (case.folder / "logs" / name).write_bytes(data)
    await case.verify(await case.world.shown("dc+sd-jwt"))
    offline = OfflineFolder.open(case.folder, registry=None)
    did = case.world.town.did
    assert await offline.did_log(did) == await case.world.federation.registry.did_log(did)
    with pytest.raises(UnavailableError):
        await offline.did_log("did:webvh:QmYyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy:other.example")


@pytest.mark.parametrize("format", FORMATS)
async def test_any_byte_of_the_folder(case: Case, format: TestFormat) -> None:
    """Whatever byte is another: what was true comes out, or nothing."""
    text = await case.world.shown(format)
    files = [file for file in sorted(case.folder.rglob("*")) if file.is_file()]
    rng = random.Random(7)
    refused = 0
    for number in range(120):
        file = files[number % len(files)]
        good = file.read_bytes()
        place = rng.randrange(len(good))
        file.write_bytes(good[:place] + bytes([rng.choice([good[place] ^ 1, 0, 255, 65])]) + good[place + 1 :])
        try:
            assert (await case.verify(text)).claims == CLAIMS
        except SsiError:
            refused += 1
        file.write_bytes(good)
    assert refused > 10
