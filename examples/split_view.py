"""An operator shows one wallet another ledger than everybody else. Who notices, and who can prove it?

A lender loses its accreditation. The operator hides that from Aino: her wallet is served a history in which the lender
may still issue, signed with the ledger's real key.

Run it with ``python -m examples.split_view``. Every line says what was tried and what came of it.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from examples.telling import Telling
from ssi.errors import ForkError
from ssi.http.log_witness import answer_add
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import Ledger, open_ledger, stream
from ssi.ledger.backends.tile_folder import TileFolder
from ssi.ledger.cosign import Collected, WitnessAddress, cosign_head
from ssi.ledger.note import NoteKey
from ssi.ledger.quorum import FilePin, Quorum
from ssi.ledger.witness import LogWitness, MemoryHeadStore
from ssi.ports import Fetched
from ssi.protocols.http import HttpRequest
from ssi.registry import Organisation, RegistryFollower, found_registry, open_registry
from ssi.testing.clock import TestClock

ORIGIN, LOAN = "log.example", "https://lender.example/loan"


class Witnesses:
    """Three independent parties that cosign heads. They are asked as by HTTP."""

    def __init__(self, clock: TestClock) -> None:
        self._clock = clock
        self._desks: dict[str, LogWitness] = {}
        self.addresses: list[WitnessAddress] = []

    async def join(self, host: str, log: NoteKey) -> None:
        kms = MemoryKms()
        await kms.generate("cosigner", curve=Curve.ED25519, purpose=KeyPurpose.WITNESS)
        desk = LogWitness(name=f"{host}/w", kms=kms, label="cosigner", store=MemoryHeadStore(), logs=[log])
        self._desks[f"https://{host}/add-checkpoint"] = desk
        self.addresses.append(WitnessAddress(f"https://{host}", await desk.key()))

    def quorum(self, required: int) -> Quorum:
        return Quorum(tuple(address.key for address in self.addresses), required)

    async def post(self, url: str, body: bytes, *, content_type: str, max_bytes: int = 1 << 20) -> Fetched:
        request = HttpRequest("POST", "/add-checkpoint", body=body)
        found = await answer_add(request, witness=self._desks[url], now=self._clock())
        return Fetched(url, found.status, found.content_type, found.body)


class Operator:
    """Runs the ledger, and publishes it in two folders: one for everybody, one for Aino."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.kms = TestClock(), MemoryKms()
        self.public, self.for_aino = folder / "public", folder / "for-aino"
        self.ledger: Ledger = open_ledger("memory:")
        self.witnesses = Witnesses(self.clock)

    async def found(self) -> None:
        self.registry, self.ministry = await found_registry(
            self.ledger, origin=ORIGIN, root_name="ministry", root_domain="ministry.example", kms=self.kms,
            now=self.clock,
        )  # fmt: skip
        self.key = await self.registry.note_key()
        self.lender = await Organisation.create("lender", domain="lender.example", kms=self.kms, now=self.clock())
        entries = await self.ministry.enrol_issuer(self.lender, types=[LOAN], registry=self.registry, now=self.clock())
        self.accredited = entries[1]  # as issuer; the first is as organisation
        for host in ("university.example", "newspaper.example", "parliament.example"):
            await self.witnesses.join(host, self.key)

    async def publish(self, ledger: Ledger, *folders: Path) -> Collected:
        collected = await cosign_head(ledger, self.witnesses.addresses, post=self.witnesses.post)
        for folder in folders:
            await TileFolder(folder).update(ledger)
        return collected

    async def fork(self) -> Ledger:
        """Copy the log before the ending, and go on otherwise, with the same key."""
        other = open_ledger("memory:")
        await other.append([entry async for _, entry in stream(self.ledger) if isinstance(entry, bytes)])
        await other.put_checkpoint(None, await self.ledger.checkpoint() or b"")
        return other

    def reader(self, folder: Path, pin: Path, *, required: int) -> RegistryFollower:
        """Somebody who reads the log's files, knows its key and its witnesses, and keeps the last head seen."""
        return RegistryFollower(
            open_ledger(f"tiles:{folder}", keys=[self.key]), roots=[self.ministry.did], keys=[self.key],
            quorum=self.witnesses.quorum(required), pin=FilePin(pin),
        )  # fmt: skip


async def proved(reader: RegistryFollower, head: bytes) -> ForkError | None:
    """Hold somebody else's head against what the reader reads; return the fork, if they exclude each other."""
    try:
        await reader.compare(head)
    except ForkError as exc:
        return exc
    return None


async def verify_fork(file: Path, key: NoteKey) -> subprocess.CompletedProcess[str]:
    """Check the proof of a fork with the program, in a folder that has nothing of the story."""
    command = [sys.executable, "-m", "ssi.cli", "ledger", "verify-fork", str(file), "--vkey", key.vkey]
    with tempfile.TemporaryDirectory() as clean:
        return await asyncio.to_thread(subprocess.run, command, cwd=clean, capture_output=True, text=True, check=False)


async def main(folder: Path) -> dict[str, str]:
    """Tell the story; return what came of each step."""
    story, operator = Telling(), Operator(folder)
    await operator.found()
    clock, lender = operator.clock, operator.lender.did
    print("1. One ledger, three witnesses")
    await operator.publish(operator.ledger, operator.public, operator.for_aino)
    for name, place in (("wallet", operator.for_aino), ("office", operator.public)):
        view = await operator.reader(place, folder / f"{name}.note", required=2).refresh()
        story.say(f"the {name} reads", f"size {view.size}, {view.witnessed}")

    print("2. The lender loses its accreditation, and Aino is not to know")
    hidden = await operator.fork()
    await operator.ministry.end(operator.accredited.id, reason="revoked", registry=operator.registry, now=clock())
    await operator.publish(operator.ledger, operator.public)
    other = await open_registry(hidden, origin=ORIGIN, roots=[operator.ministry.did], kms=operator.kms, now=clock)
    harbour = await Organisation.create("harbour", domain="harbour.example", kms=operator.kms, now=clock())
    await operator.ministry.enrol_issuer(harbour, types=["https://harbour.example/berth"], registry=other, now=clock())
    asked = (await operator.publish(hidden, operator.for_aino)).asked
    story.say("a witness asked to cosign her history", asked[0].reason)

    print("3. What the two believe")
    office = operator.reader(operator.public, folder / "office.note", required=2)
    story.say("the office: may the lender issue", _yes((await office.refresh()).may_issue(lender, LOAN, at=clock())))
    wallet = operator.reader(operator.for_aino, folder / "wallet.note", required=2)
    await story.tell("a wallet that asks for two witnesses", wallet.refresh())
    trusting = operator.reader(operator.for_aino, folder / "wallet.note", required=0)
    view = await trusting.refresh()
    story.say("a wallet that asks for none: may the lender issue", _yes(view.may_issue(lender, LOAN, at=clock())))

    print("4. Two heads meet")
    # A head says nothing about who keeps it, so that anybody may show it to anybody.
    heads = {name: (folder / f"{name}.note").read_bytes() for name in ("office", "wallet")}
    by_wallet = await proved(trusting, heads["office"])
    story.say("the wallet is shown the office's head", str(by_wallet))
    coast = await Organisation.create("coast", domain="coast.example", kms=operator.kms, now=clock())
    await operator.ministry.enrol_issuer(coast, types=[LOAN], registry=operator.registry, now=clock())
    await operator.publish(operator.ledger, operator.public)
    await office.refresh()
    by_office = await proved(office, heads["wallet"])
    story.say("the office is shown the wallet's head", str(by_office))

    print("5. On a clean machine: ssi ledger verify-fork FILE")
    for name, fork in (("by-wallet.json", by_wallet), ("by-office.json", by_office)):
        if fork is None:
            continue
        (folder / name).write_bytes(fork.proof)
        done = await verify_fork(folder / name, operator.key)
        print(done.stdout.rstrip())
        story.say(f"{name} ends with", str(done.returncode))
    return story.told


def _yes(value: object) -> str:
    return "yes" if value else "no"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(main(Path(place)))
