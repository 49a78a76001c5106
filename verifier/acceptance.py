"""What policy decides by itself: whose credential it is, who signed for it, and whether its claims have their shape.

Source:  decisions 4 and 9 of the design (``docs/adr/0001``).
Input:   a policy's entry, and a credential: before anything is believed of it, but for ``match_schema``.
I/O:     none: nobody is asked anything for an issuer or signer that policy does not name.
Errors:  UntrustedIssuerError, SchemaError, InvalidInputError (a policy that its ports cannot serve).
"""

from __future__ import annotations

from ssi.errors import InvalidInputError, UntrustedIssuerError
from ssi.ports import RegistryView

from .candidate import Candidate
from .policy import Policy, Trust
from .report import Checks
from .securing import Believed


def accredited(view: RegistryView, candidate: Candidate, trust: Trust, at: int) -> bool:
    """Return whether the registry says that the issuer may issue this type."""
    return view.may_issue(candidate.issuer, trust.type, at=at) is not None


def check_without_registry(policy: Policy) -> None:
    """Raise InvalidInputError for a policy that needs the registry, or the ledger's keys for receipts of lists."""
    anchoring = policy.anchoring
    if any(entry.accredited for entry in policy.trust) or (anchoring is not None and not anchoring.receipt_suffices):
        raise InvalidInputError("this policy asks the registry, which needs a view of it")
    if anchoring is not None and (policy.registry is None or not policy.registry.keys):
        raise InvalidInputError("this policy takes receipts, which needs the keys of the ledger: say them in registry")


def check_signers(candidate: Candidate, trust: Trust) -> None:
    """Refuse proofs by anybody whom policy does not name, before anything is asked of them."""
    controllers = {signer.controller for signer in candidate.signers}
    if controllers - {candidate.issuer, *trust.signers}:
        raise UntrustedIssuerError("policy does not accept every signer of this credential")
    if trust.issuer_is_controller and candidate.issuer not in controllers:
        raise UntrustedIssuerError("policy expects a proof by the issuer itself")


def match_schema(trust: Trust, believed: Believed, checks: Checks) -> None:
    """Raise SchemaError unless the claims match policy's schema, as far as they are shown."""
    checks.begin("schema")
    if trust.schema is None:
        checks.not_asked("schema", "policy gives no schema")
        return
    from ssi.schema.json_schema import compile_schema

    claims, known = believed.claims, trust.schema.get("properties")
    if believed.credential is not None and not (isinstance(known, dict) and "id" in known):
        # In a W3C credential it says who the subject is; as a claim about it the schema would have to name it.
        claims = {name: value for name, value in claims.items() if name != "id"}
    compile_schema(trust.schema).validate(claims)
    checks.passed("schema", "policy")
