"""Make answers from a ledger and the kept map: O(log n) reads, no fold.

Source:  ``ssi.registry.answer`` for the form; docs/adr/0012-the-map-of-the-registry.md.
Input:   a kind and a name.
Shapes:  as ``ssi.registry.answer``.
I/O:     the ledger and the map.
Errors:  InvalidInputError (no such kind), UnavailableError (the map does not stand at a state root, or moves too fast),
         NotFoundError (no checkpoint; an entry whose body is withheld), InclusionProofError (the map is damaged).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, cast

from msgspec import UNSET

from ssi.encoding.base64url import b64url_encode
from ssi.encoding.gate import parse_object
from ssi.errors import EntryNotFoundError, InclusionProofError, InvalidInputError, NotFoundError, UnavailableError
from ssi.ledger import merkle
from ssi.ledger.checkpoint import parse_checkpoint, parse_note
from ssi.ledger.port import Ledger
from ssi.ledger.sparse_map import MapProof, build_proof, map_key, verify_absence, verify_presence
from ssi.registry.answer import MAX_ENTRIES, MAX_ITEMS, Answer, AnswerEntry, AnswerItem, build_answer, own_things
from ssi.registry.answer_facts import dependents
from ssi.registry.guard import Parsed, parse_entry
from ssi.registry.state_map import Proved, StateMap
from ssi.registry.state_records import KINDS, Thing
from ssi.registry.statement import Statement
from ssi.registry.types import StateRoot

MAX_NAME: Final = 2_048
MAX_KEPT_NODES: Final = 1 << 17
MAX_KEPT_BODIES: Final = 1 << 10
_ATTEMPTS: Final = 4


class _KeptReads:
    """A ledger whose complete subtrees and entries are read once: they never change.

    Most of a proof's hashes are high in the tree, where few nodes serve all entries.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger: Final = ledger
        self._nodes: dict[tuple[int, int], bytes] = {}
        self._bodies: dict[int, bytes] = {}

    async def hashes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        """As ``Ledger.hashes``."""
        found = [self._nodes.get((level, index)) for index in range(start, stop)]
        if None not in found:
            return cast("list[bytes]", found)
        values = await self.ledger.hashes(level, start, stop)
        if len(self._nodes) + len(values) > MAX_KEPT_NODES:
            self._nodes.clear()
        self._nodes.update(((level, start + offset), value) for offset, value in enumerate(values))
        return values

    async def body(self, index: int) -> bytes:
        """Return an entry. Raises EntryNotFoundError also for one that is withheld."""
        known = self._bodies.get(index)
        if known is not None:
            return known
        (body,) = await self.ledger.read(index, index + 1)
        if not isinstance(body, bytes):
            raise EntryNotFoundError(f"the body of entry {index} is withheld")
        return body

    def keep(self, bodies: Mapping[int, bytes]) -> None:
        """Keep entries that every answer needs."""
        if len(self._bodies) + len(bodies) > MAX_KEPT_BODIES:
            self._bodies.clear()
        self._bodies.update(bodies)


class _Own(NamedTuple):
    """What the operator's signature rests on, in the map of one head: it is in every answer."""

    head: tuple[int, bytes]
    answers: dict[Thing, tuple[bytes | None, MapProof]]


class AnswerDesk:
    """Answers for whoever asks. It needs the ledger and the map to read, and no key."""

    def __init__(self, ledger: Ledger, state_map: StateMap) -> None:
        self._ledger = _KeptReads(ledger)
        self._map = state_map
        self._own = _Own((-1, b""), {})

    async def answer(self, kind: str, name: str) -> bytes:
        """Return the answer about one thing, with everything that it takes to judge it."""
        if kind not in KINDS:
            raise InvalidInputError(f"expected a kind of {', '.join(KINDS)}")
        if not 0 < len(name) <= MAX_NAME:
            raise InvalidInputError(f"expected a name of at most {MAX_NAME} characters")
        for _ in range(_ATTEMPTS):
            making = _Making(self._ledger, self._map)
            made = await making.make((kind, name), self._own)
            self._own = making.own
            if made is not None:
                return made
        raise UnavailableError("the map moves on faster than it is read: ask again")


class _Making:
    """One answer while it is made; thrown away if the map moves on between two reads."""

    def __init__(self, ledger: _KeptReads, state_map: StateMap) -> None:
        self.own = _Own((-1, b""), {})
        self._ledger = ledger
        self._map = state_map
        self._bodies: dict[int, bytes] = {}
        self._items: dict[Thing, AnswerItem] = {}
        self._head: tuple[int, bytes] | None = None

    async def make(self, thing: Thing, known: _Own) -> bytes | None:
        """Ask for everything that the meaning of ``thing`` rests on, round by round; None if the map moved between."""
        todo, own = [thing], dict[Thing, tuple[bytes | None, MapProof]]()
        operator: list[Thing] = []
        while todo:
            proved = await self._map.prove(todo)
            answers = dict(zip(todo, proved.answers, strict=True))
            if self._head is None:
                self._head = proved.size, proved.root
                operator = await self._operator(proved)
                answers |= known.answers if known.head == self._head else {}
            elif (proved.size, proved.root) != self._head:
                return None
            own |= {each: answers[each] for each in operator if each in answers}
            found = [*operator, *await self._take(answers, proved.root)]
            todo = [each for each in dict.fromkeys(found) if each not in self._items]
            if len(self._items) + len(todo) > MAX_ITEMS:
                raise InvalidInputError("this takes an answer that is too long: ask about less")
        self.own = _Own(self._head or known.head, own)
        return await self._build()

    async def _operator(self, proved: Proved) -> list[Thing]:
        """Return what the state root's own signature rests on; it stands where the map does."""
        parsed = await self._at(proved.size)
        body = parsed.body if isinstance(parsed, Statement) else None
        if not isinstance(parsed, Statement) or not isinstance(body, StateRoot):
            raise UnavailableError("the map has moved on to where no state root is logged yet: ask again")
        if body.root != b64url_encode(proved.root):
            raise InclusionProofError("the map is not what the operator logged: make it anew from the ledger")
        return own_things(parsed)

    async def _at(self, index: int) -> Parsed | None:
        try:
            found = (await self._read([index]))[index]
        except EntryNotFoundError:
            return None
        self._ledger.keep({index: self._bodies[index]})
        return found

    async def _take(self, answers: Mapping[Thing, tuple[bytes | None, MapProof]], root: bytes) -> list[Thing]:
        found: list[Thing] = []
        for thing, (value, proof) in answers.items():
            # What is damaged here is found here, not by whoever asked.
            if value is None:
                verify_absence(root, map_key(*thing), proof)
            else:
                verify_presence(root, map_key(*thing), value, proof)
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
        self._bodies.update(zip(new, await asyncio.gather(*map(self._ledger.body, new)), strict=True))
        return {index: parse_entry(self._bodies[index]) for index in indexes}

    async def _build(self) -> bytes:
        note = await self._ledger.ledger.checkpoint()
        if note is None or self._head is None:
            raise NotFoundError("the log has no checkpoint yet")
        size = parse_checkpoint(parse_note(note).unverified_text).size
        if size <= self._head[0]:
            raise UnavailableError("no checkpoint covers the state root yet: ask again")
        indexes = sorted(self._bodies)
        paths = await merkle.inclusion_proofs(cast("Ledger", self._ledger), indexes, size)
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
