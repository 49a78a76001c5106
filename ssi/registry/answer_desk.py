"""Make answers from a ledger and the kept map: O(log n) reads, no fold.

Source:  ``ssi.registry.answer`` for the form; docs/adr/0012-the-map-of-the-registry.md.
Input:   a kind and a name.
Shapes:  as ``ssi.registry.answer``.
I/O:     the ledger and the map.
Errors:  InvalidInputError (no such kind), UnavailableError (the map does not stand at a state root, or moves too fast),
         NotFoundError (no checkpoint; an entry whose body is withheld), InclusionProofError (the map is damaged).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import UNSET

from ssi.encoding.base64url import b64url_encode
from ssi.encoding.gate import parse_object
from ssi.errors import EntryNotFoundError, InclusionProofError, InvalidInputError, NotFoundError, UnavailableError
from ssi.ledger import merkle
from ssi.ledger.checkpoint import parse_checkpoint, parse_note
from ssi.ledger.port import Ledger
from ssi.ledger.sparse_map import build_proof, map_key, verify_absence, verify_presence
from ssi.registry.answer import MAX_ENTRIES, MAX_ITEMS, Answer, AnswerEntry, AnswerItem, build_answer, own_things
from ssi.registry.answer_facts import dependents
from ssi.registry.guard import Parsed, parse_entry
from ssi.registry.state_map import Proved, StateMap
from ssi.registry.state_records import KINDS, Thing
from ssi.registry.statement import Statement
from ssi.registry.types import StateRoot

MAX_NAME: Final = 2_048
_ATTEMPTS: Final = 4


class AnswerDesk:
    """Answers for whoever asks. It needs the ledger and the map to read, and no key."""

    def __init__(self, ledger: Ledger, state_map: StateMap) -> None:
        self._ledger = ledger
        self._map = state_map

    async def answer(self, kind: str, name: str) -> bytes:
        """Return the answer about one thing, with everything that it takes to judge it."""
        if kind not in KINDS:
            raise InvalidInputError(f"expected a kind of {', '.join(KINDS)}")
        if not 0 < len(name) <= MAX_NAME:
            raise InvalidInputError(f"expected a name of at most {MAX_NAME} characters")
        for _ in range(_ATTEMPTS):
            made = await _Making(self._ledger, self._map).make((kind, name))
            if made is not None:
                return made
        raise UnavailableError("the map moves on faster than it is read: ask again")


class _Making:
    """One answer while it is made; thrown away if the map moves on between two reads."""

    def __init__(self, ledger: Ledger, state_map: StateMap) -> None:
        self._ledger = ledger
        self._map = state_map
        self._bodies: dict[int, bytes] = {}
        self._items: dict[Thing, AnswerItem] = {}
        self._head: tuple[int, bytes] | None = None

    async def make(self, thing: Thing) -> bytes | None:
        # Every question of the closure, round by round; the operator's own keys are always part of it.
        todo = [thing]
        while todo:
            proved = await self._map.prove(todo)
            new = self._head is None
            if not new and (proved.size, proved.root) != self._head:
                return None
            self._head = proved.size, proved.root
            found = [*(await self._operator(proved) if new else ()), *await self._take(todo, proved)]
            todo = [each for each in dict.fromkeys(found) if each not in self._items]
            if len(self._items) + len(todo) > MAX_ITEMS or len(self._bodies) > MAX_ENTRIES:
                raise InvalidInputError("this takes an answer that is too long: ask about less")
        return await self._build()

    async def _operator(self, proved: Proved) -> list[Thing]:
        """Return what the state root's own signature rests on; it stands where the map does."""
        parsed = (await self._read([proved.size]))[proved.size] if await self._ledger.size() > proved.size else None
        body = parsed.body if isinstance(parsed, Statement) else None
        if not isinstance(parsed, Statement) or not isinstance(body, StateRoot):
            raise UnavailableError("the map has moved on to where no state root is logged yet: ask again")
        if body.root != b64url_encode(proved.root):
            raise InclusionProofError("the map is not what the operator logged: make it anew from the ledger")
        return own_things(parsed)

    async def _take(self, things: Iterable[Thing], proved: Proved) -> list[Thing]:
        found: list[Thing] = []
        for thing, (value, proof) in zip(things, proved.answers, strict=True):
            # What is damaged here is found here, not by whoever asked.
            if value is None:
                verify_absence(proved.root, map_key(*thing), proof)
            else:
                verify_presence(proved.root, map_key(*thing), value, proof)
            record = None if value is None else parse_object(value)
            text = b64url_encode(build_proof(proof))
            self._items[thing] = AnswerItem(
                kind=thing[0], name=thing[1], proof=text, record=UNSET if record is None else record
            )
            if record is not None:
                found += dependents(thing, await self._read(record["entries"]))
        return found

    async def _read(self, indexes: list[int]) -> dict[int, Parsed]:
        import asyncio

        new = [index for index in indexes if index not in self._bodies]
        if len(self._bodies) + len(new) > MAX_ENTRIES:
            raise InvalidInputError("this takes an answer that is too long: ask about less")
        for index, (body,) in zip(
            new, await asyncio.gather(*(self._ledger.read(index, index + 1) for index in new)), strict=True
        ):
            if not isinstance(body, bytes):
                raise EntryNotFoundError(f"the body of entry {index} is withheld")
            self._bodies[index] = body
        return {index: parse_entry(self._bodies[index]) for index in indexes}

    async def _build(self) -> bytes:
        note = await self._ledger.checkpoint()
        if note is None or self._head is None:
            raise NotFoundError("the log has no checkpoint yet")
        size = parse_checkpoint(parse_note(note).unverified_text).size
        if size <= self._head[0]:
            raise UnavailableError("no checkpoint covers the state root yet: ask again")
        indexes = sorted(self._bodies)
        paths = await merkle.inclusion_proofs(self._ledger, indexes, size)
        entries = tuple(
            AnswerEntry(
                index=index,
                path=tuple(b64url_encode(value) for value in path),
                entry=b64url_encode(self._bodies[index]),
            )
            for index, path in zip(indexes, paths, strict=True)
        )
        first, *others = self._items.values()
        return build_answer(
            Answer(
                checkpoint=note.decode(),
                state_root=self._head[0],
                entries=entries,
                items=(first, *sorted(others, key=lambda item: item.thing)),
            )
        )
