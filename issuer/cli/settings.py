"""The table ``issuer`` of a project file, and the issuer that it describes.

Shapes:  ``organisation`` names an organisation of the project; an issuer whose DID is not kept on the ledger has the
         table ``issuer.outside`` instead. ``issuer.issuance`` switches on the issuance book.
I/O:     opens the stores that are named.
Errors:  InvalidInputError, and those of what is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ssi.cli.session import Session
from ssi.errors import InvalidInputError

if TYPE_CHECKING:
    from ..identity import Identity
    from ..issuer import Issuer
    from ..store import IssuerStore


class IssuanceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table ``issuer.issuance``: anchor that credentials were issued, batch by batch (docs/adr/0007)."""

    store: str
    """``sqlite:PATH``."""
    uri: str | None = None
    """What the commitments are about; by default ``issued`` below the base of the status lists."""
    period_seconds: int | None = None


class OutsideSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table ``issuer.outside``: an issuer that was made elsewhere, such as one that was taken over."""

    did: str
    credential: tuple[str, str]
    """Label and verification method of the key that signs credentials."""
    list: tuple[str, str]
    """Label and verification method of the key that signs status lists."""
    document: str | None = None
    """The DID document's file, where it is served from here; without it the DID is resolved."""


class IssuerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table ``issuer`` of a project file."""

    organisation: str | None = None
    """Which organisation of the project issues; None for one of ``outside``."""
    store: str
    """``sqlite:PATH``, or the URL of a plug-in."""
    catalogue: tuple[str, ...]
    """The files of the credential types."""
    status_base: str
    """The https URL under which the status lists are served."""
    list_entries: int | None = None
    list_ttl_seconds: int | None = None
    list_lifetime_seconds: int | None = None
    list_embedded_proof: bool | None = None
    """Whether bitstring lists have an embedded proof instead of being ``vc+jwt``."""
    list_cryptosuite: str | None = None
    issuance: IssuanceSettings | None = None
    outside: OutsideSettings | None = None


class Opened(msgspec.Struct, frozen=True):
    """An issuer with the store that it works on."""

    issuer: Issuer
    store: IssuerStore


async def open_issuer(session: Session) -> Issuer:
    """Return the issuer that the project file describes."""
    return (await open_with_store(session)).issuer


async def open_with_store(session: Session) -> Opened:
    """Return the issuer that the project file describes, and its store, for acts on the store itself."""
    from ..catalogue import CredentialType
    from ..issuer import Issuer
    from ..publishing import StatusSettings
    from ..stores import open_issuer_store

    settings = read_settings(session)
    given: dict[str, Any] = {
        "entries": settings.list_entries,
        "ttl_seconds": settings.list_ttl_seconds,
        "lifetime_seconds": settings.list_lifetime_seconds,
        "embedded_proof": settings.list_embedded_proof,
        "cryptosuite": settings.list_cryptosuite,
    }
    identity = await _identity(session, settings)
    store = await open_issuer_store(session.project.url(settings.store))
    session.closing(store.close)
    issuer = await Issuer.open(
        identity,
        store=store,
        registry=None if settings.outside else await session.registry(),
        catalogue=[CredentialType.load(session.project.file(name)) for name in settings.catalogue],
        status_base=settings.status_base,
        status=StatusSettings(**{name: value for name, value in given.items() if value is not None}),
        now=session.now,
    )
    if settings.issuance is not None:
        await _keep_book(session, issuer, settings.issuance)
    return Opened(issuer, store)


def read_settings(session: Session) -> IssuerSettings:
    """Return the table ``issuer``. Raises InvalidInputError if there is none, or it names no issuer or two."""
    settings = session.project.section("issuer", IssuerSettings)
    if settings is None:
        raise InvalidInputError(f"no issuer: {session.project.path.name} has no table issuer")
    if (settings.organisation is None) == (settings.outside is None):
        raise InvalidInputError("expected an issuer with either an organisation or a table issuer.outside")
    if settings.issuance is not None and settings.outside is not None:
        raise InvalidInputError("an issuer that is not on the ledger cannot anchor what it issues")
    return settings


async def _identity(session: Session, settings: IssuerSettings) -> Identity:
    from ssi.cli.files import read_input
    from ssi.did.document import parse_document
    from ssi.encoding.gate import parse_object
    from ssi.keys import KeyPurpose

    from ..identity import OutsideIdentity

    outside = settings.outside
    if outside is None:
        return await session.organisation(settings.organisation or "")
    if outside.document is None:
        document = (await (await session.resolver()).resolve(outside.did)).document
    else:
        raw = parse_object(read_input(str(session.project.file(outside.document))))
        document = parse_document(raw, did=outside.did)
    keys = {KeyPurpose.CREDENTIAL: outside.credential, KeyPurpose.LIST: outside.list}
    return await OutsideIdentity.of(document, kms=session.kms(), keys=keys)


async def _keep_book(session: Session, issuer: Issuer, settings: IssuanceSettings) -> None:
    from ssi.database import sqlite_path

    from ..issuance import PERIOD_SECONDS, IssuanceBook
    from ..stores.issuance import SqliteIssuanceStore

    store = await SqliteIssuanceStore.open(sqlite_path(session.project.url(settings.store)))
    session.closing(store.close)
    issuer.book = IssuanceBook(
        issuer.organisation,
        store=store,
        registry=await session.registry(),
        uri=settings.uri or f"{issuer.status_base}/issued",
        now=session.now,
        period_seconds=settings.period_seconds or PERIOD_SECONDS,
    )
