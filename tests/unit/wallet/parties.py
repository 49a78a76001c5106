"""An issuer and its credentials, for the tests of the wallet."""

from __future__ import annotations

from typing import Any, Final

from ssi.credentials.contexts import VC_V2_CONTEXT
from ssi.credentials.jose import sign_vc_jwt
from ssi.credentials.sd_jwt import issue_sd_jwt_vc
from ssi.credentials.vcdm import parse_credential
from ssi.did.methods.jwk import did_jwk
from ssi.keys import Curve, KeyPurpose, PublicKey
from ssi.keys.backends.memory import MemoryKms
from wallet import Wallet
from wallet.store import WalletStore
from wallet.stores.memory import MemoryWalletStore
from wallet.unlock import SecretKeyWrap

NOW: Final = 1_800_000_000
VCT: Final = "https://town.example/credentials/residence"
AUDIENCE, NONCE = "https://benefits.example", "n-0S6_WzA2Mj"
SECRET: Final = bytes(range(32))
CLAIMS: Final[dict[str, Any]] = {
    "given_name": "Zoë-canary",
    "family_name": "Ångström-canary",
    "address": {"street_address": "Long Lane 1-canary", "locality": "Østby-canary"},
    "nationalities": ["NO-canary", "SE-canary"],
    "resident_since": 2019,
}
DISCLOSABLE: Final[list[tuple[str | int | None, ...]]] = [
    ("given_name",),
    ("family_name",),
    ("address",),
    ("address", "street_address"),
    ("nationalities", None),
]


async def opened(store: WalletStore | str | None = None, **options: Any) -> Wallet:
    """Open a wallet with the key that the tests share; at a fixed time."""
    options = {"now": lambda: NOW, "wrap": SecretKeyWrap(SECRET), **options}
    return await Wallet.open(MemoryWalletStore() if store is None else store, **options)


class Town:
    """An issuer by did:jwk."""

    def __init__(self, kms: MemoryKms, did: str) -> None:
        self._kms = kms
        self.did = did

    @classmethod
    async def make(cls) -> Town:
        kms = MemoryKms()
        key = await kms.generate("town", curve=Curve.P256, purpose=KeyPurpose.CREDENTIAL)
        return cls(kms, did_jwk(key.to_jwk()))

    async def sd_jwt(self, holder: PublicKey | None, claims: dict[str, Any] | None = None, **options: Any) -> str:
        given = CLAIMS if claims is None else claims
        issued = await issue_sd_jwt_vc(
            given,
            vct=options.pop("vct", VCT),
            issuer=self.did,
            kid=f"{self.did}#0",
            disclosable=options.pop("disclosable", DISCLOSABLE if given is CLAIMS else [(name,) for name in given]),
            kms=self._kms,
            label="town",
            holder_key=holder,
            issued_at=NOW - 10,
            valid_until=options.pop("valid_until", NOW + 1000),
            **options,
        )
        return issued.compact

    async def vc_jwt(
        self, holder: PublicKey | None, *, subject: str | None = None, claims: dict[str, Any] | None = None
    ) -> str:
        document = {
            "@context": [VC_V2_CONTEXT, "https://town.example/contexts/residence"],
            "type": ["VerifiableCredential", "ResidenceCredential"],
            "issuer": self.did,
            "validFrom": "2026-01-01T00:00:00Z",
            "validUntil": "2028-01-01T00:00:00Z",
            "credentialSubject": {**({"id": subject} if subject else {}), **(claims or CLAIMS)},
        }
        credential = parse_credential(document, contexts=["https://town.example/contexts/residence"])
        return await sign_vc_jwt(
            credential,
            kms=self._kms,
            label="town",
            kid=f"{self.did}#0",
            issued_at=NOW - 10,
            holder_key=holder,
        )
