"""did:peer with numalgo 4: a whole document written into the DID, and a short form that is its hash.

Source:  Peer DID Method Specification (2025-05-20), "Method 4: Short Form and Long Form".
Input:   a DID from anywhere; for a new one, an input document: no ``id``, every id in it relative.
Shapes:  long form ``did:peer:4{hash}:{document}``, short form ``did:peer:4{hash}``; both parts multibase base58btc, the
         document with the multicodec of JSON, the hash a SHA2-256 multihash over the text of the encoded document.
I/O:     none.
Errors:  InvalidDidError (a DID that is none, or whose hash does not hold), InvalidInputError (an input document that
         cannot be written).
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any, Final

import msgspec

from ssi.did.document import RELATIONSHIPS, parse_document
from ssi.encoding.gate import parse_object
from ssi.encoding.multibase import base58btc_encode, multibase_decode
from ssi.encoding.multicodec import SHA2_256_MULTIHASH
from ssi.errors import InvalidDidError, InvalidInputError
from ssi.types import JsonObject

MAX_DOCUMENT_CHARACTERS: Final = 8192

_JSON: Final = b"\x80\x04"
"""Multicodec ``json`` (0x0200) as an unsigned varint."""
_SHAPE: Final = re.compile(r"did:peer:4(zQm[1-9A-HJ-NP-Za-km-z]{44})(?::(z[1-9A-HJ-NP-Za-km-z]+))?")


def did_peer_4(document: JsonObject) -> str:
    """Return the long form of the DID of an input document ("Creating a DID").

    Raises InvalidInputError if the document has an ``id``, an id in it that is not relative, or is too long.
    """
    _check_input(document)
    try:
        encoded = base58btc_encode(_JSON + msgspec.json.encode(document))
    except (TypeError, ValueError, RecursionError) as exc:
        raise InvalidInputError("expected a JSON document") from exc
    if len(encoded) > MAX_DOCUMENT_CHARACTERS:
        raise InvalidInputError(f"expected a document of at most {MAX_DOCUMENT_CHARACTERS} characters once encoded")
    did = f"did:peer:4{_hash(encoded)}:{encoded}"
    # What resolvers would refuse is refused before anyone is told the DID.
    parse_document(build_peer_4_document(did), did=did)
    return did


def split_peer_4(did: str) -> tuple[str, str | None]:
    """Return the short form of ``did``, and its encoded document if it is the long form.

    Raises InvalidDidError if it is neither, or the hash is not that of the document.
    """
    match = _SHAPE.fullmatch(did)
    if match is None or len(match[2] or "") > MAX_DOCUMENT_CHARACTERS:
        raise InvalidDidError("expected did:peer:4, a hash and, in the long form, a colon and a document")
    if match[2] is not None and _hash(match[2]) != match[1]:
        raise InvalidDidError("the hash of the did:peer:4 is not that of its document")
    return f"did:peer:4{match[1]}", match[2]


def build_peer_4_document(long_form: str, *, short: bool = False) -> JsonObject:
    """Return the document of a long form, or, with ``short``, that of its short form ("Resolving a DID").

    Each names the other in ``alsoKnownAs``. Raises InvalidDidError.
    """
    short_form, encoded = split_peer_4(long_form)
    if encoded is None:
        raise InvalidDidError("expected the long form of the did:peer:4")
    try:
        raw = multibase_decode(encoded)
        if not raw.startswith(_JSON):
            raise InvalidInputError("expected the multicodec of JSON")
        document = parse_object(raw[len(_JSON) :])
        _check_input(document)
    except InvalidInputError as exc:
        raise InvalidDidError(f"the did:peer:4 holds no input document: {exc}") from exc
    did, other = (short_form, long_form) if short else (long_form, short_form)
    contextual = {name: _with_controllers(name, value, did) for name, value in document.items()}
    known_as = document.get("alsoKnownAs", [])
    if not isinstance(known_as, list):
        raise InvalidDidError("alsoKnownAs of the did:peer:4 is a list")
    return {**contextual, "id": did, "alsoKnownAs": [*known_as, other]}


def _hash(encoded: str) -> str:
    return base58btc_encode(SHA2_256_MULTIHASH + sha256(encoded.encode("ascii")).digest())


def _with_controllers(name: str, value: Any, did: str) -> Any:
    """Return the member ``value``, each verification method in it controlled by ``did`` unless it says otherwise."""
    if name not in ("verificationMethod", *RELATIONSHIPS) or not isinstance(value, list):
        return value
    return [
        {**item, "controller": did} if isinstance(item, dict) and "controller" not in item else item for item in value
    ]


def _check_input(document: JsonObject) -> None:
    """Raise InvalidInputError unless the document has no id of its own, and relative ids in it."""
    if not isinstance(document, dict) or "id" in document:
        raise InvalidInputError("expected an input document, an object without id")
    for name in ("verificationMethod", "service", *RELATIONSHIPS):
        items = document.get(name)
        for item in items if isinstance(items, list) else ():
            item_id = item.get("id") if isinstance(item, dict) else item
            if item_id is not None and not (isinstance(item_id, str) and item_id.startswith("#")):
                raise InvalidInputError(f"expected relative ids in {name}")
