"""What the entries in an answer say of the things that it is about: the same histories that a fold would have.

Source:  ``ssi.registry.state_records`` (records), ``ssi.registry.guard`` (what an entry must be like).
Input:   records that the map has, and the entries that they rest on, which are in the log.
Shapes:  facts are, by thing, the accepted entries in the order of the log; none where nothing is.
I/O:     none.
Errors:  InclusionProofError (the entries do not say what the record says), UnavailableError (asked for a thing that no
         answer is about: it is not known, which is not the same as that there is nothing).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, TypeAlias, cast

from ssi.did.document import parse_document
from ssi.did.webvh import verify_log
from ssi.did.webvh.witnessing import build_witness_file
from ssi.errors import InclusionProofError, InvalidInputError, SsiError, UnavailableError
from ssi.registry.did_history import scid_of_did
from ssi.registry.did_line import DidLogEntry
from ssi.registry.guard import Parsed
from ssi.registry.histories import Histories
from ssi.registry.history import Accepted, DidVersion, Entry, WitnessApproval
from ssi.registry.state_records import Thing
from ssi.registry.statement import Statement
from ssi.registry.types import MAX_TIME, Accreditation, Ending, StatementBody, StatusCommitment
from ssi.registry.witness_proofs import DidWitnessProofs
from ssi.types import JsonObject

Facts: TypeAlias = dict[Thing, tuple[Entry, ...]]

MAX_KEYS: Final = 1_024
_WRONG: Final = "an entry in the answer does not say what the map says of it"


def entries_of(thing: Thing, record: JsonObject | None, entries: Mapping[int, Parsed]) -> tuple[Entry, ...]:
    """Return what the entries of a record say of its thing. Raises InclusionProofError if it is not what it should."""
    kind, name = thing
    if record is None:
        return ()
    if kind == "did":
        return _did(name, record, entries)
    found = []
    for index, parsed in entries.items():
        if not isinstance(parsed, Statement) or not _speaks_of(kind, name, parsed):
            raise InclusionProofError(_WRONG)
        found.append(Accepted(index, parsed.id, parsed.kid, parsed.body))
    if kind in ("list", "accreditation") and len(found) != 1:
        raise InclusionProofError(_WRONG)
    if kind == "list" and getattr(found[0].body, "digest", None) != record.get("digest"):
        raise InclusionProofError(_WRONG)
    return tuple(found)


def _speaks_of(kind: str, name: str, statement: Statement) -> bool:
    body = statement.body
    if isinstance(body, Accreditation):
        return (kind == "accredited" and body.subject == name) or (kind == "accreditation" and statement.id == name)
    if isinstance(body, StatusCommitment):
        return (kind == "list" and body.uri == name) or (kind == "issuance" and f"{body.uri} {body.digest}" == name)
    if isinstance(body, Ending):
        return body.kid == name if kind == "compromised" else kind == "ending" and body.refs.ends == name
    return False


def _did(name: str, record: JsonObject, entries: Mapping[int, Parsed]) -> tuple[Entry, ...]:
    """Return the versions and approvals of a DID, whose log holds by its own proofs up to the newest line."""
    lines = {index: found for index, found in entries.items() if isinstance(found, DidLogEntry)}
    proofs = {index: found for index, found in entries.items() if isinstance(found, DidWitnessProofs)}
    if len(lines) + len(proofs) != len(entries):
        raise InclusionProofError(_WRONG)
    file: dict[str, list[JsonObject]] = {}
    for each in proofs.values():
        file.setdefault(each.version_id, []).extend(proof.raw for proof in each.proofs)
    # The order of the log is that of the versions; what waited for witnesses may stand later than what came after it.
    ordered = sorted(lines.items(), key=lambda pair: (pair[1].number, pair[0]))
    log = b"".join(line.entry + b"\n" for _, line in ordered)
    try:
        witness = build_witness_file(file) if file else None
        verified = verify_log(log, did=name, now=MAX_TIME, witness_proofs=witness)
        versions = tuple(_versions(ordered, verified.versions))
    except SsiError as exc:
        raise InclusionProofError("the DID log in the answer does not hold") from exc
    known = {version.version_id for version in versions}
    head = versions[-1]
    if (record.get("line"), record.get("versionId")) != (head.index, head.version_id) or not file.keys() <= known:
        raise InclusionProofError(_WRONG)
    approvals = (_approval(index, found, head.scid) for index, found in proofs.items())
    return (*versions, *approvals)


def _versions(ordered: Collection[tuple[int, DidLogEntry]], versions: Any) -> Iterator[DidVersion]:
    after: str | None = None
    for (index, line), version in zip(ordered, versions, strict=True):
        document = parse_document(version.document, did=version.did)
        before = version.parameters.scid if after is None else after
        yield DidVersion(index, line.id, version.did, line.entry, version, document, before, index)
        after = version.entry.version_id


def _approval(index: int, found: DidWitnessProofs, scid: str) -> WitnessApproval:
    witnesses = tuple(proof.verification_method.partition("#")[0] for proof in found.proofs)
    return WitnessApproval(
        index, found.id, scid, found.version_id, witnesses, tuple(proof.raw for proof in found.proofs)
    )


class _Known(dict[str, Any]):
    """A history of which some keys are known, if only to have nothing; to be asked for others is an error."""

    def __init__(self, what: str, known: Collection[str]) -> None:
        super().__init__()
        self._what = what
        self._known = known

    def get(self, key: str, default: Any = None) -> Any:
        if key in self:
            return self[key]
        if key in self._known:
            return default
        raise UnavailableError(f"no answer of the registry about {self._what} {key} is at hand")


def histories_of(facts: Mapping[Thing, tuple[Entry, ...]], *, issuance: bool = False) -> Histories:
    """Return the histories of a fold that knows these things and no others.

    Of commitments they have the newest of each list; with ``issuance`` those to known digests in its place.
    """
    known: dict[str, set[str]] = {}
    for kind, name in facts:
        known.setdefault(kind, set()).add(name)
    lists = "issuance" if issuance else "list"
    histories = Histories(
        entries=_Known("the accreditation", known.get("accreditation", set())),
        accreditations=_Known("the accreditations of", known.get("accredited", set())),
        endings=_Known("the end of", known.get("ending", set())),
        compromises=_Known("the key", known.get("compromised", set())),
        commitments=_Known("the list", {name.partition(" ")[0] for name in known.get(lists, ())}),
    )
    histories.dids.counted = _Known("the DID", {scid_of_did(name) for name in known.get("did", ())})
    tables: dict[str, dict[str, Any]] = {
        "accredited": histories.accreditations,
        "ending": histories.endings,
        "compromised": histories.compromises,
    }
    for (kind, name), entries in facts.items():
        if kind == "did":
            _add_did(histories, entries)
        elif kind == "accreditation":
            histories.entries.update((entry.id, entry) for entry in entries)
        elif kind in tables and entries:
            tables[kind][name] = list(entries)
        elif kind == lists and entries:
            mine = histories.commitments.setdefault(name.partition(" ")[0], [])
            mine += _commitments(entries)
            mine.sort(key=lambda entry: entry.index)
    return histories


def _commitments(entries: tuple[Entry, ...]) -> Iterator[Accepted[StatusCommitment]]:
    for entry in entries:
        if isinstance(entry, Accepted) and isinstance(entry.body, StatusCommitment):
            yield cast("Accepted[StatusCommitment]", entry)


def _add_did(histories: Histories, entries: tuple[Entry, ...]) -> None:
    versions = [entry for entry in entries if isinstance(entry, DidVersion)]
    if versions:
        histories.dids.counted[versions[0].scid] = versions
    approvals: dict[str, list[WitnessApproval]] = {}
    for entry in entries:
        if isinstance(entry, WitnessApproval):
            approvals.setdefault(entry.version_id, []).append(entry)
    histories.dids.approvals.update(approvals)


def dependents(thing: Thing, entries: Mapping[int, Parsed]) -> Iterator[Thing]:
    """Yield the things without which the record of ``thing`` cannot be judged.

    Raises InvalidInputError for a DID with more than MAX_KEYS keys, under all its names, in all its history.
    """
    lines = [found for found in entries.values() if isinstance(found, DidLogEntry)]
    names = dict.fromkeys([thing[1], *(line.did for line in lines)])
    fragments = dict.fromkeys(fragment for line in lines for fragment in _assertion_keys(line.raw["state"]))
    if len(names) * len(fragments) > MAX_KEYS:
        raise InvalidInputError(f"expected a DID with at most {MAX_KEYS} keys under all its names")
    yield from (("compromised", f"{name}#{fragment}") for fragment in fragments for name in names)
    for found in entries.values():
        if isinstance(found, Statement):
            yield "ending", found.id
            yield from _refs(thing[0], found.kid, found.body)


def _refs(kind: str, kid: str, body: StatementBody) -> Iterator[Thing]:
    if kind == "issuance":
        yield "compromised", kid
    if isinstance(body, Accreditation) and body.refs:
        yield "accreditation", body.refs.by


def _assertion_keys(document: JsonObject) -> Iterator[str]:
    """Yield the fragments of the keys that a document lists for assertions."""
    for listed in document.get("assertionMethod", []):
        identifier = listed.get("id") if isinstance(listed, dict) else listed
        if not isinstance(identifier, str):
            raise InvalidInputError("expected verification methods with an id")
        yield identifier.partition("#")[2]
