"""The W3C presentation: its shape, and credentials in envelopes.

Source:  W3C Verifiable Credentials Data Model v2.0, section 4.13, and v1.1, section 4.10; RFC 2397 (data URLs).
Input:   a JSON object from the parse gate.
Shapes:  an enveloped credential is ``{"@context", "id": "data:<media type>,<secured credential>", "type"}``.
I/O:     none.
Errors:  InvalidInputError.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final, TypeAlias

import msgspec

from ssi.credentials.contexts import VC_V1_CONTEXT, VC_V2_CONTEXT, InlineContexts, check_contexts, check_v1_contexts
from ssi.credentials.values import check_url, parse_identified, parse_objects, parse_types
from ssi.credentials.vcdm import Credential
from ssi.credentials.vcdm_v1 import is_v1, parse_any_credential
from ssi.errors import InvalidInputError
from ssi.types import JsonObject, JsonValue

MAX_CREDENTIALS: Final = 64
"""Most credentials that one presentation may carry; ours, the model sets no bound."""

ENVELOPED_CREDENTIAL: Final = "EnvelopedVerifiableCredential"
ENVELOPED_PRESENTATION: Final = "EnvelopedVerifiablePresentation"
_LINE_ENDS: Final = {9: None, 10: None, 13: None}
_DATA_URL: Final = re.compile(
    r"data:([A-Za-z0-9][A-Za-z0-9!#$&^_.+\-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+\-]{0,126})"
    r"((?:;[A-Za-z0-9_.=+\-]{1,64}){0,4}),([A-Za-z0-9_.~+/=%:;,\-]++)"
)


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """A secured credential, or presentation, in its envelope: nothing in ``data`` has been looked at.

    ``media_type`` is lower case without parameters (``application/vc+jwt``), ``data`` the text after the comma: one
    secured credential, or else whoever reads it will refuse it. ``base64`` says that it stands for bytes, as it
    does for COSE (VC-JOSE-COSE, 3.3.1).
    """

    media_type: str
    data: str
    type: str = ENVELOPED_CREDENTIAL
    base64: bool = False

    def to_object(self) -> JsonObject:
        """Return the object that stands for it in JSON (4.13.1, 4.13.2)."""
        encoding = ";base64" if self.base64 else ""
        return {"@context": VC_V2_CONTEXT, "id": f"data:{self.media_type}{encoding},{self.data}", "type": self.type}


PresentedCredential: TypeAlias = Envelope | Credential


class Presentation(msgspec.Struct, frozen=True, gc=False):
    """A presentation whose shape was checked. ``holder`` is a claim of its author."""

    raw: JsonObject
    types: tuple[str, ...]
    credentials: tuple[PresentedCredential, ...]
    id: str | None = None
    holder: str | None = None


def parse_presentation(
    value: JsonValue, *, contexts: Collection[str], inline_contexts: InlineContexts = False
) -> Presentation:
    """Return ``value`` as a presentation; ``contexts`` and ``inline_contexts`` as for ``parse_credential``.

    Data model 1.1 is read if its base context is among ``contexts``. A credential that is neither enveloped nor has a
    proof is self-asserted: its issuer must be the holder (4.13.4).
    Raises InvalidInputError.
    """
    if type(value) is not dict:
        raise InvalidInputError("expected a presentation to be a JSON object")
    raw: JsonObject = value
    if type(raw.get("@context")) is not list:
        raise InvalidInputError("expected @context to be a list")
    check = check_v1_contexts if VC_V1_CONTEXT in contexts and is_v1(raw) else check_contexts
    check(raw["@context"], contexts, inline=inline_contexts)
    types = parse_types(raw.get("type"), "type", required="VerifiablePresentation")
    identifier = check_url(raw["id"], "id") if "id" in raw else None
    holder = parse_identified(raw["holder"], "holder") if "holder" in raw else None
    if "termsOfUse" in raw:
        for item in parse_objects(raw["termsOfUse"], "termsOfUse"):
            parse_types(item.get("type"), "termsOfUse.type")
    credentials: tuple[PresentedCredential, ...] = ()
    if "verifiableCredential" in raw:
        members = parse_objects(raw["verifiableCredential"], "verifiableCredential")
        if len(members) > MAX_CREDENTIALS:
            raise InvalidInputError(f"expected at most {MAX_CREDENTIALS} credentials in a presentation")
        credentials = tuple(_parse_member(item, holder, contexts, inline_contexts) for item in members)
    return Presentation(raw, types, credentials, identifier, holder)


def build_presentation(
    credentials: Sequence[Envelope], *, holder: str | None, identifier: str | None = None
) -> Presentation:
    """Return a presentation of ``credentials`` by ``holder``, to be secured. Raises InvalidInputError."""
    members: JsonObject = {
        "@context": [VC_V2_CONTEXT],
        "type": ["VerifiablePresentation"],
        "id": identifier,
        "holder": holder,
        "verifiableCredential": [item.to_object() for item in credentials] or None,
    }
    return parse_presentation({name: value for name, value in members.items() if value is not None}, contexts=())


def parse_envelope(value: JsonObject, *, contexts: Collection[str], kind: str = ENVELOPED_CREDENTIAL) -> Envelope:
    """Return the envelope in ``value``, of type ``kind`` (4.13.1, 4.13.2). Raises InvalidInputError."""
    check_contexts(value.get("@context"), contexts)
    if value.get("type") not in (kind, [kind]):
        raise InvalidInputError(f"expected the type of an envelope to be {kind}")
    identifier = value.get("id")
    # A URL parser drops tabs and line ends (URL Standard, 4.4), and published envelopes end in one.
    match = _DATA_URL.fullmatch(identifier.translate(_LINE_ENDS)) if type(identifier) is str else None
    if match is None:
        raise InvalidInputError("expected the id of an envelope to be a data: URL")
    base64 = match[2].lower().endswith((";base64", ";base64url"))
    data = match[3]
    if base64 and "%" in data:
        from urllib.parse import unquote

        data = unquote(data)
    return Envelope(match[1].lower(), data, kind, base64)


def _parse_member(
    value: JsonObject, holder: str | None, contexts: Collection[str], inline_contexts: InlineContexts
) -> PresentedCredential:
    if value.get("type") in (ENVELOPED_CREDENTIAL, [ENVELOPED_CREDENTIAL]):
        return parse_envelope(value, contexts=contexts)
    credential = parse_any_credential(value, contexts=contexts, inline_contexts=inline_contexts)
    if "proof" not in credential.raw and credential.issuer != holder:
        raise InvalidInputError("expected a credential without proof or envelope to be the holder's own")
    return credential
