"""What a W3C credential names beside itself: its own schemas, related resources, and members that nobody checks.

Source:  W3C Verifiable Credentials Data Model v2.0, 4.11 (credentialSchema) and 5.3 (relatedResource); W3C Verifiable
         Credentials JSON Schema Specification, section 4 (``ssi.schema.credential_schema``).
Input:   a credential after its signature held, and documents that policy pins by digest.
Shapes:  a success passes, a failure is refused, and what cannot be told leaves the check open.
I/O:     none but what it takes to verify a schema credential: the key of its issuer, and its status lists.
Errors:  SchemaError, VerificationError (refused), UnavailableError (open: a document that is not here).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from msgspec.structs import replace

from ssi.credentials.about import About, about
from ssi.credentials.vcdm import Credential, check_related_resources
from ssi.errors import SchemaError, UnavailableError, UntrustedIssuerError
from ssi.types import JsonObject

from .candidate import Candidate, read_presented
from .policy import Policy
from .report import Checks
from .securing import Believed

MAX_SCHEMAS: Final = 8
"""Most schemas that one credential may name: each costs its evaluation."""

Believe: TypeAlias = Callable[[Candidate], Awaitable[Believed]]
"""How a schema credential becomes something to believe: by the same policy, as any credential."""


async def check_beside(
    believed: Believed, *, policy: Policy, documents: Mapping[str, bytes], believe: Believe, checks: Checks
) -> About | None:
    """Check the schemas and resources that a credential names; return what it says beside its claims."""
    credential = None if believed.credential is None else believed.credential.credential
    await _own_schemas(credential, policy, documents, believe, checks)
    if credential is None:
        return None
    _resources(credential, policy, documents, checks)
    found = about(credential)
    if found.unchecked.members:
        checks.not_asked("unchecked", f"{', '.join(found.unchecked.members)}: the issuer's word, which nothing checks")
    return found


async def _own_schemas(
    credential: Credential | None,
    policy: Policy,
    documents: Mapping[str, bytes],
    believe: Believe,
    checks: Checks,
) -> None:
    checks.begin("schema")
    named = 0 if credential is None else len(credential.schemas)
    if policy.credential_schema == "required" and not named:
        raise SchemaError("policy requires a credentialSchema, and the credential names none")
    if credential is None or not named:
        return
    if policy.credential_schema == "not-checked":
        checks.not_asked("schema", "policy does not look at the schemas that the credential names")
        return
    if named > MAX_SCHEMAS:
        raise SchemaError(f"expected a credential that names at most {MAX_SCHEMAS} schemas")
    from ssi.schema.credential_schema import Outcome, evaluate_schemas, read_result, schema_credentials

    opened = {
        url: await _schema_credential(documents[url], policy, believe)
        for url in schema_credentials(credential)
        if url in documents
    }
    results = evaluate_schemas(credential, documents, opened=opened)
    outcome = read_result(results)
    for result in results:
        if result.outcome is outcome and outcome is Outcome.FAILURE:
            raise SchemaError(f"credentialSchema: {result.reason}")
        if result.outcome is outcome and outcome is Outcome.INDETERMINATE:
            raise UnavailableError(f"credentialSchema: {result.reason}")
    for result in results:
        checks.passed("schema", result.id, "the credential's own schema")


async def _schema_credential(data: bytes, policy: Policy, believe: Believe) -> JsonObject:
    """Return the schema credential that ``data`` secures, in any format, if policy lets its issuer make some."""
    from ssi.schema.credential_schema import JSON_SCHEMA_CREDENTIAL

    presented = read_presented(data, contexts=policy.known_contexts)
    if presented.around is not None:
        raise SchemaError("expected a schema credential, got a presentation")
    (candidate,) = presented.candidates
    if JSON_SCHEMA_CREDENTIAL not in candidate.types:
        raise SchemaError(f"expected a credential of type {JSON_SCHEMA_CREDENTIAL}")
    if policy.trusted((JSON_SCHEMA_CREDENTIAL,)) is None:
        raise UntrustedIssuerError(f"policy trusts no issuer of {JSON_SCHEMA_CREDENTIAL}")
    believed = await believe(replace(candidate, types=(JSON_SCHEMA_CREDENTIAL,)))
    if believed.credential is None:
        raise SchemaError("expected a schema credential of the W3C's data model")
    return believed.credential.credential.raw


def _resources(credential: Credential, policy: Policy, documents: Mapping[str, bytes], checks: Checks) -> None:
    if not credential.related_resources:
        return
    checks.begin("resources")
    pinned = {pin.url: pin.document.encode() for pin in policy.context if pin.document is not None}
    checked = check_related_resources(credential, {**pinned, **documents})
    missing = len(credential.related_resources) - len(checked)
    if missing and policy.related_resources == "required":
        raise UnavailableError(f"relatedResource: {missing} of the documents that it names are not here")
    if checked:
        checks.passed("resources", "policy", f"{len(checked)} related resources have their digests")
    if missing:
        checks.not_asked("resources", f"{missing} related resources are not here")
