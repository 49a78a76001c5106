"""A registry whose operator logs state roots and answers from them, for tests."""

from __future__ import annotations

from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import Ledger, open_ledger
from ssi.ledger.note import NoteKey
from ssi.registry.answer import VerifiedAnswer, verify_answer
from ssi.registry.answer_desk import AnswerDesk
from ssi.registry.backends.state_map_sqlite import SqliteStateMap
from ssi.registry.registry import Registry, Submitted
from ssi.registry.state_root import StateKeeper
from ssi.registry.types import StatementBody
from tests.unit.registry.world import NOW, Organisation, World

ORIGIN = "ledger.example/registry"
EPOCH = 60
ABSENT = "https://agency.example/status/none"
"""A list that nobody committed to."""


class Signing:
    """An organisation of the test world as the keeper wants its operator."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    @property
    def did(self) -> str:
        return self._organisation.did

    async def sign(self, body: StatementBody) -> bytes:
        return self._organisation.sign(body)


class Operated:
    """Ledger, registry, map, keeper and desk of one world."""

    def __init__(self, world: World, registry: Registry, state_map: SqliteStateMap, key: NoteKey) -> None:
        self.world = world
        self.registry = registry
        self.map = state_map
        self.keys = [key]
        self.keeper = StateKeeper(registry, Signing(world.root), state_map, epoch_seconds=EPOCH)
        self.desk = AnswerDesk(registry.ledger, state_map)
        self.now = NOW

    @classmethod
    async def start(cls, world: World, ledger: Ledger | None = None, *, entries: bool = True) -> Operated:
        kms = MemoryKms()
        await kms.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
        registry = Registry(
            ledger or open_ledger("memory:"),
            roots=[world.root.did],
            kms=kms,
            checkpoint_label="log",
            origin=ORIGIN,
            now=lambda: made.now,
        )
        made = cls(world, registry, await SqliteStateMap.open(":memory:"), await registry.note_key())
        for entry in world.entries if entries else ():
            await registry.submit(entry)
        return made

    @property
    def roots(self) -> list[str]:
        return [self.world.root.did]

    async def epoch(self) -> Submitted:
        """Let an epoch pass and log its state root."""
        self.now += EPOCH
        return await self.keeper.log(now=self.now)

    async def answer(self, kind: str, name: str) -> VerifiedAnswer:
        """Ask the desk and verify what it says."""
        data = await self.desk.answer(kind, name)
        return verify_answer(data, log_keys=self.keys, roots=self.roots, expected=(kind, name))

    async def close(self) -> None:
        await self.map.close()
