"""Retrieve the key of a verification method by its id alone, be it a DID URL or an https URL.

Source:  W3C Controlled Identifiers v1.0, section 3.3 (Retrieve Verification Method).
Input:   the verification method's id and the relationship that it must be listed in.
Shapes:  times are Unix seconds. The document lies at the id without its fragment; a verification method that stands in
         another document than that is not taken from there.
I/O:     the resolver for DIDs, the outbound door for https URLs.
Errors:  InvalidDidError (an id that is none), InvalidInputError (not a document), VerificationError and
         ProofPurposeError (no key for this purpose), NotFoundError, ForbiddenUrlError, UnavailableError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ssi.did.document import parse_controlled_document
from ssi.did.parse import check_identifier_url
from ssi.encoding.gate import parse_object
from ssi.errors import InvalidDidError

if TYPE_CHECKING:
    from ssi.did.resolver import Resolver
    from ssi.keys import PublicKey
    from ssi.ports import Fetch

_ACCEPT: Final = "application/cid, application/did;q=0.9, application/json;q=0.8"


async def retrieve_key(
    verification_method: str, relationship: str, *, resolver: Resolver, fetch: Fetch, at: int | None = None
) -> PublicKey:
    """Return the key that ``verification_method`` names, as its own document has it now.

    ``at`` is the Unix time asked about, for methods that expire. A document served at another URL, one with another id,
    and a method that another subject controls are refused.
    """
    check_identifier_url(verification_method)
    if not verification_method.startswith("https://"):
        return await resolver.key(verification_method, relationship, at=at)
    identifier, hash_sign, fragment = verification_method.partition("#")
    if not hash_sign or not fragment:
        raise InvalidDidError("a verification method is named by a URL with a fragment")
    answer = await fetch(identifier, accept=_ACCEPT)
    document = parse_controlled_document(parse_object(answer.body), identifier=identifier)
    return document.key(verification_method, relationship, at=at)
