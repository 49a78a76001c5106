"""Evidence: one verification, kept in one file, to be looked at again in years and without a network.

Source:  the layout is this library's own; RFC 3161 for the time-stamp token.
Input:   to make one, ``Verifier.verify(…, keep_evidence=True)``; to read one, bytes that anybody may have made.
Shapes:  an archive (``ssi.encoding.archive``), sealed with a passphrase if wanted (``ssi.keys.sealed``):

         ===================== ========================================================================
         ``evidence.json``     ``{"format", "made_at", "keep_until"?, "ledger", "files"}``: every member
                               below with its SHA-256; ledger is ``whole``, ``excerpt`` or ``none``
         ``presentation.txt``  what was presented, byte for byte
         ``request.json``      ``{"at", "clock", "logs_clock", "nonce"?}``
         ``policy.json``       the policy
         ``result.json``       what came out: claims and report, or the refusal
         ``anchors.json``      ``{"roots", "keys"}`` that the verifier believed the ledger under
         ``world/lists/``      status lists with receipts and an index
         ``world/ledger/``     entries, as ``ssi.ledger.excerpt``: DID logs, accreditations, commitments
         ``world/checkpoints/`` the checkpoint of that day
         ``world/documents/``  schemas and related resources that policy pins, with an index
         ``world/web/``        DID documents and logs that came from the web, with an index from URL to file
         ``timestamp.tsr``     optional: an RFC 3161 response over ``evidence.json``
         ===================== ========================================================================

I/O:     ``load`` and ``save``, one file of mode 0600.
Errors:  InvalidInputError (no evidence), VerificationError (altered, or a wrong passphrase), NotFoundError,
         UnavailableError (the disk).

The file holds the claims that were shown. It is personal data: keep it no longer than ``keep_until``, and sealed.
"""

from __future__ import annotations

import calendar
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from ssi.durable import replace_file
from ssi.encoding.archive import build_archive, parse_archive
from ssi.encoding.gate import parse_object
from ssi.encoding.jcs import jcs
from ssi.errors import InvalidInputError, NotFoundError
from ssi.keys.sealed import is_sealed, seal, unseal
from ssi.types import JsonObject

from .contents import check_contents, digests

if TYPE_CHECKING:
    from .anchors import Anchors
    from .policy import Policy
    from .recheck import Recheck

FORMAT: Final = "countersigned-evidence/1"
MANIFEST: Final = "evidence.json"
TIMESTAMP: Final = "timestamp.tsr"
MAX_EVIDENCE_BYTES: Final = 1 << 28
MAX_MANIFEST_BYTES: Final = 1 << 20
MAX_TIMESTAMP_BYTES: Final = 1 << 16
REQUIRED: Final = ("presentation.txt", "request.json", "policy.json", "result.json")
_DURATION: Final = re.compile(r"P(?:([0-9]{1,4})([YMD])|T([0-9]{1,5})H)")

LedgerKind = Literal["whole", "excerpt", "none"]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What evidence says of itself; every member besides has its hash here, and a time stamp is over all this."""

    format: Literal["countersigned-evidence/1"]
    made_at: int
    ledger: LedgerKind
    files: dict[str, str]
    keep_until: int | None = None


class Evidence:
    """One kept verification. Nothing in it is believed before ``recheck``."""

    def __init__(self, members: Mapping[str, bytes], manifest: Manifest) -> None:
        """Use ``load`` or ``parse``, or ``VerifiedPresentation.evidence``."""
        self.members: Final = members
        self.manifest: Final = manifest

    def __repr__(self) -> str:
        return f"Evidence(made_at={self.manifest.made_at})"  # claims must not get into a log by way of a traceback

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, passphrase: str | bytes | None = None) -> Evidence:
        """Read evidence from a file. Raises as the module says."""
        location = Path(path)
        try:
            with location.open("rb") as file:
                data = file.read(MAX_EVIDENCE_BYTES + 1)
        except OSError as exc:
            raise NotFoundError(f"{location.name} cannot be read") from exc
        return cls.parse(data, passphrase=passphrase)

    @classmethod
    def parse(cls, data: bytes, *, passphrase: str | bytes | None = None) -> Evidence:
        """Read evidence from bytes, complete and as its manifest lists it. Raises as the module says."""
        if len(data) > MAX_EVIDENCE_BYTES:
            raise InvalidInputError(f"expected evidence of at most {MAX_EVIDENCE_BYTES} bytes")
        if is_sealed(data):
            if passphrase is None:
                raise InvalidInputError("the evidence is sealed, and needs its passphrase")
            data = unseal(data, passphrase)
        members = parse_archive(data, max_bytes=MAX_EVIDENCE_BYTES)
        if MANIFEST not in members:
            raise InvalidInputError(f"expected evidence, which has a member {MANIFEST}")
        try:
            manifest = msgspec.convert(parse_object(members[MANIFEST], max_bytes=MAX_MANIFEST_BYTES), Manifest)
        except msgspec.ValidationError as exc:
            raise InvalidInputError(f"{MANIFEST}: {exc}") from exc
        check_contents(members, manifest.files, besides=(MANIFEST, TIMESTAMP))
        for name in REQUIRED:
            if name not in members:
                raise InvalidInputError(f"expected evidence with a member {name}")
        return cls(members, manifest)

    def to_bytes(self, *, passphrase: str | bytes | None = None) -> bytes:
        """Return the file, sealed if there is a passphrase."""
        data = build_archive(self.members)
        return data if passphrase is None else seal(data, passphrase)

    def save(self, path: str | os.PathLike[str], *, passphrase: str | bytes | None = None) -> None:
        """Write the file, whole or not at all, for its owner alone. Raises UnavailableError."""
        replace_file(Path(path), self.to_bytes(passphrase=passphrase))

    def keep(self, duration: str) -> Evidence:
        """Return the evidence with the date until which it may be kept: ``P10Y``, ``P6M``, ``P30D`` or ``PT12H``.

        A time stamp is over the date, too, and has to be asked for after this. Raises InvalidInputError.
        """
        manifest = msgspec.structs.replace(self.manifest, keep_until=keep_until(self.manifest.made_at, duration))
        members = {name: data for name, data in self.members.items() if name != TIMESTAMP}
        return Evidence({**members, MANIFEST: _encode(manifest)}, manifest)

    def timestamp_request(self) -> bytes:
        """Return an RFC 3161 request to send to a time stamping authority; nothing is sent here."""
        from .timestamp import build_request

        return build_request(self.members[MANIFEST])

    def with_timestamp(self, token: bytes) -> Evidence:
        """Return the evidence with a response, or a bare TimeStampToken, of an authority; it must be for this evidence.

        Who signed it is found out in ``recheck``, under the anchors given there. Raises InvalidInputError, or
        VerificationError if it is for something else.
        """
        from .timestamp import read_timestamp

        response = read_timestamp(token, self.members[MANIFEST])
        return Evidence({**self.members, TIMESTAMP: response}, self.manifest)

    async def recheck(self, *, anchors: Anchors | str | Path | None = None, policy: Policy | None = None) -> Recheck:
        """Verify again as of then and compare; see ``verifier.recheck.recheck``."""
        from .recheck import recheck

        return await recheck(self, anchors=anchors, policy=policy)


def build_evidence(files: Mapping[str, bytes], *, made_at: int, ledger: LedgerKind) -> Evidence:
    """Return evidence of these members."""
    manifest = Manifest("countersigned-evidence/1", made_at, ledger, digests(files))
    return Evidence({**files, MANIFEST: _encode(manifest)}, manifest)


def keep_until(start: int, duration: str) -> int:
    """Return the Unix time that lies ``duration`` after ``start``; months and years are the calendar's."""
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise InvalidInputError("expected a duration such as P10Y, P6M, P30D or PT12H")
    if found[3]:
        return start + int(found[3]) * 3_600
    number, unit = int(found[1]), found[2]
    if unit == "D":
        return start + number * 86_400
    began = datetime.fromtimestamp(start, UTC)
    months = began.year * 12 + began.month - 1 + number * (12 if unit == "Y" else 1)
    year, month = divmod(months, 12)
    if year > 9999:
        raise InvalidInputError("expected a duration that ends before the year 10000")
    day = min(began.day, calendar.monthrange(year, month + 1)[1])
    return int(began.replace(year=year, month=month + 1, day=day).timestamp())


def _encode(manifest: Manifest) -> bytes:
    built: JsonObject = msgspec.to_builtins(manifest)
    return jcs(built)
