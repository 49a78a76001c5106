"""Rows: a compact credential to quads, and on to its canonical form, beside PyLD."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

from pyld import jsonld

from ssi.encoding.jsonld import BUNDLED, to_quads
from ssi.encoding.rdfc import canonicalize
from ssi.types import JsonObject
from tests.bench import subjects
from tests.bench.harness import Case, compare
from tests.bench.rows import Effort, Line, ratio_line, row

_UNDEFINED_TERMS = "https://www.w3.org/ns/credentials/undefined-terms/v2"


def documents(*, ids: bool) -> list[JsonObject]:
    """Return credentials of twenty claims that differ in their identifiers, as those do that arrive."""
    found: list[JsonObject] = []
    for number in range(5000):
        document: JsonObject = copy.deepcopy(subjects.credential())
        document["@context"].append(_UNDEFINED_TERMS)
        status = f"https://status.example/lists/{number}"
        document["credentialStatus"] = {
            "id": f"{status}#94567",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": "94567",
            "statusListCredential": status,
        }
        document["credentialSubject"]["address"] = {"id": f"urn:uuid:{number}", "town": "Springfield", "country": "CH"}
        document["id"] = f"urn:uuid:3a0b3f4c-6f52-4f0e-9d0b-{number:012x}"
        document["credentialSubject"]["id"] = f"did:example:holder{number}"
        if not ids:
            del document["id"], document["credentialSubject"]["id"], document["credentialSubject"]["address"]["id"]
        found.append(document)
    return found


def over(run: Callable[[JsonObject], object], *, ids: bool) -> Callable[[], object]:
    """Return a function that calls ``run`` with the next document each time."""
    arriving = cycle(documents(ids=ids))
    return lambda: run(next(arriving))


def load(url: str, _: Any) -> dict[str, Any]:
    """Give PyLD the bundled contexts."""
    document = copy.deepcopy(BUNDLED.document(url))
    return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": document}


@row("json-ld to quads")
def to_rdf(effort: Effort) -> Iterator[Line]:
    primitive = Case("one P-256 verify", subjects.primitive_verify())
    options = {"documentLoader": load}
    for ids, name in ((True, "ids"), (False, "blank nodes")):
        ours = Case("ours", over(to_quads, ids=ids))
        theirs = Case("PyLD", over(lambda document: jsonld.to_rdf(document, options), ids=ids))
        found = compare(primitive, ours, [theirs], rounds=effort.rounds)
        yield ratio_line(f"JSON-LD to quads, 20 claims, with {name}", found, at_most=None)


@row("json-ld canonical form")
def canonical(effort: Effort) -> Iterator[Line]:
    primitive = Case("one P-256 verify", subjects.primitive_verify())
    options = {"documentLoader": load, "algorithm": "URDNA2015", "format": "application/n-quads"}
    for ids, name in ((True, "ids"), (False, "blank nodes")):
        ours = Case("ours", over(lambda document: canonicalize(to_quads(document)).text, ids=ids))
        theirs = Case("PyLD", over(lambda document: jsonld.normalize(document, options), ids=ids))
        found = compare(primitive, ours, [theirs], rounds=effort.rounds)
        yield ratio_line(f"JSON-LD to canonical N-Quads, 20 claims, with {name}", found, at_most=None)
