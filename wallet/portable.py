"""A wallet as one sealed file, to be carried to another device or program.

Source:  ``ssi.keys.sealed`` (Argon2id, AES-256-GCM).
Input:   an open wallet; or a file that anybody may have made, and its passphrase.
Shapes:  JSON ``{"format", "cards", "keys", "history"}`` under the seal. Keys are private JWKs: a holder's keys leave
         the wallet in this file and in no other way, whether or not the key store would export them one by one.
I/O:     none.
Errors:  InvalidInputError (no such file), VerificationError (wrong passphrase, or altered), KeyBindingError (a card
         whose key is not in the file).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError
from ssi.keys import Curve, KeyInfo, KeyPurpose, PrivateKey
from ssi.keys.sealed import seal, unseal
from ssi.types import JsonObject

from .cards import Card
from .history import Shown

FORMAT: Final = "countersigned-wallet/1"
MAX_FILE_BYTES: Final = 1 << 28
_ID: Final = re.compile(r"[0-9a-f]{32}")


class PortableCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One card: what the issuer delivered, and what this wallet knew of it."""

    id: str
    credential: str
    added_at: int
    verified_at: int | None
    issuance_proof: str | None = None
    """What the issuer gave to prove when it was issued."""

    def __repr__(self) -> str:
        return f"PortableCard({self.id})"  # without claims: a repr ends up in logs


class PortableKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the holder's keys, secret part included."""

    label: str
    purpose: KeyPurpose
    exportable: bool
    jwk: JsonObject

    def __repr__(self) -> str:
        return f"PortableKey({self.label})"

    def open(self) -> tuple[KeyInfo, PrivateKey]:
        """Return the key. Raises InvalidInputError."""
        private = PrivateKey.from_jwk(self.jwk)
        return KeyInfo(self.label, self.purpose, Curve(private.public_key.curve), self.exportable), private


class Portable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a wallet."""

    format: str
    cards: Sequence[PortableCard]
    keys: Sequence[PortableKey]
    history: Sequence[Shown]


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a file was new to the wallet."""

    cards: int
    keys: int
    history: int


def portable_card(card: Card, credential: str, proof: bytes | None) -> PortableCard:
    """Return what is exported of a card."""
    return PortableCard(
        id=card.id,
        credential=credential,
        added_at=card.added_at,
        verified_at=card.verified_at,
        issuance_proof=None if proof is None else proof.decode("ascii", "replace"),
    )


def build_portable(content: Portable, passphrase: str | bytes) -> bytes:
    """Return the sealed file."""
    return seal(msgspec.json.encode(content), passphrase)


def parse_portable(data: bytes, passphrase: str | bytes) -> Portable:
    """Return what a sealed file holds. Raises as the module says."""
    if len(data) > MAX_FILE_BYTES:
        raise InvalidInputError(f"expected a wallet file of at most {MAX_FILE_BYTES} bytes")
    members = parse_object(unseal(data, passphrase), max_bytes=MAX_FILE_BYTES)
    if members.get("format") != FORMAT:
        raise InvalidInputError(f"expected an exported wallet of the format {FORMAT}")
    try:
        content = msgspec.convert(members, Portable)
    except msgspec.ValidationError as exc:
        # Its own message may quote what it found.
        raise InvalidInputError("expected an exported wallet with cards, keys and history") from exc
    ids = [*(card.id for card in content.cards), *(shown.id for shown in content.history)]
    if not all(_ID.fullmatch(record_id) for record_id in ids):
        raise InvalidInputError("expected an exported wallet whose records have ids of 32 hexadecimal digits")
    return content
