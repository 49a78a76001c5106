"""One answer of the registry with one proof: what it says of a thing, and that nothing newer stood in the log.

Source:  docs/adr/0012-the-map-of-the-registry.md; RFC 6962, section 2.1.1 (inclusion); C2SP tlog-checkpoint.
Input:   bytes that anybody may have made; the log's keys and the root accreditors.
Shapes:  canonical JSON (RFC 8785, so that no byte is free): {"format": "registry-answer/1", "checkpoint": the note,
         "state_root": index, "entries": [{"index", "path", "entry"}], "items": [{"kind", "name", "proof", "record"?}]},
         entries by index, hashes and bytes in base64url. The first item is what was asked, the others, in order,
         are all that its meaning rests on. Without a record an item says that there is nothing. Times are Unix seconds.
I/O:     none; ``AnswerDesk`` makes answers, ``AnswersView`` asks them.
Errors:  InvalidInputError (no answer), InvalidSignatureError (of the log, or of the operator), InclusionProofError.

The chain: checkpoint, the operator's state root in it, the thing's record in the map of that root, the record's entries
in the checkpoint again. It holds as of the state root: what was logged since, the answer does not know, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ssi.encoding.base64url import b64url_decode
from ssi.encoding.gate import parse_object
from ssi.encoding.jcs import jcs
from ssi.errors import GuardError, InclusionProofError, InvalidInputError, InvalidSignatureError, UnavailableError
from ssi.ledger import merkle
from ssi.ledger.checkpoint import VerifiedCheckpoint, verify_note
from ssi.ledger.note import NoteKey
from ssi.ledger.sparse_map import map_key, parse_proof, verify_absence, verify_presence
from ssi.registry.answer_facts import Facts, dependents, entries_of, histories_of
from ssi.registry.guard import MAX_SKEW_SECONDS, Parsed, parse_entry
from ssi.registry.state_records import KINDS, Thing
from ssi.registry.statement import Statement, verify_statement
from ssi.registry.types import StateRoot
from ssi.registry.view import RegistrySnapshot
from ssi.types import JsonObject, UnixSeconds

FORMAT: Final = "registry-answer/1"
MEDIA_TYPE: Final = "application/json"
MAX_ANSWER_BYTES: Final = 8 << 20
MAX_ENTRIES: Final = 2_048
MAX_ITEMS: Final = 2_048
_MAX_INDEX: Final = 2**53 - 1

_Index = Annotated[int, Meta(ge=0, le=_MAX_INDEX)]


class AnswerEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An entry of the log and its way to the root of the checkpoint."""

    index: _Index
    path: Annotated[tuple[str, ...], Meta(max_length=63)]
    entry: str


class AnswerItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the map says of one thing; without ``record``: nothing."""

    kind: str
    name: str
    proof: str
    record: JsonObject | UnsetType = UNSET

    @property
    def thing(self) -> Thing:
        """What it is about."""
        return self.kind, self.name

    @property
    def there(self) -> bool:
        """Whether it says that there is a record."""
        return self.record is not UNSET


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An answer of which nothing is verified."""

    format: str = FORMAT
    checkpoint: str
    state_root: _Index
    entries: Annotated[tuple[AnswerEntry, ...], Meta(max_length=MAX_ENTRIES)]
    items: Annotated[tuple[AnswerItem, ...], Meta(min_length=1, max_length=MAX_ITEMS)]


class VerifiedAnswer(msgspec.Struct, frozen=True):
    """An answer that holds."""

    kind: str
    name: str
    record: JsonObject | None
    """What the registry says of the thing; None: nothing."""
    size: int
    """It is the newest as of the first ``size`` entries."""
    said_at: UnixSeconds
    """When the operator says to have looked."""
    checkpoint: VerifiedCheckpoint
    facts: Facts
    roots: frozenset[str]

    @property
    def time(self) -> UnixSeconds:
        """How fresh it is: the earlier one of when the operator looked and when the checkpoint was signed."""
        signed = self.checkpoint.cosigned_at
        return self.said_at if signed is None else min(self.said_at, signed)

    @property
    def entries_since(self) -> int:
        """How many entries the log had gained by the checkpoint, of which the answer knows nothing."""
        return self.checkpoint.size - self.size - 1

    @property
    def as_of(self) -> str:
        """How new it is, in words."""
        since = f"; {self.entries_since} logged since" if self.entries_since else ""
        return f"newest as of entry {self.size} of a log of {self.checkpoint.size}{since}"


def build_answer(answer: Answer) -> bytes:
    """Return an answer in its one form."""
    return jcs(msgspec.json.decode(msgspec.json.encode(answer)))


def parse_answer(data: bytes) -> Answer:
    """Read an answer without believing it. Raises InvalidInputError, also if any byte is not as it would be built."""
    document = parse_object(data, max_bytes=MAX_ANSWER_BYTES, max_depth=8)
    try:
        answer = msgspec.convert(document, Answer)
    except msgspec.ValidationError as exc:
        raise InvalidInputError("expected an answer of the registry: a member is absent, unknown or misshapen") from exc
    if answer.format != FORMAT:
        raise InvalidInputError(f"expected an answer of the format {FORMAT}")
    if jcs(document) != data:
        raise InvalidInputError("expected an answer in canonical JSON")
    indexes, things = [entry.index for entry in answer.entries], [item.thing for item in answer.items]
    if indexes != sorted(set(indexes)) or things[1:] != sorted(set(things[1:])) or things[0] in things[1:]:
        raise InvalidInputError("expected the parts of an answer in their order, and nothing twice")
    if not all(kind in KINDS for kind, _ in things):
        raise InvalidInputError("expected an answer about things of known kinds")
    return answer


def verify_answer(
    data: bytes, *, log_keys: Sequence[NoteKey], roots: Sequence[str], expected: Thing | None = None
) -> VerifiedAnswer:
    """Return what an answer proves under the log's keys and the root accreditors; see the module's errors.

    ``expected`` is the thing that was asked about: an answer about another one is refused. Whether it is fresh enough
    is for whoever uses it to say, by ``time``.
    """
    answer = parse_answer(data)
    if expected is not None and answer.items[0].thing != expected:
        raise InclusionProofError("the answer is about something else than was asked")
    checkpoint = verify_note(answer.checkpoint.encode(), keys=log_keys)
    if checkpoint.cosigned_at is None:
        raise InvalidSignatureError("nobody says the time of the answer's checkpoint")
    entries = _included(answer, checkpoint)
    statement, body = _state_root(answer, entries, roots)
    if body.iat > checkpoint.cosigned_at + MAX_SKEW_SECONDS:
        raise InclusionProofError("the state root says to be later than the checkpoint that it stands in")
    records = {item.thing: _record(item, b64url_decode(body.root)) for item in answer.items}
    kind, name = answer.items[0].thing
    rests = {thing: _resting_on(record, entries, below=body.size) for thing, record in records.items()}
    _check_complete([(kind, name), *own_things(statement)], rests)
    if {answer.state_root}.union(*rests.values()) != entries.keys():
        raise InvalidInputError("expected an answer without entries that it does not rest on")
    facts = {thing: entries_of(thing, records[thing], resting) for thing, resting in rests.items()}
    _check_operator(statement, body, facts, frozenset(roots))
    return VerifiedAnswer(
        kind=kind,
        name=name,
        record=records[kind, name],
        size=body.size,
        said_at=body.iat,
        checkpoint=checkpoint,
        facts=facts,
        roots=frozenset(roots),
    )


def _included(answer: Answer, checkpoint: VerifiedCheckpoint) -> dict[int, Parsed]:
    """Return the entries, each of which stands in the log of the checkpoint."""
    entries: dict[int, Parsed] = {}
    for each in answer.entries:
        body = b64url_decode(each.entry)
        path = [b64url_decode(value) for value in each.path]
        merkle.verify_inclusion(each.index, checkpoint.size, merkle.leaf_hash(body), path, checkpoint.root)
        entries[each.index] = parse_entry(body)
    return entries


def _state_root(answer: Answer, entries: Mapping[int, Parsed], roots: Sequence[str]) -> tuple[Statement, StateRoot]:
    """Return the state root as the guard would have it: at the place that it speaks of, by the operator."""
    found = entries.get(answer.state_root)
    if not isinstance(found, Statement) or not isinstance(found.body, StateRoot):
        raise InclusionProofError("the answer has no state root at its place")
    if found.body.size != answer.state_root or found.body.iss not in roots:
        raise InclusionProofError("the state root is of another size, or not the operator's")
    return found, found.body


def _record(item: AnswerItem, root: bytes) -> JsonObject | None:
    """Return the record of an item, or None, as the map of ``root`` has it."""
    key, proof = map_key(*item.thing), parse_proof(b64url_decode(item.proof))
    if item.record is UNSET:
        verify_absence(root, key, proof)
        return None
    verify_presence(root, key, jcs(item.record), proof)
    return item.record


def own_things(statement: Statement) -> list[Thing]:
    """Return what the signature of a state root rests on."""
    return [("did", statement.body.iss), ("compromised", statement.kid)]


def _check_complete(asked: Sequence[Thing], rests: Mapping[Thing, Mapping[int, Parsed]]) -> None:
    """Raise unless the answer is about everything that its meaning rests on, and about nothing else.

    Else a byte of a name could be changed: that something else is absent may be just as true.
    """
    needed: set[Thing] = set()
    todo = list(asked)
    while todo:
        thing = todo.pop()
        if thing in needed:
            continue
        needed.add(thing)
        if thing not in rests:
            raise InclusionProofError("the answer leaves out what its meaning rests on")
        todo.extend(dependents(thing, rests[thing]))
    if needed != rests.keys():
        raise InvalidInputError("expected an answer about nothing that was not asked")


def _resting_on(record: JsonObject | None, entries: Mapping[int, Parsed], *, below: int) -> dict[int, Parsed]:
    """Return the entries that a record rests on."""
    if record is None:
        return {}
    found = record.get("entries")
    if not isinstance(found, list) or not found or not all(type(index) is int for index in found):
        raise InclusionProofError("a record of the map names no entries")
    if found[0] < 0 or found[-1] >= below or any(found[i] >= found[i + 1] for i in range(len(found) - 1)):
        raise InclusionProofError("a record of the map rests on entries that are not before its root")
    missing = [index for index in found if index not in entries]
    if missing:
        raise InclusionProofError(f"the answer leaves out entry {missing[0]}, which it rests on")
    return {index: entries[index] for index in found}


def _check_operator(statement: Statement, body: StateRoot, facts: Facts, roots: frozenset[str]) -> None:
    """Hold the state root's signature against the operator's keys, which the same map gives."""
    view = RegistrySnapshot(histories_of(facts), roots, body.size)
    try:
        key = view.statement_key(statement.kid, at=body.iat)
    except GuardError as exc:
        raise InvalidSignatureError("the state root is signed with no key that its operator has") from exc
    except UnavailableError as exc:
        raise InclusionProofError("the answer leaves out what shows the operator's key to be in force") from exc
    verify_statement(statement, key)
