"""VC-API, the holder's part: ``credentials/derive`` and ``presentations/prove``.

Source:  W3C CCG Verifiable Credentials API v0.7, "Presenting".
Shapes:  both answer 201.
I/O:     the key store, for presentations.
Errors:  problem details with status 400 or 503.
"""

from __future__ import annotations

from ssi.credentials.issuable import check_presentable
from ssi.errors import InvalidInputError, SsiError
from ssi.http.adapter import Act
from ssi.http.vc_api import Route, VcApiSetup
from ssi.keys import KeyPurpose
from ssi.proofs.data_integrity import add_proof
from ssi.proofs.derive import derive_proof
from ssi.proofs.suites import suite_for
from ssi.protocols.http import HttpRequest, HttpResponse
from ssi.protocols.vc_api import build_error, build_issued, build_proved, parse_derive, parse_prove


async def routes(setup: VcApiSetup) -> list[Route]:
    """Return the two routes; presentations are proved only where the setup has a holder."""
    found = [Route("POST", "/credentials/derive", _derive(setup))]
    if setup.holder is not None:
        found.append(Route("POST", "/presentations/prove", _prove(setup)))
    return found


def _derive(setup: VcApiSetup) -> Act:
    async def act(request: HttpRequest) -> HttpResponse:
        try:
            asked = parse_derive(request.json_object())
            derived = derive_proof(
                asked.credential, selective_pointers=asked.selective_pointers, contexts=setup.contexts
            )
        except SsiError as exc:
            return build_error(exc)
        return build_issued(derived)

    return act


def _prove(setup: VcApiSetup) -> Act:
    async def act(request: HttpRequest) -> HttpResponse:
        profile = setup.holder
        try:
            if profile is None or profile.cryptosuite is None:
                raise InvalidInputError("expected a holder profile with a cryptosuite")
            asked = parse_prove(request.json_object())
            presentation = check_presentable(asked.presentation, contexts=setup.contexts)
            if presentation.holder not in (None, profile.did):
                raise InvalidInputError(f"expected a presentation whose holder is {profile.did}")
            domain = list(asked.domain) if isinstance(asked.domain, tuple) else asked.domain
            options = {"domain": domain, "challenge": asked.challenge}
            proved = await add_proof(
                asked.presentation,
                kms=setup.kms,
                label=profile.label,
                purpose=KeyPurpose.HOLDER,
                verification_method=profile.method,
                proof_purpose="authentication",
                created=setup.now(),
                suite=suite_for(profile.cryptosuite, await setup.kms.public_key(profile.label)),
                options={name: value for name, value in options.items() if value is not None},
                contexts=setup.contexts,
            )
        except SsiError as exc:
            return build_error(exc)
        return build_proved(proved)

    return act
