"""An agency is killed in the middle of revoking, and its ledger loses answers. What has to be repaired by hand?

Nothing. Whatever the agency wants on the ledger is in its own database first, signed, in the same transaction as its
effect. Whoever opens the database next submits the same bytes, and the ledger keeps an entry that it has in its place.

Run it with ``python -m examples.crash_and_reconcile``, on a SQLite file; ``--ledger URL`` names another ledger, which
has to be empty: a PostgreSQL database, or a contract on a chain (docs/crashes.md has the commands). ``--kills`` says
how often the agency is killed at a moment that nobody chose.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

from issuer import CredentialType, Issuer
from issuer.publishing import StatusSettings
from issuer.stores import open_issuer_store
from ssi.errors import UnavailableError
from ssi.keys import Curve, PrivateKey, open_kms
from ssi.ledger import Ledger, open_ledger
from ssi.ledger.receipt import parse_receipt, verify_receipt
from ssi.registry import Organisation, audit, found_registry, open_registry

ORIGIN: Final = "crash.example/log"
RESIDENCE: Final = CredentialType(
    name="residence",
    vct="https://town.example/residence",
    types=("ResidenceCertificate",),
    schema={"type": "object", "properties": {"name": {"type": "string"}}},
    validity_days=365,
)
MOMENTS: Final = {
    "intent": "when the intent was kept, before anything was sent",
    "append": "when the ledger had the entry, before it answered",
    "answer": "when the ledger had the entry, and its answer was lost",
    "receipt": "when the receipt was there, before it was kept",
}


class Deadly:
    """Kills this process at one moment of the next commitment."""

    def __init__(self, moment: str) -> None:
        self.moment = moment

    def strike(self, moment: str) -> None:
        if moment == self.moment:
            os.kill(os.getpid(), signal.SIGKILL)


@asynccontextmanager
async def opened(folder: Path, url: str, *, deadly: Deadly | None = None) -> AsyncIterator[tuple[Issuer, Ledger, Any]]:
    """Open the agency from whatever state its files are in; nothing here repairs anything."""
    said = json.loads((folder / "agency.json").read_text())
    ledger, kms = open_ledger(url), open_kms(f"file:{folder}/keys.json", passphrase="an example")
    store = await open_issuer_store(f"sqlite://{folder}/town.db")
    try:
        registry = await open_registry(ledger, origin=ORIGIN, roots=[said["root"]], kms=kms)
        now = int(time.time())
        town = await Organisation.open("town", said["town"], kms=kms, registry=registry, now=now)
        if deadly is not None:
            _arm(registry, store, ledger, deadly)
        issuer = Issuer(
            town,
            store=store,
            registry=registry,
            catalogue=[RESIDENCE],
            status_base="https://town.example/status",
            status=StatusSettings(entries=131_072),
        )
        yield issuer, ledger, registry
    finally:
        await store.close()
        await ledger.close()


def _arm(registry: Any, store: Any, ledger: Any, deadly: Deadly) -> None:
    submit, append, settle = registry.submit, ledger.append, store.settle

    async def deadly_submit(entry: bytes) -> Any:
        deadly.strike("intent")
        return await submit(entry)

    async def deadly_append(*arguments: Any, **named: Any) -> Any:
        indexes = await append(*arguments, **named)
        deadly.strike("append")
        if deadly.moment == "answer":
            raise UnavailableError("the answer was lost")
        return indexes

    async def deadly_settle(*arguments: Any, **named: Any) -> None:
        deadly.strike("receipt")
        await settle(*arguments, **named)

    registry.submit, ledger.append, store.settle = deadly_submit, deadly_append, deadly_settle


async def found(folder: Path, url: str) -> None:
    """Found a log with a ministry, and a town that issues."""
    ledger, kms = open_ledger(url), open_kms(f"file:{folder}/keys.json", passphrase="an example")
    registry, ministry = await found_registry(ledger, origin=ORIGIN, root_domain="ministry.example", kms=kms)
    town = await Issuer.create(
        "town",
        domain="town.example",
        accreditor=ministry,
        registry=registry,
        kms=kms,
        catalogue=[RESIDENCE],
        store=f"sqlite://{folder}/town.db",
    )
    (folder / "agency.json").write_text(json.dumps({"root": ministry.did, "town": town.did}))
    await town.close()
    await ledger.close()


async def work(folder: Path, url: str, moment: str) -> None:
    """Issue and revoke, case after case, until killed; a line for each act that a caller was told is done."""
    number = random.SystemRandom().randrange(1 << 40)
    holder = PrivateKey.generate(Curve.P256).public_key
    async with opened(folder, url) as (issuer, _, _):
        await issuer.issue("residence", {"name": "Aino"}, reference=f"{number}", holder=holder)
    deadly = Deadly(moment)
    async with opened(folder, url, deadly=deadly) as (issuer, _, _):
        os.write(1, b"open\n")
        while True:
            change = await issuer.revoke(reference=f"{number}")
            os.write(
                1, f"revoked {number}{'' if change.anchored else ', its list is not on the ledger yet'}\n".encode()
            )
            deadly.strike("answer")
            number += 1
            await issuer.issue("residence", {"name": "Aino"}, reference=f"{number}", holder=holder)


def killed(folder: Path, url: str, *, moment: str = "never", seconds: float = 60) -> list[str]:
    """Run the agency in another process until it kills itself, or is killed; return whom it revoked.

    ``seconds`` count from when the agency is open.
    """
    command = [sys.executable, "-m", "examples.crash_and_reconcile", "--folder", str(folder), "--ledger", url]
    with subprocess.Popen([*command, "--work", moment], stdout=subprocess.PIPE, text=True) as agency:  # noqa: S603  (this file)
        assert agency.stdout is not None
        assert agency.stdout.readline() == "open\n", "the agency did not open"
        try:
            agency.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            agency.kill()
        told = agency.stdout.read()
    assert agency.returncode == -signal.SIGKILL, "the agency ended by itself"
    return [line.split()[1].rstrip(",") for line in told.splitlines()]


async def reconcile(folder: Path, url: str) -> list[str]:
    """Look, then do it; return what each intent came to."""
    async with opened(folder, url) as (issuer, ledger, _):
        with writes_barred(ledger):
            foreseen = await issuer.reconcile(dry_run=True)
        done = await issuer.reconcile()
        assert done.settled, done
        return [f"{before.did}; {after.did}" for before, after in zip(foreseen.outcomes, done.outcomes, strict=True)]


@contextmanager
def writes_barred(ledger: Any) -> Iterator[None]:
    """Let nothing be appended by this process; what the killed one sent may yet come, if the ledger is a chain."""
    append = ledger.append

    async def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a dry run writes nothing")

    ledger.append = refuse
    try:
        yield
    finally:
        ledger.append = append


async def check(folder: Path, url: str, revoked: Sequence[str]) -> str:
    """Hold everything against everything."""
    async with opened(folder, url) as (issuer, ledger, registry):
        assert await issuer.publish()
        for reference in revoked:
            assert (await issuer.state(reference)).name == "REVOKED", "a revocation was forgotten"
        entries = await ledger.read(0, await ledger.size())
        assert max(Counter(entries).values()) == 1, "an entry was written twice"
        for published in await issuer.status_lists():
            assert published.receipt is not None
            receipt = parse_receipt(published.receipt)
            verify_receipt(receipt, receipt.entry or b"", keys=registry.keys)
        report = await audit(ledger, roots=list(registry.state.roots), keys=registry.keys)
        assert report.ok, report.first
        return f"{len(entries)} entries, none twice; {len(revoked)} revocations told, none lost; the audit holds"


def tell(folder: Path, url: str, kills: int) -> None:
    """The story."""
    asyncio.run(found(folder, url))
    revoked: list[str] = []
    for moment, words in MOMENTS.items():
        revoked += killed(folder, url, moment=moment)
        for line in asyncio.run(reconcile(folder, url)):
            print(f"killed {words}: {line}")
    open_intents = 0
    for _ in range(kills):
        revoked += killed(folder, url, seconds=random.SystemRandom().uniform(0.1, 2.0))
        open_intents += len(asyncio.run(reconcile(folder, url)))
    if kills:
        print(f"killed {kills} times at any moment: {open_intents} intents were open, all are settled")
    print(asyncio.run(check(folder, url, revoked)))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--ledger", help="URL of an empty ledger (default: a SQLite file)")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.work:
        asyncio.run(work(given.folder, given.ledger, given.work))
        return
    with tempfile.TemporaryDirectory() as place:
        tell(Path(place), given.ledger or f"sqlite://{place}/log.db", given.kills)


if __name__ == "__main__":
    main()
