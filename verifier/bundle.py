"""Offline bundles: what a verifier in the field needs for some issuers, in one file with a date to use it by.

Source:  the layout is this library's own; ``verifier.offline`` says what each part of it proves.
Input:   to make one, a followed ledger and the sources of lists; to use one, bytes that anybody may have made.
Shapes:  an archive (``ssi.encoding.archive``): ``manifest.json``; ``logs/``, ``dids/``, ``lists/``, ``ledger/`` and
         ``checkpoints/`` as in an offline folder; ``contexts/`` and ``documents/`` (schemas, related resources) with an
         index from URL to file. The manifest is
         ``{"format", "made_at", "usable_until", "issuers", "ledger", "files"}``, times in Unix seconds, files with
         their SHA-256. Lists carry receipts: the inclusion proofs of their commitments.
I/O:     ``OfflineBundle.open`` reads one file.
Errors:  InvalidInputError, VerificationError, InclusionProofError, InvalidSignatureError; CouldNotCheck from a verifier
         that is past ``usable_until``.

``made_at`` and ``usable_until`` are the word of whoever made the bundle. They end its use early; they never stretch
what policy asks of lists and checkpoints, whose times are signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from ssi.encoding.archive import build_archive, parse_archive
from ssi.encoding.gate import parse_object
from ssi.encoding.jcs import jcs
from ssi.encoding.timestamps import format_seconds
from ssi.errors import InvalidInputError, NotFoundError, UnavailableError
from ssi.files import MemberFiles
from ssi.ledger.excerpt import build_line
from ssi.ports import PublishedList
from ssi.registry.follower import RegistryFollower
from ssi.registry.view import RegistrySnapshot
from ssi.status.folder import list_files
from ssi.status.verify import parse_status_list

from .contents import check_contents, digests
from .offline import CONTEXTS, OfflineFolder, checked_logs, document_files, ledger_logs, log_files
from .offline_ledger import CHECKPOINTS, ENTRIES, read_ledger
from .pinned import DOCUMENTS, document_members
from .policy import Registry

FORMAT: Final = "countersigned-bundle/1"
MANIFEST: Final = "manifest.json"
MAX_BUNDLE_BYTES: Final = 1 << 29
MAX_MANIFEST_BYTES: Final = 4 << 20
MAX_USABLE_SECONDS: Final = 366 * 86_400
DEFAULT_USABLE_SECONDS: Final = 7 * 86_400
SKEW_SECONDS: Final = 60


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a bundle says of itself."""

    format: Literal["countersigned-bundle/1"]
    made_at: int
    usable_until: int
    issuers: tuple[str, ...]
    ledger: Literal["whole", "excerpt", "none"]
    files: dict[str, str]


class OfflineBundle(OfflineFolder):
    """An offline folder in one file, which is not used before it was made nor past its date. Make it with ``open``."""

    manifest: Manifest

    @classmethod
    def open(cls, path: str | Path | bytes, *, registry: Registry | None) -> OfflineBundle:  # type: ignore[override]
        """Read the bundle at ``path``, or in these bytes; ``registry`` as for a folder. Raises as the module says."""
        data = path if isinstance(path, bytes) else _read(Path(path))
        members = parse_archive(data, max_bytes=MAX_BUNDLE_BYTES)
        manifest = _manifest(members)
        check_contents(members, manifest.files, besides=(MANIFEST,))
        files = MemberFiles(members)
        known = registry is not None and files.has(ENTRIES)
        bundle = cls(files, read_ledger(files, registry) if registry is not None and known else None)
        bundle.manifest = manifest
        return bundle

    def check_usable(self, at: int) -> None:
        """Raise UnavailableError at a time for which the bundle was not made."""
        manifest = self.manifest
        if at >= manifest.usable_until:
            raise UnavailableError(
                f"the offline bundle was usable until {format_seconds(manifest.usable_until)}, get a newer one"
            )
        if at < manifest.made_at - SKEW_SECONDS:
            raise UnavailableError(
                f"the offline bundle was made at {format_seconds(manifest.made_at)}, after the time asked about"
            )


def open_offline(path: str | Path, *, registry: Registry | None) -> OfflineFolder:
    """Open the folder or the bundle at ``path``; as their ``open``."""
    return (OfflineFolder if Path(path).is_dir() else OfflineBundle).open(path, registry=registry)


async def make_bundle(
    issuers: Iterable[str],
    *,
    now: int,
    registry: RegistryFollower | None = None,
    lists: Iterable[PublishedList] = (),
    logs: Mapping[str, bytes] | None = None,
    witness_proofs: Mapping[str, bytes] | None = None,
    documents: Iterable[bytes] = (),
    contexts: Mapping[str, bytes] | None = None,
    resources: Mapping[str, bytes] | None = None,
    usable_until: int | None = None,
    excerpt: bool = False,
) -> bytes:
    """Return a bundle for ``issuers``, made at ``now``.

    ``registry`` is refreshed and has keys for the ledger's checkpoints; ``logs`` and ``witness_proofs`` are did.jsonl
    and did-witness.json of did:webvh DIDs that are not on its ledger, ``documents`` those of did:web. ``resources`` are
    schemas, schema credentials and related resources by URL, which a policy pins by digest. By default the
    bundle is usable for seven days, or until the first of its lists expires. ``excerpt`` takes along what the ledger
    says of the issuers and of those who accredited them instead of all of it: that is small, and cannot show that
    nothing newer was left out.

    Raises InvalidInputError, NotFoundError for a did:webvh issuer whose log is neither given nor on the ledger, and as
    ``checked_logs`` for a log that does not verify, or has not the approvals that it needs.
    """
    wanted, taken = tuple(dict.fromkeys(issuers)), list(lists)
    if not wanted:
        raise InvalidInputError("a bundle is made for at least one issuer")
    until = _usable_until(now, usable_until, taken)
    files = document_files(documents)
    taken_logs = {entry[0]: entry for entry in checked_logs(logs or {}, witness_proofs or {}, now=now)}
    if registry is not None:
        files |= await _ledger_files(registry, wanted, [found.uri for found in taken], excerpt=excerpt)
        view = registry.view()
        on_ledger = [did for did in wanted if view.did_version(did) is not None]
        taken_logs |= {entry[0]: entry for entry in ledger_logs(view, on_ledger)}
    for did in wanted:
        if did.startswith("did:webvh:") and did not in taken_logs:
            raise NotFoundError(f"there is no log of {did} to take along")
    files |= log_files(taken_logs.values())
    files |= {f"lists/{name}": body for name, body in list_files(taken).items()}
    files |= document_members(contexts or {}, CONTEXTS, suffix="jsonld") | document_members(resources or {}, DOCUMENTS)
    ledger: Literal["whole", "excerpt", "none"] = "none" if registry is None else "excerpt" if excerpt else "whole"
    manifest = Manifest("countersigned-bundle/1", now, until, wanted, ledger, digests(files))
    return build_archive({**files, MANIFEST: jcs(msgspec.to_builtins(manifest))})


def anchored_lists(view: RegistrySnapshot, issuers: Iterable[str]) -> list[str]:
    """Return the URIs of the lists that ``issuers`` have on the ledger and have not withdrawn."""
    return [uri for did in issuers for uri in view.lists_of(did) if view.newest_commitment(uri) is not None]


def list_issuer(published: PublishedList) -> str | None:
    """Return whom a list names as its issuer; nothing is believed of it yet. Raises as ``parse_status_list``."""
    return parse_status_list(published.body.strip()).issuer


async def _ledger_files(
    registry: RegistryFollower, issuers: tuple[str, ...], uris: list[str], *, excerpt: bool
) -> dict[str, bytes]:
    view, note = registry.view(), registry.checkpoint
    if note is None:
        raise InvalidInputError("expected a ledger with a checkpoint that a known key signed")
    lines = [build_line(line) async for line in registry.excerpt(view, dids=issuers if excerpt else None, uris=uris)]
    return {ENTRIES: b"".join(lines), f"{CHECKPOINTS}/{view.size}.note": note}


def _usable_until(now: int, asked: int | None, lists: list[PublishedList]) -> int:
    if asked is None:
        claims = [parse_status_list(found.body.strip()).unverified_claims() for found in lists]
        ends = [int(end) for found in claims if isinstance(end := found.get("exp"), int | float)]
        asked = min([now + DEFAULT_USABLE_SECONDS, *ends])
    if not now < asked <= now + MAX_USABLE_SECONDS:
        raise InvalidInputError("expected a bundle to be usable from now on, and for at most a year")
    return asked


def _manifest(members: Mapping[str, bytes]) -> Manifest:
    if MANIFEST not in members:
        raise InvalidInputError("expected a bundle, which has a manifest")
    try:
        manifest = msgspec.convert(parse_object(members[MANIFEST], max_bytes=MAX_MANIFEST_BYTES), Manifest)
    except msgspec.ValidationError as exc:
        raise InvalidInputError(f"{MANIFEST}: {exc}") from exc
    if not 0 <= manifest.made_at < manifest.usable_until <= manifest.made_at + MAX_USABLE_SECONDS:
        raise InvalidInputError(f"{MANIFEST}: expected a bundle to be usable for at most a year from when it was made")
    return manifest


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BUNDLE_BYTES + 1)
    except OSError as exc:
        raise NotFoundError(f"{path.name} cannot be read") from exc
