"""A holder for tests: keys in memory, and presentations as honest or as crooked as a test wants them.

Shapes:  the holder's key has the label ``holder``; others can be made in ``kms``. Times are Unix seconds.
I/O:     none: keys are in memory.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from ssi.credentials.sd_jwt import present
from ssi.did.methods.jwk import did_jwk
from ssi.did.methods.key import did_key
from ssi.encoding.timestamps import format_seconds
from ssi.errors import SsiError
from ssi.keys import Curve, KeyPurpose, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.keys.cose import ALGORITHMS
from ssi.proofs.suites import SUITES, jcs_suite_for, suite_for
from ssi.testing.clock import TestClock
from ssi.testing.forge import Changes, changed, prove_anything, sd_hash, sign_anything, sign_cose_anything
from ssi.testing.resign import sign_changed
from ssi.types import JsonObject

VC_CONTEXT = "https://www.w3.org/ns/credentials/v2"


class TestHolder:
    """Make one with ``create``."""

    __test__: ClassVar[bool] = False

    def __init__(self, kms: MemoryKms, clock: TestClock, key: PublicKey) -> None:
        self.kms = kms
        self.clock = clock
        self.key = key

    @classmethod
    async def create(cls, *, clock: TestClock, curve: Curve = Curve.P256) -> TestHolder:
        """Return a holder with one key."""
        kms = MemoryKms()
        return cls(kms, clock, await kms.generate("holder", curve=curve, purpose=KeyPurpose.HOLDER))

    async def show(
        self,
        credential: str,
        *,
        nonce: str,
        audience: str,
        paths: Sequence[Sequence[str | int]] | None = None,
        header: Changes | None = None,
        claims: Changes | None = None,
    ) -> str:
        """Present a credential of any format, bound to ``nonce`` and ``audience``.

        ``paths`` are the claims to disclose of an SD-JWT, None for all. ``header`` and ``claims`` change what the
        holder signs, for tests of verifiers (``ssi.testing.resign``).
        """
        if credential.startswith("{"):
            shown = await self.proven([json.loads(credential)], nonce=nonce, audience=audience)
            return await self.sign_again(shown, header=header, claims=claims)
        if "~" not in credential:
            rules: JsonObject = {"nonce": nonce, "audience": audience}
            if "." in credential:
                return await self.presentation([credential], header=header, claims=claims, **rules)
            return await self.sign_again(await self.cose([credential], **rules), header=header, claims=claims)
        chosen = credential if paths is None else present(credential, [tuple(path) for path in paths])
        return chosen + await self.key_binding(chosen, nonce=nonce, audience=audience, header=header, claims=claims)

    async def key_binding(
        self,
        sd_jwt: str,
        *,
        nonce: str,
        audience: str,
        header: Changes | None = None,
        claims: Changes | None = None,
    ) -> str:
        """Return the KB-JWT for ``sd_jwt``, which ends in ``~`` (RFC 9901, 4.3)."""
        plain: JsonObject = {"iat": self.clock(), "aud": audience, "nonce": nonce, "sd_hash": sd_hash(sd_jwt)}
        return await self._sign("kb+jwt", plain, header, claims)

    async def presentation(
        self,
        credentials: Sequence[str],
        *,
        nonce: str,
        audience: str,
        header: Changes | None = None,
        claims: Changes | None = None,
    ) -> str:
        """Return a VP-JWT around VC-JWTs."""
        plain: JsonObject = {
            "@context": [VC_CONTEXT],
            "type": ["VerifiablePresentation"],
            "verifiableCredential": [enveloped(credential) for credential in credentials],
            "aud": audience,
            "nonce": nonce,
            "iat": self.clock(),
        }
        return await self._sign("vp+jwt", plain, header, claims)

    async def proven(
        self, credentials: Sequence[JsonObject], *, nonce: str, audience: str, cryptosuite: str | None = None
    ) -> str:
        """Return a presentation with a proof around credentials with proofs, as JSON; nothing of them is looked at.

        ``cryptosuite`` is by default that of the first; what no suite can read as a graph is signed as it is written.
        """
        first = credentials[0].get("proof") if credentials else None
        named = first.get("cryptosuite") if isinstance(first, dict) else None
        did = did_key(self.key)
        document: JsonObject = {
            "@context": [VC_CONTEXT],
            "type": ["VerifiablePresentation"],
            "holder": did,
            "verifiableCredential": list(credentials),
        }
        options: JsonObject = {
            "type": "DataIntegrityProof",
            "cryptosuite": cryptosuite or (named if isinstance(named, str) and named in SUITES else "ecdsa-jcs-2019"),
            "created": format_seconds(self.clock()),
            "verificationMethod": f"{did}#{did.removeprefix('did:key:')}",
            "proofPurpose": "authentication",
            "domain": audience,
            "challenge": nonce,
        }
        rules: dict[str, Any] = {"kms": self.kms, "label": "holder", "purpose": KeyPurpose.HOLDER}
        try:
            suite = suite_for(options["cryptosuite"], self.key)
            proof = await prove_anything(document, options, suite=suite, **rules)
        except SsiError:
            plain = jcs_suite_for(self.key)
            proof = await prove_anything(document, {**options, "cryptosuite": plain.name}, suite=plain, **rules)
        return json.dumps({**document, "proof": proof})

    async def cose(self, credentials: Sequence[str], *, nonce: str, audience: str) -> str:
        """Return a ``vp+cose`` around ``vc+cose``, both in base64."""
        did = did_jwk(self.key.to_jwk())
        document: JsonObject = {
            "@context": [VC_CONTEXT],
            "type": ["VerifiablePresentation"],
            "holder": did,
            "verifiableCredential": [enveloped(item, "application/vc+cose;base64") for item in credentials],
        }
        header = {
            1: ALGORITHMS[self.key.curve][0],
            3: "application/vp",
            4: f"{did}#0".encode(),
            15: {3: audience, 10: nonce.encode(), 6: self.clock()},
            16: "application/vp+cose",
        }
        return await sign_cose_anything(
            header, json.dumps(document).encode(), kms=self.kms, label="holder", purpose=KeyPurpose.HOLDER
        )

    async def sign_again(self, shown: str, *, header: Changes | None = None, claims: Changes | None = None) -> str:
        """Return a presentation of any format with header and payload changed, and signed by this holder."""
        if header is None and claims is None:
            return shown
        return await sign_changed(
            shown, kms=self.kms, label="holder", kid=None, purpose=KeyPurpose.HOLDER, header=header, changes=claims
        )

    async def _sign(self, typ: str, plain: JsonObject, header: Changes | None, claims: Changes | None) -> str:
        return await sign_anything(
            changed({"alg": self.key.alg, "typ": typ}, header),
            changed(plain, claims),
            kms=self.kms,
            label="holder",
            purpose=KeyPurpose.HOLDER,
        )


def enveloped(credential: str, media_type: str = "application/vc+jwt") -> JsonObject:
    """Return a secured credential in the envelope that a W3C presentation carries."""
    return {
        "@context": VC_CONTEXT,
        "type": "EnvelopedVerifiableCredential",
        "id": f"data:{media_type},{credential}",
    }
