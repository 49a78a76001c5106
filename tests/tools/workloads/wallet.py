"""Make keys, add, show and delete credentials in one encrypted wallet, from several tasks, until killed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from ssi.credentials.sd_jwt import issue_sd_jwt_vc
from ssi.errors import SsiError
from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from tests.tools.workloads import Acknowledge
from wallet import SecretKeyWrap, Wallet

TASKS = 3
NOW = 1_800_000_000
AUDIENCE = "https://crash.example"


class Workload:
    """Each line names what the holder was told is there, or gone."""

    def __init__(self) -> None:
        self._issuer = PrivateKey.generate(Curve.P256)
        self._wrap = SecretKeyWrap(bytes(32))
        self._revision = 0
        # What the holder was told, over all rounds on this directory.
        self._keys: set[str] = set()
        self._cards: dict[str, str] = {}
        self._going: set[str] = set()
        self._deleted: set[str] = set()
        self._shown: set[str] = set()

    async def run(self, directory: Path, *, seed: int, acknowledge: Acknowledge) -> None:
        kms = MemoryKms()
        await kms.add("issuer", self._issuer, purpose=KeyPurpose.CREDENTIAL)
        wallet = await self._open(directory)
        rng = random.Random(seed)
        tasks = (self._hold(wallet, kms, f"{seed}/{task}", rng, acknowledge) for task in range(TASKS))
        await asyncio.gather(*tasks)

    async def _open(self, directory: Path) -> Wallet:
        url = f"sqlite://{directory}/wallet.db"
        return await Wallet.open(url, wrap=self._wrap, minimum_revision=self._revision, now=lambda: NOW)

    async def _hold(
        self, wallet: Wallet, kms: MemoryKms, name: str, rng: random.Random, acknowledge: Acknowledge
    ) -> None:
        number = 0
        while True:
            number += 1
            key = await wallet.new_key()
            acknowledge(f"key {key.thumbprint()}")
            card = await wallet.add(await _issue(kms, key, f"{name}/{number}"))
            text = (await wallet.get(card.id)).credential
            acknowledge(f"card {card.id} {_digest(text)}")
            await wallet.present(card.id, [("number",)], audience=f"{AUDIENCE}/{name}/{number}", nonce="n")
            acknowledge(f"shown {AUDIENCE}/{name}/{number}")
            acknowledge(f"revision {wallet.revision}")
            if rng.random() < 0.5:
                acknowledge(f"going {card.id} {key.thumbprint()}")
                await wallet.delete(card.id)
                acknowledge(f"deleted {card.id}")

    async def check(self, directory: Path, acknowledged: Sequence[str], *, thorough: bool) -> Sequence[str]:
        self._remember(acknowledged)
        try:
            wallet = await self._open(directory)
        except SsiError as exc:
            return [f"the wallet does not open: {exc}"]
        try:
            problems = await self._check_acknowledged(wallet)
            return [*problems, *(await _audit(wallet) if thorough else ())]
        except SsiError as exc:
            return [f"the wallet does not answer: {exc}"]
        finally:
            await wallet.close()

    def _remember(self, acknowledged: Sequence[str]) -> None:
        for line in acknowledged:
            kind, first, *rest = line.split(" ")
            if kind == "revision":
                self._revision = max(self._revision, int(first))
            elif kind == "card":
                self._cards[first] = rest[0]
            elif kind == "going":
                self._going |= {first, *rest}
            else:
                {"key": self._keys, "shown": self._shown, "deleted": self._deleted}[kind].add(first)

    async def _check_acknowledged(self, wallet: Wallet) -> list[str]:
        cards = {card.id for card in await wallet.list()}
        keys = {(await wallet.kms.public_key(label)).thumbprint() for label in await wallet.kms.labels()}
        shown = {shown.audience for shown in await wallet.history()}
        problems = [f"deleted and back: {card_id}" for card_id in sorted(self._deleted & cards)]
        problems += [f"acknowledged and lost: {what}" for what in sorted(self._cards.keys() - cards - self._going)]
        problems += [f"key acknowledged and lost: {what}" for what in sorted(self._keys - keys - self._going)]
        problems += [f"not in the history: {audience}" for audience in sorted(self._shown - shown)]
        for card_id in sorted(self._cards.keys() & cards):
            if _digest((await wallet.get(card_id)).credential) != self._cards[card_id]:
                problems.append(f"not the credential that was added: {card_id}")
        return problems


async def _issue(kms: MemoryKms, holder: PublicKey, number: str) -> str:
    issued = await issue_sd_jwt_vc(
        {"number": number},
        vct="https://crash.example/type",
        issuer="did:web:crash.example",
        kid="did:web:crash.example#key-1",
        disclosable=[("number",)],
        kms=kms,
        label="issuer",
        holder_key=holder,
    )
    return issued.compact


async def _audit(wallet: Wallet) -> list[str]:
    """Read and use every record; what does not hold raises."""
    for card in await wallet.list():
        await wallet.get(card.id)
    for label in await wallet.kms.labels():
        (await wallet.kms.public_key(label)).verify(await wallet.kms.sign(label, b"m", purpose=KeyPurpose.HOLDER), b"m")
    keys = {(await wallet.kms.public_key(label)).thumbprint() for label in await wallet.kms.labels()}
    return [f"a card without its key: {card.id}" for card in await wallet.list() if card.key not in keys]


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
