"""What was shown to whom: one record for each presentation, paths and never values.

Shapes:  ``when`` is in Unix seconds; paths are of the card's claims, as ``cards.shown_paths`` gives them.
I/O:     the vault.
Errors:  InvalidInputError (an audience that is none), NotFoundError (no such card), and those of the vault.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ssi.credentials.sd_jwt import ClaimPath
from ssi.errors import InvalidInputError

from .cards import Card
from .sealing import Plain
from .vault import Batch, Vault, new_id

SHOWN: Final = "shown"
MAX_AUDIENCE_CHARACTERS: Final = 2048
_OF_CARD: Final = "shown card"


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One presentation that was made."""

    id: str
    when: int
    audience: str
    """Whom it was bound to: the verifier's identifier as the request gave it."""
    card_id: str
    """The card, which may be deleted by now."""
    type: str
    issuer: str | None
    paths: tuple[ClaimPath, ...]
    """The claims about a subject that it shows, those included that cannot be withheld."""


class _Record(msgspec.Struct, frozen=True):
    shown: Shown
    number: int
    """Orders what happened in one second."""


def check_audience(audience: str) -> None:
    """Raise InvalidInputError unless ``audience`` can stand in a history that people read."""
    if not 0 < len(audience) <= MAX_AUDIENCE_CHARACTERS or not audience.isprintable():
        raise InvalidInputError(f"expected an audience, printable, at most {MAX_AUDIENCE_CHARACTERS} characters")


async def record_shown(vault: Vault, card: Card, *, when: int, audience: str, paths: tuple[ClaimPath, ...]) -> Shown:
    """Keep that ``card`` is shown, durably, before it is. Raises NotFoundError if the card is gone."""
    shown = Shown(
        id=new_id().hex(),
        when=when,
        audience=audience,
        card_id=card.id,
        type=card.type,
        issuer=card.issuer,
        paths=paths,
    )

    async def build() -> Batch:
        await vault.read([bytes.fromhex(card.id)], content=False)
        return Batch(puts=(shown_record(vault, shown, vault.revision),))

    await vault.write(build)
    return shown


def shown_record(vault: Vault, shown: Shown, number: int) -> Plain:
    """Return the record of one presentation."""
    return Plain(
        id=bytes.fromhex(shown.id),
        category=SHOWN,
        tags=frozenset((vault.tag(_OF_CARD, shown.card_id.encode("utf-8", "replace")),)),
        summary=msgspec.json.encode(_Record(shown, number)),
    )


async def forget_history(vault: Vault, *, before: int) -> int:
    """Erase what was shown before ``before``; return how many entries that were."""
    erased: tuple[bytes, ...] = ()

    async def build() -> Batch:
        nonlocal erased
        erased = tuple(bytes.fromhex(shown.id) for shown in await read_history(vault, None) if shown.when < before)
        return Batch(deletes=erased)

    await vault.write(build)
    return len(erased)


async def read_history(vault: Vault, card_id: str | None) -> tuple[Shown, ...]:
    """Return what was shown, of one card or of all, the oldest first."""
    tags = [] if card_id is None else [vault.tag(_OF_CARD, card_id.encode("utf-8", "replace"))]
    plains = await vault.read(await vault.find(SHOWN, tags), content=False)
    records = [msgspec.json.decode(plain.summary, type=_Record) for plain in plains]
    records.sort(key=lambda record: (record.shown.when, record.number))
    return tuple(record.shown for record in records)
