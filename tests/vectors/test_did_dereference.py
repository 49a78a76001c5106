"""What the dereferencers of the W3C DID test suite answered, and what ours answers over the same documents."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from ssi.did.dereference import Dereferenced, DocumentFound, MethodFound, ServicesFound, dereference
from ssi.did.document import parse_document
from ssi.did.resolver import Resolution, ResolutionMetadata, Resolver
from ssi.errors import DidNotFoundError, InvalidDidError, InvalidInputError, NotFoundError
from tests.vectors.support import VectorCount, load_json, vectors_dir

FOLDER = "did/did-test-suite"
INNER = "packages/did-core-test-server/suites/implementations"
count = VectorCount(FOLDER)

# Why an answer of the suite is not ours.
REFUSED = "the document is of before DID Core 1.0"
NO_DOCUMENT = "the suite does not show the document that the answer was taken from"
VERSION = "a version, and the suite shows one document only, or a time that is none"
METHOD = "a path or parameter that the method or its resolver defines for itself"
OTHER = "the answer keeps parts of the resolver's own"


class Recorded:
    """A DID method that has the documents that a suite shows."""

    def __init__(self, method: str, documents: dict[str, Any]) -> None:
        self.method, self.documents = method, documents

    async def resolve(self, did: str, *, version_id: str | None = None, version_time: int | None = None) -> Resolution:
        if did not in self.documents:
            raise DidNotFoundError("not recorded")
        return Resolution(parse_document(self.documents[did], did=did), ResolutionMetadata(source="recorded"))


def content(found: Dereferenced) -> Any:
    match found:
        case DocumentFound():
            return found.resolution.document.raw
        case MethodFound():
            return found.method.raw
        case ServicesFound():
            return found.services[0].raw
        case _:
            return list(found.urls)


def executions() -> list[tuple[str, str, dict[str, Any], Any]]:
    """The outcome that is expected, the DID URL, the documents of its suite, and the answer."""
    items: list[tuple[str, str, dict[str, Any], Any]] = []
    for path in sorted((vectors_dir(FOLDER) / INNER).glob("*dereferencer*.json")):
        suite = load_json(FOLDER, f"{INNER}/{path.name}")
        outcomes = {n: name for name, numbers in suite["expectedOutcomes"].items() for n in numbers}
        answers = []
        documents: dict[str, Any] = {}
        for number, execution in enumerate(suite["executions"]):
            stream, url = execution["output"].get("contentStream"), execution["input"]["didUrl"]
            try:
                answer = json.loads(stream)
            except (TypeError, ValueError):
                answer = stream
            answers.append((outcomes.get(number, ""), url, answer))
            if isinstance(answer, dict) and answer.get("id") == url:
                documents.setdefault(url, answer)
        items += [(outcome, url, documents, answer) for outcome, url, answer in answers]
    return items


async def test_recorded_answers() -> None:
    ran: Counter[str] = Counter()
    for outcome, url, documents, answer in executions():
        method = [*url.split(":"), "x"][1]
        resolver = Resolver([Recorded(method if method.isalnum() and method.islower() else "x", documents)])
        bare = url.partition("#")[0].partition("?")[0].partition("/")[0]
        try:
            if bare in documents:
                parse_document(documents[bare], did=bare)
        except InvalidInputError:
            count.left_out(REFUSED)
            continue
        try:
            given: Any = content(await dereference(url, resolver=resolver))
        except InvalidDidError:
            given = "invalidDidUrlErrorOutcome"
        except NotFoundError:
            given = "notFoundErrorOutcome"
        if given in (outcome, answer, [answer]) or (isinstance(given, dict) and given == _plain(answer)):
            ran[outcome] += 1
            count.ran()
        elif "versionId" in url or "versionTime" in url:
            count.left_out(VERSION)
        elif given == "notFoundErrorOutcome":
            count.left_out(METHOD if bare in documents else NO_DOCUMENT)
        else:
            count.left_out(OTHER)
    assert ran["defaultOutcome"] >= 50
    assert ran["notFoundErrorOutcome"] >= 8
    assert ran["invalidDidUrlErrorOutcome"] >= 6


def _plain(answer: Any) -> Any:
    """An answer about a method without the context that some resolvers copy into it."""
    return {name: value for name, value in answer.items() if name != "@context"} if isinstance(answer, dict) else answer
