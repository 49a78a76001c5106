"""The ports that core functions wait on, and the values that pass through them.

An adapter (an HTTP door, a ledger, a registry) is written against these Protocols and is chosen where an application is
put together; the core imports only this file.

Source:  none; what these ports carry is specified where it is parsed.
Shapes:  times are whole Unix seconds; digests are unpadded base64url of SHA-256; ``entry`` is a ledger index from 0.
I/O:     none here. ``Fetch`` and ``LogSource`` may wait; ``RegistryView`` is pure state at one ledger size.
Errors:  named on every method.
"""

from __future__ import annotations

from typing import Protocol

import msgspec


class Fetched(msgspec.Struct, frozen=True):
    """The answer to one request: of a GET a successful one."""

    url: str
    status: int
    content_type: str
    body: bytes


class Fetch(Protocol):
    """The one way to read from the network."""

    async def __call__(self, url: str, *, accept: str = "application/json", max_bytes: int = 1 << 20) -> Fetched:
        """Return the body of ``url``; only status 200 is an answer, and at most ``max_bytes`` bytes are read.

        Raises ForbiddenUrlError if the URL or its address is not allowed, NotFoundError on 404 and 410, and
        UnavailableError on everything else: another status, a redirect, too many bytes, a time-out, no connection.
        """
        ...


class Post(Protocol):
    """The one way to ask something of a server that a body has to say."""

    async def __call__(self, url: str, body: bytes, *, content_type: str, max_bytes: int = 1 << 20) -> Fetched:
        """Return the answer to a POST, whatever its status but a redirect; at most ``max_bytes`` bytes are read.

        Raises ForbiddenUrlError if the URL or its address is not allowed, and UnavailableError without an answer.
        """
        ...


class LogSource(Protocol):
    """Where the log of a did:webvh DID comes from when it is not fetched from its own web server."""

    async def did_log(self, did: str) -> bytes:
        """Return the bytes of the did.jsonl of ``did``.

        Raises DidNotFoundError if this source has no log for it, UnavailableError if the source did not answer.
        """
        ...


class WitnessSource(Protocol):
    """What a LogSource may offer besides: the witness proofs that go with its logs."""

    async def did_witness(self, did: str) -> bytes:
        """Return the bytes of the did-witness.json of ``did``.

        Raises DidNotFoundError if this source has no log for it, UnavailableError if the source did not answer.
        """
        ...


class Commitment(msgspec.Struct, frozen=True):
    """A status list whose digest is anchored on the ledger."""

    uri: str
    epoch: int
    digest: str
    """Unpadded base64url of the SHA-256 of the signed list's bytes."""
    valid_from: int
    valid_until: int
    issuer: str
    """The DID that made the commitment."""
    entry: int
    """The ledger index of the commitment."""


class Accredited(msgspec.Struct, frozen=True):
    """Why an issuer may issue a credential type."""

    accreditation: str
    """Id of the accreditation that names issuer and type."""
    accreditor: str
    """The DID that gave it."""
    path: tuple[str, ...]
    """Ids of the accreditations from a root to this one, this one last."""


class RegistryView(Protocol):
    """What the ledger's entries say, at one log size; pure state, no waiting."""

    @property
    def size(self) -> int:
        """The number of ledger entries that this view has folded."""
        ...

    @property
    def checkpoint_time(self) -> int | None:
        """Unix seconds of the checkpoint that the view was proven against; None if it was proven against none."""
        ...

    def did_log(self, did: str) -> bytes:
        """Return the bytes of the did.jsonl of ``did``. Raises DidNotFoundError."""
        ...

    def compromised_since(self, kid: str, *, at: int) -> int | None:
        """Return since when the verification method ``kid`` counts as compromised for something said at Unix time
        ``at``, or None if it does not.
        """
        ...

    def commitment_before_compromise(self, kid: str, *, uri: str, digest: str) -> Commitment | None:
        """Return the commitment to ``digest`` at ``uri`` that stands on the ledger before the verification method
        ``kid`` was compromised, or None if there is none; one that whoever stole the key could have made is none.
        """
        ...

    def newest_commitment(self, uri: str) -> Commitment | None:
        """Return the newest commitment for the status list at ``uri``, or None if there is none."""
        ...

    def may_issue(self, issuer: str, credential_type: str, *, at: int) -> Accredited | None:
        """Return why ``issuer`` may issue ``credential_type`` at Unix time ``at``, or None if it may not."""
        ...


class RegistrySource(Protocol):
    """The registry as a verifier needs it: the newest view, and DID logs (``RegistryFollower`` is one)."""

    def view(self) -> RegistryView:
        """Return the newest view; pure state, nothing waits."""
        ...

    async def did_log(self, did: str) -> bytes:
        """Return the log of a DID (``LogSource``)."""
        ...


class PublishedList(msgspec.Struct, frozen=True):
    """A signed status list as it is served."""

    uri: str
    body: bytes
    media_type: str
    receipt: bytes | None
    """The receipt served beside the list (JSON of ``ssi.ledger.receipt`` with the entry); None while it has none."""


class StatusListSource(Protocol):
    """Where signed status lists come from: the web, a folder, or the issuer in the same process."""

    async def status_list(self, uri: str) -> PublishedList:
        """Return the newest list at ``uri``; nothing in it is believed yet.

        Raises NotFoundError if there is none, UnavailableError if the source did not answer.
        """
        ...
