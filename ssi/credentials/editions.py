"""Digests of every edition of the W3C's contexts: what an issuer may have pinned, and when it was published.

Source:  the version histories of w3c/vc-data-model, w3c/vc-data-integrity, w3c/vc-bitstring-status-list and w3c/cid;
         ``scripts/record_editions.py`` writes the file from them.
Shapes:  digests are bytes by the algorithm's name: sha256, sha384, sha512.
I/O:     reads the package's own file, once.
Errors:  VerificationError (a digest that no edition has).

That a digest belongs to an old edition says that the issuer saw that edition. What the context means here is what the
edition that ships means: a context whose URL stays the same is not supposed to change what its terms mean.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from functools import cache

import msgspec

from ssi.credentials.integrity import parse_digest_multibase, parse_sri
from ssi.errors import VerificationError
from ssi.types import JsonObject


def editions() -> Mapping[str, Mapping[str, frozenset[bytes]]]:
    """Return the digests of all editions, by URL and then by algorithm."""
    return _editions()


def check_edition(resource: JsonObject) -> bool:
    """Check the digests of a related resource whose URL is that of a context recorded here; False if it is none.

    ``resource`` has the shape that ``parse_credential`` checks. Raises VerificationError if no edition has its digest.
    """
    known = _editions().get(resource["id"])
    if known is None:
        return False
    if "digestSRI" in resource:
        algorithm, digests = parse_sri(resource["digestSRI"])
        _check(digests & known[algorithm], "digestSRI")
    if "digestMultibase" in resource:
        algorithm, digest = parse_digest_multibase(resource["digestMultibase"])
        _check(known[algorithm] & {digest}, "digestMultibase")
    return True


def _check(found: frozenset[bytes], where: str) -> None:
    if not found:
        raise VerificationError(f"{where}: no edition of the context that was published has this digest")


@cache
def _editions() -> Mapping[str, Mapping[str, frozenset[bytes]]]:
    from importlib.resources import files

    recorded = msgspec.json.decode(files(__package__).joinpath("editions.json").read_bytes())
    return {
        url: {
            "sha256": frozenset(bytes.fromhex(item["sha256"]) for item in items),
            "sha384": frozenset(b64decode(item["sha384"]) for item in items),
            "sha512": frozenset(b64decode(item["sha512"]) for item in items),
        }
        for url, items in recorded.items()
    }
