"""Witnesses in this process, for tests: asked as if by HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from ssi.errors import UnavailableError
from ssi.http.log_witness import answer_add
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger.cosign import WitnessAddress
from ssi.ledger.note import NoteKey
from ssi.ledger.quorum import Quorum
from ssi.ledger.witness import HeadStore, LogWitness, MemoryHeadStore
from ssi.ports import Fetched
from ssi.protocols.http import HttpRequest

LABEL = "cosigner"


async def make_witness(name: str, logs: Sequence[NoteKey], store: HeadStore | None = None) -> LogWitness:
    kms = MemoryKms()
    await kms.generate(LABEL, curve=Curve.ED25519, purpose=KeyPurpose.WITNESS)
    return LogWitness(name=name, kms=kms, label=LABEL, store=store or MemoryHeadStore(), logs=logs)


class Town:
    """A few witnesses behind one ``Post``; ``down`` do not answer."""

    def __init__(self) -> None:
        self.witnesses: dict[str, LogWitness] = {}
        self.down: set[str] = set()
        self.now = 1_700_000_000
        self.asked: list[str] = []

    @classmethod
    async def make(cls, logs: Sequence[NoteKey], count: int = 3) -> Town:
        town = cls()
        for number in range(count):
            name = f"witness{number}.example/w"
            town.witnesses[f"https://witness{number}.example"] = await make_witness(name, logs)
        return town

    async def addresses(self) -> list[WitnessAddress]:
        return [WitnessAddress(url, await witness.key()) for url, witness in self.witnesses.items()]

    async def quorum(self, required: int) -> Quorum:
        return Quorum(tuple(address.key for address in await self.addresses()), required)

    async def post(self, url: str, body: bytes, *, content_type: str, max_bytes: int = 1 << 20) -> Fetched:
        prefix = url.removesuffix("/add-checkpoint")
        self.asked.append(prefix)
        if prefix in self.down:
            raise UnavailableError("no answer")
        request = HttpRequest("POST", "/add-checkpoint", body=body)
        answer = await answer_add(request, witness=self.witnesses[prefix], now=self.now)
        return Fetched(url, answer.status, answer.content_type, answer.body)
