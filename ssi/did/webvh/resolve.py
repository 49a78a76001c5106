"""Choose a version of a verified log, and say of it what a resolver says.

Source:  did:webvh 1.0, "Read (Resolve)" from step 10 on, "Reading did:webvh DID URLs" and "Deactivate (Revoke)".
Input:   the bytes of ``did.jsonl`` (and ``did-witness.json``), and what was asked for: nothing means the newest.
Shapes:  version times are Unix seconds.
I/O:     none.
Errors:  as ``ssi.did.webvh.log``, and DidNotFoundError (no such version, or not yet a version at that time).
"""

from __future__ import annotations

from ssi.did.document import parse_document
from ssi.did.resolver import Resolution, ResolutionMetadata
from ssi.did.webvh.log import Version, WebvhLog, read_log, verify_log
from ssi.encoding.timestamps import NANOSECONDS
from ssi.errors import DidNotFoundError
from ssi.types import JsonObject


def resolve_log(
    log: bytes,
    *,
    did: str,
    now: int,
    version_id: str | None = None,
    version_time: int | None = None,
    version_number: int | None = None,
    witness_proofs: bytes | None = None,
    source: str = "ledger",
) -> Resolution:
    """Return the document of ``did``: the newest, or the version that fits all that was asked for.

    The newest version counts only if the whole log verifies. A version that is asked for counts if the log verifies up
    to it, and, for a time, up to the version that ended it. ``source`` is what the metadata will say.
    """
    if version_id is None and version_time is None and version_number is None:
        verified = verify_log(log, did=did, now=now, witness_proofs=witness_proofs)
        return build_resolution(verified, verified.head, source=source)
    verified = read_log(log, did=did, now=now, witness_proofs=witness_proofs)
    version = find_version(verified, version_id=version_id, version_time=version_time, version_number=version_number)
    return build_resolution(verified, version, source=source)


def find_version(
    log: WebvhLog,
    *,
    version_id: str | None = None,
    version_time: int | None = None,
    version_number: int | None = None,
) -> Version:
    """Return the version that fits everything asked for.

    Raises DidNotFoundError if there is none, or, in a log that is cut off, the reason for that: the version may exist
    among those that do not verify.
    """
    version: Version | None = log.head
    if version_time is not None:
        version = _in_force(log, version_time)
    elif version_id is not None or version_number is not None:
        wanted = (item for item in log.versions if version_id in (None, item.entry.version_id))
        version = next((item for item in wanted if version_number in (None, item.number)), None)
    fits = (
        version is not None
        and version_id in (None, version.entry.version_id)
        and version_number in (None, version.number)
    )
    if version is not None and fits:
        return version
    if log.failure is not None:
        raise log.failure
    raise DidNotFoundError("the log has no such version of the DID")


def build_resolution(log: WebvhLog, version: Version, *, source: str) -> Resolution:
    """Return the document of one version with its metadata.

    ``updated`` is when this version was made, as DID Resolution has it; what did:webvh itself calls so, the time of the
    last valid entry, is in ``document_metadata``. A portable DID that moved is the same DID under every name that a
    verified version has: the SCID, in each of them, is the hash of the first entry. The newest name is canonical. A
    former name says nothing of who ran that domain ("DID Portability", Security Note).
    """
    names = dict.fromkeys(item.did for item in log.versions)
    following = log.versions[version.number] if version.number < len(log.versions) else None
    metadata = ResolutionMetadata(
        source=source,
        version_id=version.entry.version_id,
        version_number=version.number,
        version_time=version.entry.time_seconds,
        created=log.versions[0].entry.time_seconds,
        updated=None if version.number == 1 else version.entry.time_seconds,
        equivalent_id=tuple(name for name in names if name != version.did),
        canonical_id=log.did if len(names) > 1 else None,
        next_update=None if following is None else following.entry.time_seconds,
        next_version_id=None if following is None else following.entry.version_id,
        deactivated=log.deactivated,
        ttl_seconds=log.head.parameters.ttl_seconds,
    )
    return Resolution(parse_document(version.document, did=version.did), metadata)


def document_metadata(log: WebvhLog, version: Version) -> JsonObject:
    """Return ``didDocumentMetadata`` as the specification spells it, for an answer over HTTP."""
    parameters = log.head.parameters
    metadata: JsonObject = {
        "versionId": version.entry.version_id,
        "versionNumber": version.number,
        "versionTime": version.entry.version_time,
        "created": log.versions[0].entry.version_time,
        "updated": log.head.entry.version_time,
        "scid": parameters.scid,
        "portable": parameters.portable,
        "deactivated": parameters.deactivated,
        "ttl": str(parameters.ttl_seconds),
    }
    if parameters.witness.ids:
        metadata["witness"] = {
            "threshold": str(parameters.witness.threshold),
            "witnesses": [{"id": witness_id} for witness_id in parameters.witness.ids],
        }
    if parameters.watchers:
        metadata["watchers"] = list(parameters.watchers)
    return metadata


def _in_force(log: WebvhLog, version_time: int) -> Version | None:
    """Return the version in force at ``version_time``, unless a version that does not verify may have ended it."""
    at = version_time * NANOSECONDS
    begun = [version for version in log.versions if version.entry.time_nanoseconds <= at]
    if not begun or (log.failure is not None and begun[-1] is log.head):
        return None
    return begun[-1]
