"""Serve an application until it is told to stop; bring TLS from files, or from a certificate made on the spot.

Source:  RFC 5280 for the certificate; the W3C suites accept a self-signed one.
Shapes:  certificates and keys are PEM files.
I/O:     listens; reads the files.
Errors:  UnavailableError (the port is taken), InvalidInputError (certificate and key do not fit).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ssi.errors import InvalidInputError, UnavailableError
from ssi.types import UnixSeconds

if TYPE_CHECKING:
    from ssl import SSLContext

    from aiohttp import web
    from cryptography import x509

DRAIN_SECONDS: Final = 10.0
SELF_SIGNED_DAYS: Final = 7


async def serve(
    app: web.Application, *, host: str, port: int, tls: SSLContext | None, listening: Callable[[str], None]
) -> None:
    """Serve ``app`` until SIGINT or SIGTERM; ``listening`` is told the URL once requests are taken."""
    import asyncio
    import signal

    from aiohttp import web

    runner = web.AppRunner(app, access_log=None, shutdown_timeout=DRAIN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        try:
            await site.start()
        except OSError as exc:
            raise UnavailableError(f"cannot listen on port {port}") from exc
        ended, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        addresses = [address for address in runner.addresses if isinstance(address, tuple)]
        name = f"[{host}]" if ":" in host else host
        listening(f"{'http' if tls is None else 'https'}://{name}:{addresses[0][1]}")
        await ended.wait()
    finally:
        await runner.cleanup()


def tls_from_files(certificate: str | None, key: str | None) -> SSLContext | None:
    """Return the TLS context of two PEM files, None for none. Raises InvalidInputError."""
    if bool(certificate) != bool(key):
        raise InvalidInputError("a certificate and its key belong together")
    if certificate is None:
        return None
    context = _context()
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as exc:
        raise InvalidInputError("the certificate and its key cannot be read as PEM, or do not fit") from exc
    return context


def tls_of(
    certificate: str | None, key: str | None, *, self_signed: bool, host: str, now: UnixSeconds
) -> SSLContext | None:
    """Return the TLS context that a command's options ask for, None for none. Raises InvalidInputError."""
    if self_signed and (certificate or key):
        raise InvalidInputError("expected either a certificate or a self-signed one")
    return self_signed_tls(host, now=now) if self_signed else tls_from_files(certificate, key)


def self_signed_tls(host: str, *, now: UnixSeconds) -> SSLContext:
    """Return the TLS context of a certificate for ``host`` and loopback, made here and kept nowhere.

    For trying things out: nobody can know whose it is. Its key is in a file only while it is loaded.
    """
    import tempfile
    from pathlib import Path

    context = _context()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tls.pem"
        file.touch(mode=0o600)
        file.write_bytes(_self_signed(host, now))
        context.load_cert_chain(file)
    return context


def _context() -> SSLContext:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _self_signed(host: str, now: UnixSeconds) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host[:64])])
    begin = datetime.fromtimestamp(now, UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - timedelta(hours=1))
        .not_valid_after(begin + timedelta(days=SELF_SIGNED_DAYS))
        .add_extension(x509.SubjectAlternativeName(_names(host)), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + certificate.public_bytes(pem)


def _names(host: str) -> list[x509.GeneralName]:
    from ipaddress import ip_address

    from cryptography import x509

    names: list[x509.GeneralName] = []
    for each in dict.fromkeys([host, "localhost", "127.0.0.1", "::1"]):
        try:
            names.append(x509.IPAddress(ip_address(each)))
        except ValueError:
            names.append(x509.DNSName(each))
    return names
