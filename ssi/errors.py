"""Every error that this library lets out, as one tree.

    SsiError
    ├─ InvalidInputError       not the shape the specification gives   → 400, do not retry
    │  └─ InvalidDidError (UnsupportedDidMethodError) · CanonicalizationError · SchemaError
    │     ForbiddenUrlError · GuardError; below CanonicalizationError: JsonLdError (UnsupportedJsonLdError)
    ├─ VerificationError       well formed, but not to be believed     → 4xx, say which check
    │  └─ InvalidSignatureError · KeyBindingError · DisclosureError · StatusError
    │     ProofPurposeError · InclusionProofError (BrokenEntryError, ForkError,
    │     RollbackError) · UntrustedIssuerError · ValidityError
    │     InvalidVerificationMethodError · RestoredStoreError
    ├─ ProtocolError           wrong step or state; has the wire code  → e.g. "invalid_nonce"
    │  └─ SessionExpiredError
    ├─ ConflictError           the state is another than the caller expected → 409 (SizeConflictError)
    ├─ NotFoundError           DidNotFoundError · EntryNotFoundError · KeyNotFoundError → 404
    ├─ UnavailableError        network, ledger or key store            → 503, may retry
    │  └─ RpcError             a node's JSON-RPC answer is an error
    └─ UsageError              a mistake in the calling program        → 500

Messages say what was expected and what came, and never contain a claim value, a nonce or a key.
"""

from __future__ import annotations


class SsiError(Exception):
    """Base of every error of this library."""


class InvalidInputError(SsiError):
    """The input does not have the shape that its specification gives; asking again is useless."""


class InvalidDidError(InvalidInputError):
    """A DID or DID URL is malformed, or its method refuses its shape."""


class UnsupportedDidMethodError(InvalidDidError):
    """The DID may be well formed, but its method is none of those that the resolver knows."""


class RepresentationNotSupportedError(InvalidInputError):
    """None of the representations that were asked for is to be had."""


class CanonicalizationError(InvalidInputError):
    """A value or a graph has no canonical form (RFC 8785, RDFC-1.0)."""


class JsonLdError(CanonicalizationError):
    """A JSON-LD document or context is wrong, or says something that its graph would not hold.

    ``code`` is the error code of JSON-LD 1.1 where that has one (``protected term redefinition``, …), otherwise one of
    ours: ``context not allowed``, ``undefined term``, ``relative IRI``, ``malformed IRI``, ``dropped value``,
    ``lossy number``, ``too large``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class UnsupportedJsonLdError(JsonLdError):
    """A document or context uses a construct of JSON-LD that this library does not process: ``construct`` names it."""

    def __init__(self, construct: str) -> None:
        super().__init__("unsupported", f"expected JSON-LD without {construct}")
        self.construct = construct


class SchemaError(InvalidInputError):
    """A value does not match its JSON Schema; the message names the path, never the value."""


class ForbiddenUrlError(InvalidInputError):
    """The outbound door does not open for this URL or for the address it resolves to."""


class GuardError(InvalidInputError):
    """The ledger's admission guard refuses an entry; ``code`` is the rule (``G01`` …)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class VerificationError(SsiError):
    """Well formed, but not to be believed."""


class InvalidSignatureError(VerificationError):
    """A signature or proof does not hold under the key that it should hold under."""


class KeyBindingError(VerificationError):
    """The presenter did not prove possession of the key that the credential is bound to."""


class DisclosureError(VerificationError):
    """Disclosures and digests of an SD-JWT do not fit together."""


class StatusError(VerificationError):
    """The credential is revoked or suspended, or its status cannot be believed.

    ``reason`` says which, for programs: ``revoked``, ``suspended``, ``other`` (a status that policy does not accept),
    ``expired`` (the list), ``superseded`` (a newer list is anchored), ``unanchored``, or ``unreliable``.
    """

    def __init__(self, message: str, reason: str = "unreliable") -> None:
        super().__init__(message)
        self.reason = reason


class ProofPurposeError(VerificationError):
    """A key is used for a purpose that its DID document, or its own record, does not give it."""


class InvalidVerificationMethodError(VerificationError):
    """A DID URL names no verification method, or one that the subject of its document does not control."""


class InclusionProofError(VerificationError):
    """A Merkle proof, checkpoint or log does not prove what it should."""


class BrokenEntryError(InclusionProofError):
    """The stored log breaks at ``entry``: its bytes, its hashes or its place are not what was appended."""

    def __init__(self, entry: int, message: str) -> None:
        super().__init__(f"entry {entry}: {message}")
        self.entry = entry


class ForkError(InclusionProofError):
    """A log signed two heads that exclude each other; ``proof`` convinces others of it (``ssi.ledger.fork``)."""

    def __init__(self, message: str, proof: bytes) -> None:
        super().__init__(message)
        self.proof = proof


class RollbackError(InclusionProofError):
    """A log serves a head that is older than one it signed before."""


class RestoredStoreError(VerificationError):
    """A store is an older state of itself, restored: what it would do next may have been done before."""


class UntrustedIssuerError(VerificationError):
    """Policy does not accept this issuer for this type of credential."""


class ValidityError(VerificationError):
    """The time asked about lies outside the validity period."""


class ProtocolError(SsiError):
    """Wrong step or state of a protocol; ``code`` is the error code on the wire."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class SessionExpiredError(ProtocolError):
    """The session that this step belongs to has ended."""

    def __init__(self, message: str) -> None:
        super().__init__("session_expired", message)


class ConflictError(SsiError):
    """The stored state is another than the caller said it would be; nothing was changed."""


class SizeConflictError(ConflictError):
    """A checkpoint was to follow one of another size than the last one seen: that was of ``size``."""

    def __init__(self, message: str, size: int) -> None:
        super().__init__(message)
        self.size = size


class NotFoundError(SsiError):
    """The thing asked for does not exist here."""


class DidNotFoundError(NotFoundError):
    """No document exists for this DID."""


class EntryNotFoundError(NotFoundError):
    """The log has no entry at this index."""


class KeyNotFoundError(NotFoundError):
    """The key store has no key with this label."""


class UnavailableError(SsiError):
    """Network, ledger or key store did not answer; the outcome is unknown, asking again may help."""


class RpcError(UnavailableError):
    """A node answered a JSON-RPC call with an error: ``code`` and ``data`` are the node's own."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(f"the node answered with error {code}: {message}")
        self.code = code
        self.reason = message
        self.data = data


class UsageError(SsiError, RuntimeError):
    """The library is called in a way that cannot work, such as waiting for a loop on its own thread."""
