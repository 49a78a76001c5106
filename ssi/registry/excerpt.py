"""Which entries of a ledger speak of some organisations, and of those that entitle them.

Source:  the project's answerability text, sections 2.2 and 6: what the guard looks at before it admits an entry.
Input:   a view of the registry, the DIDs that are asked about, and the status lists besides their own.
Shapes:  ledger indexes, ascending.
I/O:     none; ``RegistryFollower.excerpt`` reads the entries.
Errors:  none.

The answer is closed: the fold over these entries alone admits each of them and answers as the whole log does, about
these organisations. Whoever has only an excerpt cannot tell whether it is: see ``ssi.ledger.excerpt``.
"""

from __future__ import annotations

from collections.abc import Iterable

from ssi.registry.history import Accepted, Entry
from ssi.registry.types import Accreditation, Ending
from ssi.registry.view import RegistrySnapshot


def relevant_entries(view: RegistrySnapshot, dids: Iterable[str], uris: Iterable[str] = ()) -> list[int]:
    """Return the indexes of every entry that says something of ``dids``, of the lists at ``uris``, or of the authors.

    Of commitments the newest per list is enough, as long as it holds: what came before it says nothing any more.
    """
    return _Closure(view).of(dids, uris)


class _Closure:
    def __init__(self, view: RegistrySnapshot) -> None:
        self._view = view
        self._entries: dict[str, int] = {}
        self._dids: set[str] = set()
        self._todo: list[str] = []

    def of(self, dids: Iterable[str], uris: Iterable[str]) -> list[int]:
        self._todo.extend(sorted(self._view.roots))
        self._todo.extend(dids)
        for uri in uris:
            self._list(uri)
        while self._todo:
            did = self._todo.pop()
            if did not in self._dids:
                self._dids.add(did)
                self._organisation(did)
        return sorted(self._entries.values())

    def _organisation(self, did: str) -> None:
        for version in self._view.versions(did):
            self._take(version)
            self._todo.append(version.did)
            for approval in self._view.approvals(version.version_id):
                self._take(approval)
        for given in self._view.accreditations(did):
            self._take(given)
        for ending in self._view.compromises(did):
            self._take(ending)
        for uri in self._view.lists_of(did):
            self._list(uri)

    def _list(self, uri: str) -> None:
        newest = self._view.newest(uri)
        if newest is not None:
            self._take(newest)

    def _take(self, entry: Entry) -> None:
        """Keep an entry with what ends it, what it refers to, and who says all this."""
        if entry.id in self._entries:
            return
        self._entries[entry.id] = entry.index
        for ending in self._view.endings(entry.id):
            self._take(ending)
        if not isinstance(entry, Accepted):
            return
        self._todo.append(entry.body.iss)
        parent = None
        if isinstance(entry.body, Accreditation) and entry.body.refs:
            parent = self._view.entry(entry.body.refs.by)
        elif isinstance(entry.body, Ending):
            parent = self._view.entry(entry.body.refs.ends)
        if parent is not None:
            self._take(parent)
