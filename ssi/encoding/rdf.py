"""RDF quads as text: the terms in their canonical form, and N-Quads read and written.

Source:  RDF 1.1 N-Quads, section 4 (grammar); RDF Dataset Canonicalization (RDFC-1.0), appendix A (canonical N-Quads).
Input:   N-Quads text, or the values of terms.
Shapes:  a ``Quad`` is subject, predicate, object and graph, each a term as canonical N-Quads write it (``<iri>``,
         ``_:label``, ``"text"``, ``"text"@en``, ``"1"^^<datatype>``); the default graph is "". Equal terms are equal
         strings, so quads are compared and hashed as they stand.
I/O:     none.
Errors:  InvalidInputError (not N-Quads, or a term that has no canonical form).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

from ssi.errors import InvalidInputError

Quad: TypeAlias = tuple[str, str, str, str]

XSD_STRING: Final = "http://www.w3.org/2001/XMLSchema#string"

_FORBIDDEN_IN_IRI: Final = re.compile(r'[\x00-\x20<>"{}|^`\\\ud800-\udfff]')
_ESCAPED_IN_TEXT: Final = re.compile(r'["\\\x00-\x1f\x7f\ufffe\uffff]')
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_LANGUAGE: Final = re.compile(r"[A-Za-z]++(?:-[A-Za-z0-9]++)*+")

# Appendix A: seven characters have short escapes, other controls and what XML 1.1 calls no character have \uXXXX.
_NAMED: Final = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_UNNAMED: Final = [*map(chr, range(0x20)), "\x7f", "\ufffe", "\uffff"]
_ESCAPES: Final = str.maketrans({char: f"\\u{ord(char):04X}" for char in _UNNAMED} | _NAMED)
_UNESCAPES: Final = {escape[1]: char for char, escape in _NAMED.items()} | {"'": "'"}

_IRI = r"<(?:[^\x00-\x20<>\"{}|^`\\]|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})*+>"
_START = r"[A-Za-z0-9_:\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f"
_START += r"\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
_INNER = _START + r"\-\u00b7\u0300-\u036f\u203f-\u2040"
_BLANK = rf"_:{_START}](?:{_INNER}.]*{_INNER}])?"
_TEXT = r"\"(?:[^\x0a\x0d\"\\]|\\[tbnrf\"'\\]|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})*+\""
_LITERAL = rf"({_TEXT})(?:\^\^({_IRI})|@([A-Za-z]++(?:-[A-Za-z0-9]++)*+))?"
_STATEMENT: Final = re.compile(
    rf"[ \t]*({_IRI}|{_BLANK})[ \t]*({_IRI})[ \t]*(?:({_IRI}|{_BLANK})|{_LITERAL})[ \t]*({_IRI}|{_BLANK})?[ \t]*\."
    r"[ \t]*(?:#.*)?"
)
_NOTHING: Final = re.compile(r"[ \t]*(?:#.*)?")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*+:")


def iri_term(iri: str) -> str:
    """Return the term of an absolute ``iri``. Raises InvalidInputError if it is relative or malformed."""
    if _FORBIDDEN_IN_IRI.search(iri) or not _ABSOLUTE.match(iri):
        raise InvalidInputError('expected an absolute IRI without spaces, controls or any of <>"{}|^`\\')
    return f"<{iri}>"


def literal_term(text: str, *, datatype: str = XSD_STRING, language: str | None = None) -> str:
    """Return the term of a literal: ``text`` with a ``language``, or with the IRI of its ``datatype``.

    A string of no language has no datatype written. Raises InvalidInputError for a lone surrogate, a malformed language
    tag or a datatype that is no IRI.
    """
    if _SURROGATE.search(text):
        raise InvalidInputError("expected a literal without lone surrogates")
    quoted = f'"{escape(text)}"'
    if language is not None:
        if not _LANGUAGE.fullmatch(language):
            raise InvalidInputError("expected a well-formed language tag")
        return f"{quoted}@{language}"
    return quoted if datatype == XSD_STRING else f"{quoted}^^{iri_term(datatype)}"


def escape(text: str) -> str:
    """Return ``text`` as it stands between the quotes of a canonical literal (appendix A)."""
    return text.translate(_ESCAPES) if _ESCAPED_IN_TEXT.search(text) else text


def format_nquad(quad: Quad) -> str:
    """Return the line of ``quad``, with its line feed."""
    subject, predicate, object_, graph = quad
    return f"{subject} {predicate} {object_} {graph} .\n" if graph else f"{subject} {predicate} {object_} .\n"


def format_nquads(quads: Iterable[Quad]) -> str:
    """Return the lines of ``quads`` in their order."""
    return "".join(map(format_nquad, quads))


def parse_nquads(text: str) -> list[Quad]:
    """Read an N-Quads document; terms come out canonical, whatever escapes ``text`` uses.

    Duplicates are kept. Raises InvalidInputError with the number of the first line that is no statement, comment or
    empty line.
    """
    quads: list[Quad] = []
    for number, line in enumerate(re.split(r"\r\n|[\r\n]", text), start=1):
        found = _STATEMENT.fullmatch(line)
        if found is None:
            if _NOTHING.fullmatch(line):
                continue
            raise InvalidInputError(f"expected an N-Quads statement in line {number}")
        try:
            quads.append(_quad(found))
        except InvalidInputError as exc:
            raise InvalidInputError(f"line {number}: {exc}") from exc
    return quads


def _quad(found: re.Match[str]) -> Quad:
    subject, predicate, node, text, datatype, language, graph = found.groups()
    if node is not None:
        object_ = _node(node)
    else:
        type_ = XSD_STRING if datatype is None else _unescape(datatype[1:-1])
        object_ = literal_term(_unescape(text[1:-1]), datatype=type_, language=language)
    return _node(subject), _node(predicate), object_, _node(graph) if graph else ""


def _node(text: str) -> str:
    return text if text.startswith("_:") else iri_term(_unescape(text[1:-1]))


def _unescape(text: str) -> str:
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _unescaped(found: re.Match[str]) -> str:
    short, long, named = found.groups()
    if named is not None:
        return _UNESCAPES[named]
    number = int(short or long, 16)
    if number > 0x10FFFF:
        raise InvalidInputError("expected an escaped character of Unicode")
    return chr(number)
