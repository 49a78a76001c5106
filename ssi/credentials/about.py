"""What a verified credential says beside its claims: its names for people, and members that nobody has checked.

Source:  W3C Verifiable Credentials Data Model v2.0, sections 4.6 (names and descriptions), 4.7 (issuer), 5.4
         (refreshService), 5.5 (termsOfUse), 5.6 (evidence), and the reserved renderMethod and confidenceMethod (5.8).
Input:   a credential whose shape was checked.
Shapes:  the members as they were signed; a single object stands in a tuple of one.
I/O:     none. What these members point to is never fetched, run or obeyed here.
Errors:  none.
"""

from __future__ import annotations

import msgspec

from ssi.credentials.texts import Text, read_texts
from ssi.credentials.vcdm import Credential
from ssi.types import JsonObject, JsonValue


class Unchecked(msgspec.Struct, frozen=True, omit_defaults=True):
    """Members that the issuer signed and that no check of this library looks at: to believe them is the reader's act.

    That the issuer says so is certain. Whether its terms bind anybody, its evidence exists, its refresh service is a
    good address to call or its render method harmless to run is not.
    """

    terms_of_use: tuple[JsonObject, ...] = ()
    evidence: tuple[JsonObject, ...] = ()
    refresh_service: tuple[JsonObject, ...] = ()
    render_method: tuple[JsonObject, ...] = ()
    confidence_method: tuple[JsonObject, ...] = ()

    @property
    def members(self) -> tuple[str, ...]:
        """The names of the members that are there, as the credential writes them."""
        return tuple(name for name, field in _UNCHECKED.items() if getattr(self, field))


_UNCHECKED = {
    "termsOfUse": "terms_of_use",
    "evidence": "evidence",
    "refreshService": "refresh_service",
    "renderMethod": "render_method",
    "confidenceMethod": "confidence_method",
}


class About(msgspec.Struct, frozen=True, omit_defaults=True):
    """A W3C credential beside its claims. Texts are in several languages: ``ssi.credentials.texts.choose_text``."""

    id: str | None = None
    name: tuple[Text, ...] = ()
    description: tuple[Text, ...] = ()
    issuer_name: tuple[Text, ...] = ()
    issuer_description: tuple[Text, ...] = ()
    unchecked: Unchecked = Unchecked()


def about(credential: Credential) -> About:
    """Return what ``credential`` says beside its claims."""
    raw = credential.raw
    context, issuer = raw.get("@context"), raw.get("issuer")
    named: JsonObject = issuer if isinstance(issuer, dict) else {}
    return About(
        id=credential.id,
        name=read_texts(raw.get("name"), context),
        description=read_texts(raw.get("description"), context),
        issuer_name=read_texts(named.get("name"), context),
        issuer_description=read_texts(named.get("description"), context),
        unchecked=Unchecked(**{field: _objects(raw.get(name)) for name, field in _UNCHECKED.items()}),
    )


def _objects(value: JsonValue) -> tuple[JsonObject, ...]:
    items = value if isinstance(value, list) else [value]
    return tuple(item for item in items if isinstance(item, dict))
