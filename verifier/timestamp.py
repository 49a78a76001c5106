"""RFC 3161 time stamps over evidence: build the request, take the response, verify it under given roots.

Source:  RFC 3161, sections 2.4.1 (request) and 2.4.2 (response, token); RFC 5816 is what the library follows.
Input:   a response or a bare token of an authority, untrusted; PEM certificates of roots that the caller believes.
Shapes:  SHA-256 message imprints; times are Unix seconds.
I/O:     none: whoever wants a time stamp sends the request.
Errors:  InvalidInputError (no time stamp), VerificationError (of something else, or not signed under the roots),
         UnavailableError (the extra ``timestamp`` is not installed).

A token outlives the certificate that signed it: the chain is looked at as of the token's own time. Roots that were
broken since do not belong among the anchors.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from ssi.errors import InvalidInputError, UnavailableError, VerificationError

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

MAX_TIMESTAMP_BYTES: Final = 1 << 16
_SHA256: Final = "2.16.840.1.101.3.4.2.1"
_GRANTED: Final = b"\x30\x03\x02\x01\x00"


def build_request(message: bytes) -> bytes:
    """Return a DER request for a time stamp over ``message``, with a nonce, asking for the certificates."""
    client = _client()
    builder = client.TimestampRequestBuilder().data(message).hash_algorithm(client.HashAlgorithm.SHA256)
    request: bytes = builder.cert_request(cert_request=True).build().as_bytes()
    return request


def read_timestamp(data: bytes, message: bytes) -> bytes:
    """Return the DER response in ``data`` (a response, or a token that becomes one), which is over ``message``."""
    response = _decode(data)
    imprint = response.tst_info.message_imprint
    if imprint.hash_algorithm.dotted_string != _SHA256 or imprint.message != sha256(message).digest():
        raise VerificationError("the time stamp is of something else")
    built: bytes = response.as_bytes()
    return built


def verify_timestamp(data: bytes, message: bytes, *, roots: Sequence[bytes]) -> int:
    """Return when an authority under ``roots`` (PEM) saw ``message``. Raises VerificationError."""
    from cryptography import x509

    client, response = _client(), _decode(data)
    read_timestamp(data, message)
    try:
        certificates = [found for pem in roots for found in x509.load_pem_x509_certificates(pem)]
        builder = client.VerifierBuilder()
        for certificate in dict.fromkeys(certificates):
            builder = builder.add_root_certificate(certificate)
        builder.build().verify(response, sha256(message).digest())
    except client.VerificationError as exc:
        raise VerificationError("the time stamp is not signed by an authority under the given roots") from exc
    except ValueError as exc:
        raise InvalidInputError("expected certificates of time stamping authorities in PEM") from exc
    return int(response.tst_info.gen_time.timestamp())


def _decode(data: bytes) -> TimeStampResponse:
    if len(data) > MAX_TIMESTAMP_BYTES:
        raise InvalidInputError(f"expected a time stamp of at most {MAX_TIMESTAMP_BYTES} bytes")
    client = _client()
    for tried in (data, _as_response(data)):
        try:
            response: TimeStampResponse = client.decode_timestamp_response(tried)
            _ = response.tst_info.message_imprint.message, response.tst_info.gen_time  # read lazily, so tried here
        except (ValueError, TypeError, OverflowError):
            continue
        return response
    raise InvalidInputError("expected an RFC 3161 response that was granted, or a TimeStampToken")


def _as_response(token: bytes) -> bytes:
    """Return a granted response around a bare token: SEQUENCE { PKIStatusInfo { 0 }, token }."""
    body = _GRANTED + token
    length = len(body).to_bytes(4, "big").lstrip(b"\0")
    return b"\x30" + (length if len(body) < 0x80 else bytes([0x80 | len(length)]) + length) + body


def _client() -> Any:
    try:
        import rfc3161_client
    except ImportError as exc:
        raise UnavailableError("time stamps need the extra: pip install 'countersigned[timestamp]'") from exc
    return rfc3161_client
