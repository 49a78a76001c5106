"""The words of JSON-LD and the forms of its names.

Source:  JSON-LD 1.1, 1.7 (keywords) and 9.16; JSON-LD 1.1 Processing Algorithms, 5.2 (what has the form of a keyword);
         RDF 1.1 N-Quads (IRIREF); BCP 47 as JSON-LD 1.1 Processing Algorithms, 8.2.2 wants it checked.
Input:   strings.
I/O:     none.
"""

from __future__ import annotations

import re
from typing import Final

KEYWORDS: Final = frozenset(
    {
        *("@base", "@container", "@context", "@default", "@direction", "@embed", "@explicit", "@graph", "@id"),
        *("@import", "@included", "@index", "@json", "@language", "@list", "@nest", "@none", "@null", "@omitDefault"),
        *("@prefix", "@preserve", "@propagate", "@protected", "@requireAll", "@reverse", "@set", "@type", "@value"),
        *("@version", "@vocab"),
    }
)

RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XSD: Final = "http://www.w3.org/2001/XMLSchema#"

# An IRI that N-Quads can write, and not only the start of one. Surrogates have no UTF-8.
is_iri: Final = re.compile(r'[A-Za-z][A-Za-z0-9+.\-]*+:[^\x00-\x20<>"{}|^`\\\ud800-\udfff]*+').fullmatch
has_scheme: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*+:").match
is_blank_label: Final = re.compile(r"_:[A-Za-z0-9_](?:[A-Za-z0-9_.\-]*[A-Za-z0-9_\-])?").fullmatch
is_like_keyword: Final = re.compile(r"@[A-Za-z]+").fullmatch
is_language: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,12}").fullmatch


def quoted(name: str) -> str:
    """Return a member name or context URL as messages show it: printable, and not longer than a line."""
    return repr(name if len(name) <= 120 else name[:119] + "…")
