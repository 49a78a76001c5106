"""An issuer for tests: credentials of every format, and status lists in memory.

It has no store and no catalogue; what a test asks for, it signs. Agencies use the role ``issuer``.

Shapes:  each issuer has one family of lists for SD-JWT VC and one for the W3C formats, of 131,072 entries each, at
         ``https://<name>.example/status/…``. Indexes count up, so that a test run is the same every time. Times are
         Unix seconds.
I/O:     none: keys, lists and ledger are in memory.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar, Final, Literal, TypeAlias

import msgspec

from ssi.credentials.cose import sign_vc_cose
from ssi.credentials.data_integrity import secure_credential
from ssi.credentials.jose import sign_vc_jwt
from ssi.credentials.sd_jwt import ClaimPath, issue_sd_jwt_vc
from ssi.credentials.vcdm import parse_credential
from ssi.did.methods.key import did_key
from ssi.encoding.base64url import b64_encode
from ssi.encoding.timestamps import format_seconds
from ssi.keys import KeyPurpose, PublicKey
from ssi.proofs.suites import suite_for
from ssi.registry import Organisation, Registry, StatusCommitment
from ssi.status import StatusFormat, StatusReference
from ssi.status.content import MINIMUM_ENTRIES
from ssi.status.lists import CredentialState, StatusArray, StatusFamily
from ssi.status.publish import SignedList, publish_lists
from ssi.status.reference import build_bitstring_entry, build_status_claim
from ssi.testing.clock import TestClock
from ssi.testing.forge import Changes
from ssi.testing.resign import sign_changed
from ssi.testing.sources import MemoryLists
from ssi.types import JsonObject

TestFormat: TypeAlias = Literal["dc+sd-jwt", "vc+jwt", "vc+cose", "ldp_vc"]
FORMATS: Final[tuple[TestFormat, ...]] = ("dc+sd-jwt", "vc+jwt", "vc+cose", "ldp_vc")
JOSE_FORMATS: Final[tuple[TestFormat, ...]] = ("dc+sd-jwt", "vc+jwt")
SUITES: Final = ("ecdsa-jcs-2019", "ecdsa-rdfc-2019")
"""The suites of an ``ldp_vc`` here: one that hashes JSON, the first and the default, and one that hashes a graph."""
STATUS_FORMAT: Final[dict[TestFormat, StatusFormat]] = {
    "dc+sd-jwt": StatusFormat.TOKEN,
    "vc+jwt": StatusFormat.BITSTRING,
    "vc+cose": StatusFormat.BITSTRING,
    "ldp_vc": StatusFormat.BITSTRING,
}
SLUG: Final[dict[TestFormat, str]] = {"dc+sd-jwt": "dc", "vc+jwt": "vc", "vc+cose": "cose", "ldp_vc": "ldp"}
"""A name for each format that may stand in a domain or path."""
VC_CONTEXT: Final = "https://www.w3.org/ns/credentials/v2"
DAY: Final = 86_400


class TestType(msgspec.Struct, frozen=True, kw_only=True):
    """A credential type: its name in each format."""

    __test__: ClassVar[bool] = False

    vct: str = "https://town.example/credentials/residence"
    w3c_type: str = "ResidenceCertificate"
    contexts: tuple[str, ...] = ("https://www.w3.org/ns/credentials/undefined-terms/v2",)
    """One that is bundled and gives every term a meaning, so that suites that read JSON-LD need no other."""

    @property
    def names(self) -> tuple[str, str]:
        """Both names, as an accreditation and a policy list them."""
        return (self.vct, self.w3c_type)


class TestIssuer:
    """Signs for an organisation; ``publish`` signs and serves its lists and anchors them."""

    __test__: ClassVar[bool] = False

    def __init__(
        self,
        organisation: Organisation,
        *,
        clock: TestClock,
        lists: MemoryLists,
        registry: Registry | None = None,
        type: TestType | None = None,
    ) -> None:
        """``registry`` anchors the lists; None leaves them unanchored."""
        self.organisation = organisation
        self.clock = clock
        self.lists = lists
        self.registry = registry
        self.type = type or TestType()
        self.states: dict[StatusFormat, dict[int, CredentialState]] = {form: {} for form in STATUS_FORMAT.values()}
        self._next = 0
        self._epoch = 0

    @property
    def did(self) -> str:
        """The issuer's DID."""
        return self.organisation.did

    def family(self, format: TestFormat) -> StatusFamily:
        """Return the lists that credentials of ``format`` refer to."""
        name = "token" if format == "dc+sd-jwt" else "bits"
        uri = f"https://{self.organisation.name}.example/status/{name}"
        return StatusFamily(format=STATUS_FORMAT[format], issuer=self.did, uri=uri, entries=MINIMUM_ENTRIES)

    def next_index(self) -> int:
        """Return an index that no credential of this issuer has."""
        self._next += 1
        return self._next

    async def issue(
        self,
        claims: JsonObject,
        *,
        format: TestFormat,
        holder: PublicKey | None,
        index: int | None = None,
        references: Sequence[StatusReference] | None = None,
        valid_seconds: int = 365 * DAY,
        disclosable: Sequence[ClaimPath] | None = None,
        header: Changes | None = None,
        changes: Changes | None = None,
        key: KeyPurpose = KeyPurpose.CREDENTIAL,
        cryptosuite: str = SUITES[0],
    ) -> str:
        """Return a credential that says ``claims``.

        ``references`` are its status entries, by default one in this issuer's lists at ``index``; () leaves the status
        out. ``disclosable`` are the claims of an SD-JWT that can be withheld, by default each member at the top.
        ``header`` and ``changes`` change what is signed after it was put together, to make it wrong on purpose
        (``ssi.testing.resign``), and ``key`` names the key that signs then. ``cryptosuite`` is that of an ``ldp_vc``.
        """
        if references is None:
            references = self.family(format).references(self.next_index() if index is None else index)
        if format != "dc+sd-jwt":
            made = await self._w3c(claims, holder, references, valid_seconds, format, cryptosuite)
        else:
            paths = [(name,) for name in claims] if disclosable is None else disclosable
            made = await self._sd_jwt_vc(claims, holder, references, valid_seconds, paths)
        if header is None and changes is None and key is KeyPurpose.CREDENTIAL:
            return made
        return await self.sign_again(made, header=header, changes=changes, key=key)

    async def sign_again(
        self,
        credential: str,
        *,
        header: Changes | None = None,
        changes: Changes | None = None,
        key: KeyPurpose = KeyPurpose.CREDENTIAL,
    ) -> str:
        """Return a credential of any format with header and payload changed, and signed by this issuer."""
        named, kms = await self.organisation.key(key), self.organisation.kms
        return await sign_changed(
            credential, kms=kms, label=named.label, kid=named.kid, purpose=key, header=header, changes=changes
        )

    def set_state(self, format: TestFormat, index: int, state: CredentialState) -> None:
        """Revoke, suspend or restore the credential at ``index``; ``publish`` makes it known."""
        self.states[STATUS_FORMAT[format]][index] = state

    async def publish(self) -> Sequence[SignedList]:
        """Sign, serve and anchor all lists of this issuer; return them."""
        self._epoch += 1
        made: list[SignedList] = []
        for form in JOSE_FORMATS:
            made += await self.sign_lists(self.family(form), self.states[STATUS_FORMAT[form]])
        for item in made:
            self.lists.serve(item.served())
            if self.registry is not None:
                await self.registry.submit(await self.organisation.sign(self._commitment(item)))
        return made

    async def sign_lists(
        self, family: StatusFamily, states: dict[int, CredentialState], *, now: int | None = None
    ) -> Sequence[SignedList]:
        """Return signed lists of any family, served nowhere."""
        key = await self.organisation.key(KeyPurpose.LIST)
        return await publish_lists(
            family,
            StatusArray(family.entries, states.items()),
            kms=self.organisation.kms,
            label=key.label,
            kid=key.kid,
            now=self.clock() if now is None else now,
        )

    def _commitment(self, item: SignedList) -> StatusCommitment:
        return StatusCommitment(
            iss=self.did,
            iat=self.clock(),
            uri=item.uri,
            epoch=self._epoch,
            digest=item.digest,
            valid_from=item.valid_from,
            valid_until=item.valid_until,
        )

    async def _sd_jwt_vc(
        self,
        claims: JsonObject,
        holder: PublicKey | None,
        references: Sequence[StatusReference],
        valid_seconds: int,
        disclosable: Sequence[ClaimPath],
    ) -> str:
        key = await self.organisation.key(KeyPurpose.CREDENTIAL)
        issued = await issue_sd_jwt_vc(
            claims,
            vct=self.type.vct,
            issuer=self.did,
            kid=key.kid,
            disclosable=disclosable,
            kms=self.organisation.kms,
            label=key.label,
            issued_at=self.clock(),
            valid_until=self.clock() + valid_seconds,
            holder_key=holder,
            status=build_status_claim(references[0]) if references else None,
        )
        return issued.compact

    async def _w3c(
        self,
        claims: JsonObject,
        holder: PublicKey | None,
        references: Sequence[StatusReference],
        valid_seconds: int,
        format: TestFormat,
        cryptosuite: str,
    ) -> str:
        key, kms = await self.organisation.key(KeyPurpose.CREDENTIAL), self.organisation.kms
        # Readers of embedded proofs know no cnf: there the holder is the subject.
        subject = {"id": did_key(holder), **claims} if format == "ldp_vc" and holder is not None else dict(claims)
        document: JsonObject = {
            "@context": [VC_CONTEXT, *self.type.contexts],
            "type": ["VerifiableCredential", self.type.w3c_type],
            "issuer": self.did,
            "validFrom": format_seconds(self.clock()),
            "validUntil": format_seconds(self.clock() + valid_seconds),
            "credentialSubject": subject,
        }
        if references:
            document["credentialStatus"] = [build_bitstring_entry(reference) for reference in references]
        credential = parse_credential(document, contexts=self.type.contexts)
        if format == "ldp_vc":
            secured = await secure_credential(
                credential,
                kms=kms,
                label=key.label,
                verification_method=key.kid,
                created=self.clock(),
                suite=suite_for(cryptosuite, key.public_key),
            )
            return json.dumps(secured)
        sign = sign_vc_jwt if format == "vc+jwt" else sign_vc_cose
        made = await sign(credential, kms=kms, label=key.label, kid=key.kid, issued_at=self.clock(), holder_key=holder)
        return made if isinstance(made, str) else b64_encode(made)
