"""What a wallet keeps of a credential: its card, how it is found, and whether its issuer signed it.

Source:  RFC 9901 section 7.2 (the holder's view), W3C VCDM 2.0 sections 4.6 and 11.1 (names in several languages), W3C
         VC-JOSE-COSE sections 3.1 and 3.3, W3C Data Integrity 1.0 (``ldp_vc``).
Input:   what ``wallet.delivered`` read.
Shapes:  claim paths as in ``ssi.credentials.sd_jwt.paths``, from the root of the processed payload; times are Unix
         seconds. A search path stands for an element of an array by None, wherever it is in it.
I/O:     none; ``verify_issuer`` awaits the resolver.
Errors:  InvalidInputError; from ``verify_issuer`` those of verification and resolution.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from ssi.credentials.cose import UnverifiedVcCose, verify_vc_cose
from ssi.credentials.data_integrity import UnverifiedCredential, found_keys, read_credential, verify_credential
from ssi.credentials.jose import UnverifiedVcJwt, verify_vc_jwt
from ssi.credentials.sd_jwt import ClaimPath, verify_sd_jwt_vc
from ssi.credentials.texts import Text, choose_text
from ssi.did.resolver import Resolver
from ssi.encoding.jcs import jcs
from ssi.encoding.jsonld import BUNDLED, Contexts
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import PublicKey
from ssi.types import JsonObject, JsonValue

from .delivered import Delivered, Format, contexts_of
from .selective import shown_to_oneself


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A stored credential without its claims."""

    id: str
    """Random, of this wallet alone; 32 hexadecimal digits."""
    format: Format
    type: str
    """``vct``, or the first type beside VerifiableCredential."""
    types: tuple[str, ...]
    issuer: str | None
    key: str | None
    """Thumbprint of the wallet's key that it is bound to; None for a bearer credential."""
    added_at: int
    verified_at: int | None
    """When the issuer's signature was verified here; None if no resolver was there to do it."""
    valid_from: int | float | None
    valid_until: int | float | None
    withholdable: tuple[ClaimPath, ...]
    """Claims that the holder may show or not; all others are always shown."""
    name: tuple[Text, ...] = ()
    """What the issuer calls it, in its languages; only a W3C credential says that itself."""
    description: tuple[Text, ...] = ()
    issuer_name: tuple[Text, ...] = ()
    """What the issuer calls itself: its word, and no proof of who it is."""

    def title(self, languages: Sequence[str] = ()) -> Text:
        """Return what to call the card before a reader of these languages, the best first; if need be its type.

        The text has its base direction, which whoever shows it keeps: an Arabic name stays an Arabic name.
        """
        return choose_text(self.name, languages) or Text(self.type)

    def issuer_title(self, languages: Sequence[str] = ()) -> Text | None:
        """Return what the issuer calls itself before a reader of these languages; None if nothing."""
        return choose_text(self.issuer_name, languages)


class CardContent(msgspec.Struct, frozen=True, kw_only=True):
    """A card with what it says."""

    card: Card
    credential: str
    """As it was delivered."""
    claims: JsonObject
    """The payload with everything disclosed."""

    def __repr__(self) -> str:
        return f"CardContent({self.card.id})"  # without claims: a repr ends up in logs


def card_of(delivered: Delivered, record_id: bytes, *, added_at: int, verified_at: int | None) -> Card:
    """Return the card of what was delivered."""
    return Card(
        id=record_id.hex(),
        format=delivered.format,
        type=delivered.types[0],
        types=delivered.types,
        issuer=delivered.issuer,
        key=None if delivered.key is None else delivered.key.thumbprint(),
        added_at=added_at,
        verified_at=verified_at,
        valid_from=delivered.valid_from,
        valid_until=delivered.valid_until,
        withholdable=tuple(delivered.disclosures),
        name=delivered.about.name,
        description=delivered.about.description,
        issuer_name=delivered.about.issuer_name,
    )


async def verify_issuer(
    delivered: Delivered, resolver: Resolver, *, now: int, jsonld_contexts: Contexts = BUNDLED
) -> None:
    """Raise unless the issuer's signature holds under a key that its DID gives for assertions, and now is in time."""
    if isinstance(delivered.unverified, UnverifiedCredential):
        await _verify_proofs(delivered.unverified, resolver, now, jsonld_contexts)
        return
    key = await _issuer_key(delivered, resolver, now)
    if isinstance(delivered.unverified, UnverifiedVcJwt):
        contexts = contexts_of(delivered.claims)
        verify_vc_jwt(delivered.unverified, key, now=now, contexts=contexts, inline_contexts=True)
    elif isinstance(delivered.unverified, UnverifiedVcCose):
        contexts = contexts_of(delivered.claims)
        verify_vc_cose(delivered.unverified, key, now=now, contexts=contexts, inline_contexts=True)
    else:
        verify_sd_jwt_vc(delivered.unverified, key, now=now, key_binding=None)


def leaves(value: JsonValue, path: ClaimPath = (), *, elements: bool = False) -> Iterator[tuple[ClaimPath, JsonValue]]:
    """Yield path and value of everything in ``value`` that holds nothing else; ``elements`` puts None for indexes."""
    if type(value) is dict and value:
        for name, member in value.items():
            yield from leaves(member, (*path, name), elements=elements)
    elif type(value) is list and value:
        for index, element in enumerate(value):
            yield from leaves(element, (*path, None if elements else index), elements=elements)
    else:
        yield path, value


def search_keys(delivered: Delivered) -> set[bytes]:
    """Return what the claims of a credential are found by, to be turned into tags.

    Claims of a W3C credential are found by their path in the payload and by that in their subject, so that one search
    finds all formats.
    """
    found: set[bytes] = set()
    for root, claims in delivered.subject_claims():
        for path, value in leaves(claims, elements=True):
            if path and type(value) not in (dict, list):
                found.add(search_key(path, value))
                found.add(search_key((*root, *path), value))
    return found


def search_key(path: Sequence[str | int | None], value: JsonValue) -> bytes:
    """Return the bytes that stand for "``value`` at ``path``". Raises InvalidInputError for a value that holds others.

    Indexes count as None: a search asks whether a value is in an array, not where.
    """
    if type(value) in (dict, list):
        raise InvalidInputError("expected to search for text, a number, true, false or null")
    return jcs([[None if type(step) is int else step for step in path], value])


def shown_paths(delivered: Delivered, disclosed: Iterable[str]) -> tuple[ClaimPath, ...]:
    """Return the paths of all claims about a subject that a presentation with these disclosures shows."""
    shown = frozenset(disclosed)
    hidden = {path for path, disclosure in delivered.disclosures.items() if disclosure not in shown}
    return tuple(
        path
        for root, claims in delivered.subject_claims()
        for path, _ in leaves(claims, root)
        if path and not any(path[:end] in hidden for end in range(1, len(path) + 1))
    )


async def _verify_proofs(
    unverified: UnverifiedCredential, resolver: Resolver, now: int, jsonld_contexts: Contexts
) -> None:
    """Verify all proofs, of which one has to be the issuer's: the base proof, if there is one."""
    keys = {need: await resolver.key(need.verification_method, need.purpose, at=now) for need in unverified.keys}
    contexts = contexts_of(unverified.document)
    for number, document in enumerate(shown_to_oneself(unverified.document, jsonld_contexts)):
        verify_credential(
            read_credential(document),
            keys=found_keys(keys),
            now=now,
            contexts=contexts,
            inline_contexts=True,
            issuer_is_controller=number == 0,
            jsonld_contexts=jsonld_contexts,
        )


async def _issuer_key(delivered: Delivered, resolver: Resolver, now: int) -> PublicKey:
    issuer, kid = delivered.issuer, delivered.kid
    if issuer is None or not issuer.startswith("did:"):
        raise VerificationError("expected an issuer that is a DID, to verify its signature")
    if kid is None:
        keys = (await resolver.resolve(issuer)).document.keys("assertionMethod", at=now)
        if len(keys) != 1:
            raise VerificationError("expected kid to say which of the issuer's keys signed")
        kid = next(iter(keys))
    elif not kid.startswith("did:"):
        kid = f"{issuer}#{kid.removeprefix('#')}"
    if kid.partition("#")[0] != issuer:
        raise VerificationError("expected kid to be a verification method of the issuer")
    return await resolver.key(kid, "assertionMethod", at=now)
