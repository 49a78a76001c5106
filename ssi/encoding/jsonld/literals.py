"""Write JSON scalars as RDF literals.

Source:  JSON-LD 1.1 Processing Algorithms, 8.2.2 (object to RDF conversion) and 8.6 (data round tripping).
Input:   a value from the parse gate, with the datatype that its term or value object gives it.
Shapes:  what comes out is the term as canonical N-Quads have it.
I/O:     none.
Errors:  JsonLdError: a number that its canonical form would round, a lone surrogate.

A double is written with 16 significant digits, which some doubles need 17 of: these are refused, so that no number that
was signed can be exchanged for its neighbour.
"""

from __future__ import annotations

from typing import Final

from ssi.encoding.jcs import jcs
from ssi.encoding.jsonld.keywords import RDF, XSD, quoted
from ssi.encoding.rdf import escape
from ssi.errors import JsonLdError, UnsupportedJsonLdError
from ssi.types import JsonValue

_JSON: Final = f'"^^<{RDF}JSON>'


def text_literal(value: str, suffix: str) -> str:
    """Return ``value`` between quotes, escaped; ``suffix`` starts with the closing one."""
    if value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}{suffix}'
    try:
        value.encode()
    except UnicodeEncodeError as exc:
        raise JsonLdError("dropped value", "expected strings without lone surrogates") from exc
    return f'"{escape(value)}{suffix}'


def double_text(value: str, name: str) -> str:
    """Return a literal of type xsd:double that is written as a string, if it is written in the canonical form.

    The specification would take any text as it is, processors in use rewrite it: only where both agree it is let in.
    """
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if _double(number, name) != value:
        raise UnsupportedJsonLdError("xsd:double written as a string in another form than the canonical one")
    return _typed(value, XSD + "double")


def json_literal(value: JsonValue) -> str:
    """Return ``value`` as a literal of type rdf:JSON, in its form by RFC 8785."""
    return text_literal(jcs(value).decode(), _JSON)


def native_literal(value: bool | int | float, datatype: str | None, name: str) -> str:
    """Return a boolean or number under member ``name``, as the native type unless ``datatype`` says otherwise."""
    if value is True or value is False:
        return _typed("true" if value else "false", datatype or XSD + "boolean")
    if datatype == XSD + "double" or (type(value) is float and not value.is_integer()) or abs(value) >= 1e21:
        return _typed(_double(value, name), datatype or XSD + "double")
    return _typed(str(int(value)), datatype or XSD + "integer")


def _typed(text: str, datatype: str) -> str:
    return f'"{text}"' if datatype == XSD + "string" else f'"{text}"^^<{datatype}>'


def _double(value: float, name: str) -> str:
    try:
        mantissa, _, exponent = f"{value:.15E}".partition("E")
        if float(f"{value:.15E}") != value or value - value != 0:
            raise JsonLdError("lossy number", f"expected numbers of at most 16 digits under {quoted(name)}")
    except OverflowError as exc:
        raise JsonLdError("lossy number", f"expected numbers in range under {quoted(name)}") from exc
    whole, _, fraction = mantissa.partition(".")
    return f"{whole}.{fraction.rstrip('0') or '0'}E{int(exponent)}"
