"""What the registry's map says of each thing, and which things an entry changes.

Source:  the project's answerability text, 2.2 (``StateRoot``); docs/adr/0012-the-map-of-the-registry.md.
Input:   a view of the registry, and entries that it accepted.
Shapes:  a thing has a kind and a name (``KINDS``); its record is canonical JSON whose ``entries`` are the indexes of
         everything that it rests on, in the order of the log. What is not there has no record.
I/O:     none. Records depend on the entries before one index alone, and on no clock.
Errors:  none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeAlias

from ssi.encoding.jcs import jcs
from ssi.registry.history import Accepted, DidVersion, Entry, WitnessApproval
from ssi.registry.types import Accreditation, Ending, StatusCommitment
from ssi.registry.view import RegistrySnapshot
from ssi.types import JsonObject

STEP: Final = 50_000

Thing: TypeAlias = tuple[str, str]
"""A kind and a name."""

KINDS: Final = {
    "did": "a DID: its newest line that counts, and all lines and approvals up to it",
    "list": "the address of a status list or of a batch of the issuance book: the newest commitment",
    "issuance": "an address and a digest, with a space between: every commitment to exactly that",
    "accredited": "a DID: every accreditation of it",
    "accreditation": "the id of an accreditation: where it stands",
    "ending": "the id of a statement: everything that ends it",
    "compromised": "a verification method: everything that declares it compromised",
}


def things_of(entry: Entry, view: RegistrySnapshot) -> Iterator[Thing]:
    """Yield the things whose record ``entry`` may have changed, as ``view`` knows them."""
    if isinstance(entry, DidVersion | WitnessApproval):
        for name in view.names(entry.scid):
            yield "did", name
        return
    body = entry.body
    if isinstance(body, Accreditation):
        yield "accreditation", entry.id
        yield "accredited", body.subject
    elif isinstance(body, StatusCommitment):
        yield "list", body.uri
        yield "issuance", f"{body.uri} {body.digest}"
    elif isinstance(body, Ending):
        yield ("compromised", body.kid) if body.kid else ("ending", body.refs.ends)


def changes(view: RegistrySnapshot, since: int, *, step: int = STEP) -> Iterator[dict[Thing, bytes]]:
    """Yield the records at the size of ``view`` of everything that may be another than at the size ``since``.

    In parts that come of ``step`` entries each, so that memory is bounded; a thing may come again, with the same
    record. A record changes and never goes away: what the registry knew of a thing, it knows.
    """
    entries = view.entries_since(since)
    while part := list(islice(entries, step)):
        yield _records({thing for entry in part for thing in things_of(entry, view)}, view)


def _records(things: Iterable[Thing], view: RegistrySnapshot) -> dict[Thing, bytes]:
    # All of one address together: a list has as many commitments as it had epochs.
    digests: dict[str, dict[str, list[Entry]]] = {}
    for uri in {name.partition(" ")[0] for kind, name in things if kind == "issuance"}:
        mine = digests.setdefault(uri, {})
        for found in view.commitments(uri):
            mine.setdefault(found.body.digest, []).append(found)
    records: dict[Thing, bytes] = {}
    for kind, name in things:
        uri, _, digest = name.partition(" ")
        record = _resting(digests[uri][digest]) if kind == "issuance" else record_of(kind, name, view)
        if record is not None:
            records[kind, name] = jcs(record)
    return records


def record_of(kind: str, name: str, view: RegistrySnapshot) -> JsonObject | None:
    """Return the record of a thing, or None if there is none."""
    if kind == "did":
        return _did(name, view)
    if kind == "list":
        newest = view.newest(name)
        return None if newest is None else {**_resting([newest]), "digest": newest.body.digest}
    if kind == "accreditation":
        found = view.entry(name)
        given = isinstance(found, Accepted) and isinstance(found.body, Accreditation)
        return _resting([found]) if found is not None and given else None
    entries: Sequence[Entry] = ()
    if kind == "issuance":
        uri, _, digest = name.partition(" ")
        entries = [found for found in view.commitments(uri) if found.body.digest == digest]
    elif kind == "accredited":
        entries = view.accreditations(name)
    elif kind == "ending":
        entries = view.endings(name)
    elif kind == "compromised":
        entries = view.compromises_of(name)
    return _resting(entries) if entries else None


def _did(name: str, view: RegistrySnapshot) -> JsonObject | None:
    versions = view.versions(name)
    if not versions:
        return None
    approvals = [each for version in versions for each in view.approvals(version.version_id)]
    head = versions[-1]
    return {**_resting([*versions, *approvals]), "line": head.index, "versionId": head.version_id}


def _resting(entries: Iterable[Entry]) -> JsonObject:
    return {"entries": sorted(entry.index for entry in entries)}
