"""The people and machines of a ceremony, with a key store each."""

from __future__ import annotations

from collections.abc import Sequence

from ssi.ceremony import (
    Approval,
    Charter,
    Paper,
    Request,
    Transcript,
    Turn,
    approve,
    build_charter,
    ceremony_did,
    finish_ceremony,
    first_line,
    prepare,
    sign_ceremony,
    verify_transcript,
)
from ssi.ceremony.documents import Operation
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.registry.organisation import first_keys

NOW = 1_800_000_000
OFFICERS = ("aalto", "borg", "cederberg")
KEY = "ceremony/own"


class Hall:
    """Make one with ``open``; ``turn`` is what the signing machine remembers."""

    def __init__(self) -> None:
        self.stores = {who: MemoryKms() for who in ("coordinator", "machine", "thief", *OFFICERS)}
        self.turn = Turn()
        self.now = NOW
        self.transcripts: list[Transcript] = []

    @classmethod
    async def open(cls, threshold: int = 2) -> Hall:
        hall = cls()
        dids = {}
        for who, kms in hall.stores.items():
            dids[who] = ceremony_did(await kms.generate(KEY, curve=Curve.ED25519, purpose=KeyPurpose.CEREMONY))
        hall.charter = build_charter(
            Charter(
                organisation="town",
                coordinator=dids["coordinator"],
                machine=dids["machine"],
                officers={who: dids[who] for who in OFFICERS},
                threshold=threshold,
            )
        )
        return hall

    charter: Paper[Charter]

    async def first(self) -> Paper[Request]:
        keys = await first_keys("town", kms=self.stores["coordinator"])
        return await self.prepare(first_line(domain="town.example", keys=keys))

    async def prepare(
        self, operation: Operation, *, turn: Turn | None = None, by: str = "coordinator"
    ) -> Paper[Request]:
        return await prepare(
            operation,
            charter=self.charter,
            turn=turn or self.turn,
            kms=self.stores[by],
            label=KEY,
            now=self.now,
        )

    async def approvals(self, request: Paper[Request], officers: Sequence[str] = OFFICERS[:2]) -> list[Paper[Approval]]:
        return [
            await approve(
                request,
                expected=request.digest,
                officer=who,
                charter=self.charter,
                kms=self.stores[who],
                label=KEY,
                now=self.now,
            )
            for who in officers
        ]

    async def sign(self, request: Paper[Request], approvals: Sequence[Paper[Approval]] | None = None) -> Transcript:
        given = await self.approvals(request) if approvals is None else approvals
        return await sign_ceremony(
            request,
            given,
            charter=self.charter,
            turn=self.turn,
            kms=self.stores["machine"],
            label=KEY,
            now=self.now,
        )

    async def hold(self, request: Paper[Request]) -> Transcript:
        """Carry a ceremony out from approvals to completion."""
        signed = await self.sign(request)
        verified = verify_transcript(signed, charter=self.charter, now=self.now, after=self.turn, finished=False)
        done = await finish_ceremony(verified, kms=self.stores["coordinator"], label=KEY, entry=None, now=self.now)
        self.turn = verified.after(self.turn)
        self.transcripts.append(done)
        self.now += 60
        return done
