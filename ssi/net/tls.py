"""The TLS settings of the outbound door.

Source:  RFC 9325 (TLS 1.2 or later, certificate and host name always checked).
Input:   a PEM file of certificate authorities, or None for those that OpenSSL was built to use.
I/O:     reads the file. ``ssl.create_default_context`` is not used: it takes certificate files (SSL_CERT_FILE) and
         a log of session keys (SSLKEYLOGFILE) from the environment.
Errors:  InvalidInputError if no certificate authority can be read.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from ssi.errors import InvalidInputError


def client_context(ca_file: str | Path | None) -> ssl.SSLContext:
    """Return a client context that believes the given certificate authorities only. Raises InvalidInputError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if ca_file is not None:
            context.load_verify_locations(cafile=ca_file)
        else:
            _load_built_in(context)
    except (OSError, ValueError) as exc:
        raise InvalidInputError("the CA file cannot be read as PEM certificates") from exc
    return context


def _load_built_in(context: ssl.SSLContext) -> None:
    paths = ssl.get_default_verify_paths()
    file, folder = Path(paths.openssl_cafile), Path(paths.openssl_capath)
    if file.is_file():
        context.load_verify_locations(cafile=file)
    elif folder.is_dir():
        context.load_verify_locations(capath=folder)
    else:
        raise InvalidInputError("OpenSSL's own CA file is absent here: give ca_file")
