"""The parameters in the query of a DID URL.

Source:  W3C DID Resolution v1 (CR 2026-07-23), sections "DID Parameters", "Query Normalization" and "Query String
         Normalization and Injection Risks"; did:webvh 1.0, "Reading did:webvh DID URLs" (versionNumber).
Input:   the query of a DID URL that was parsed, still percent-encoded.
Shapes:  values are percent-decoded exactly once; a plus sign is a plus sign. Times are Unix seconds.
I/O:     none.
Errors:  InvalidDidError: a parameter that comes twice, or a value that is none.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec

from ssi.encoding.timestamps import parse_seconds
from ssi.errors import InvalidDidError, InvalidInputError

MAX_PARAMETERS: Final = 32

VERSIONS: Final = ("versionId", "versionTime", "versionNumber")

_DATETIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")


class DidParameters(msgspec.Struct, frozen=True):
    """What a query asks for; None is what it does not say."""

    service: str | None = None
    service_type: str | None = None
    relative_ref: str | None = None
    version_id: str | None = None
    version_time: int | None = None
    version_number: int | None = None
    others: frozenset[str] = frozenset()
    """Names of parameters that are none of these."""

    @property
    def selects_services(self) -> bool:
        """Whether the query is about services of the document."""
        return self.service is not None or self.service_type is not None


def parse_did_parameters(query: str | None) -> DidParameters:
    """Return the parameters of a query; None and the empty one have none. Raises InvalidDidError."""
    pairs = query.split("&") if query else []
    if len(pairs) > MAX_PARAMETERS:
        raise InvalidDidError(f"expected at most {MAX_PARAMETERS} parameters in a DID URL")
    values: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        name = _decode(name)
        # Two readers would pick different ones, and one of them may be a cache.
        if name in values:
            raise InvalidDidError("expected every parameter of a DID URL once")
        values[name] = _decode(value)
    versions = [name for name in VERSIONS if name in values]
    if len(versions) > 1:
        raise InvalidDidError("expected one of versionId, versionTime and versionNumber in a DID URL")
    if "relativeRef" in values and not {"service", "serviceType"} & set(values):
        raise InvalidDidError("expected relativeRef with service or serviceType in a DID URL")
    return DidParameters(
        service=values.pop("service", None),
        service_type=values.pop("serviceType", None),
        relative_ref=values.pop("relativeRef", None),
        version_id=values.pop("versionId", None),
        version_time=_time(values.pop("versionTime", None)),
        version_number=_number(values.pop("versionNumber", None)),
        others=frozenset(values),
    )


def _decode(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError as exc:
        raise InvalidDidError("expected percent-encoded UTF-8 in a DID URL") from exc


def _time(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        if _DATETIME.fullmatch(text):
            return parse_seconds(text)
    except InvalidInputError as exc:
        raise InvalidDidError(f"versionTime: {exc}") from exc
    raise InvalidDidError("expected versionTime in UTC, with whole seconds and Z")


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if _NUMBER.fullmatch(text) is None:
        raise InvalidDidError("expected versionNumber to be a number from 1")
    return int(text)
