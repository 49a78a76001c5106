"""Verify from files, with no network: DID logs and documents, status lists, and the ledger up to a checkpoint.

Source:  did:webvh 1.0 and did:web (what a web server would give); RFC 6962 and C2SP tlog-checkpoint (the ledger).
Input:   a folder (or an archive's members) that anybody may have made. DID logs and lists prove themselves; the
         ledger's entries count as far as a checkpoint covers them that policy's keys signed; did:web documents are
         believed as whoever chose the folder believes them.
Shapes:  ``logs/*.jsonl``, with ``logs/*.did-witness.json`` for those that have witnesses; ``dids/*.json``, ``lists/``
         (``ssi.status.folder``), ``documents/`` with an index (``verifier.pinned``), ``checkpoints/*.note`` and
         ``ledger/entries.jsonl``: one entry in each line from the first on (``ssi.ledger.excerpt``).
I/O:     reads the folder, once; ``write_offline_folder`` writes one.
Errors:  InvalidInputError (not such a folder), InclusionProofError and InvalidSignatureError (a ledger that is not what
         was signed), UnavailableError (the folder has no such DID or list, so nothing is known of it).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from ssi.did.methods.web import did_web_url
from ssi.did.resolver import Resolver, default_resolver, system_clock
from ssi.did.webvh.log import verify_log
from ssi.did.webvh.url import parse_webvh_did
from ssi.did.webvh.witness import MAX_WITNESS_FILE_BYTES
from ssi.encoding.gate import parse_object
from ssi.errors import DidNotFoundError, InvalidDidError, InvalidInputError, UnavailableError
from ssi.files import Files, FolderFiles
from ssi.ledger.excerpt import Line, build_line
from ssi.ledger.note import NoteKey
from ssi.ports import Fetched, PublishedList
from ssi.registry.follower import RegistryFollower
from ssi.registry.view import RegistrySnapshot
from ssi.status.folder import ListFolder, write_lists

from .offline_ledger import ENTRIES, OfflineLedger, ledger_lines, read_ledger
from .pinned import DOCUMENTS, read_documents
from .policy import Policy, Registry
from .verifier import Verifier

CONTEXTS: Final = "contexts"
MAX_LOG_BYTES: Final = 4 << 20
MAX_DOCUMENT_BYTES: Final = 1 << 20
MAX_LOG_LINE_BYTES: Final = 1 << 20
NO_PROOFS: Final = b"[]"


class OfflineFolder:
    """Everything that a verification asks of the world, from one folder. Make it with ``open``."""

    def __init__(self, files: Files, ledger: OfflineLedger | None) -> None:
        self.files: Final = files
        self.ledger: Final = ledger
        """The ledger, or None if the folder has none or policy no key for it."""
        self.snapshot: Final = None if ledger is None else ledger.snapshot
        """The registry at the newest checkpoint."""
        self.lists: Final = ListFolder(files)
        self._logs: dict[str, str] | None = None
        self._pages: dict[str, str] | None = None

    @classmethod
    def open(cls, path: str | Path | Files, *, registry: Registry | None) -> OfflineFolder:
        """Read the folder at ``path``; the ledger in it is held against what ``registry`` says of roots and keys.

        Raises what the module says: a ledger that does not hold together makes the whole folder unbelievable.
        """
        if isinstance(path, str | Path):
            if not Path(path).is_dir():
                raise InvalidInputError("expected a folder of logs, lists and checkpoints")
            path = FolderFiles(Path(path))
        known = registry is not None and path.has(ENTRIES)
        return cls(path, read_ledger(path, registry) if registry is not None and known else None)

    @property
    def checkpoint(self) -> bytes | None:
        """The newest checkpoint of the ledger, verified; None without a ledger."""
        return None if self.ledger is None else self.ledger.note

    @property
    def keys(self) -> tuple[NoteKey, ...]:
        """The keys of policy that the checkpoint was verified with."""
        return () if self.ledger is None else self.ledger.keys

    async def excerpt(
        self, view: RegistrySnapshot, *, dids: Iterable[str] | None, uris: Iterable[str] = ()
    ) -> AsyncIterator[Line]:
        """Yield the ledger as it is here: what was left out before cannot be had, and no more is left out."""
        size = 0
        for line in ledger_lines(self.files):
            if size >= view.size:
                return
            size += getattr(line, "entries", 1)
            yield line

    def check_usable(self, at: int) -> None:
        """Raise UnavailableError if nothing here may be used for a verification at ``at``. A folder has no date."""

    def contexts(self) -> dict[str, bytes]:
        """Return the JSON-LD contexts that came along, by URL; those that policy pins by digest get used."""
        return read_documents(self.files, CONTEXTS)

    def verifier(self, policy: Policy, *, now: Callable[[], int]) -> Verifier:
        """Return a verifier that asks these files and nothing else.

        Raises UnavailableError if policy asks the registry, and there is no ledger that it has roots and keys for.
        """
        return Verifier(policy, **self.ports(policy, now=now))

    def ports(self, policy: Policy, *, now: Callable[[], int]) -> dict[str, Any]:
        """Return what a ``Verifier`` under ``policy`` is made with to ask these files; raises as ``verifier``."""
        asks = policy.anchoring is not None or any(trust.accredited for trust in policy.trust)
        if self.snapshot is None and asks:
            raise UnavailableError(
                "policy asks the registry, and the folder has no ledger that policy has roots and keys for"
            )
        return {
            "resolver": self.resolver(now=now),
            "lists": self,
            "registry": None if self.snapshot is None else self,
            "fetch": self._fetch,
            "now": now,
            "usable": self.check_usable,
            "documents": read_documents(self.files, DOCUMENTS),
            "contexts": self.contexts(),
        }

    def resolver(self, *, now: Callable[[], int]) -> Resolver:
        """Return a resolver over the folder; a did:webvh log of the ledger goes before one in a file."""
        return default_resolver(fetch=self._fetch, log_source=self, now=now)

    def view(self) -> RegistrySnapshot:
        """Return the registry (the RegistrySource port, with ``did_log``). Raises UnavailableError without one."""
        if self.snapshot is None:
            raise UnavailableError("the offline folder has no ledger that policy has a key for")
        return self.snapshot

    async def did_log(self, did: str) -> bytes:
        """Return the log of ``did`` (the LogSource port). Raises UnavailableError: it may exist elsewhere."""
        if self.snapshot is not None:
            try:
                return self.snapshot.did_log(did)
            except DidNotFoundError:
                pass
        name = self._log_names().get(did)
        if name is None:
            raise UnavailableError(f"the offline folder has no log of {did}")
        return self.files.read(name, max_bytes=MAX_LOG_BYTES)

    def _log_names(self) -> dict[str, str]:
        """Return the files that hold logs, by the DIDs that their lines are for."""
        if self._logs is None:
            names = self.files.names("logs", ".jsonl")
            self._logs = {
                did: name for name in names for did in _dids_of(self.files.read(name, max_bytes=MAX_LOG_BYTES))
            }
        return self._logs

    async def did_witness(self, did: str) -> bytes:
        """Return the witness proofs for the log of ``did`` (the WitnessSource port).

        They come from where the log comes from. Raises UnavailableError: there may be some elsewhere.
        """
        if self.snapshot is not None and self.snapshot.did_version(did) is not None:
            return self.snapshot.did_witness(did)
        name = self._log_names().get(did)
        if name is None or not self.files.has(proofs := _proofs_name(name)):
            raise UnavailableError(f"the offline folder has no witness proofs for the log of {did}")
        return self.files.read(proofs, max_bytes=MAX_WITNESS_FILE_BYTES)

    async def status_list(self, uri: str) -> PublishedList:
        """Return the list of ``uri`` (the StatusListSource port). Raises NotFoundError."""
        return self.lists.find(uri)

    async def _fetch(self, url: str, *, accept: str = "application/json", max_bytes: int = 1 << 20) -> Fetched:
        """Answer for the web with the did:web documents and the did:webvh logs of the folder."""
        if self._pages is None:
            self._pages = dict(_pages(self.files))
        name = self._pages.get(url)
        if name is None:
            raise UnavailableError("the offline folder does not have what would be fetched")
        kind = "text/jsonl" if name.endswith(".jsonl") else "application/did+json"
        return Fetched(url, 200, kind, self.files.read(name, max_bytes=max_bytes))


def document_files(documents: Iterable[bytes]) -> dict[str, bytes]:
    """Return the files for did:web documents, by name. Raises InvalidInputError for another document."""
    named = {_did_of_document(document): document for document in documents}
    return {f"dids/{_file_name(did)}.json": document for did, document in named.items()}


def log_files(logs: Iterable[tuple[str, bytes, bytes | None]]) -> dict[str, bytes]:
    """Return the files for did:webvh logs, given with their DIDs and the proofs of their witnesses, by name."""
    files: dict[str, bytes] = {}
    for did, log, proofs in logs:
        name = f"logs/{_file_name(did)}.jsonl"
        files[name] = log
        if proofs is not None:
            files[_proofs_name(name)] = proofs
    return files


def checked_logs(
    logs: Mapping[str, bytes], witness_proofs: Mapping[str, bytes], *, now: int
) -> Iterator[tuple[str, bytes, bytes | None]]:
    """Yield logs from elsewhere than the ledger, each with its proofs, once they verify as they will be used.

    Raises as ``verify_log``, and InvalidInputError for proofs without a log.
    """
    if not witness_proofs.keys() <= logs.keys():
        raise InvalidInputError("expected witness proofs to come with the log that they are for")
    for did, log in logs.items():
        proofs = witness_proofs.get(did)
        verify_log(log, did=did, now=now, witness_proofs=proofs)
        yield did, log, proofs


def ledger_logs(view: RegistrySnapshot, dids: Iterable[str]) -> Iterator[tuple[str, bytes, bytes | None]]:
    """Yield the ledger's logs of these DIDs, with the proofs of those that have witnesses."""
    for did in dids:
        proofs = view.did_witness(did)
        yield did, view.did_log(did), None if proofs == NO_PROOFS else proofs


async def write_offline_folder(
    path: str | Path,
    *,
    registry: RegistryFollower,
    lists: Iterable[PublishedList] = (),
    documents: Iterable[bytes] = (),
    logs: Mapping[str, bytes] | None = None,
    witness_proofs: Mapping[str, bytes] | None = None,
    now: int | None = None,
) -> None:
    """Write what a verifier needs to do without the network: the ledger up to its newest checkpoint, and the rest.

    ``registry`` is refreshed and has keys for the ledger's checkpoints; the logs of all its DIDs are written as files,
    too, for whoever has no key. ``documents`` are did:web documents; ``logs`` and ``witness_proofs`` the did.jsonl and
    did-witness.json of did:webvh DIDs that are not on the ledger, which have to verify at ``now`` (the clock's).

    Raises InvalidInputError if there is no checkpoint or a document is none of did:web, UnavailableError if the folder
    cannot be written, and as ``checked_logs``.
    """
    folder, note = Path(path), registry.checkpoint
    if note is None:
        raise InvalidInputError("expected a ledger with a checkpoint that a known key signed")
    view = registry.view()
    others = list(checked_logs(logs or {}, witness_proofs or {}, now=system_clock() if now is None else now))
    files = document_files(documents) | log_files([*others, *ledger_logs(view, view.dids())])
    files[f"checkpoints/{view.size}.note"] = note
    try:
        for name in ("logs", "dids", "ledger", "checkpoints"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        with (folder / ENTRIES).open("wb") as file:
            async for line in registry.excerpt(view, dids=None):
                file.write(build_line(line))
        for name, data in files.items():
            (folder / name).write_bytes(data)
    except OSError as exc:
        raise UnavailableError("the offline folder cannot be written") from exc
    write_lists(folder / "lists", lists)


def _proofs_name(log: str) -> str:
    return f"{log.removesuffix('.jsonl')}.did-witness.json"


def _file_name(did: str) -> str:
    """Return a name that no other DID has, and that a reader recognises."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in ".-") else "_" for char in did)
    return f"{sha256(did.encode()).hexdigest()[:12]}-{plain[-100:]}"


def _dids_of(log: bytes) -> Iterator[str]:
    """Yield the DIDs that the lines of a log are for; the log is verified when it is used.

    What is no log is for no DID: rubbish in the folder says nothing against a presentation.
    """
    for line in log.splitlines():
        try:
            state = parse_object(line, max_bytes=MAX_LOG_LINE_BYTES).get("state")
        except InvalidInputError:
            return
        if isinstance(state, dict) and isinstance(state.get("id"), str):
            yield state["id"]


def _pages(files: Files) -> Iterator[tuple[str, str]]:
    """Yield where on the web the documents and logs would be, with the names that they have here."""
    for name in files.names("dids", ".json"):
        yield did_web_url(_did_of_document(files.read(name, max_bytes=MAX_DOCUMENT_BYTES))), name
    for name in files.names("logs", ".jsonl"):
        for did in _dids_of(files.read(name, max_bytes=MAX_LOG_BYTES)):
            try:
                where = parse_webvh_did(did)
            except InvalidDidError:
                continue  # as with what is no log at all: it is for no DID
            yield where.log_url, name
            if files.has(proofs := _proofs_name(name)):
                yield where.witness_url, proofs


def _did_of_document(document: bytes) -> str:
    did = parse_object(document, max_bytes=MAX_DOCUMENT_BYTES).get("id")
    if not isinstance(did, str) or not did.startswith("did:web:"):
        raise InvalidInputError("expected the document of a did:web DID")
    return did
