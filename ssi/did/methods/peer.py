"""did:peer, for two parties that need no registry: numalgo 2 and 4.

Source:  Peer DID Method Specification (2025-05-20), "Generation Method"; the forms are read in ``peer2`` and ``peer4``.
Shapes:  numalgo 0 is did:key under another name, 1 and 3 need an exchange beforehand: none of them is resolved here.
I/O:     none: the document is in the DID. A short form of numalgo 4 needs its long form to have been seen before.
Errors:  InvalidDidError, InvalidInputError (asked for another version), DidNotFoundError (a short form never seen).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from ssi.did.document import parse_document
from ssi.did.methods.peer2 import build_peer_2_document
from ssi.did.methods.peer4 import build_peer_4_document, split_peer_4
from ssi.did.parse import parse_did
from ssi.did.resolver import Resolution, ResolutionMetadata
from ssi.errors import DidNotFoundError, InvalidDidError, InvalidInputError

MAX_REMEMBERED: Final = 4096


class DidPeer:
    """The did:peer method. It remembers the long forms that it resolved, so that their short forms resolve, too."""

    method: Final[str] = "peer"

    def __init__(self, *, max_remembered: int = MAX_REMEMBERED) -> None:
        """The long forms used least are forgotten past ``max_remembered``; a host that needs them keeps them itself."""
        self._max = max_remembered
        self._long_forms: OrderedDict[str, str] = OrderedDict()

    def remember(self, did: str) -> str:
        """Keep the long form of a did:peer:4, and return its short form. Raises InvalidDidError."""
        short, encoded = split_peer_4(did)
        if encoded is None:
            raise InvalidDidError("expected the long form of the did:peer:4")
        # Nobody can put another document under this short form: it is the hash of the long one.
        self._long_forms[short] = did
        self._long_forms.move_to_end(short)
        if len(self._long_forms) > self._max:
            self._long_forms.popitem(last=False)
        return short

    async def resolve(self, did: str, *, version_id: str | None = None, version_time: int | None = None) -> Resolution:
        """Return the one document that ``did`` ever has; ``version_time`` changes nothing.

        Raises InvalidDidError, InvalidInputError if a version id is asked for, and DidNotFoundError for a short form
        whose long form was not seen.
        """
        parsed = parse_did(did)
        if version_id is not None:
            raise InvalidInputError("did:peer documents have no versions")
        if parsed.method == "peer" and parsed.id.startswith("2"):
            document = parse_document(build_peer_2_document(did), did=did)
            return Resolution(document, ResolutionMetadata(source="key"))
        if parsed.method == "peer" and parsed.id.startswith("4"):
            return self._resolve_4(did)
        raise InvalidDidError("expected did:peer with numalgo 2 or 4")

    def _resolve_4(self, did: str) -> Resolution:
        short, encoded = split_peer_4(did)
        if encoded is None:
            long_form = self._long_forms.get(short)
            if long_form is None:
                raise DidNotFoundError("the long form of this did:peer:4 was not seen")
            self._long_forms.move_to_end(short)
            document, other = parse_document(build_peer_4_document(long_form, short=True), did=did), long_form
        else:
            document, other = parse_document(build_peer_4_document(did), did=did), short
            self.remember(did)
        return Resolution(document, ResolutionMetadata(source="key", equivalent_id=(other,), canonical_id=short))
