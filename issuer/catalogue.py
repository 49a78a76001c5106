"""The credential types that an agency issues: what may be said, in which formats, for how long, and what is kept.

Source:  SD-JWT VC (``vct``), W3C VCDM 2.0 section 4.5 (types), OpenID4VCI 1.0 appendix A (formats), JSON
         Schema 2020-12.
Input:   a TOML file that the agency wrote, or the same members as Python values.
Shapes:  a claim path is a tuple of member names (and of numbers for array elements).
I/O:     ``load`` reads one file, and the schema and contexts that it may name beside it.
Errors:  InvalidInputError, SchemaError.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from ssi.encoding.gate import parse_object
from ssi.encoding.jcs import jcs
from ssi.encoding.jsonld import ContextPin, Contexts, pinned_contexts, read_pins
from ssi.errors import InvalidInputError, NotFoundError, VerificationError
from ssi.proofs.suites import check_suite, is_jcs_suite
from ssi.types import JsonObject, JsonValue

if TYPE_CHECKING:
    from ssi.schema.json_schema import Schema

Format: TypeAlias = Literal["dc+sd-jwt", "vc+jwt", "vc+cose", "ldp_vc"]
ClaimPath: TypeAlias = tuple[str | int, ...]

MAX_CATALOGUE_BYTES: Final = 1 << 20
RESERVED_CLAIMS: Final = frozenset(
    {"iss", "iat", "nbf", "exp", "sub", "aud", "vct", "cnf", "status", "_sd", "_sd_alg", "...", "id", "vct#integrity"}
)
"""Names that the formats use themselves; a schema with one of them at the top would be ambiguous."""


class CredentialType(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the catalogue."""

    name: str
    """What the agency's own code calls it."""
    vct: str
    """The type's URI in SD-JWT VC."""
    types: tuple[str, ...]
    """Its W3C types, without VerifiableCredential."""
    schema: JsonObject
    """The JSON Schema of the claims, an object."""
    validity_days: int
    title: dict[str, str] = {}
    """Names for people, by language tag; a W3C credential carries them."""
    contexts: tuple[str, ...] = ()
    """JSON-LD contexts after the base context."""
    context: tuple[ContextPin, ...] = ()
    """Contexts of the agency's own, pinned by digest, which a suite that reads JSON-LD needs."""
    formats: tuple[Format, ...] = ("dc+sd-jwt", "vc+jwt")
    """Formats it is issued in; the first is the default. An ``ldp_vc`` has an embedded Data Integrity proof, a
    ``vc+cose`` is the base64 of a COSE_Sign1."""
    cryptosuite: str | None = None
    """The suite of that proof; None for the JCS suite of the key that signs."""
    always_shown: tuple[ClaimPath, ...] = ()
    """Claims that the holder cannot withhold in SD-JWT VC, or under a suite with selective disclosure, which shows such
    a claim with all that it holds; every other member of every object can be withheld."""
    decoys: int = 0
    """Digests without a claim that are added at the top, so that their number says less."""
    retention_days: int = 0
    """How long the claims of an issued credential are kept; 0 keeps none after delivery."""
    revocable: bool = True
    """Whether it refers to a status list."""

    def __post_init__(self) -> None:
        """Refuse an entry that could not be issued."""
        if not self.name or not self.vct or not self.types or not self.formats:
            raise InvalidInputError("expected a credential type with name, vct, types and formats")
        if self.validity_days < 1 or self.retention_days < 0 or not 0 <= self.decoys <= 100:
            raise InvalidInputError(
                f"type {self.name}: expected validity_days from 1, retention_days from 0, decoys up to 100"
            )
        if self.cryptosuite is not None:
            _check_suite(self.name, self.cryptosuite)
        _check_contexts(self)
        properties = self.schema.get("properties")
        if self.schema.get("type") != "object" or not isinstance(properties, dict):
            raise InvalidInputError(f"type {self.name}: expected a JSON Schema of an object with properties")
        clash = RESERVED_CLAIMS.intersection(properties)
        if clash:
            raise InvalidInputError(f"type {self.name}: the formats use {', '.join(sorted(clash))} themselves")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> CredentialType:
        """Read one entry from a TOML file. ``schema`` is a table, or the name of a JSON file beside it.

        Raises InvalidInputError if the file has another shape, NotFoundError if it is not there.
        """
        import tomllib

        location = Path(path)
        try:
            entry: dict[str, Any] = tomllib.loads(_read(location).decode("utf-8"))
            if isinstance(entry.get("schema"), str):
                entry["schema"] = _load_schema(location, entry["schema"])
            entry["context"] = read_pins(entry.get("context", []), beside=location)
            return msgspec.convert(entry, cls)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as exc:
            raise InvalidInputError(f"{location.name}: expected a credential type: {exc}") from exc

    @property
    def validity_seconds(self) -> int:
        """How long a credential is valid."""
        return self.validity_days * 86_400

    @property
    def reads_jsonld(self) -> bool:
        """Whether the suite of an ``ldp_vc`` needs to know what the contexts say."""
        return "ldp_vc" in self.formats and self.cryptosuite is not None and not is_jcs_suite(self.cryptosuite)

    @property
    def jsonld_contexts(self) -> Contexts:
        """What such a suite reads."""
        return pinned_contexts(self.context)

    def check_claims(self, claims: JsonObject) -> None:
        """Raise SchemaError unless ``claims`` match the schema; InvalidInputError if they use a reserved name."""
        clash = RESERVED_CLAIMS.intersection(claims)
        if clash:
            raise InvalidInputError(f"type {self.name}: the formats use {', '.join(sorted(clash))} themselves")
        _compiled(jcs(self.schema)).validate(claims)

    def withholdable(self, claims: JsonObject) -> list[ClaimPath]:
        """Return the paths that a holder may show or withhold: every object member but those always shown."""
        shown = {path[:length] for path in self.always_shown for length in range(1, len(path) + 1)}
        return [path for path in paths_of(claims, ()) if path not in shown]


class Catalogue:
    """The types of one issuer, by name."""

    def __init__(self, types: tuple[CredentialType, ...] | list[CredentialType]) -> None:
        """Raises InvalidInputError if two types share a name or a ``vct``."""
        self._types = {entry.name: entry for entry in types}
        if len(self._types) != len(types) or len({entry.vct for entry in types}) != len(types):
            raise InvalidInputError("expected credential types with different names and vct values")

    def __iter__(self) -> Iterator[CredentialType]:
        return iter(self._types.values())

    def get(self, name: str) -> CredentialType:
        """Return a type by its name. Raises NotFoundError."""
        try:
            return self._types[name]
        except KeyError:
            raise NotFoundError(f"the catalogue has no type {name}") from None


def _check_contexts(entry: CredentialType) -> None:
    known = entry.jsonld_contexts
    if entry.reads_jsonld and (missing := [url for url in entry.contexts if url not in known]):
        raise InvalidInputError(f"type {entry.name}: {entry.cryptosuite} needs {missing[0]}: pin it in [[context]]")


def _check_suite(type_name: str, suite: str) -> None:
    try:
        check_suite(suite)
    except VerificationError as exc:
        raise InvalidInputError(f"type {type_name}: {exc}") from exc


@lru_cache(256)
def _compiled(schema: bytes) -> Schema:
    from ssi.schema.json_schema import compile_schema

    return compile_schema(parse_object(schema))


def paths_of(value: JsonValue, path: ClaimPath = ()) -> Iterator[ClaimPath]:
    """Yield the path of every member of every object in ``value``, itself at ``path``."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield (*path, name)
            yield from paths_of(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths_of(item, (*path, index))


def _load_schema(beside: Path, name: str) -> JsonObject:
    if Path(name).name != name:
        raise InvalidInputError("expected schema to name a file beside the catalogue file")
    return parse_object(_read(beside.with_name(name)))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CATALOGUE_BYTES + 1)
    except OSError as exc:
        raise NotFoundError(f"{path.name} cannot be read") from exc
    if len(data) > MAX_CATALOGUE_BYTES:
        raise InvalidInputError(f"{path.name}: expected at most {MAX_CATALOGUE_BYTES} bytes")
    return data
