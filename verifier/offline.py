"""Verify from a folder, with no network: DID logs and documents, status lists, and the ledger up to a checkpoint.

Source:  did:webvh 1.0 and did:web (what a web server would give); RFC 6962 and C2SP tlog-checkpoint (the ledger).
Input:   a folder that anybody may have made. DID logs and lists prove themselves; the ledger's entries count as far as
         a checkpoint covers them that policy's keys signed; did:web documents are believed as whoever chose the folder
         believes them.
Shapes:  ``logs/*.jsonl``, ``dids/*.json``, ``lists/`` (``ssi.status.folder``), ``checkpoints/*.note`` and
         ``ledger/entries.jsonl``: one entry in each line from the first on, as a JSON string of base64url, or as
         ``{"leaf_hash", "order"}`` where the body was withheld.
I/O:     reads the folder, once; ``write_offline_folder`` writes one.
Errors:  InvalidInputError (not such a folder), InclusionProofError and InvalidSignatureError (a ledger that is not what
         was signed), UnavailableError (the folder has no such DID or list, so nothing is known of it).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from ssi.did.methods.web import did_web_url
from ssi.did.resolver import Resolver, default_resolver
from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.gate import parse_json, parse_object
from ssi.errors import DidNotFoundError, InclusionProofError, InvalidInputError, UnavailableError
from ssi.ledger import MAX_ENTRY_BYTES, Withheld, stream
from ssi.ledger.checkpoint import VerifiedCheckpoint, verify_note
from ssi.ledger.merkle import leaf_hash
from ssi.ledger.note import MAX_NOTE_BYTES, NoteKey, parse_vkey
from ssi.ports import Fetched, PublishedList
from ssi.registry.fold import RegistryState
from ssi.registry.follower import RegistryFollower
from ssi.registry.tree import EdgeTree
from ssi.registry.view import RegistrySnapshot
from ssi.status.folder import ListFolder, write_lists

from .policy import Registry

MAX_LOG_BYTES: Final = 4 << 20
MAX_DOCUMENT_BYTES: Final = 1 << 20
MAX_LOG_LINE_BYTES: Final = 1 << 20
MAX_LINE_BYTES: Final = 2 * MAX_ENTRY_BYTES
MAX_CHECKPOINTS: Final = 1_000
_STEP: Final = 256


class OfflineFolder:
    """Everything that a verification asks of the world, from one folder. Make it with ``open``."""

    def __init__(self, path: Path, snapshot: RegistrySnapshot | None) -> None:
        self.path: Final = path
        self.snapshot: Final = snapshot
        """The registry at the newest checkpoint, or None if the folder has no ledger or policy no key for it."""
        self.lists: Final = ListFolder(path / "lists")
        self._logs: dict[str, Path] | None = None
        self._documents: dict[str, Path] | None = None

    @classmethod
    def open(cls, path: str | Path, *, registry: Registry | None) -> OfflineFolder:
        """Read the folder at ``path``; the ledger in it is held against what ``registry`` says of roots and keys.

        Raises what the module says: a ledger that does not hold together makes the whole folder unbelievable.
        """
        folder = Path(path)
        if not folder.is_dir():
            raise InvalidInputError("expected a folder of logs, lists and checkpoints")
        if registry is None or not (folder / "ledger" / "entries.jsonl").exists():
            return cls(folder, None)
        keys = [parse_vkey(text) for text in registry.keys]
        heads = _checkpoints(folder / "checkpoints", keys)
        return cls(folder, _fold(folder / "ledger" / "entries.jsonl", registry.roots, heads))

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
        if self._logs is None:
            self._logs = {found: file for file in _files(self.path / "logs", "*.jsonl") for found in _dids_of(file)}
        file = self._logs.get(did)
        if file is None:
            raise UnavailableError(f"the offline folder has no log of {did}")
        return _read(file, MAX_LOG_BYTES)

    async def status_list(self, uri: str) -> PublishedList:
        """Return the list of ``uri`` (the StatusListSource port). Raises NotFoundError."""
        return self.lists.find(uri)

    async def _fetch(self, url: str, *, accept: str = "application/json", max_bytes: int = 1 << 20) -> Fetched:
        """Answer for the web with the did:web documents of the folder."""
        if self._documents is None:
            self._documents = dict(_web_documents(self.path / "dids"))
        file = self._documents.get(url)
        if file is None:
            raise UnavailableError("the offline folder does not have what would be fetched")
        return Fetched(url, 200, "application/did+json", _read(file, max_bytes))


async def write_offline_folder(
    path: str | Path,
    *,
    registry: RegistryFollower,
    lists: Iterable[PublishedList] = (),
    documents: Iterable[bytes] = (),
) -> None:
    """Write what a verifier needs to do without the network: the ledger up to its newest checkpoint, and the rest.

    ``registry`` is refreshed and has keys for the ledger's checkpoints; the logs of all its DIDs are written as files,
    too, for whoever has no key. ``documents`` are did:web documents. Raises InvalidInputError if there is no checkpoint
    or a document is none of did:web, UnavailableError if the folder cannot be written.
    """
    folder, note = Path(path), registry.checkpoint
    if note is None:
        raise InvalidInputError("expected a ledger with a checkpoint that a known key signed")
    view = registry.view()
    named = {_did_of_document(document): document for document in documents}
    try:
        for name in ("logs", "dids", "ledger", "checkpoints"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        with (folder / "ledger" / "entries.jsonl").open("w", encoding="utf-8") as file:
            async for _, entry in stream(registry.ledger, 0, view.size):
                file.write(f"{_line(entry)}\n")
        (folder / "checkpoints" / f"{view.size}.note").write_bytes(note)
        for did in view.dids():
            (folder / "logs" / f"{_file_name(did)}.jsonl").write_bytes(view.did_log(did))
        for did, document in named.items():
            (folder / "dids" / f"{_file_name(did)}.json").write_bytes(document)
    except OSError as exc:
        raise UnavailableError("the offline folder cannot be written") from exc
    write_lists(folder / "lists", lists)


def _line(entry: bytes | Withheld) -> str:
    if isinstance(entry, Withheld):
        return json.dumps({"leaf_hash": b64url_encode(entry.leaf_hash), "order": entry.order})
    return json.dumps(b64url_encode(entry))


def _file_name(did: str) -> str:
    return "".join(char if char.isalnum() or char in ".-" else "_" for char in did)[-120:]


def _checkpoints(folder: Path, keys: list[NoteKey]) -> list[VerifiedCheckpoint]:
    """Return the folder's checkpoints, each signed by a key of policy, from the smallest to the newest."""
    files = list(_files(folder, "*.note"))
    if len(files) > MAX_CHECKPOINTS:
        raise InvalidInputError(f"expected at most {MAX_CHECKPOINTS} checkpoints in a folder")
    heads = [verify_note(_read(file, MAX_NOTE_BYTES), keys=keys) for file in files]
    return sorted(heads, key=lambda head: (head.size, head.cosigned_at or 0))


def _fold(file: Path, roots: tuple[str, ...], heads: list[VerifiedCheckpoint]) -> RegistrySnapshot | None:
    """Fold the entries and hold them against every checkpoint; what the newest does not cover is left aside."""
    if not heads:
        raise UnavailableError("the offline folder has no checkpoint of its ledger")
    state, tree = RegistryState(roots), EdgeTree()
    newest = heads[-1]
    entries = _entries(file)
    for head in heads:
        while state.size < head.size:
            leaves = []
            for _ in range(min(_STEP, head.size - state.size)):
                entry = next(entries, None)
                if entry is None:
                    raise InclusionProofError(
                        f"the folder's ledger ends before the {head.size} entries that were signed"
                    )
                state.apply(entry)
                leaves.append(entry.leaf_hash if isinstance(entry, Withheld) else leaf_hash(entry))
            tree.extend(leaves)
            tree.prune()
        if tree.root() != head.root:
            raise InclusionProofError(f"the folder's entries do not give the signed root of size {head.size}")
    return state.at(newest.size, checkpoint_time=newest.cosigned_at)


def _entries(file: Path) -> Iterator[bytes | Withheld]:
    try:
        with file.open("rb") as lines:
            while line := lines.readline(MAX_LINE_BYTES + 1):
                if len(line) > MAX_LINE_BYTES:
                    raise InvalidInputError("expected shorter lines in entries.jsonl")
                yield _entry(line)
    except OSError as exc:
        raise UnavailableError("entries.jsonl cannot be read") from exc


def _entry(line: bytes) -> bytes | Withheld:
    value = parse_json(line)
    if isinstance(value, str):
        return b64url_decode(value)
    if isinstance(value, dict) and value.keys() == {"leaf_hash", "order"}:
        digest, order = value["leaf_hash"], value["order"]
        if isinstance(digest, str) and isinstance(order, str):
            return Withheld(b64url_decode(digest), order)
    raise InvalidInputError("expected each line of entries.jsonl to be an entry, or the hash of a withheld one")


def _dids_of(file: Path) -> Iterator[str]:
    """Yield the DIDs that the lines of a log are for; the log is verified when it is used.

    What is no log is for no DID: rubbish in the folder says nothing against a presentation.
    """
    for line in _read(file, MAX_LOG_BYTES).splitlines():
        try:
            state = parse_object(line, max_bytes=MAX_LOG_LINE_BYTES).get("state")
        except InvalidInputError:
            return
        if isinstance(state, dict) and isinstance(state.get("id"), str):
            yield state["id"]


def _web_documents(folder: Path) -> Iterator[tuple[str, Path]]:
    for file in _files(folder, "*.json"):
        yield did_web_url(_did_of_document(_read(file, MAX_DOCUMENT_BYTES))), file


def _did_of_document(document: bytes) -> str:
    did = parse_object(document, max_bytes=MAX_DOCUMENT_BYTES).get("id")
    if not isinstance(did, str) or not did.startswith("did:web:"):
        raise InvalidInputError("expected the document of a did:web DID")
    return did


def _files(folder: Path, pattern: str) -> Iterator[Path]:
    yield from sorted(folder.glob(pattern))


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as exc:
        raise UnavailableError(f"{path.name} cannot be read") from exc
    if len(data) > max_bytes:
        raise InvalidInputError(f"{path.name}: expected at most {max_bytes} bytes")
    return data
