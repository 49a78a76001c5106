"""A holder for tests: keys in memory, and presentations as honest or as crooked as a test wants them.

Shapes:  the holder's key has the label ``holder``; others can be made in ``kms``. Times are Unix seconds.
I/O:     none: keys are in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ssi.credentials.sd_jwt import present
from ssi.keys import Curve, KeyPurpose, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.testing.clock import TestClock
from ssi.testing.forge import Changes, changed, sd_hash, sign_anything
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
        """Present a credential of either format, bound to ``nonce`` and ``audience``.

        ``paths`` are the claims to disclose of an SD-JWT, None for all. ``header`` and ``claims`` change what the
        holder signs, for tests of verifiers.
        """
        if "~" not in credential:
            return await self.presentation([credential], nonce=nonce, audience=audience, header=header, claims=claims)
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
